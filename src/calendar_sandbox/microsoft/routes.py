"""The addresses of the Microsoft stand-in: Microsoft's own below one base URL, and its control API."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route

from calendar_sandbox.microsoft import approval, control, oauth
from calendar_sandbox.microsoft.service import BATCH, Graph
from calendar_sandbox.standin.exchange import Reply, Request
from calendar_sandbox.standin.wire import Api, Faulty, plain_words

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]

# What a fault's `call` names the endpoints of signing in
CALLS = {
    f"{oauth.PLACE}/authorize": "oauth.authorize",
    f"{oauth.PLACE}/token": "oauth.token",
    "/oidc/userinfo": "oauth.userinfo",
}


def _with_faults(route: Route) -> Route:
    if route.path in CALLS:
        words = oauth.fault_words if route.path.endswith("/token") else plain_words
        route.app = Faulty(route.app, CALLS[route.path], name="microsoft", words=words)
    return route


async def _answer(graph: Graph, request: Request) -> Reply:
    """Answer over the network: four at once, and an address that must prove itself holds nobody else up."""
    with graph.counted(request) as refusal:
        if refusal is not None:
            return refusal
        path = request.path.lower()
        if request.verb != "GET" and (path == BATCH or path.startswith("/v1.0/subscriptions")):
            reply = await run_in_threadpool(graph.answer, request)
        else:
            reply = graph.answer(request)
        return await graph.taking_its_time(reply)


routes: list[BaseRoute] = [
    Route("/v1.0/{path:path}", Api("microsoft", _answer), methods=ANY),
    *map(_with_faults, oauth.routes),
    *approval.routes,
    *control.routes,
]
