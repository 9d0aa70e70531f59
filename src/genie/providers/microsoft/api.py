"""Graph as one account: access tokens, pace, preferences of every request, and refusals in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from genie.core.errors import AccessLost, ProviderFault, Rejected, Transient
from genie.providers.conversation import READ, Answer
from genie.providers.faults import retry_after
from genie.providers.microsoft.http import Http
from genie.providers.microsoft.tokens import MicrosoftTokens
from genie.providers.oauth import Bearer
from genie.providers.pace import Pace, number
from genie.providers.port import Renew, Secret
from genie.providers.registry import ProviderSettings

PREFER = ('IdType="ImmutableId"', 'outlook.timezone="UTC"')
"""Ids that stay when an event moves between the mailbox's calendars; times that need no zone table."""

PACE = Pace(who="Microsoft")
USUAL, AT_ONCE = 1_000.0, 4.0
"""Per app and mailbox: 10,000 requests in ten minutes, and four at once (*Throttling limits*, Outlook)."""

NO_MAILBOX = ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "MailboxNotFound")
LATER = ("ErrorServerBusy", "ErrorMailboxStoreUnavailable", "ErrorTimeoutExpired", "ApplicationThrottled")
NOT_THERE = (
    "This account's mailbox is not at Microsoft: its organisation has a server of its own, or it has none."
)
REFUSED = {
    "ErrorAccessDenied": "This account may not change this calendar.",
    "ErrorCalendarOccurrenceIsDeletedFromRecurrence": "This occurrence was taken out of its series.",
    "ErrorCannotDeleteObject": "Microsoft does not let this account delete this event.",
    "ErrorQuotaExceeded": "The mailbox is full.",
    **dict.fromkeys(NO_MAILBOX, NOT_THERE),
}


class Api:
    """Graph as one account: access tokens are renewed as they run out."""

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew) -> None:
        self.http = Http(settings)
        self._mailbox = f"{secret['tid']}:{secret['oid']}"
        options = self.http.options
        self._per_minute = number(options["requests_per_minute"], USUAL)
        self._at_once = max(1, int(number(options["requests_at_once"], AT_ONCE)))
        self._bearer = Bearer(
            self.http,
            secret,
            renew=renew,
            ask=MicrosoftTokens(self.http).renewed,
            is_refused=is_stale_token,
            turn=self._turn,
        )

    def close(self) -> None:
        self.http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        page: int = 0,
        etag: str = "",
    ) -> Answer:
        """One request to Graph; `path` may hold a query. `page` is how many of a list to get at once.

        Answers 2xx, and those 4xx whose meaning depends on what was asked. Raises AccessLost and Transient.
        """
        prefer = [*PREFER, *([f"odata.maxpagesize={page}"] if page else [])]
        headers = {"Prefer": ", ".join(prefer), **({"If-Match": etag} if etag else {})}
        request: dict[str, Any] = {"params": params} if params else {}
        if body is not None:
            request["json"] = body
        answer = self._bearer.send(method, self.http.graph(path), headers=headers, **request)
        if answer.ok:
            return answer
        fault = self.fault(answer, writes=method != READ)
        if isinstance(fault, (Transient, AccessLost)):
            raise fault
        return answer

    def fault(self, answer: Answer, *, writes: bool = False) -> ProviderFault:
        return fault_of(answer, writes=writes, retry=retry_after(answer.headers, self.http.settings.clock()))

    @contextmanager
    def _turn(self, method: str, secret: Secret) -> Iterator[None]:
        PACE.take(self._mailbox, 1, per_minute=self._per_minute)
        settings = self.http.settings
        with settings.place(f"microsoft:{self._mailbox}", most=self._at_once, patience=settings.timeout):
            yield


def is_stale_token(answer: Answer) -> bool:
    """A 401 that a subscription's creation passes on from the mailbox is about that mailbox, not about us."""
    return answer.status == httpx.codes.UNAUTHORIZED and answer.reason != "ExtensionError"


def fault_of(answer: Answer, *, writes: bool, retry: float | None) -> ProviderFault:
    """What a refusal means, where its request gives it no meaning of its own.

    After learn.microsoft.com/graph/errors and .../throttling. `retry` is the answer's Retry-After.
    """
    status, reason = answer.status, answer.reason
    if is_stale_token(answer):
        return AccessLost("Microsoft no longer accepts the access that was granted.")
    if status == httpx.codes.TOO_MANY_REQUESTS or reason == "ApplicationThrottled":
        return Transient("Microsoft asks to slow down.", retry_after=retry)
    if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT or reason in LATER:
        said = f"Outlook failed (HTTP {status})."
        return Transient(said, retry_after=retry, outcome_unknown=writes)
    return Rejected(
        REFUSED.get(reason) or f"Microsoft refused the request ({reason[:80] or f'HTTP {status}'})."
    )
