"""The sandbox as one web application: each stand-in is a folder that hands in its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from calendar_sandbox import connections, mail, week
from calendar_sandbox.faults import Fault, Gone
from calendar_sandbox.google import demo
from calendar_sandbox.google import routes as google_routes
from calendar_sandbox.google.clients import DEMO
from calendar_sandbox.google.service import Google
from calendar_sandbox.google.state import World
from calendar_sandbox.guard import Guard
from calendar_sandbox.mail.box import Box
from calendar_sandbox.mail.sink import taking_mail
from calendar_sandbox.microsoft import clients as microsoft_clients
from calendar_sandbox.microsoft import demo as microsoft_demo
from calendar_sandbox.microsoft import routes as microsoft_routes
from calendar_sandbox.microsoft.service import Graph
from calendar_sandbox.microsoft.state import World as MicrosoftWorld
from calendar_sandbox.pages import problem
from calendar_sandbox.settings import Settings
from calendar_sandbox.standin import keeping

STATIC = Path(__file__).parent / "static"
PATIENCE = httpx.Timeout(10, connect=3)  # seconds


def create_app(
    settings: Settings, world: World | None = None, microsoft: MicrosoftWorld | None = None
) -> Starlette:
    """Return the application; its mail sink listens while it runs.

    `world` is the Google stand-in's, `microsoft` the Microsoft stand-in's.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            http = httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False)
            app.state.http = await stack.enter_async_context(http)
            standins = {"google": app.state.google, "microsoft": app.state.microsoft}
            await stack.enter_async_context(keeping.running(standins, settings.state))
            if settings.smtp_port is not None:
                app.state.smtp_port = await stack.enter_async_context(taking_mail(app.state.box, settings))
            yield

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(Guard)],
        exception_handlers={Fault: problem, 404: _not_here},
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.homes = {}
    app.state.box = Box(settings.mail_dir)
    app.state.google = _google(settings, world)
    app.state.world = app.state.google.world
    app.state.microsoft = _microsoft(settings, microsoft)
    _furnish(settings, app.state.google, app.state.microsoft)
    return app


def _google(settings: Settings, world: World | None) -> Google:
    return Google(world or World(clock=settings.clock, seed=settings.seed))


def _microsoft(settings: Settings, world: MicrosoftWorld | None) -> Graph:
    return Graph(world or MicrosoftWorld(clock=settings.clock, seed=settings.seed))


def _furnish(settings: Settings, google: Google, microsoft: Graph) -> None:
    """Fill the worlds by the file, if there is one, and add the apps and accounts that were asked for."""
    if settings.state is not None and settings.state.exists():
        keeping.load({"google": google, "microsoft": microsoft}, settings.state)
    for root in (google.world, microsoft.world):
        root.root_url = settings.public_url or root.root_url
    for client in (DEMO, *settings.google_clients):
        google.world.clients[client.id] = client
    for app in (microsoft_clients.DEMO, *settings.microsoft_clients):
        microsoft.world.clients[app.id] = app
    demo.furnish(google.world, settings.google_accounts)
    microsoft_demo.furnish(microsoft.world, settings.microsoft_accounts)


def _routes() -> list[BaseRoute]:
    return [
        Route("/healthz", healthz),
        Route("/favicon.ico", lambda _request: RedirectResponse("/static/icon.svg")),
        Mount("/static", StaticFiles(directory=STATIC)),
        *week.routes,
        *mail.routes,
        *google_routes.routes,
        *connections.routes,
        *microsoft_routes.routes,
    ]


async def healthz(request: Request) -> JSONResponse:
    """Answer 200 while the page and the mail sink serve; the CalDAV server is another program."""
    return JSONResponse({"ok": True, "letters": len(request.app.state.box)})


def _not_here(request: Request, _exc: Exception) -> Response:
    return problem(
        request,
        Gone(
            "There is no such page.",
            "The address may be mistyped or old.",
            "Start from the calendar or the mail.",
        ),
    )
