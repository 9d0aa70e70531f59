"""What the control APIs below /_sandbox/ do alike: faults, chances, the log, deliveries, settling.

Bodies and answers are JSON. What is wrong is answered 400 with {"error": "…"}, what is not there 404.

    GET    /faults               what waits
    POST   /faults               one fault or a list of them: the fields of faults.Fault
    DELETE /faults
    POST   /chances              {chances: {kind: probability}, seed?, only?}
    GET    /log                  ?since=number&call=pattern: requests as they came
    DELETE /log
    GET    /deliveries           notifications that were posted
    POST   /settle               answers when no notification is due or under way
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calendar_sandbox.standin import saved

LONGEST_SETTLING = 30.0  # seconds

Body = dict[str, Any]
Handle = Callable[[Any, Body, Request], Any]


class Wrong(Exception):
    """What was asked of the control API cannot be done."""


def routes_of(prefix: str, name: str, table: list[tuple[str, str, Handle]]) -> list[BaseRoute]:
    """The routes of a control API; `name` is the stand-in's in the state of the app."""
    made: list[BaseRoute] = [
        Route(f"{prefix}{path}", _endpoint(name, handle), methods=[verb]) for verb, path, handle in table
    ]
    made.append(Route(f"{prefix}/settle", _settling(name), methods=["POST"]))
    return made


def _endpoint(name: str, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        standin = getattr(request.app.state, name)
        try:
            body = json.loads(await request.body() or b"{}")
            with standin.world.lock:
                return JSONResponse(handle(standin, body, request))
        except KeyError as exc:
            return JSONResponse({"error": f"not there: {exc.args[0]}"}, 404)
        except (Wrong, ValueError, TypeError) as exc:
            return JSONResponse({"error": str(exc)}, 400)

    return endpoint


def _settling(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def settle(request: Request) -> Response:
        """Wait until all notifications were posted. 504 when they are not after half a minute."""
        standin = getattr(request.app.state, name)
        for _ in range(int(LONGEST_SETTLING / 0.005)):
            with standin.world.lock:
                if standin.outbox.idle:
                    return JSONResponse({"deliveries": len(standin.outbox.deliveries)})
            await asyncio.sleep(0.005)
        return JSONResponse({"error": "notifications are still under way"}, 504)

    return settle


def _faults(standin: Any, _body: Body, _request: Request) -> Any:
    return standin.faults.as_json()


def _add_faults(standin: Any, body: Any, _request: Request) -> Any:
    given = body if isinstance(body, list) else [body]
    known = {one.name for one in fields(standin.faults.sort)}
    unknown = {name for one in given for name in one} - known
    if unknown:
        raise Wrong(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    standin.faults.add(*(standin.faults.sort(**one) for one in given))
    return standin.faults.as_json()


def _no_faults(standin: Any, _body: Body, _request: Request) -> Any:
    standin.faults.clear()
    return standin.faults.as_json()


def _chances(standin: Any, body: Body, _request: Request) -> Any:
    standin.faults.roll(body["chances"], seed=body.get("seed", 0), only=body.get("only", "*"))
    return standin.faults.as_json()


def _log(standin: Any, _body: Body, request: Request) -> Any:
    since = int(request.query_params.get("since", 0))
    pattern = request.query_params.get("call", "*")
    return {
        "requests": [
            saved.plain(one)
            for one in standin.world.request_log
            if one.number > since and fnmatchcase(one.call, pattern)
        ]
    }


def _no_log(standin: Any, _body: Body, _request: Request) -> Any:
    standin.world.request_log.clear()
    return {}


def _deliveries(standin: Any, _body: Body, _request: Request) -> Any:
    found = [asdict(one) | {"at": one.at.isoformat()} for one in standin.outbox.deliveries]
    return {"deliveries": found}


ALIKE: list[tuple[str, str, Handle]] = [
    ("GET", "/faults", _faults),
    ("POST", "/faults", _add_faults),
    ("DELETE", "/faults", _no_faults),
    ("POST", "/chances", _chances),
    ("GET", "/log", _log),
    ("DELETE", "/log", _no_log),
    ("GET", "/deliveries", _deliveries),
]
