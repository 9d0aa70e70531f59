"""The owner of Microsoft calendars: what a person does in Outlook's own window, on the stand-in's world.

Each change goes through the API's own functions, in process, as the account itself: so change keys, deltas
and notifications behave as after any other change. Faults do not reach here: the person in Outlook is not
the one whose network breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from calendar_sandbox.faults import Fault, Gone, Stale
from calendar_sandbox.microsoft import times
from calendar_sandbox.microsoft.api import calendars, entities, reading, writing
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.errors import Refusal
from calendar_sandbox.microsoft.state import Account, World, occurrence_ids
from calendar_sandbox.week import alike, microsoft_rules, rules
from calendar_sandbox.week.owner import (
    DAY,
    Calendar,
    Kept,
    Occurrence,
    Scope,
    Seen,
    Wanted,
    When,
    instant,
    key_of,
    moment_of,
)

Resource = dict[str, Any]
MOST = "1000"  # calendars a page of a list
PREFER = {"idtype": "ImmutableId", "outlook.body-content-type": "text"}
ANSWERS: dict[str, Callable[[Call], Answer]] = {
    "accepted": writing.accept,
    "tentative": writing.tentatively_accept,
    "declined": writing.decline,
}
SAID = {"tentativelyAccepted": "tentative", "accepted": "accepted", "declined": "declined"}


class MicrosoftOwner:
    """An Owner; see there. An href is the immutable id of the event, or of an occurrence's series."""

    def __init__(self, world: World, account: Account) -> None:
        self._world = world
        self._account = account

    async def calendars(self) -> list[Calendar]:
        with self._asking():
            found = calendars.listed(self._call(params={"$top": [MOST]})).body["value"]
            return [
                Calendar(
                    href=one["id"],
                    name=one["name"],
                    color=one["hexColor"],
                    zone=self._account.time_zone,
                    writable=one["canEdit"],
                )
                for one in found
            ]

    async def version(self, calendar: str) -> str:
        with self._asking():
            call = self._call(calendar)
            found = call.calendar()
            return f"{found.epoch}-{found.changes}-{call.entry(found).change_key}"

    async def zone(self, calendar: Calendar, first: datetime, last: datetime) -> str:
        return calendar.zone

    async def between(self, calendar: str, first: datetime, last: datetime, zone: ZoneInfo) -> Seen:
        # Days begin at midnight of the zone the event was made in there, of the shown one here.
        with self._asking():
            call = self._call(calendar)
            place = call.calendar()
            call.must_see_details(place)
            found = reading.view(place, place.events, first - DAY, last + DAY)
            all_of_them = [self._occurrence(calendar, one.shown(call), zone) for one in found]
        met = [one for one in all_of_them if alike.meets(one, first, last, zone)]
        return Seen(sorted(met, key=lambda one: (instant(one.start, zone), one.title)), [])

    async def one(self, calendar: str, href: str, key: str, *, etag: str, zone: ZoneInfo) -> Occurrence:
        with self._asking():
            found = self._get(calendar, href, key)
            if etag and etag != found["@odata.etag"]:
                raise Stale.event()
            return self._occurrence(calendar, found, zone)

    async def create(self, calendar: str, wanted: Wanted, *, now: datetime) -> Kept:
        assert wanted.when is not None
        zone = self._zone_for(wanted.when)
        body = _texts(wanted) | _times(wanted.when, zone)
        if wanted.rule:
            start = _wall(wanted.when.start, zone)
            body["recurrence"] = microsoft_rules.recurrence_of(wanted.rule, start, times.zone_info(zone))
        with self._asking():
            return _kept(writing.create(self._call(calendar, body=body)).body)

    async def edit(self, old: Occurrence, wanted: Wanted, scope: Scope, *, now: datetime) -> Kept:
        with self._asking():
            self._still(old)
            alone = old.repeats and scope == "one"
            current = self._get(old.calendar, old.href, old.key if alone else "", master=not alone)
            moved = self._moved(current, wanted.when) if alone else self._series(old, current, wanted)
            body = _texts(wanted, current) | moved
            if not body:
                return _kept(current)
            return _kept(writing.update(self._call(old.calendar, event=current["id"], body=body)).body)

    async def delete(self, old: Occurrence, scope: Scope, *, now: datetime) -> Kept:
        with self._asking():
            self._still(old)
            writing.delete(self._call(old.calendar, event=self._id(old, scope)))
        return Kept(old.href, "")

    async def transfer(self, old: Occurrence, calendar: str) -> Kept:
        """Outlook moves events between calendars; Graph has no call for it."""
        with self._asking():
            self._still(old)
            source, target = self._call(old.calendar), self._call(calendar)
            source.must_write(source.calendar())
            target.must_write(target.calendar())
            stored = reading.find(source, old.href).stored
            kept = self._world.move(stored, source.calendar(), target.calendar())
            return Kept(kept.immutable_id, entities.etag(kept))

    async def answer(self, old: Occurrence, answer: str, scope: Scope) -> Kept:
        """A declined invitation leaves the calendar, as it does in Outlook."""
        with self._asking():
            self._still(old)
            if not old.invited_by:
                raise alike.nobody_asked()
            ANSWERS[answer](self._call(old.calendar, event=self._id(old, scope)))
            if answer == "declined":
                return Kept(old.href, "")
            alone = old.repeats and scope == "one"
            return _kept(self._get(old.calendar, old.href, old.key if alone else "", master=not alone))

    # --- reading

    def _call(
        self,
        calendar: str | None = None,
        *,
        event: str = "",
        body: Resource | None = None,
        params: dict[str, list[str]] | None = None,
    ) -> Call:
        args = {} if calendar is None else {"calendar": calendar}
        return Call(
            world=self._world,
            account=self._account,
            mailbox=self._account,
            args=args | ({"event": event} if event else {}),
            params=params or {},
            body=body or {},
            prefer=PREFER,
            owner=True,
        )

    def _get(self, calendar: str, href: str, key: str, *, master: bool = False) -> Resource:
        """The event or one of its occurrences; a series itself only when `master` says so. Raise Gone."""
        call = self._call(calendar)
        found = reading.find(call, href)
        if key:
            found = reading.find(call, self._occurrence_id(found, key))
        elif found.stored.kind == "seriesMaster" and not master:
            raise Gone.event()
        return found.shown(call)

    def _occurrence_id(self, found: reading.Found, key: str) -> str:
        if found.stored.kind != "seriesMaster":
            raise Gone.event()
        moment = moment_of(key)
        zone = _info(_zone_of(found.stored.resource))
        day = moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
        return occurrence_ids(found.stored, f"{day}")[1]

    def _id(self, old: Occurrence, scope: Scope) -> str:
        if not old.repeats or scope == "series":
            return old.href
        found = reading.find(self._call(old.calendar), old.href)
        return self._occurrence_id(found, old.key)

    def _occurrence(self, calendar: str, found: Resource, zone: ZoneInfo) -> Occurrence:
        series = found["seriesMasterId"] or ""
        asked = not found["isOrganizer"]
        return Occurrence(
            href=series or found["id"],
            etag=found["@odata.etag"],
            key=_key(found) if series else "",
            uid=found["iCalUId"],
            title=found["subject"],
            place=found["location"]["displayName"],
            notes=_notes(found),
            start=_moment(found, "start", zone),
            end=_moment(found, "end", zone),
            free=found["showAs"] == "free",
            status=_status(found),
            changed_alone=found["type"] == "exception",
            rule=self._rule(series),
            calendar=calendar,
            invited_by=found["organizer"]["emailAddress"]["address"] if asked else "",
            answer=SAID.get(found["responseStatus"]["response"], "needsAction") if asked else "",
        )

    def _rule(self, series: str) -> str:
        hit = self._world.find_event(series) if series else None
        if hit is None:
            return ""
        master = hit[1].resource
        zone = _zone_of(master)
        return microsoft_rules.rrule_of(
            master["recurrence"], _wall(_moment(master, "start"), zone), _info(zone)
        )

    def _still(self, old: Occurrence) -> None:
        """Raise Stale or Gone when the occurrence is another by now."""
        if self._get(old.calendar, old.href, old.key)["@odata.etag"] != old.etag:
            raise Stale.event()

    # --- writing

    def _zone_for(self, when: When) -> str:
        """The zone a new event is written in: that of its times; whole days lie in the mailbox's."""
        own = getattr(when.start, "tzinfo", None) if isinstance(when.start, datetime) else None
        return times.windows_name(getattr(own, "key", "") or self._account.time_zone)

    def _moved(self, current: Resource, when: When | None) -> Resource:
        """The times to write; nothing when the event stands there already."""
        if when is None or (_moment(current, "start"), _moment(current, "end")) == (when.start, when.end):
            return {}
        same_kind = current["isAllDay"] == when.all_day
        return _times(when, _zone_of(current) if same_kind else self._zone_for(when))

    def _series(self, old: Occurrence, master: Resource, wanted: Wanted) -> Resource:
        """What changes an event that does not repeat, or a whole series."""
        known = master["recurrence"]
        if not known or wanted.rule == "":
            body = self._moved(master, wanted.when)
        elif wanted.when is None:
            body = {}
        elif wanted.when.all_day != master["isAllDay"]:
            body = self._other_kind(old, master, wanted.when)
        else:
            body = _shifted(old, master, wanted.when)
        return body | self._rule_body(master, body, wanted.rule)

    def _rule_body(self, master: Resource, moved: Resource, rule: str | None) -> Resource:
        """The rule to write; nothing when it stays."""
        zone = moved["start"]["timeZone"] if moved else _zone_of(master)
        known = moved.get("recurrence", master["recurrence"])
        start = _start_of(moved) if moved else _wall(_moment(master, "start"), zone)
        if rule is None or rule == microsoft_rules.rrule_of(known, start, _info(zone)):
            return {}
        if not rule:
            return {"recurrence": None} if known else {}
        return {"recurrence": microsoft_rules.recurrence_of(rule, start, _info(zone))}

    def _other_kind(self, old: Occurrence, master: Resource, when: When) -> Resource:
        """Turn a series all day, or back, from its first day on."""
        calendar = self._call(old.calendar).calendar()
        has_exceptions = bool(self._world.exceptions(calendar, old.href))
        if has_exceptions or master["recurrence"]["range"]["type"] != "noEnd":
            raise rules.no_change_of_kind()
        first = _wall(_moment(master, "start"), _zone_of(master))
        if isinstance(first, datetime):
            begin: date = first.date()
        else:
            assert isinstance(when.start, datetime)
            begin = datetime.combine(first, when.start.timetz())
        return _times(When(begin, begin + (when.end - when.start)), self._zone_for(when))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Hold the world; what the API refuses is said in the page's words."""
        with self._world.lock:
            try:
                yield
            except Refusal as refusal:
                raise _fault(refusal) from refusal


