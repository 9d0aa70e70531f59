"""What all accounts have in common that are granted on pages of their own (OAuth 2.0, RFC 6749).

The words for owners, the way there, what is kept of a token answer, and requests whose token is renewed as it
runs out. What a service says beyond the RFC stays in its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from genie.core.errors import (
    AccessLost,
    ConnectFault,
    NotAllowedThere,
    PermissionMissing,
    ProviderFault,
    SignInExpired,
    Transient,
    Unreachable,
)
from genie.providers.conversation import Answer, Http
from genie.providers.port import Renew, Secret

EARLY = timedelta(minutes=1)
"""A token that runs out so soon is renewed before it is used."""

NOTHING_SAVED = "Nothing was saved."
AGAIN = "Open the link again in a while."
OPERATOR = "Show this message to whoever runs this installation."
ADMINISTRATOR = "Ask that administrator to allow it, or open the link again and choose another account."


def address_of(page: str, query: Mapping[str, str]) -> str:
    """A sign-in page with what is asked for (RFC 6749, 4.1.1)."""
    return f"{page}{'&' if '?' in page else '?'}{urlencode(query)}"


def code_form(*, code: str, verifier: str, redirect_uri: str) -> dict[str, str]:
    """What turns a code into tokens (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }


class Tokens:
    """A token endpoint, as the client that the operator registered."""

    def __init__(self, http: Http, *, url: str, client_id: str, client_secret: str) -> None:
        self.http = http
        self.url = url
        self._client = {"client_id": client_id, "client_secret": client_secret}

    def ask(self, form: Mapping[str, str]) -> Answer:
        """One request to the token endpoint; any status is an answer. Raises Transient."""
        return self.http.send("POST", self.url, data={**form, **self.client()})

    def client(self) -> Mapping[str, str]:
        """Who asks, proved (RFC 6749, 2.3.1)."""
        return self._client

    def refreshed(self, secret: Secret, **more: str) -> Answer:
        """A new access token asked for (RFC 6749, 6)."""
        return self.ask({"grant_type": "refresh_token", "refresh_token": secret["refresh_token"], **more})


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


def brought_tokens(answer: Answer) -> bool:
    return answer.ok and bool(answer.body.get("access_token"))


def is_fresh(secret: Secret, now: datetime) -> bool:
    try:
        expires_at = datetime.fromisoformat(secret["expires_at"])
    except (KeyError, ValueError):
        return False
    return bool(secret.get("access_token")) and now.astimezone(UTC) < expires_at - EARLY


Turn = Callable[[str, Secret], AbstractContextManager[None]]
"""Entered around each request, with its method and the secret: it may raise Transient, or wait."""


class Bearer:
    """Requests with an account's access token, renewed when it runs out or is refused: once a request."""

    def __init__(
        self,
        http: Http,
        secret: Secret,
        *,
        renew: Renew,
        ask: Callable[[Secret], Secret],
        is_refused: Callable[[Answer], bool],
        turn: Turn,
    ) -> None:
        """`ask` brings a newer secret from the token endpoint; `renew` decides who may ask it. `is_refused`:
        an answer that says the token is not good (any more)."""
        self.secret = secret
        self._http = http
        self._renew = renew
        self._ask = ask
        self._is_refused = is_refused
        self._turn = turn

    def send(self, method: str, url: str, *, headers: Mapping[str, str], **request: Any) -> Answer:
        """Any status is an answer. Raises AccessLost and Transient of the renewal."""
        if not is_fresh(self.secret, self._http.settings.clock()):
            self._renew_token()
        answer = self._sent(method, url, headers, request)
        if self._is_refused(answer):
            self._renew_token()
            answer = self._sent(method, url, headers, request)
        return answer

    def _sent(self, method: str, url: str, headers: Mapping[str, str], request: Mapping[str, Any]) -> Answer:
        with self._turn(method, self.secret):
            bearer = {"Authorization": f"Bearer {self.secret['access_token']}"}
            return self._http.send(method, url, headers={**headers, **bearer}, **request)

    def _renew_token(self) -> None:
        self.secret = self._renew(self.secret, self._ask)


@contextmanager
def as_connect_faults() -> Iterator[None]:
    """What can go wrong behind the sign-in, told to the account's owner."""
    try:
        yield
    except Transient as fault:
        raise Unreachable(f"{fault} {NOTHING_SAVED} {AGAIN}") from fault
    except AccessLost as fault:
        raise PermissionMissing(
            f"{fault} {NOTHING_SAVED} Open the link again and grant the access."
        ) from fault
    except ProviderFault as fault:
        raise NotAllowedThere(f"{fault} {NOTHING_SAVED} {OPERATOR}") from fault


def used_before() -> ConnectFault:
    """The code was exchanged before, or is too old."""
    return SignInExpired(
        f"This sign-in was finished before, or took too long. {NOTHING_SAVED} Open the link again."
    )


def unfinished(who: str) -> ConnectFault:
    return Unreachable(f"{who} could not finish the sign-in just now. {NOTHING_SAVED} {AGAIN}")
