"""The calendar page's addresses; the page, people's own scripts and tests use the same ones.

Every request says `account` (a CalDAV login, a Google or Microsoft address) and `calendar` (its path on the
CalDAV server, else its id), and may say `zone` (IANA; times without an offset are read in it) and `day`
(ISO). Posts take a form or a JSON object, and answer JSON to `Accept: application/json`, else a redirect to
the week.

    GET  /                  the week as a page
    GET  /week              its grid alone (what the page fetches when something changed)
    GET  /version.json      {"version"}: another text whenever the calendar's content differs
    GET  /calendars.json    {"calendars": [{"href", "name", "color", "zone", "writable"}]}
    GET  /events.json       &first=2026-11-23&last=2026-11-30 (exclusive):
                            {"version", "zone", "events": [event…], "unreadable": [href]}; an event is
                            {"href", "etag", "occurrence", "uid", "title", "place", "notes", "start", "end",
                             "all_day", "free", "status", "repeats", "changed_alone", "rule",
                             "invited_by", "answer"}
    GET  /events/new        the form, empty (start, end: ISO)
    GET  /events/edit       the form of `event` = occurrence|href; &fragment=1 leaves out the page around it
    POST /events/create     title, place, notes, shown_as (busy|free), start, end,
                            repeat (none|daily|weekly), repeat_until
    POST /events/move       href, etag, occurrence, scope (one|series), start and/or end
    POST /events/edit       the same and title, place, notes, shown_as, repeat, repeat_until;
                            what is not sent stays
    POST /events/delete     href, etag, occurrence, scope
    POST /events/transfer   href, etag, occurrence, to (another calendar's href): the whole event or series
    POST /events/answer     href, etag, occurrence, scope, answer (accepted|tentative|declined): not on CalDAV

At Google an `href` is the id of the event or of its series, and `href_occurrence` the id of one of a series;
at Microsoft it is the immutable id.
`start` and `end` are `2026-11-24T10:15` (with or without offset), or dates for all day, the end exclusive.
The form sends `start_date start_time end_date end_time all_day` instead, its last day inclusive. Without
`etag` the newest version is changed. Posts answer {"ok", "href", "etag", "said"} (201 for a new event), or
{"error": {"what", "meaning", "action", "field"?}} with 400 (unfit), 403 (read-only), 404 (gone), 412
(somebody changed it first; nothing was written), 502 (the calendar server).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.faults import BadInput, Fault, Gone, Stale
from calendar_sandbox.pages import fields_of, page, span_of, wants_json
from calendar_sandbox.week.asked import Asked, now_in, people
from calendar_sandbox.week.form import flat, repeat_of, wanted_from, when_from
from calendar_sandbox.week.layout import bands, blocks, monday_of
from calendar_sandbox.week.owner import ANSWERS, DAY, Calendar, Kept, Occurrence, Owner, Scope, When
from calendar_sandbox.week.zones import zone_names

WEEK = timedelta(days=7)
SAID = {
    "created": "The event is on the calendar.",
    "moved": "The event was moved.",
    "saved": "The change is saved.",
    "deleted": "The event was deleted.",
    "transferred": "The event is on the other calendar now.",
    "accepted": "You said that you will come.",
    "tentative": "You said that you may come.",
    "declined": "You said that you will not come.",
    "stale": "Somebody else changed this event first, so your change was not saved. This is how it is now.",
    "gone": "This event is not on the calendar any more. Nothing was changed.",
}


@dataclass(frozen=True)
class Week:
    """Everything the grid shows."""

    asked: Asked
    calendar: Calendar
    zone: ZoneInfo
    now: datetime
    day: date
    monday: date
    version: str
    occurrences: list[Occurrence]
    unreadable: list[str]

    @property
    def days(self) -> list[date]:
        return [self.monday + index * DAY for index in range(7)]

    @property
    def title(self) -> str:
        last = self.monday + 6 * DAY
        begin = (
            f"{self.monday.day} {self.monday:%B}" if self.monday.month != last.month else f"{self.monday.day}"
        )
        if self.monday.year != last.year:
            begin += f" {self.monday.year}"
        return f"{begin} – {last.day} {last:%B %Y}"


async def show(request: Request) -> Response:
    """The whole page."""
    asked = Asked.by(request, request.query_params)
    owner = asked.owner(request)
    calendars = await owner.calendars()
    week = await _week(request, asked, owner, calendars) if calendars else None
    return page(
        "week.html",
        here="calendar",
        asked=week.asked if week else asked,
        people=people(request),
        calendars=calendars,
        zones=zone_names(),
        said=SAID.get(request.query_params.get("said", ""), ""),
        **(_grid_values(week) if week else {"week": None}),
    )


async def grid(request: Request) -> Response:
    """The grid alone."""
    asked = Asked.by(request, request.query_params)
    owner = asked.owner(request)
    week = await _week(request, asked, owner, await owner.calendars())
    return page("grid.html", asked=week.asked, **_grid_values(week))


async def version(request: Request) -> JSONResponse:
    asked = Asked.by(request, request.query_params)
    return JSONResponse({"version": await asked.owner(request).version(asked.calendar)})


async def calendars_json(request: Request) -> JSONResponse:
    found = await Asked.by(request, request.query_params).owner(request).calendars()
    return JSONResponse({"calendars": [vars(calendar) for calendar in found]})


async def events_json(request: Request) -> JSONResponse:
    asked = Asked.by(request, request.query_params)
    owner = asked.owner(request)
    calendar = _chosen(asked, await owner.calendars())
    zone = ZoneInfo(asked.zone or _own_zone(calendar))
    first, last = (_edge(request, name, zone) for name in ("first", "last"))
    current = await owner.version(calendar.href)
    seen = await owner.between(calendar.href, first, last, zone)
    events = [_as_json(occurrence) for occurrence in seen.occurrences]
    return JSONResponse(
        {"version": current, "zone": zone.key, "events": events, "unreadable": seen.unreadable}
    )


async def new_form(request: Request) -> Response:
    asked = Asked.by(request, request.query_params)
    zone = ZoneInfo(asked.zone or "UTC")
    when = when_from(request.query_params, zone, None) if request.query_params.get("start") else None
    if when is None:
        now = now_in(request, zone, asked.account)
        day = asked.date(now.date())
        start = datetime.combine(day, time(min(now.hour + 1, 22) if day == now.date() else 9), zone)
        when = When(start, start + timedelta(hours=1))
    return _form_page(request, asked, zone, _empty(when), typed={}, fault=None)


async def edit_form(request: Request) -> Response:
    asked, values = _with_event(request, request.query_params)
    zone = ZoneInfo(asked.zone or "UTC")
    owner = asked.owner(request)
    old = await _event(owner, asked, values, zone)
    others = await _others(owner, asked)
    return _form_page(request, asked, zone, old, typed={}, fault=None, others=others)


async def create(request: Request) -> Response:
    fields = await fields_of(request)
    asked = Asked.by(request, fields)
    zone = ZoneInfo(asked.zone or "UTC")
    try:
        wanted = wanted_from(fields, zone, None)
        if wanted.when is None or not asked.calendar:
            raise BadInput(
                "An event needs a calendar and a start.", "Nothing was saved.", "Give both and save again."
            )
    except BadInput as fault:
        return _typed_again(request, asked, zone, None, fields, fault)
    kept = await asked.owner(request).create(asked.calendar, wanted, now=now_in(request, zone))
    return _done(request, asked, "created", kept, when=wanted.when)


async def move(request: Request) -> Response:
    return await _change(request, "moved")


async def edit(request: Request) -> Response:
    return await _change(request, "saved")


async def delete(request: Request) -> Response:
    fields = await fields_of(request)
    asked, values = _with_event(request, fields)
    zone = ZoneInfo(asked.zone or "UTC")
    owner = asked.owner(request)
    try:
        old = await _event(owner, asked, values, zone)
        kept = await owner.delete(old, _scope(fields), now=now_in(request, zone))
    except (Stale, Gone) as fault:
        return _lost(request, asked, fault)
    return _done(request, asked, "deleted", kept, when=None)


async def transfer(request: Request) -> Response:
    fields = await fields_of(request)
    asked, values = _with_event(request, fields)
    owner = asked.owner(request)
    others = await _others(owner, asked)
    target = next((one.href for one in others if one.href == fields.get("to")), None)
    if target is None:
        raise BadInput(
            "The event cannot be moved to this calendar.", "Nothing was changed.", "Choose another calendar."
        )
    try:
        old = await _event(owner, asked, values, ZoneInfo(asked.zone or "UTC"))
        kept = await owner.transfer(old, target)
    except (Stale, Gone) as fault:
        return _lost(request, asked, fault)
    return _done(request, asked, "transferred", kept, when=None)


async def answer(request: Request) -> Response:
    fields = await fields_of(request)
    asked, values = _with_event(request, fields)
    owner = asked.owner(request)
    said = fields.get("answer", "")
    if said not in ANSWERS:
        raise BadInput(
            f"“{said[:40]}” is no answer.", "Nothing was changed.", f"Send one of: {', '.join(ANSWERS)}."
        )
    try:
        old = await _event(owner, asked, values, ZoneInfo(asked.zone or "UTC"))
        kept = await owner.answer(old, said, _scope(fields))
    except (Stale, Gone) as fault:
        return _lost(request, asked, fault)
    return _done(request, asked, said, kept, when=None)


async def _change(request: Request, done: str) -> Response:
    fields = await fields_of(request)
    asked, values = _with_event(request, fields)
    zone = ZoneInfo(asked.zone or "UTC")
    owner = asked.owner(request)
    try:
        old = await _event(owner, asked, values, zone)
        try:
            wanted = wanted_from(fields, zone, old)
            kept = await owner.edit(old, wanted, _scope(fields), now=now_in(request, zone))
        except BadInput as fault:
            return _typed_again(request, asked, zone, old, fields, fault)
    except (Stale, Gone) as fault:
        return _lost(request, asked, fault)
    alone = old.repeats and _scope(fields) == "one"
    return _done(request, asked, done, kept, when=wanted.when, alone=alone)


async def _others(owner: Owner, asked: Asked) -> list[Calendar]:
    """The calendars an event may be moved to."""
    return [one for one in await owner.calendars() if one.writable and one.href != asked.calendar]


async def _event(owner: Owner, asked: Asked, values: Mapping[str, str], zone: ZoneInfo) -> Occurrence:
    """Return the occurrence; raise Stale when a version was sent and it has another by now."""
    return await owner.one(
        asked.calendar, values.get("href", ""), asked.key(values), etag=values.get("etag", ""), zone=zone
    )


async def _week(request: Request, asked: Asked, owner: Owner, calendars: list[Calendar]) -> Week:
    calendar = _chosen(asked, calendars)
    current = await owner.version(calendar.href)  # before the events: what comes between is shown again
    zone = ZoneInfo(asked.zone or await _zone_of(request, asked, owner, calendar))
    now = now_in(request, zone, asked.account)
    day = asked.date(now.date())
    monday = monday_of(day)
    first, last = (datetime.combine(edge, time(), zone) for edge in (monday, monday + WEEK))
    seen = await owner.between(calendar.href, first, last, zone)
    settled = replace(asked, calendar=calendar.href, zone=zone.key, day=day.isoformat())
    return Week(settled, calendar, zone, now, day, monday, current, seen.occurrences, seen.unreadable)


async def _zone_of(request: Request, asked: Asked, owner: Owner, calendar: Calendar) -> str:
    guess = ZoneInfo(_own_zone(calendar))
    monday = monday_of(asked.date(now_in(request, guess, asked.account).date()))
    first, last = (datetime.combine(edge, time(), guess) for edge in (monday, monday + WEEK))
    return await owner.zone(calendar, first, last)


def _own_zone(calendar: Calendar) -> str:
    return calendar.zone if calendar.zone in zone_names() else "UTC"


def _chosen(asked: Asked, calendars: list[Calendar]) -> Calendar:
    found = next((calendar for calendar in calendars if calendar.href == asked.calendar), None)
    if found is None and (asked.calendar or not calendars):
        raise Gone(
            "This account has no such calendar.",
            "It was deleted or renamed, or belongs to another account.",
            "Choose a calendar from the list on the calendar page.",
        )
    return found or calendars[0]


def _grid_values(week: Week) -> dict[str, Any]:
    columns = [blocks(week.occurrences, day, week.zone) for day in week.days]
    return {
        "week": week,
        "columns": list(zip(week.days, columns, strict=True)),
        "bands": bands(week.occurrences, week.monday),
        "minute": week.now.hour * 60 + week.now.minute,
        "previous": week.asked.address(day=(week.day - WEEK).isoformat()),
        "next": week.asked.address(day=(week.day + WEEK).isoformat()),
        "today": week.asked.address(day=week.now.date().isoformat()),
        "span_of": span_of,
    }


def _with_event(request: Request, values: Mapping[str, str]) -> tuple[Asked, dict[str, str]]:
    """Accept `event` = occurrence|href (one button's value) in place of `occurrence` and `href`."""
    known = dict(values)
    if "event" in known:
        known["occurrence"], _bar, known["href"] = known.pop("event").partition("|")
    return Asked.by(request, known), known


def _form_page(
    request: Request,
    asked: Asked,
    zone: ZoneInfo,
    old: Occurrence,
    *,
    typed: Mapping[str, str],
    fault: Fault | None,
    others: Sequence[Calendar] = (),
) -> Response:
    start, end = old.start, old.end
    timed = isinstance(start, datetime) and isinstance(end, datetime)
    last = end if timed else end - DAY
    repeat, until = repeat_of(old, zone)
    values = {
        "title": flat(old.title),
        "place": flat(old.place),
        "notes": old.notes,
        "shown_as": "free" if old.free else "busy",
        "start_date": f"{start:%Y-%m-%d}",
        "start_time": f"{start:%H:%M}" if timed else "09:00",
        "end_date": f"{last:%Y-%m-%d}",
        "end_time": f"{end:%H:%M}" if timed else "10:00",
        "all_day": "" if timed else "on",
        "repeat": repeat,
        "repeat_until": until,
        "scope": "one",
    }
    if typed:
        values |= {"all_day": ""} | {name: text for name, text in typed.items() if name in values}
    fragment = bool(request.query_params.get("fragment"))
    return page(
        "event.html" if fragment else "event_page.html",
        status=fault.status if fault else 200,
        here="calendar",
        asked=asked,
        zone=zone.key,
        event=old,
        when=(start, end),
        values=values,
        fault=fault,
        others=others,
    )


def _typed_again(
    request: Request,
    asked: Asked,
    zone: ZoneInfo,
    old: Occurrence | None,
    fields: Mapping[str, str],
    fault: BadInput,
) -> Response:
    """Show the form once more with what was typed and what is wrong with it."""
    if wants_json(request):
        return JSONResponse(fault.as_json(), fault.status)
    if old is None:
        now = now_in(request, zone)
        old = _empty(When(now, now + timedelta(hours=1)))
    return _form_page(request, asked, zone, old, typed=fields, fault=fault)


def _lost(request: Request, asked: Asked, fault: Fault) -> Response:
    """Tell that somebody else was quicker; the week that follows shows how it is now."""
    if wants_json(request):
        return JSONResponse(fault.as_json(), fault.status)
    return RedirectResponse(asked.address(said="stale" if isinstance(fault, Stale) else "gone"), 303)


def _done(
    request: Request,
    asked: Asked,
    done: str,
    kept: Kept,
    *,
    when: When | None,
    alone: bool = False,
) -> Response:
    if wants_json(request):
        said = SAID[done]
        if when and done == "moved":
            said = f"Now {span_of(when.start, when.end)}{' (only this one)' if alone else ''}."
        told = {"ok": True, "href": kept.href, "etag": kept.etag, "said": said}
        return JSONResponse(told, 201 if done == "created" else 200)
    day = {"day": f"{when.start:%Y-%m-%d}"} if when else {}
    return RedirectResponse(asked.address(said=done, **day), 303)


def _empty(when: When) -> Occurrence:
    return Occurrence("", "", "", "", "", "", "", when.start, when.end, False, "CONFIRMED", False, "")


def _scope(fields: Mapping[str, str]) -> Scope:
    return "series" if fields.get("scope") == "series" else "one"


def _edge(request: Request, name: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(request.query_params[name]), time(), zone)
    except (KeyError, ValueError):
        raise BadInput(
            f"The request does not say which days to list: {name} is missing or no ISO date.",
            "Nothing can be listed.",
            "Send first and last, for example first=2026-11-23&last=2026-11-30.",
            field=name,
        ) from None


def _as_json(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "href": occurrence.href,
        "etag": occurrence.etag,
        "occurrence": occurrence.key,
        "uid": occurrence.uid,
        "title": occurrence.title,
        "place": occurrence.place,
        "notes": occurrence.notes,
        "start": occurrence.start.isoformat(),
        "end": occurrence.end.isoformat(),
        "all_day": occurrence.all_day,
        "free": occurrence.free,
        "status": occurrence.status,
        "repeats": occurrence.repeats,
        "changed_alone": occurrence.changed_alone,
        "rule": occurrence.rule,
        "invited_by": occurrence.invited_by,
        "answer": occurrence.answer,
    }


routes = [
    Route("/", show),
    Route("/week", grid),
    Route("/version.json", version),
    Route("/calendars.json", calendars_json),
    Route("/events.json", events_json),
    Route("/events/new", new_form),
    Route("/events/edit", edit_form, methods=["GET"]),
    Route("/events/create", create, methods=["POST"]),
    Route("/events/move", move, methods=["POST"]),
    Route("/events/edit", edit, methods=["POST"]),
    Route("/events/delete", delete, methods=["POST"]),
    Route("/events/transfer", transfer, methods=["POST"]),
    Route("/events/answer", answer, methods=["POST"]),
]
