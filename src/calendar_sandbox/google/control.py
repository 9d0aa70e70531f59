"""The control API below /_sandbox/google: what a test does to the stand-in that no client of Google could.

Bodies and answers are JSON. What is wrong is answered 400 with {"error": "…"}, what is not there 404.

    GET    /state                accounts, calendars, channels, grants, clock
    POST   /reset                {seed?, accounts?: [email…], demo?: true}; without demo they are bare
    POST   /accounts             {email, name?, timeZone?, suspended?}: makes one or changes it
    POST   /calendars            {owner, summary, id?, timeZone?, description?, refusesPush?}
    DELETE /calendars/{id}
    POST   /share                {calendar, email, role}; the role `none` takes it away
    POST   /token                {email, clientId?, scopes?, lifetime?}: a token without consent
    POST   /revoke               {email, clientId}: the person withdraws the grant
    POST   /clock                {advance?, skew?}: seconds; with a skew its stamps are off
    POST   /expire-sync-tokens   {calendar?}: all calendars without
    POST   /quota                {perMinute} of each account and client; 0: none
    GET    /faults               what waits
    POST   /faults               one fault or a list of them: the fields of faults.Fault
    DELETE /faults
    POST   /chances              {chances: {kind: probability}, seed?, only?}
    GET    /log                  ?since=number&call=pattern: requests as they came
    DELETE /log
    GET    /deliveries           notifications that were posted
    POST   /settle               answers when no notification is due or under way

Below /as/{email}/calendar/v3/ stands the API in the hand of the account's owner: no token, no faults, no log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calendar_sandbox.google import demo, errors
from calendar_sandbox.google.faults import Fault
from calendar_sandbox.google.service import Google
from calendar_sandbox.google.state import CALENDAR, Calendar
from calendar_sandbox.google.wire import asked_of, told
from calendar_sandbox.standin import saved

PREFIX = "/_sandbox/google"
FAULT_FIELDS = {one.name for one in fields(Fault)}
LONGEST_SETTLING = 30.0  # seconds

Body = dict[str, Any]


class Wrong(Exception):
    """What was asked of the control API cannot be done."""


def _routes() -> list[BaseRoute]:
    table: list[tuple[str, str, Callable[[Google, Body, Request], Any]]] = [
        ("GET", "/state", _state),
        ("POST", "/reset", _reset),
        ("POST", "/accounts", _account),
        ("POST", "/calendars", _calendar),
        ("DELETE", "/calendars/{id}", _remove),
        ("POST", "/share", _share),
        ("POST", "/token", _token),
        ("POST", "/revoke", _revoke),
        ("POST", "/clock", _clock),
        ("POST", "/expire-sync-tokens", _expire),
        ("POST", "/quota", _quota),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _add_faults),
        ("DELETE", "/faults", _no_faults),
        ("POST", "/chances", _chances),
        ("GET", "/log", _log),
        ("DELETE", "/log", _no_log),
        ("GET", "/deliveries", _deliveries),
    ]
    made: list[BaseRoute] = [
        Route(f"{PREFIX}{path}", _endpoint(handle), methods=[verb]) for verb, path, handle in table
    ]
    anything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    made.append(Route(f"{PREFIX}/settle", settle, methods=["POST"]))
    made.append(Route(f"{PREFIX}/as/{{email}}/{{path:path}}", as_owner, methods=anything))
    return made


def _endpoint(handle: Callable[[Google, Body, Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        google: Google = request.app.state.google
        try:
            body = json.loads(await request.body() or b"{}")
            with google.world.lock:
                return JSONResponse(handle(google, body, request))
        except KeyError as exc:
            return JSONResponse({"error": f"not there: {exc.args[0]}"}, 404)
        except (Wrong, ValueError, TypeError) as exc:
            return JSONResponse({"error": str(exc)}, 400)

    return endpoint


async def settle(request: Request) -> Response:
    """Wait until all notifications were posted. 504 when they are not after half a minute."""
    google: Google = request.app.state.google
    for _ in range(int(LONGEST_SETTLING / 0.005)):
        with google.world.lock:
            if google.outbox.idle:
                return JSONResponse({"deliveries": len(google.outbox.deliveries)})
        await asyncio.sleep(0.005)
    return JSONResponse({"error": "notifications are still under way"}, 504)


async def as_owner(request: Request) -> Response:
    """The Calendar API as the account's owner has it."""
    google: Google = request.app.state.google
    account = google.world.accounts.get(request.path_params["email"].lower())
    if account is None:
        return JSONResponse(errors.not_found("There is no such account.").as_json(), 404)
    asked = await asked_of(request, below=f"{PREFIX}/as/{request.path_params['email']}")
    return told(google.answer_owner(asked, account))


def _state(google: Google, _body: Body, _request: Request) -> Any:
    world = google.world
    return {
        "now": world.now().isoformat(),
        "seed": world.seed,
        "edition": world.edition,
        "accounts": [
            {
                "email": a.email,
                "sub": a.sub,
                "name": a.name,
                "timeZone": a.time_zone,
                "suspended": a.suspended,
            }
            for a in world.accounts.values()
        ],
        "calendars": [_shown(calendar) for calendar in world.calendars.values() if not calendar.deleted],
        "channels": [
            saved.plain(channel) for channel in world.channels.values() if google.outbox.lives(channel)
        ],
        "grants": [
            {"account": g.account, "clientId": g.client_id, "scopes": g.scopes} for g in world.grants.values()
        ],
    }


