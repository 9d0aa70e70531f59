"""Signing in with Microsoft: consent, the code that comes back, and what becomes of a grant.

Facts: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, and *Microsoft Graph permissions
reference*. An app cannot give a grant back: what Graph offers (`revokeSignInSessions`) would sign the person
out everywhere. So the tokens are forgotten, and the owner is told where to remove the app.
"""

from __future__ import annotations

from collections.abc import Mapping

from genie.core.errors import ConnectFault, NoCalendars, NotAllowedThere, PermissionMissing, Rejected
from genie.providers.conversation import Answer
from genie.providers.microsoft.http import Http, approval_address, endpoint
from genie.providers.microsoft.provider import Microsoft, NoMailbox
from genie.providers.microsoft.refusals import not_exchanged, refused
from genie.providers.microsoft.tokens import MicrosoftTokens, whose
from genie.providers.oauth import (
    NOTHING_SAVED,
    address_of,
    as_connect_faults,
    brought_tokens,
    code_form,
    kept,
)
from genie.providers.port import Grant, Secret
from genie.providers.registry import ProviderSettings

CALENDARS = "Calendars.ReadWrite"
SHARED = "Calendars.ReadWrite.Shared"
SCOPES = ("openid", "profile", "offline_access", "User.Read", CALENDARS)
"""`openid profile` bring the claims that say whose account it is (*ID token claims reference*)."""
EVERYBODY = ("common", "consumers")
"""Tenants of which personal accounts are a part. Those fail when they are asked for a `.Shared` permission,
which exists for work and school accounts only (permissions reference); who will come is not known before."""

LASTING = "Maintain access to data you have given access to"
PROFILE = "Read your profile"
WRITE = "Read, update, create and delete events in your calendars"
WRITE_SHARED = "The same in calendars that others share with you"


class MicrosoftSignIn:
    """Microsoft's pages, as the client that the operator registered."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._options = settings.of("microsoft")
        self._shared = self._options["tenant"] not in EVERYBODY
        self.access = (LASTING, PROFILE, WRITE, *((WRITE_SHARED,) if self._shared else ()))

    @property
    def scopes(self) -> tuple[str, ...]:
        return (*SCOPES, SHARED) if self._shared else SCOPES

    def address(self, *, state: str, challenge: str, redirect_uri: str, account: str = "") -> str:
        """Where the owner's browser goes. Consent is asked for by itself where it is lacking; `prompt` takes
        one value only, and the account chooser matters more."""
        query = {
            "client_id": self._options["client_id"],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "response_mode": "query",
            "scope": " ".join(self.scopes),
            "state": state,
            "prompt": "select_account",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if account:
            query["login_hint"] = account
        return address_of(endpoint(self._options, "authorize"), query)

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Raises SignInExpired, PermissionMissing, NotAllowedThere, NoCalendars, Unreachable."""
        form = code_form(code=code, verifier=verifier, redirect_uri=redirect_uri)
        with as_connect_faults():
            answer = self._ask_for_tokens({**form, "scope": " ".join(self.scopes)})
        if not brought_tokens(answer):
            raise not_exchanged(answer, approval=approval_address(self._options))
        claims = whose(answer.body, self._options["client_id"])
        secret = {"scopes": [], **kept(answer.body, self._settings.clock()), **claims}
        demand_permissions(secret)
        with as_connect_faults():
            return self._granted(secret)

    def refusal(self, *, error: str, description: str) -> ConnectFault:
        return refused(error, description, approval=approval_address(self._options))

    def revoke(self, secret: Secret) -> None:
        """Raises Rejected, always."""
        raise Rejected("Microsoft has no way for an app to give an access back.")

    # --- within

    def _ask_for_tokens(self, form: Mapping[str, str]) -> Answer:
        http = Http(self._settings)
        try:
            return MicrosoftTokens(http).ask(form)
        finally:
            http.close()

    def _granted(self, secret: Secret) -> Grant:
        """Who it is and which calendars there are; the access token just made asks for both."""
        provider = Microsoft(secret, self._settings)
        try:
            account = provider.account()
            calendars = provider.calendars()
        except NoMailbox as fault:
            raise NotAllowedThere(
                f"{fault} {NOTHING_SAVED} Open the link again and choose an account whose mailbox is at "
                "Microsoft, or ask your organisation's administrator."
            ) from fault
        finally:
            provider.close()
        if not calendars:
            raise NoCalendars(
                f"{account.label} is signed in, but has no calendar. {NOTHING_SAVED} "
                "Open outlook.com once with this account, then open the link again."
            )
        return Grant(
            account, {**secret, "email": account.label}, granted_in_words(secret["scopes"]), calendars
        )


def demand_permissions(secret: Secret) -> None:
    """Microsoft grants all of it or nothing; still, what is missing must not be found out later."""
    if CALENDARS.lower() not in named(secret["scopes"]):
        raise PermissionMissing(
            f"The calendar permission was not granted at Microsoft. {NOTHING_SAVED} "
            "Open the link again and press Accept on the page that asks for it."
        )
    if "refresh_token" not in secret:
        raise PermissionMissing(
            f"Microsoft gave no lasting access. {NOTHING_SAVED} Open the link again and press Accept there."
        )


def granted_in_words(scopes: list[str]) -> str:
    shared = [WRITE_SHARED] if SHARED.lower() in named(scopes) else []
    return "; ".join([WRITE, *shared, PROFILE, LASTING])


def named(scopes: list[str]) -> set[str]:
    """Graph's permissions are named with or without the address of their resource."""
    return {scope.rpartition("/")[2].lower() for scope in scopes}