def _shifted(old: Occurrence, master: Resource, when: When) -> Resource:
    """A series moved as a whole."""
    zone = _zone_of(master)
    shift = alike.Shift(old, when, _info(zone))
    first, last = _moment(master, "start"), _moment(master, "end")
    if not shift.by and shift.length == last - first:
        return {}
    start = shift.later(first)
    body = _times(When(start, start + shift.length), zone)
    return body | ({"recurrence": microsoft_rules.moved(master["recurrence"], shift)} if shift.by else {})


def _kept(found: Resource) -> Kept:
    return Kept(found["seriesMasterId"] or found["id"], found["@odata.etag"])


def _key(found: Resource) -> str:
    moment = datetime.fromisoformat(found["originalStart"])
    return key_of(moment.date() if found["isAllDay"] else moment)


def _moment(found: Resource, name: str, zone: tzinfo = UTC) -> date:
    """Read a time of an answer, in the shown zone; the days of an all-day event are the same everywhere."""
    wall = times.read_wall(found[name]["dateTime"])
    return wall.date() if found.get("isAllDay") else wall.replace(tzinfo=UTC).astimezone(zone)


def _zone_of(found: Resource) -> str:
    """The zone an event was made in, or UTC for one Outlook has no name for."""
    name = str(found.get("originalStartTimeZone") or "UTC")
    try:
        times.zone_info(name)
    except (ValueError, KeyError):
        return "UTC"
    return name


