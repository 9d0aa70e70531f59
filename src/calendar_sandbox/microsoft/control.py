"""The control API below /_sandbox/microsoft: what a test does to the stand-in that no client of Graph could.

Bodies and answers are JSON. What is wrong is answered 400 with {"error": "…"}, what is not there 404.
An account is named by its userPrincipalName, a calendar by its key (`/state` shows it).

    GET    /state                accounts, calendars, subscriptions, grants, clock
    POST   /reset                {seed?, accounts?: [upn…], demo?: true}; without demo they are bare
    POST   /accounts             {upn, name?, mail?, personal?, timeZone?, suspended?, mailbox?, admin?,
                                 maySubscribe?}: makes one or changes it
    POST   /tenants              {domain, usersMayConsent?}
    POST   /certificates         {clientId, pem}: the app may prove itself with it from now on
    POST   /calendars            {owner, name, color?, readOnly?}
    DELETE /calendars/{key}
    POST   /calendars/{key}/renew-id   {upn}: the account's id of it changes
    POST   /share                {calendar, upn, role}; the role `none` takes it away
    POST   /move                 {event, calendar}: into another calendar, as Outlook does
    POST   /invite               {upn, subject, start, end, organizer?}: somebody else's meeting, not answered
    POST   /token                {upn, clientId?, scopes?, lifetime?}: a token without consent
    POST   /revoke               {upn, clientId}: the person withdraws the grant
    POST   /clock                {advance?, skew?}: seconds; with a skew its stamps are off
    POST   /expire-sync-tokens   {calendar?}: all calendars without
    POST   /lifecycle            {subscription, event}: reauthorizationRequired, subscriptionRemoved, missed
    POST   /switches             {strictMatch?, rotatesStrictly?, forgetsReturned?, findsAnywhere?,
                                 latency?: seconds}
    GET    /load                 the most requests there were at once, by mailbox and app
    GET    /mailed               letters Exchange would have sent to guests
    GET    /faults               what waits
    POST   /faults               one fault or a list of them: the fields of faults.Fault
    DELETE /faults
    POST   /chances              {chances: {kind: probability}, seed?, only?}
    GET    /log                  ?since=number&call=pattern: requests as they came
    DELETE /log
    GET    /deliveries           notifications that were posted
    POST   /settle               answers when no notification is due or under way

Below /as/{upn}/v1.0/ stands Graph in the hand of the account's owner: no token, no faults, no log.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography.x509 import load_pem_x509_certificate
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from calendar_sandbox.microsoft import demo, times
from calendar_sandbox.microsoft.api import writing
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.service import API, Graph
from calendar_sandbox.microsoft.state import SCOPES, Account, Calendar
from calendar_sandbox.standin import saved
from calendar_sandbox.standin.control import ALIKE, Body, Handle, routes_of
from calendar_sandbox.standin.wire import asked_of, told

PREFIX = "/_sandbox/microsoft"
STRANGER = {"name": "Sam Stranger", "address": "sam@elsewhere.example"}


def _routes() -> list[BaseRoute]:
    table: list[tuple[str, str, Handle]] = [
        ("GET", "/state", _state),
        ("POST", "/reset", _reset),
        ("POST", "/accounts", _account),
        ("POST", "/tenants", _tenant),
        ("POST", "/certificates", _certificate),
        ("POST", "/calendars", _calendar),
        ("DELETE", "/calendars/{key}", _remove),
        ("POST", "/calendars/{key}/renew-id", _renew),
        ("POST", "/share", _share),
        ("POST", "/move", _move),
        ("POST", "/invite", _invite),
        ("POST", "/token", _token),
        ("POST", "/revoke", _revoke),
        ("POST", "/clock", _clock),
        ("POST", "/expire-sync-tokens", _expire),
        ("POST", "/lifecycle", _lifecycle),
        ("POST", "/switches", _switches),
        ("GET", "/load", _load),
        ("GET", "/mailed", _mailed),
        *ALIKE,
    ]
    made = routes_of(PREFIX, "microsoft", table)
    anything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    made.append(Route(f"{PREFIX}/as/{{upn}}/{{path:path}}", as_owner, methods=anything))
    return made


async def as_owner(request: Request) -> Response:
    """Graph as the account's owner has it."""
    graph: Graph = request.app.state.microsoft
    account = graph.world.account_of(request.path_params["upn"])
    if account is None:
        return JSONResponse({"error": "There is no such account."}, 404)
    asked = await asked_of(request, below=f"{PREFIX}/as/", root=API)
    return told(graph.answer_owner(asked, account))