def _shown(calendar: Calendar) -> Any:
    return {
        "id": calendar.id,
        "summary": calendar.summary,
        "owner": calendar.owner,
        "acl": calendar.acl,
        "changes": calendar.changes,
        "events": sum(not stored.deleted for stored in calendar.events.values()),
    }


def _reset(google: Google, body: Body, _request: Request) -> Any:
    google.reset(seed=body.get("seed"))
    emails = tuple(body.get("accounts", demo.ACCOUNTS))
    if body.get("demo"):
        demo.furnish(google.world, emails)
    else:
        for email in emails:
            google.world.add_account(email)
    return {"accounts": list(google.world.accounts)}


def _account(google: Google, body: Body, _request: Request) -> Any:
    email = body["email"].lower()
    account = google.world.accounts.get(email) or google.world.add_account(
        email, name=body.get("name", ""), time_zone=body.get("timeZone", "UTC")
    )
    account.suspended = bool(body.get("suspended", account.suspended))
    return {"email": account.email, "sub": account.sub, "name": account.name}


def _calendar(google: Google, body: Body, _request: Request) -> Any:
    world = google.world
    owner = world.accounts[body["owner"].lower()] if body.get("owner") else None
    if body.get("id") in world.calendars:
        raise Wrong("this calendar is there already")
    calendar = world.add_calendar(
        owner,
        body["summary"],
        id=body.get("id", ""),
        time_zone=body.get("timeZone", ""),
        description=body.get("description", ""),
        refuses_push=bool(body.get("refusesPush")),
    )
    return _shown(calendar)


def _remove(google: Google, _body: Body, request: Request) -> Any:
    google.world.remove_calendar(google.world.calendars[request.path_params["id"]])
    return {}


def _share(google: Google, body: Body, _request: Request) -> Any:
    google.world.share(google.world.calendars[body["calendar"]], body["email"], body["role"])
    return {}


def _token(google: Google, body: Body, _request: Request) -> Any:
    account = google.world.accounts[body["email"].lower()]
    lifetime = timedelta(seconds=body.get("lifetime", 3600))
    token = google.world.issue_access_token(
        account, body.get("clientId", "test-client"), body.get("scopes", [CALENDAR]), lifetime=lifetime
    )
    return {"access_token": token.token, "expires": token.expires.isoformat(), "scopes": token.scopes}


def _revoke(google: Google, body: Body, _request: Request) -> Any:
    account = google.world.accounts[body["email"].lower()]
    return {"revoked": google.world.revoke_grant(account, body["clientId"])}


def _clock(google: Google, body: Body, _request: Request) -> Any:
    world = google.world
    world.advance(timedelta(seconds=body.get("advance", 0)))
    if "skew" in body:
        world.skew = timedelta(seconds=body["skew"])
    google.outbox.wake()
    return {"now": world.now().isoformat(), "skew": world.skew.total_seconds()}


def _expire(google: Google, body: Body, _request: Request) -> Any:
    world = google.world
    named = [world.calendars[body["calendar"]]] if "calendar" in body else list(world.calendars.values())
    for calendar in named:
        calendar.epoch += 1
    return {"calendars": len(named)}


def _quota(google: Google, body: Body, _request: Request) -> Any:
    google.per_minute = int(body["perMinute"])
    return {"perMinute": google.per_minute}


def _faults(google: Google, _body: Body, _request: Request) -> Any:
    return google.faults.as_json()


def _add_faults(google: Google, body: Any, _request: Request) -> Any:
    given = body if isinstance(body, list) else [body]
    unknown = {name for one in given for name in one} - FAULT_FIELDS
    if unknown:
        raise Wrong(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(FAULT_FIELDS))}")
    google.faults.add(*(Fault(**one) for one in given))
    return google.faults.as_json()


def _no_faults(google: Google, _body: Body, _request: Request) -> Any:
    google.faults.clear()
    return google.faults.as_json()


def _chances(google: Google, body: Body, _request: Request) -> Any:
    google.faults.roll(body["chances"], seed=body.get("seed", 0), only=body.get("only", "*"))
    return google.faults.as_json()


def _log(google: Google, _body: Body, request: Request) -> Any:
    since = int(request.query_params.get("since", 0))
    pattern = request.query_params.get("call", "*")
    return {
        "requests": [
            saved.plain(one)
            for one in google.world.request_log
            if one.number > since and fnmatchcase(one.call, pattern)
        ]
    }


def _no_log(google: Google, _body: Body, _request: Request) -> Any:
    google.world.request_log.clear()
    return {}


def _deliveries(google: Google, _body: Body, _request: Request) -> Any:
    found = [asdict(one) | {"at": one.at.isoformat()} for one in google.outbox.deliveries]
    return {"deliveries": found}


routes = _routes()