def _info(zone: str) -> tzinfo:
    return times.zone_info(zone)


def _wall(moment: date, zone: str) -> date:
    return times.to_wall(moment, zone) if isinstance(moment, datetime) else moment


def _start_of(body: Resource) -> date:
    """The wall time a body to send starts at."""
    wall = datetime.fromisoformat(body["start"]["dateTime"])
    return wall.date() if body["isAllDay"] else wall


def _notes(found: Resource) -> str:
    return str(found["body"]["content"]).replace("\r\n", "\n")


def _status(found: Resource) -> str:
    if found["isCancelled"]:
        return "CANCELLED"
    return "TENTATIVE" if found["showAs"] == "tentative" else "CONFIRMED"


def _texts(wanted: Wanted, current: Resource | None = None) -> Resource:
    """What was typed. Notes that stayed are not sent: as text they would lose form and what apps hid."""
    body: Resource = {}
    if wanted.title is not None:
        body["subject"] = wanted.title
    if wanted.place is not None:
        body["location"] = {"displayName": wanted.place}
    if wanted.notes is not None and wanted.notes.strip() != (_notes(current).strip() if current else ""):
        body["body"] = {"contentType": "text", "content": wanted.notes}
    if wanted.free is not None and (current is None or wanted.free != (current["showAs"] == "free")):
        body["showAs"] = "free" if wanted.free else "busy"
    return body


def _times(when: When, zone: str) -> Resource:
    """Start and end as wall times of a zone; whole days from midnight to midnight."""
    made: Resource = {"isAllDay": when.all_day}
    for name, moment in (("start", when.start), ("end", when.end)):
        wall = _wall(moment, zone)
        wall = wall if isinstance(wall, datetime) else datetime.combine(wall, time())
        made[name] = {"dateTime": wall.isoformat(timespec="seconds"), "timeZone": zone}
    return made


def _fault(refusal: Refusal) -> Fault:
    status = 404 if refusal.code == "ErrorInvalidIdMalformed" else refusal.status
    return alike.fault_of(status, refusal.message)
