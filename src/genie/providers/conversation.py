"""JSON over HTTP with a provider's service: one request at a time, answers read to their end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from genie.core.errors import Rejected, Transient
from genie.providers.addresses import trust
from genie.providers.counting import hooks
from genie.providers.faults import as_faults
from genie.providers.registry import ProviderSettings

READ = "GET"
WAITS = 6
"""A request may take as long as so many single waits (`ProviderSettings.timeout`)."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: Body
    """Its JSON object; empty where there was none."""
    reason: str = ""
    """The service's word for what went wrong, "" where it says none."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Http:
    """Requests to the operator's addresses for a service. They are the operator's word, so none is
    refused."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        who: str,
        reason_of: Callable[[Body], str],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`who` is the service in sentences for people; `reason_of` finds its word for what went wrong."""
        self.settings = settings
        self._who = who
        self._reason_of = reason_of
        self._client = httpx.Client(
            transport=settings.wire() if settings.wire else None,
            verify=trust(settings.ca_file),
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=4, keepalive_expiry=15),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": settings.user_agent, "Accept-Encoding": "gzip", **(headers or {})},
            event_hooks=hooks(settings.requests),
        )

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, url: str, **request: Any) -> Answer:
        """One request. Any status is an answer; Transient where none came, or only a part of one."""
        writes = method != READ
        with as_faults(writes=writes):
            status, headers, raw = self._read(method, url, request)
        try:
            body = json.loads(raw) if raw else {}
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):
            return Answer(status, headers, body, "" if 200 <= status < 300 else self._reason_of(body))
        if 200 <= status < 300:
            raise Transient(f"{self._who}'s answer could not be read.", outcome_unknown=writes)
        return Answer(status, headers, {})

    def _read(self, method: str, url: str, request: dict[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        until = self.settings.ticks() + WAITS * self.settings.timeout
        writes = method != READ
        with self._client.stream(method, url, **request) as response:
            pieces, size = [], 0
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > self.settings.max_answer_bytes:
                    raise Rejected(f"{self._who}'s answer is too large to be read.")
                if self.settings.ticks() > until:
                    raise Transient(f"{self._who} answers too slowly.", outcome_unknown=writes)
            return response.status_code, response.headers, b"".join(pieces)
