"""A real HTTP proxy before a real server, which can be told to answer, change or lose what passes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

NOT_PASSED_ON = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Asked:
    """A request as it came from the product."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        return self.method in ("PUT", "POST", "PATCH", "DELETE", "MOVE")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection in place of an answer."""


HANG_UP = Reply(0, hang_up=True)

Before = Callable[[Asked], Reply | None]
"""A reply in the server's place, or None to ask the server."""
After = Callable[[Asked, Reply], Reply]
"""What becomes of the server's reply."""


@dataclass
class Proxy:
    """`asked` keeps every request in order, those too that never reached the server."""

    server: str
    url: str = ""
    older: bool = False
    """The server knows no sync-collection and hands out no sync token."""
    asked: list[Asked] = field(default_factory=list)
    before: list[Before] = field(default_factory=list)
    after: list[After] = field(default_factory=list)

    def heal(self) -> None:
        """Everything passes as it is again."""
        self.before.clear()
        self.after.clear()

    def writes(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.writes]

    def serve(self, asked: Asked, http: httpx.Client) -> Reply:
        self.asked.append(asked)
        refusals = [refused_by_older, *self.before] if self.older else list(self.before)
        reply = next((own for rule in refusals if (own := rule(asked))), None)
        if reply is None:
            reply = self._of_server(asked, http)
        for change in [of_older, *self.after] if self.older else list(self.after):
            reply = change(asked, reply)
        return reply

    def _of_server(self, asked: Asked, http: httpx.Client) -> Reply:
        passed = {name: value for name, value in asked.headers.items() if name.lower() not in NOT_PASSED_ON}
        answer = http.request(asked.method, asked.path, headers=passed, content=asked.body)
        headers = {name: value for name, value in answer.headers.items() if name not in NOT_PASSED_ON}
        headers.pop("content-encoding", None)
        return Reply(answer.status_code, answer.content, headers)


@contextlib.contextmanager
def standing_before(server: str, *, older: bool = False) -> Iterator[Proxy]:
    """A proxy before the server at this address, until the block ends."""
    proxy = Proxy(server.rstrip("/"), older=older)
    with httpx.Client(base_url=proxy.server, trust_env=False, verify=False, timeout=30) as http:
        listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy, http))
        listener.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{listener.server_port}"
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield proxy
        finally:
            listener.shutdown()
            listener.server_close()


def _handler(proxy: Proxy, http: httpx.Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                reply = proxy.serve(Asked(self.command, self.path, dict(self.headers), body), http)
            except httpx.TransportError:
                reply = HANG_UP  # nobody is behind us
            if reply.hang_up:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side may have read enough
                self.wfile.write(reply.body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # http.server asks for do_PROPFIND and the like
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Handler


# --- ways to misbehave


def saying(status: int, body: str = "", *, headers: dict[str, str] | None = None) -> Before:
    """Every request gets this answer."""
    return lambda _: Reply(status, body.encode(), dict(headers or {}))


def only(wanted: Callable[[Asked], bool], rule: Before) -> Before:
    """`rule` for the requests that are wanted, the server for all others."""
    return lambda asked: rule(asked) if wanted(asked) else None


@contextlib.contextmanager
def cutting(proxy: Proxy, request: int, *, effect: bool) -> Iterator[Callable[[], bool]]:
    """Cut the n-th request from now, before or after its effect; the block is given whether it was cut."""
    left = request
    lock = threading.Lock()

    def is_it() -> bool:
        nonlocal left
        with lock:
            left -= 1
            return left == 0

    before: Before = lambda _: HANG_UP if not effect and is_it() else None  # noqa: E731
    after: After = lambda _, reply: HANG_UP if effect and is_it() else reply  # noqa: E731
    proxy.before.append(before)
    proxy.after.append(after)
    try:
        yield lambda: left <= 0
    finally:
        proxy.heal()


# --- what an older server does not have


def refused_by_older(asked: Asked) -> Reply | None:
    return Reply(415) if b"sync-collection" in asked.body else None


def of_older(asked: Asked, reply: Reply) -> Reply:
    if asked.method != "PROPFIND":
        return reply
    body = reply.body.replace(b"<sync-token>", b"<no-token>").replace(b"</sync-token>", b"</no-token>")
    return replace(reply, body=body)
