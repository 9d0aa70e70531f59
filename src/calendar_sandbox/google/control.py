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

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calendar_sandbox.google import demo, errors
from calendar_sandbox.google.service import API, Google
from calendar_sandbox.google.state import CALENDAR, Calendar
from calendar_sandbox.standin import saved
from calendar_sandbox.standin.control import ALIKE, Body, Handle, Wrong, routes_of
from calendar_sandbox.standin.wire import asked_of, told

PREFIX = "/_sandbox/google"


def _routes() -> list[BaseRoute]:
    table: list[tuple[str, str, Handle]] = [
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
        *ALIKE,
    ]
    made = routes_of(PREFIX, "google", table)
    anything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    made.append(Route(f"{PREFIX}/as/{{email}}/{{path:path}}", as_owner, methods=anything))
    return made


async def as_owner(request: Request) -> Response:
    """The Calendar API as the account's owner has it."""
    google: Google = request.app.state.google
    account = google.world.accounts.get(request.path_params["email"].lower())
    if account is None:
        return JSONResponse(errors.not_found("There is no such account.").as_json(), 404)
    asked = await asked_of(request, below=f"{PREFIX}/as/", root=API)
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


routes = _routes()
