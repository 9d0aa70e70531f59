"""The addresses of the Google stand-in: Google's own below one base URL, and its control API."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from calendar_sandbox.google import control, oauth
from calendar_sandbox.google.service import BATCH
from calendar_sandbox.standin.wire import Api, Faulty

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]

# What a fault's `call` names the endpoints of signing in
CALLS = {
    "/o/oauth2/v2/auth": "oauth.auth",
    "/token": "oauth.token",
    "/revoke": "oauth.revoke",
    "/v1/userinfo": "oauth.userinfo",
    "/oauth2/v3/userinfo": "oauth.userinfo",
}


def _with_faults(route: Route) -> Route:
    if route.path in CALLS:
        route.app = Faulty(route.app, CALLS[route.path], name="google")
    return route


routes: list[BaseRoute] = [
    Route("/calendar/v3/{path:path}", Api("google"), methods=ANY),
    Route(BATCH, Api("google"), methods=["POST"]),
    *map(_with_faults, oauth.routes),
    *control.routes,
]
