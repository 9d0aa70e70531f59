"""How many requests went to a calendar system, and how they were answered: figures for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass
class Requests:
    """Counted up by every client that is made with it (`ProviderSettings.requests`)."""

    asked: int = 0
    served: int = 0
    """Answered, with whatever but a failure of the other side (5xx)."""
    throttled: int = 0
    """Of those: answered with *slow down*."""

    @property
    def failed(self) -> int:
        """Without an answer, or failed there."""
        return self.asked - self.served


def hooks(requests: Requests) -> dict[str, list[Callable[..., Any]]]:
    """httpx's `event_hooks` for a client whose requests are counted."""

    def goes(_: httpx.Request) -> None:
        requests.asked += 1

    def comes(response: httpx.Response) -> None:
        requests.served += response.status_code < 500
        requests.throttled += response.status_code == httpx.codes.TOO_MANY_REQUESTS

    return {"request": [goes], "response": [comes]}
