"""Signing in with Google: consent, the code that comes back, and the way to give a grant back.

Facts: developers.google.com/identity/protocols/oauth2/web-server and .../openid-connect/openid-connect.

A failed exchange gives nothing back: at Google a revoke ends the account's *whole* grant to this
installation, keys of other companies included, and nobody here can know of those. The tokens are forgotten
instead; unused, they end by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from genie.core.errors import ConnectFault, NoCalendars, PermissionMissing, Rejected, Transient
from genie.providers.conversation import Answer
from genie.providers.faults import retry_after
from genie.providers.google.http import Http
from genie.providers.google.provider import Google
from genie.providers.google.refusals import not_exchanged, refused
from genie.providers.google.tokens import GoogleTokens
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

CALENDAR = "https://www.googleapis.com/auth/calendar"
EVENTS = f"{CALENDAR}.events"
LIST = f"{CALENDAR}.calendarlist.readonly"
SCOPES = ("openid", "email", "profile", EVENTS, LIST)

NEEDED = (
    (EVENTS, {EVENTS, CALENDAR}),
    (LIST, {LIST, f"{CALENDAR}.calendarlist", f"{CALENDAR}.readonly", CALENDAR}),
)
"""What a key cannot do without, and which scopes include it."""

WORDS = {EVENTS: "View and edit events on your calendars", LIST: "See the list of your calendars"}
PROFILE = "See your profile (who granted)"


class GoogleSignIn:
    """Google's pages, as the client that the operator registered."""

    access = (PROFILE, WORDS[LIST], WORDS[EVENTS])

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._options = settings.of("google")

    def address(self, *, state: str, challenge: str, redirect_uri: str, account: str = "") -> str:
        """Where the owner's browser goes. The account chooser is asked for, and consent, since only then
        Google hands out a refresh token again. Earlier grants are not included: revoking one would end all.
        """
        query = {
            "client_id": self._options["client_id"],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
            "access_type": "offline",
            "prompt": "select_account consent",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if account:
            query["login_hint"] = account
        return address_of(self._options["auth_url"], query)

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Raises SignInExpired, PermissionMissing, NotAllowedThere, NoCalendars, Unreachable."""
        form = code_form(code=code, verifier=verifier, redirect_uri=redirect_uri)
        with as_connect_faults():
            answer = self._ask_for_tokens(form)
        if not brought_tokens(answer):
            raise not_exchanged(answer)
        now = self._settings.clock()
        secret = {"scopes": [], **kept(answer.body, now)}
        demand_permissions(secret["scopes"])
        if "refresh_token" not in secret:
            raise PermissionMissing(
                f"Google gave no lasting access. {NOTHING_SAVED} Open myaccount.google.com/connections, "
                "remove this app's access there, then open the link again."
            )
        with as_connect_faults():
            return self._granted(secret, ends_at(answer.body, now))

    def refusal(self, *, error: str, description: str) -> ConnectFault:
        return refused(error)

    def revoke(self, secret: Secret) -> None:
        """End the account's whole grant. Raises Transient, Rejected."""
        http = Http(self._settings)
        try:
            token = secret.get("refresh_token") or secret["access_token"]
            answer = http.send("POST", self._options["revoke_url"], data={"token": token})
        finally:
            http.close()
        if answer.ok or answer.reason in ("invalid_token", "invalid_grant"):
            return
        if answer.status >= 500 or answer.status == httpx.codes.TOO_MANY_REQUESTS:
            wait = retry_after(answer.headers, self._settings.clock())
            raise Transient("Google did not take the access back just now.", retry_after=wait)
        raise Rejected(f"Google refused to take the access back ({answer.reason or answer.status}).")

    # --- within

    def _ask_for_tokens(self, form: Mapping[str, str]) -> Answer:
        http = Http(self._settings)
        try:
            return GoogleTokens(http).ask(form)
        finally:
            http.close()

    def _granted(self, secret: Secret, until: datetime | None) -> Grant:
        """Who it is and which calendars there are; the access token just made asks for both."""
        provider = Google({"sub": "", **secret}, self._settings)
        try:
            account = provider.account()
            calendars = provider.calendars()
        finally:
            provider.close()
        if not calendars:
            raise NoCalendars(
                f"{account.label} is signed in, but has no calendar. {NOTHING_SAVED} "
                "Open calendar.google.com once with this account, then open the link again."
            )
        whole = {**secret, "sub": account.identity, "email": account.label}
        return Grant(account, whole, granted_in_words(secret["scopes"], until), calendars)


def demand_permissions(scopes: list[str]) -> None:
    """A person may tick each permission or not; without these there is no key. Raises PermissionMissing."""
    missing = [WORDS[scope] for scope, enough in NEEDED if not enough & set(scopes)]
    if missing:
        said = " and ".join(f"“{word}”" for word in missing)
        raise PermissionMissing(
            f"The calendar permission was not granted: {said} had no tick on Google's page. {NOTHING_SAVED} "
            "Open the link again and tick every box there."
        )


def granted_in_words(scopes: list[str], until: datetime | None) -> str:
    words = [WORDS[scope] for scope, enough in NEEDED if enough & set(scopes)]
    said = "; ".join([*words, PROFILE])
    return f"{said}. Google ends this access on {until:%Y-%m-%d}" if until else said


def ends_at(body: Mapping[str, object], now: datetime) -> datetime | None:
    """When the refresh token dies by itself: an app in Testing, or access granted for a time only."""
    seconds = body.get("refresh_token_expires_in")
    return (now + timedelta(seconds=seconds)).astimezone(UTC) if isinstance(seconds, int) else None
