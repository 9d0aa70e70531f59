"""The addresses of the Google stand-in: Google's own below one base URL, and its control API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.routing import BaseRoute, Route

from calendar_sandbox.google import connections, control, oauth, push
from calendar_sandbox.google.service import BATCH, Google
from calendar_sandbox.google.wire import Api, Faulty

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
SAVED_AFTER = 0.5  # seconds a change waits for the next one before the file is written

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
        route.app = Faulty(route.app, CALLS[route.path])
    return route


routes: list[BaseRoute] = [
    Route("/calendar/v3/{path:path}", Api(), methods=ANY),
    Route(BATCH, Api(), methods=["POST"]),
    *map(_with_faults, oauth.routes),
    *connections.routes,
    *control.routes,
]


@contextlib.asynccontextmanager
async def running(google: Google, file: Path | None) -> AsyncIterator[None]:
    """Deliver notifications and keep the file up to date while the block runs."""
    tasks = [asyncio.create_task(push.deliver(google.outbox))]
    if file is not None:
        tasks.append(asyncio.create_task(_saving(google, file)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if file is not None:
            google.world.save(file)


async def _saving(google: Google, file: Path) -> None:
    """Write the file whenever something is different; reading does not count, tokens do."""
    written = None
    while True:
        with google.world.lock:
            state = (google.world.edition, google.world.writes, len(google.world.access_tokens))
        if state != written:
            google.world.save(file)
            written = state
        await asyncio.sleep(SAVED_AFTER)
