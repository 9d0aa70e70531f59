"""Conversations with Google: one request at a time, answers read to their end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from genie.core.errors import Rejected, Transient
from genie.providers.addresses import trust
from genie.providers.faults import as_faults
from genie.providers.registry import ProviderSettings

READ = "GET"
WAITS = 6
"""A request may take as long as so many single waits (`ProviderSettings.timeout`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: Mapping[str, Any]
    """Its JSON object; empty where there was none."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """Google's word for what went wrong: `errors[].reason` of the API, `error` of the token endpoint."""
        error = self.body.get("error")
        if isinstance(error, str):
            return error
        if not isinstance(error, Mapping):
            return ""
        for name in ("errors", "details"):
            for one in error.get(name) or ():
                if isinstance(one, Mapping) and isinstance(one.get("reason"), str):
                    return str(one["reason"])
        return str(error.get("status") or "")


class Http:
    """Requests to the operator's addresses for Google. They are the operator's word, so none is refused."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.options = settings.of("google")
        self.settings = settings
        self._client = httpx.Client(
            verify=trust(settings.ca_file),
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=4, keepalive_expiry=15),
            follow_redirects=False,
            trust_env=False,
            # Google compresses only for those whose name says so (its guide to performance)
            headers={"User-Agent": f"{settings.user_agent} (gzip)", "Accept-Encoding": "gzip"},
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
        except ValueError:
            body = None
        if isinstance(body, dict):
            return Answer(status, headers, body)
        if 200 <= status < 300:
            raise Transient("Google's answer could not be read.", outcome_unknown=writes)
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
                    raise Rejected("Google's answer is too large to be read.")
                if self.settings.ticks() > until:
                    raise Transient("Google answers too slowly.", outcome_unknown=writes)
            return response.status_code, response.headers, b"".join(pieces)
