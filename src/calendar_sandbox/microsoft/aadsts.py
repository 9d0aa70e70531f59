"""What signing in refuses, with Microsoft's codes and words.

Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes. Words: those people quote in
threads; they are "subject to change at any time", and apps must not depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from calendar_sandbox.microsoft.scopes import RESOURCE
from calendar_sandbox.microsoft.state import Account, Client, World

LOOK_UP = "https://login.microsoftonline.com/error?code="


@dataclass
class Refused(Exception):
    """A request that is not served: an error page, JSON, or the app's address with the error in it."""

    error: str
    code: int
    text: str
    status: int = 400
    suberror: str = ""
    subcode: str = ""  # of an answer that goes back to the app
    more: dict[str, Any] = field(default_factory=dict)

    def description(self, world: World, correlation_id: str = "") -> str:
        """The words as they are sent."""
        return str(self.as_json(world, correlation_id)["error_description"])

    def as_json(self, world: World, correlation_id: str = "") -> dict[str, Any]:
        """The body of the token endpoint's answer; `correlation_id` is the client's own, if it sent one."""
        trace, correlation = world.new_guid(), correlation_id or world.new_guid()
        at = f"{world.now():%Y-%m-%d %H:%M:%S}Z"
        lines = (f"AADSTS{self.code}: {self.text}", f"Trace ID: {trace}", f"Correlation ID: {correlation}")
        told: dict[str, Any] = {
            "error": self.error,
            "error_description": " ".join((*lines, f"Timestamp: {at}")),
            "error_codes": [self.code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{LOOK_UP}{self.code}",
        }
        return told | ({"suberror": self.suberror} if self.suberror else {}) | self.more


# --- who asks, and where --------------------------------------------------------------------------------


def missing(name: str) -> Refused:
    return Refused(
        "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
    )


def malformed(error: str = "invalid_request") -> Refused:
    return Refused(error, 9002313, "Invalid request. Request is malformed or invalid.")


def no_tenant(tenant: str) -> Refused:
    return Refused(
        "invalid_request",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are no "
        "active subscriptions for the tenant.",
    )


def no_client(client_id: str, directory: str) -> Refused:
    return Refused(
        "unauthorized_client",
        700016,
        f"Application with identifier '{client_id}' was not found in the directory '{directory}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or consented to "
        "by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    )


def one_tenant_only(client: Client) -> Refused:
    return Refused(
        "invalid_request",
        50194,
        f"Application '{client.id}'({client.name}) is not configured as a multi-tenant application. Usage of "
        "the /common endpoint is not supported for such apps created after '10/15/2018'. Use a "
        "tenant-specific endpoint or configure the application to be multi-tenant.",
    )


def consumers_only(client: Client) -> Refused:
    return Refused(
        "invalid_request",
        9002331,
        f"Application '{client.id}'({client.name}) is configured for use by Microsoft Account users only. "
        "Please use the /consumers endpoint to serve this request.",
    )


def wrong_redirect(client: Client, redirect_uri: str) -> Refused:
    return Refused(
        "invalid_request",
        50011,
        f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs "
        f"configured for the application '{client.id}'. Make sure the redirect URI sent in the request "
        "matches one added to your application in the Azure portal.",
    )


def not_in_tenant(account: Account, client: Client, tenant: str) -> Refused:
    idp = "live.com" if account.personal else f"https://sts.windows.net/{account.tid}/"
    return Refused(
        "interaction_required",
        50020,
        f"User account '{account.upn}' from identity provider '{idp}' does not exist in tenant '{tenant}' "
        f"and cannot access the application '{client.id}'({client.name}) in that tenant. The account needs "
        "to be added as an external user in the tenant first. Sign out and sign in again with a different "
        "Azure Active Directory user account.",
    )


# --- what is asked --------------------------------------------------------------------------------------


def response_type(asked: str) -> Refused:
    return Refused(
        "unsupported_response_type",
        700054 if asked in ("id_token", "token", "code id_token", "id_token token") else 70005,
        f"response_type '{asked}' is not enabled for the application.",
    )


def bad_value(name: str, value: str) -> Refused:
    return Refused("invalid_request", 90023, f"Unsupported '{name}' value: '{value}'.")


def bad_method() -> Refused:
    return Refused("invalid_request", 50149, "Invalid Code_Challenge_method parameter.")


def bad_challenge() -> Refused:
    return Refused("invalid_request", 501491, "Invalid size of Code_Challenge parameter.")


def no_such_scope(client: Client, scope: str) -> Refused:
    return Refused(
        "invalid_client",
        650053,
        f"The application '{client.name or client.id}' asked for scope '{scope}' that doesn't exist on the "
        f"resource '{RESOURCE}'. Contact the app vendor.",
    )


# --- what the person, or the administrator, says ----------------------------------------------------------


def declined() -> Refused:
    return Refused("access_denied", 65004, "User declined to consent to access the app.", subcode="cancel")


def needs_admin() -> Refused:
    return Refused("access_denied", 90094, "The grant requires admin permission.", subcode="cancel")


def not_consented(client: Client) -> Refused:
    return Refused(
        "invalid_grant",
        65001,
        f"The user or administrator has not consented to use the application with ID '{client.id}' named "
        f"'{client.name}'. Send an interactive authorization request for this user and resource.",
        suberror="consent_required",
    )


def ask_for_consent(client: Client) -> Refused:
    """The same where a page was not to be shown."""
    refused = not_consented(client)
    return Refused("interaction_required", refused.code, refused.text)


def nobody_signed_in() -> Refused:
    return Refused("login_required", 50058, "A silent sign-in request was sent but no user is signed in.")


def who_of_them() -> Refused:
    return Refused(
        "interaction_required",
        16000,
        "Either multiple user identities are available for the current request or selected account is not "
        "supported for the scenario.",
    )


def disabled() -> Refused:
    return Refused("invalid_grant", 50057, "The user account is disabled.")


# --- tokens -----------------------------------------------------------------------------------------------


def unsupported_grant(kind: str) -> Refused:
    return Refused("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{kind}'.")


def no_secret() -> Refused:
    return Refused(
        "invalid_client",
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        401,
    )


def wrong_secret(client: Client) -> Refused:
    return Refused(
        "invalid_client",
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        f"value, not the client secret ID, for a secret added to app '{client.id}'.",
        401,
    )


def public_client() -> Refused:
    return Refused(
        "invalid_client",
        700025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        401,
    )


def unknown_certificate() -> Refused:
    return Refused(
        "invalid_client",
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application.",
        401,
    )


def bad_signature() -> Refused:
    return Refused("invalid_client", 700027, "Client assertion failed signature validation.", 401)


def other_assertion(client: Client) -> Refused:
    return Refused(
        "invalid_client",
        700021,
        f"Client assertion application identifier doesn't match 'client_id' parameter '{client.id}'.",
        401,
    )


def other_audience() -> Refused:
    return Refused(
        "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.", 401
    )


def assertion_too_old() -> Refused:
    return Refused("invalid_client", 700024, "Client assertion is not within its valid time range.", 401)


def code_used() -> Refused:
    return Refused(
        "invalid_grant",
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
        "existing refresh token.",
    )


def too_old() -> Refused:
    return Refused(
        "invalid_grant",
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource.",
    )


def refresh_too_old(issued: str) -> Refused:
    return Refused(
        "invalid_grant",
        700082,
        f"The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive "
        "for 90.00:00:00.",
        suberror="bad_token",
    )


def not_valid() -> Refused:
    return Refused(
        "invalid_grant",
        70000,
        "The provided value for the input parameter 'refresh_token' or 'assertion' is not valid.",
        suberror="bad_token",
    )


def bad_scope(scope: str) -> Refused:
    return Refused(
        "invalid_scope",
        70011,
        "The provided request must include a 'scope' input parameter. The provided value for the input "
        f"parameter 'scope' is not valid. The scope {scope} is not valid.",
    )


def other_tenant() -> Refused:
    return Refused(
        "invalid_grant",
        700005,
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
    )


def other_redirect(sent: str, asked: str) -> Refused:
    return Refused(
        "invalid_client",
        500112,
        f"The reply address '{sent}' does not match the reply address '{asked}' provided when requesting "
        "Authorization code.",
    )


def no_verifier() -> Refused:
    return Refused(
        "invalid_grant",
        50148,
        "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
    )


def wrong_verifier() -> Refused:
    return Refused(
        "invalid_grant",
        501481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    )


def revoked() -> Refused:
    return Refused(
        "invalid_grant",
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user "
        "might have changed or reset their password.",
        suberror="bad_token",
    )


# --- on demand ----------------------------------------------------------------------------------------------


def second_factor() -> Refused:
    return Refused(
        "interaction_required",
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        f"you must use multi-factor authentication to access '{RESOURCE}'.",
        suberror="basic_action",
    )


def transient(status: int) -> Refused:
    error = "temporarily_unavailable" if status == 503 else "server_error"
    return Refused(error, 90033, "A transient error has occurred. Please try again.", status)


def demanded(reason: str, status: int) -> Refused:
    """The refusal a test asks for by an error's or a suberror's name; of others the name is all we know."""
    demo = Client("00000000-0000-0000-0000-000000000000")
    known = {
        "interaction_required": second_factor(),
        "consent_required": not_consented(demo),
        "bad_token": revoked(),
        "invalid_grant": too_old(),
        "invalid_client": wrong_secret(demo),
        "unauthorized_client": no_client(demo.id, "common"),
    }
    if not reason:
        return transient(status) if status >= 500 else malformed()
    return known.get(reason) or Refused(reason, 90033 if status >= 500 else 9002313, "Fault", status)
