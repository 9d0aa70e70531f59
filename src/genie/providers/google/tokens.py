"""Access tokens: how long one lasts, and a new one for the refresh token (RFC 6749, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genie.core.errors import AccessLost, Transient
from genie.providers.faults import retry_after
from genie.providers.google.http import Answer, Http
from genie.providers.port import Secret

EARLY = timedelta(minutes=1)
"""A token that runs out so soon is renewed before it is used."""

OURS = {
    "invalid_client": "is not known to Google, or its secret is another",
    "deleted_client": "was deleted at Google",
    "disabled_client": "was disabled at Google",
}
"""Refusals that are about the installation's own registration, not about an account."""

ENDED = {
    "invalid_rapt": "The account's organisation asks its people to sign in again from time to time.",
    "admin_policy_enforced": "The administrator of the account's organisation ended this access.",
}
"""Why a grant has ended, where Google says it."""


class Tokens:
    """The token endpoint, as this installation's client."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def ask(self, form: Mapping[str, str]) -> Answer:
        """One request to the token endpoint; any status is an answer. Raises Transient."""
        options = self._http.options
        client = {"client_id": options["client_id"], "client_secret": options["client_secret"]}
        return self._http.send("POST", options["token_url"], data={**form, **client})

    def renewed(self, secret: Secret) -> Secret:
        """The secret with a new access token. Raises AccessLost when the grant has ended, Transient."""
        answer = self.ask({"grant_type": "refresh_token", "refresh_token": secret["refresh_token"]})
        if answer.ok and answer.body.get("access_token"):
            return {**secret, **kept(answer.body, self._http.settings.clock())}
        reason = answer.reason
        if reason in OURS:
            raise Transient(
                f"This installation's registration {OURS[reason]}: its operator has to look.",
                retry_after=3600.0,
            )
        if reason in ("invalid_grant", "unauthorized_client", "invalid_scope", *ENDED):
            raise AccessLost(ended_why(answer))
        # 4xx that name no reason may be a proxy's; a grant is only given up on Google's own word
        raise Transient(
            f"Google did not renew the access just now (HTTP {answer.status}).",
            retry_after=retry_after(answer.headers, self._http.settings.clock()),
        )


def ended_why(answer: Answer) -> str:
    said = (
        f"{answer.reason} {answer.body.get('error_subtype', '')} {answer.body.get('error_description', '')}"
    )
    for word, why in ENDED.items():
        if word in said:
            return why
    return "The access was revoked at Google, or has expired there."


def kept(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What of a token answer belongs into the secret. A new refresh token replaces the one before."""
    found: dict[str, Any] = {
        "access_token": body["access_token"],
        "expires_at": (now + timedelta(seconds=float(body.get("expires_in", 3600)))).isoformat(),
    }
    if body.get("refresh_token"):
        found["refresh_token"] = body["refresh_token"]
    if body.get("scope"):
        found["scopes"] = str(body["scope"]).split()
    return found


def is_fresh(secret: Secret, now: datetime) -> bool:
    try:
        expires_at = datetime.fromisoformat(secret["expires_at"])
    except (KeyError, ValueError):
        return False
    return bool(secret.get("access_token")) and now.astimezone(UTC) < expires_at - EARLY
