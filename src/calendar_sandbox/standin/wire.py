"""Between the web server and a stand-in: requests in, replies out, and the breaking of connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calendar_sandbox.standin.exchange import Reply, Request
from calendar_sandbox.standin.faults import Asked, Fault

BIGGEST_BODY = 10 * 1024 * 1024  # octets

Answer = Callable[[Any, Request], Awaitable[Reply]]
Words = Callable[[Any, Fault], dict[str, Any]]


async def asked_of(request: WebRequest, *, below: str = "", root: str = "") -> Request:
    """Read a request of the web server as one of a stand-in's.

    With `below` what stands before `root` is cut off its path.
    """
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    path = raw.decode("ascii", "replace").partition("?")[0]
    if below:
        _, _, rest = path.partition(root)
        path = f"{root}{rest}"
    return Request(
        verb=request.method,
        path=path,
        query=request.url.query,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw},
        body=await request.body(),
        base_url=str(request.base_url).rstrip("/"),
    )


def told(reply: Reply) -> Response:
    """A reply without faults, for the web server."""
    return Response(reply.body, reply.status, reply.headers)


async def answer_at_once(standin: Any, request: Request) -> Reply:
    reply: Reply = standin.answer(request)
    return reply


class Api:
    """An API as an ASGI application; `name` is the stand-in's in the state of the app."""

    def __init__(self, name: str, answer: Answer = answer_at_once) -> None:
        self.name = name
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = WebRequest(scope, receive)
        if int(request.headers.get("content-length") or 0) > BIGGEST_BODY:
            await Response("", 413)(scope, receive, send)
            return
        standin = getattr(scope["app"].state, self.name)
        await play(await self.answer(standin, await asked_of(request)), scope, receive, send)


async def play(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a reply, with what is to go wrong on its way."""
    if reply.wait:
        await asyncio.sleep(reply.wait)
    if reply.broken:
        await reset(receive, send)
    elif reply.cut:
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        half = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await reset(receive, send)
    else:
        await told(reply)(scope, receive, send)


async def reset(receive: Receive, send: Send) -> None:
    """Break the connection. Servers that do not let us reach it are left with an unfinished answer."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        with contextlib.suppress(Exception):
            raw = [(b"content-length", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": raw})
        return
    link: Any = transport.get_extra_info("socket")
    if link is not None:  # no farewell: what is not sent yet is dropped and the other side gets a reset
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    for _ in range(3):  # the server notices, and does not try to answer in our place
        await asyncio.sleep(0)


def spoiled(reply: Reply, fault: Fault | None) -> Reply:
    """What happens to a reply on its way."""
    if fault is None:
        return reply
    reply.broken = fault.kind == "reset_after"
    reply.cut = fault.kind == "truncated" and len(reply.body) > 1
    reply.wait = fault.seconds if fault.kind == "slow" else 0.0
    return reply


def plain_words(_standin: Any, fault: Fault) -> dict[str, Any]:
    reason = fault.reason or ("internal_failure" if fault.code >= 500 else "invalid_request")
    return {"error": reason, "error_description": "Fault"}


class Faulty:
    """Faults around an endpoint that is not the API's: signing in, tokens, who one is.

    `words` are what an error says, as the stand-in words it.
    """

    def __init__(self, app: ASGIApp, call: str, *, name: str, words: Words = plain_words) -> None:
        self.app = app
        self.call = call
        self.name = name
        self.words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        standin = getattr(scope["app"].state, self.name)
        asked = Asked(self.call, scope["method"], scope["path"])
        with standin.world.lock:
            fault = standin.faults.take(asked)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind in ("reset_before", "error_before"):
            await play(self._instead(standin, fault), scope, receive, send)
        else:
            await play(await self._after(standin, fault, scope, receive), scope, receive, send)

    async def _after(self, standin: Any, fault: Fault, scope: Scope, receive: Receive) -> Reply:
        """Let the endpoint do its work and keep what it says."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, keep)
        if fault.kind == "error_after":
            return self._instead(standin, fault)
        body = b"".join(one.get("body", b"") for one in said)
        headers = {name.decode(): value.decode() for name, value in said[0].get("headers", [])}
        return spoiled(Reply(said[0]["status"], headers, body), fault)

    def _instead(self, standin: Any, fault: Fault) -> Reply:
        if fault.kind == "reset_before":
            return Reply(0, broken=True)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        with standin.world.lock:
            body = json.dumps(self.words(standin, fault)).encode()
        return Reply(fault.code, {"Content-Type": "application/json"} | headers, body)
