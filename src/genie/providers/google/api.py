"""The Calendar API as one account: access tokens, pace, and refusals in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from genie.core.errors import AccessLost, ProviderFault, Rejected, Transient
from genie.providers.conversation import READ, Answer
from genie.providers.faults import LONGEST_WAIT, retry_after
from genie.providers.google.http import Http
from genie.providers.google.tokens import GoogleTokens
from genie.providers.oauth import Bearer
from genie.providers.pace import Pace, number
from genie.providers.port import Renew, Secret
from genie.providers.registry import ProviderSettings

UNITS = {"PATCH": 3}
"""What a request costs of the allowance; a patch reads, writes and checks (Google's guide to quotas)."""

USUAL = 600.0
"""Units a minute that Google allows an account of a new project."""
PACE = Pace(who="Google")

HOUR = 3600.0
SLOWER = "Google asks to slow down."
USED_UP = "The use of its calendars that Google allows this account is used up for now."
SWITCHED_OFF = (
    "The Google Calendar API is not switched on for this installation: whoever runs it has to do that."
)
WAITS = {
    "rateLimitExceeded": (SLOWER, 0.0),
    "userRateLimitExceeded": (SLOWER, 0.0),
    "quotaExceeded": (USED_UP, 2 * HOUR),
    "dailyLimitExceeded": (USED_UP, 2 * HOUR),
    "calendarUsageLimitsExceeded": (USED_UP, 2 * HOUR),
    "accessNotConfigured": (SWITCHED_OFF, HOUR),
    "SERVICE_DISABLED": (SWITCHED_OFF, HOUR),
}
"""Refusals that pass: what is said, and how many seconds to wait at least."""
NO_PERMISSION = ("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
REFUSED = {
    "forbiddenForNonOrganizer": "Another person organises this event, so only they can change it.",
    "cannotChangeOrganizer": "Another person organises this event, so only they can change it.",
    "requiredAccessLevel": "This account may not change this calendar.",
    "forbidden": "Google does not let this account do that on this calendar.",
    "notACalendarUser": "This account does not use Google Calendar any more.",
}


class Api:
    """The Calendar API as one account: access tokens are renewed as they run out."""

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew) -> None:
        self.http = Http(settings)
        self._bearer = Bearer(
            self.http,
            secret,
            renew=renew,
            ask=GoogleTokens(self.http).renewed,
            is_refused=is_stale_token,
            turn=self._turn,
        )
        self._per_minute = number(self.http.options["units_per_minute"], USUAL)

    def close(self) -> None:
        self.http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> Answer:
        """One request to the API; `path` may be a whole address. `version` is the ETag it depends on.

        Answers 2xx, and those 4xx whose meaning depends on what was asked. Raises AccessLost and Transient.
        """
        url = path if "://" in path else f"{self.http.options['api_url'].rstrip('/')}/{path}"
        request: dict[str, Any] = {"params": params or {}}
        if body is not None:
            request["json"] = body
        headers = {"If-Match": f'"{version}"'} if version else {}
        answer = self._bearer.send(method, url, headers=headers, **request)
        if answer.ok:
            return answer
        if answer.status == httpx.codes.FORBIDDEN and answer.reason in WAITS:
            self.http.settings.requests.throttled += 1  # its other way to say so than 429
        fault = self.fault(answer, writes=method != READ)
        if isinstance(fault, (Transient, AccessLost)):
            raise fault
        return answer

    def fault(self, answer: Answer, *, writes: bool = False) -> ProviderFault:
        return fault_of(answer, writes=writes, retry=retry_after(answer.headers, self.http.settings.clock()))

    @contextmanager
    def _turn(self, method: str, secret: Secret) -> Iterator[None]:
        PACE.take(str(secret["sub"]), UNITS.get(method, 1), per_minute=self._per_minute)
        yield


def is_stale_token(answer: Answer) -> bool:
    """A 401 of a webhook's address is about that address, not about us."""
    return answer.status == httpx.codes.UNAUTHORIZED and not answer.reason.startswith("push.")


def fault_of(answer: Answer, *, writes: bool, retry: float | None) -> ProviderFault:
    """What a refusal means, where its request gives it no meaning of its own.

    After developers.google.com/workspace/calendar/api/guides/errors. `retry` is the answer's Retry-After.
    """
    status, reason = answer.status, answer.reason
    if is_stale_token(answer):
        return AccessLost("Google no longer accepts the access that was granted.")
    if reason in NO_PERMISSION:
        return AccessLost("The access that was granted does not include the calendar any more.")
    if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
        said = f"Google Calendar failed (HTTP {status})."
        return Transient(said, retry_after=retry, outcome_unknown=writes)
    if status == httpx.codes.TOO_MANY_REQUESTS or reason in WAITS:
        said, at_least = WAITS.get(reason, (SLOWER, 0.0))
        wait = min(max(retry or 0.0, at_least), LONGEST_WAIT)
        return Transient(said, retry_after=wait or None)
    return Rejected(REFUSED.get(reason) or f"Google refused the request ({reason or f'HTTP {status}'}).")