def _state(graph: Graph, _body: Body, _request: Request) -> Any:
    world = graph.world
    return {
        "now": world.now().isoformat(),
        "seed": world.seed,
        "edition": world.edition,
        "accounts": [_person(one) for one in world.accounts.values()],
        "calendars": [_shown(graph, one) for one in world.calendars.values() if not one.deleted],
        "subscriptions": [
            saved.plain(one) for one in world.subscriptions.values() if graph.outbox.lives(one)
        ],
        "grants": [
            {"account": world.accounts[g.account].upn, "clientId": g.client_id, "scopes": g.scopes}
            for g in world.grants.values()
        ],
    }


def _person(account: Account) -> Any:
    return {
        "oid": account.oid,
        "tid": account.tid,
        "id": account.id,
        "upn": account.upn,
        "mail": account.mail,
        "name": account.name,
        "personal": account.personal,
        "timeZone": account.time_zone,
        "suspended": account.suspended,
        "mailbox": account.mailbox,
        "maySubscribe": account.may_subscribe,
        "admin": account.admin,
    }


def _shown(graph: Graph, calendar: Calendar) -> Any:
    world = graph.world
    owner = world.accounts[calendar.owner]
    return {
        "key": calendar.key,
        "id": world.entry(owner, calendar).id,
        "name": world.entry(owner, calendar).name,
        "owner": owner.upn,
        "default": calendar.default,
        "shares": {world.accounts[oid].upn: role for oid, role in calendar.shares.items()},
        "changes": calendar.changes,
        "events": sum(not one.deleted and not one.series for one in calendar.events.values()),
    }


def _reset(graph: Graph, body: Body, _request: Request) -> Any:
    graph.reset(seed=body.get("seed"))
    upns = tuple(body.get("accounts", demo.ACCOUNTS))
    if body.get("demo"):
        demo.furnish(graph.world, upns)
    else:
        for upn in upns:
            graph.world.add_account(upn, personal=demo.is_personal(upn))
    return {"accounts": [one.upn for one in graph.world.accounts.values()]}


def _account(graph: Graph, body: Body, _request: Request) -> Any:
    account = graph.world.account_of(body["upn"]) or graph.world.add_account(
        body["upn"],
        name=body.get("name", ""),
        mail=body.get("mail", ""),
        personal=bool(body.get("personal", demo.is_personal(body["upn"]))),
        time_zone=body.get("timeZone", "UTC"),
    )
    account.suspended = bool(body.get("suspended", account.suspended))
    account.mailbox = bool(body.get("mailbox", account.mailbox))
    account.may_subscribe = bool(body.get("maySubscribe", account.may_subscribe))
    account.admin = bool(body.get("admin", account.admin))
    return _person(account)


def _tenant(graph: Graph, body: Body, _request: Request) -> Any:
    tenant = graph.world.add_tenant(body["domain"])
    tenant.users_may_consent = bool(body.get("usersMayConsent", tenant.users_may_consent))
    return saved.plain(tenant)


def _certificate(graph: Graph, body: Body, _request: Request) -> Any:
    client = graph.world.clients[body["clientId"]]
    load_pem_x509_certificate(body["pem"].encode())
    client.certificates.append(body["pem"])
    return {"certificates": len(client.certificates)}


def _calendar(graph: Graph, body: Body, _request: Request) -> Any:
    owner = graph.world.account(body["owner"])
    made = graph.world.add_calendar(owner, body["name"], color=body.get("color", "auto"))
    made.read_only = bool(body.get("readOnly"))
    return _shown(graph, made)


