"""How long a conversation may take in all, however many waits it is made of."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore


@dataclass(slots=True)
class Deadline:
    """A moment of `ticks` by which everything must be over: each single wait may be short, and there may
    be thousands of them, since a byte now and then satisfies a timeout."""

    ticks: Callable[[], float]
    at: float = float("inf")

    def left(self, seconds: float | None = None) -> float | None:
        """How long the next wait may be: `seconds`, or what is left. Raises TimeoutError."""
        remaining = self.at - self.ticks()
        if remaining <= 0:
            raise TimeoutError("the time for this conversation is over")
        if remaining == float("inf"):
            return seconds
        return remaining if seconds is None else min(seconds, remaining)

    @property
    def passed(self) -> bool:
        return self.ticks() >= self.at


@contextmanager
def over_as(error: type[Exception]) -> Iterator[None]:
    """A deadline that has passed is told as httpcore tells its own timeouts."""
    try:
        yield
    except TimeoutError as fault:
        raise error(str(fault)) from fault


class TimedStream(httpcore.NetworkStream):
    """A connection no wait of which outlasts the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with over_as(httpcore.ReadTimeout):
            left = self._deadline.left(timeout)
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with over_as(httpcore.WriteTimeout):
            left = self._deadline.left(timeout)
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with over_as(httpcore.ConnectTimeout):
            left = self._deadline.left(timeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
