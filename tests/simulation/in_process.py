"""Web applications answered in this process, without a port."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


class Answering(httpx.BaseTransport):
    """Asks an ASGI application, one request at a time. What it breaks off is a lost connection."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        said: list[Message] = []
        waiting = [{"type": "http.request", "body": request.read(), "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)

        asyncio.run_coroutine_threadsafe(self._app(_scope(request), receive, send), self._loop).result()
        return _response(said, request)


def loop_of_its_own() -> asyncio.AbstractEventLoop:
    """A loop in a thread: this one may have another's, as a browser's in tests."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port or 80),
        "client": ("127.0.0.1", 1),
    }


def _response(said: list[Message], request: httpx.Request) -> httpx.Response:
    bodies = [message for message in said if message["type"] == "http.response.body"]
    if not bodies or bodies[-1].get("more_body"):
        raise httpx.ReadError("the connection was broken", request=request)
    headers = said[0].get("headers", [])
    content = b"".join(message.get("body", b"") for message in bodies)
    return httpx.Response(said[0]["status"], headers=headers, content=content, request=request)