def _remove(graph: Graph, _body: Body, request: Request) -> Any:
    graph.world.remove_calendar(graph.world.calendars[request.path_params["key"]])
    return {}


def _renew(graph: Graph, body: Body, request: Request) -> Any:
    calendar = graph.world.calendars[request.path_params["key"]]
    return {"id": graph.world.renew_calendar_id(graph.world.account(body["upn"]), calendar)}


def _share(graph: Graph, body: Body, _request: Request) -> Any:
    calendar = graph.world.calendars[body["calendar"]]
    graph.world.share(calendar, graph.world.account(body["upn"]), body["role"])
    return {}


def _move(graph: Graph, body: Body, _request: Request) -> Any:
    found = graph.world.find_event(body["event"])
    if found is None:
        raise KeyError(body["event"])
    moved = graph.world.move(found[1], found[0], graph.world.calendars[body["calendar"]])
    return {"id": moved.id, "immutableId": moved.immutable_id}


def _invite(graph: Graph, body: Body, _request: Request) -> Any:
    account = graph.world.account(body["upn"])
    call = Call(world=graph.world, account=account, mailbox=account, owner=True)
    start, end = (times.parse_instant(body[name]) for name in ("start", "end"))
    made = writing.invite(
        call,
        organizer=body.get("organizer", STRANGER),
        start=start,
        end=end,
        subject=body["subject"],
    )
    return {"id": made.id, "immutableId": made.immutable_id}


def _token(graph: Graph, body: Body, _request: Request) -> Any:
    lifetime = timedelta(seconds=body.get("lifetime", 3600))
    token = graph.world.issue_access_token(
        graph.world.account(body["upn"]),
        body.get("clientId", "test-client"),
        body.get("scopes", SCOPES),
        lifetime=lifetime,
    )
    return {"access_token": token.token, "expires": token.expires.isoformat(), "scopes": token.scopes}


def _revoke(graph: Graph, body: Body, _request: Request) -> Any:
    return {"revoked": graph.world.revoke_grant(graph.world.account(body["upn"]), body["clientId"])}


def _clock(graph: Graph, body: Body, _request: Request) -> Any:
    world = graph.world
    world.advance(timedelta(seconds=body.get("advance", 0)))
    if "skew" in body:
        world.skew = timedelta(seconds=body["skew"])
    graph.outbox.wake()
    return {"now": world.now().isoformat(), "skew": world.skew.total_seconds()}


def _expire(graph: Graph, body: Body, _request: Request) -> Any:
    world = graph.world
    named = [world.calendars[body["calendar"]]] if "calendar" in body else list(world.calendars.values())
    for calendar in named:
        calendar.epoch += 1
    return {"calendars": len(named)}


def _lifecycle(graph: Graph, body: Body, _request: Request) -> Any:
    subscription = graph.world.subscriptions[body["subscription"]]
    return {"told": graph.outbox.announce(subscription, body["event"])}


def _switches(graph: Graph, body: Body, _request: Request) -> Any:
    world = graph.world
    world.strict_match = bool(body.get("strictMatch", world.strict_match))
    world.rotates_strictly = bool(body.get("rotatesStrictly", world.rotates_strictly))
    world.forgets_returned = bool(body.get("forgetsReturned", world.forgets_returned))
    world.finds_anywhere = bool(body.get("findsAnywhere", world.finds_anywhere))
    graph.latency = float(body.get("latency", graph.latency))
    return {
        "strictMatch": world.strict_match,
        "rotatesStrictly": world.rotates_strictly,
        "forgetsReturned": world.forgets_returned,
        "findsAnywhere": world.finds_anywhere,
        "latency": graph.latency,
    }


def _load(graph: Graph, _body: Body, _request: Request) -> Any:
    return {"most": dict(graph.most_under_way)}


def _mailed(graph: Graph, _body: Body, _request: Request) -> Any:
    return {
        "letters": [{"why": why, "to": to, "subject": subject} for why, to, subject in graph.world.mailed]
    }


routes = _routes()
