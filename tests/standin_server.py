"""A stand-in of the tests as a real web server whose traffic is judged while it runs."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from run import programs


class Judged(Protocol):
    """A sandbox fixture: it keeps what the judge finds, and can switch it off."""

    violations: list[str]
    check_traffic: bool


# What is wrong with a call: the request's scope, the path below the API's root, its body, status and answer
Verdict = Callable[[Scope, str, bytes, int, bytes], list[str]]


class Judge:
    """Around the stand-in's application: every call of its API is held to the provider's own description."""

    def __init__(self, app: ASGIApp, root: str, verdict: Verdict) -> None:
        self.app = app
        self.root = root
        self.verdict = verdict
        self.sandbox: Judged | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", b"").decode().partition("?")[0]
        judged = scope["type"] == "http" and self.root in path
        if not judged or self.sandbox is None or not self.sandbox.check_traffic:
            await self.app(scope, receive, send)
            return
        sandbox, asked, told = self.sandbox, list[bytes](), list[Message]()

        async def tell(message: Message) -> None:
            told.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                # before the client has it, so that a test that has its answer has the verdict, too
                below = path.partition(self.root)[2]
                sandbox.violations += self.verdict(
                    scope, below, b"".join(asked), told[0]["status"], _said(told)
                )
            await send(message)

        await self.app(scope, _Heard(receive, asked), tell)


class _Heard:
    """A `receive` that keeps what it hands on; the server's own stays reachable behind it."""

    def __init__(self, receive: Receive, heard: list[bytes]) -> None:
        self.receive = receive
        self.heard = heard
        self.__self__ = getattr(receive, "__self__", None)

    async def __call__(self) -> Message:
        message = await self.receive()
        self.heard.append(message.get("body", b""))
        return message


def _said(told: list[Message]) -> bytes:
    headers = {name.lower(): value for name, value in told[0].get("headers", [])}
    said = b"".join(one.get("body", b"") for one in told)
    return gzip.decompress(said) if headers.get(b"content-encoding") == b"gzip" else said


@contextmanager
def served(app: ASGIApp, port: int, **options: Any) -> Iterator[None]:
    """Serve an application in a thread while the block runs. `options` are uvicorn's."""
    fixed: dict[str, Any] = {"host": "127.0.0.1", "log_level": "warning", "date_header": False}
    config = uvicorn.Config(app, port=port, **fixed, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up:
            pytest.fail("the stand-in did not start")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def free_port() -> int:
    return programs.free_port()
