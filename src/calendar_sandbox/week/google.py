"""The owner of Google calendars: what a person does in Google's own window, on the stand-in's world.

Each change goes through the API's own functions, in process, as the account itself: so ETags, sync tokens,
guests' copies and push behave as after any other change. Faults do not reach here: the person at Google's
own window is not the one whose network breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from calendar_sandbox.faults import BadInput, Fault, Gone, Stale
from calendar_sandbox.google.api import calendars, reading, writing
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.errors import Refusal
from calendar_sandbox.google.state import WRITING_ROLES, Account, World
from calendar_sandbox.week import alike, rules
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
MOST = "2500"  # events a page of a list
TEXTS = {"title": "summary", "place": "location", "notes": "description"}


class GoogleOwner:
    """An Owner; see there. An href is the id of the event, or of the series an occurrence belongs to."""

    def __init__(self, world: World, account: Account) -> None:
        self._world = world
        self._account = account

    async def calendars(self) -> list[Calendar]:
        with self._asking():
            found = self._pages(calendars.list_, {})
        found.sort(key=lambda one: not one.get("primary"))
        return [
            Calendar(
                href=one["id"],
                name=one.get("summaryOverride") or one["summary"],
                color=one["backgroundColor"],
                zone=one["timeZone"],
                writable=one["accessRole"] in WRITING_ROLES,
            )
            for one in found
        ]

    async def version(self, calendar: str) -> str:
        with self._asking():
            found = self._call(calendar).calendar()
            return f"{found.epoch}-{found.changes}-{found.etag.strip(chr(34))}"

    async def zone(self, calendar: Calendar, first: datetime, last: datetime) -> str:
        return calendar.zone

    async def between(self, calendar: str, first: datetime, last: datetime, zone: ZoneInfo) -> Seen:
        # Days begin at midnight of the calendar's zone there, of the shown one here.
        edges = {"timeMin": [(first - DAY).isoformat()], "timeMax": [(last + DAY).isoformat()]}
        with self._asking():
            found = self._pages(reading.list_, edges | {"singleEvents": ["true"]}, calendar)
            all_of_them = [self._occurrence(calendar, one, zone) for one in found]
        met = [one for one in all_of_them if alike.meets(one, first, last, zone)]
        return Seen(sorted(met, key=lambda one: (instant(one.start, zone), one.title)), [])

    async def one(self, calendar: str, href: str, key: str, *, etag: str, zone: ZoneInfo) -> Occurrence:
        with self._asking():
            found = reading.get(self._call(calendar, event=_id_of(href, key)))
            if found["status"] == "cancelled" or ("recurrence" in found and not key):
                raise Gone.event()
            if etag and etag != found["etag"]:
                raise Stale.event()
            return self._occurrence(calendar, found, zone)

    async def create(self, calendar: str, wanted: Wanted, *, now: datetime) -> Kept:
        assert wanted.when is not None
        body = _texts(wanted) | _times(wanted.when, "", {})
        if wanted.rule:
            body["recurrence"] = [f"RRULE:{wanted.rule}"]
        with self._asking():
            return _kept(writing.insert(self._call(calendar, body=body)))

    async def edit(self, old: Occurrence, wanted: Wanted, scope: Scope, *, now: datetime) -> Kept:
        with self._asking():
            self._still(old)
            if old.repeats and scope == "one":
                event = _id_of(old.href, old.key)
                current = reading.get(self._call(old.calendar, event=event))
                body = _texts(wanted) | self._moved(current, wanted.when)
            else:
                event = old.href
                current = reading.get(self._call(old.calendar, event=event))
                body = _texts(wanted) | self._series(old, current, wanted)
            call = self._call(old.calendar, event=event, body=body, if_match=current["etag"])
            return _kept(writing.patch(call))

    async def delete(self, old: Occurrence, scope: Scope, *, now: datetime) -> Kept:
        with self._asking():
            self._still(old)
            event = _id_of(old.href, old.key if scope == "one" else "")
            writing.delete(self._call(old.calendar, event=event))
        return Kept(old.href, "")

    async def transfer(self, old: Occurrence, calendar: str) -> Kept:
        with self._asking():
            self._still(old)
            call = self._call(old.calendar, event=old.href)
            return _kept(writing.move(replace(call, params={"destination": [calendar]})))

    async def answer(self, old: Occurrence, answer: str, scope: Scope) -> Kept:
        with self._asking():
            self._still(old)
            event = _id_of(old.href, old.key if scope == "one" else "")
            current = reading.get(self._call(old.calendar, event=event))
            guests = [
                guest | ({"responseStatus": answer} if guest.get("self") else {})
                for guest in current.get("attendees", ())
            ]
            if not any(guest.get("self") for guest in guests):
                raise alike.nobody_asked()
            return _kept(writing.patch(self._call(old.calendar, event=event, body={"attendees": guests})))

    # --- reading

    def _call(
        self, calendar: str = "", *, event: str = "", body: Resource | None = None, if_match: str = ""
    ) -> Call:
        args = {"calendarId": calendar, "eventId": event}
        return Call(self._world, self._account, args=args, body=body or {}, if_match=if_match)

    def _pages(self, method: Any, params: dict[str, list[str]], calendar: str = "") -> list[Resource]:
        found: list[Resource] = []
        token: dict[str, list[str]] = {}
        while True:
            sent = params | {"maxResults": [MOST]} | token
            answer = method(Call(self._world, self._account, args={"calendarId": calendar}, params=sent))
            found += answer["items"]
            if "nextPageToken" not in answer:
                return found
            token = {"pageToken": [answer["nextPageToken"]]}

    def _occurrence(self, calendar: str, found: Resource, zone: ZoneInfo) -> Occurrence:
        series = found.get("recurringEventId", "")
        events = self._call(calendar).calendar().events
        master = events[series].resource if series in events else {}
        me: Resource = next((guest for guest in found.get("attendees", ()) if guest.get("self")), {})
        organizer = found.get("organizer", {})
        return Occurrence(
            href=series or found["id"],
            etag=found["etag"],
            key=key_of(_moment(found["originalStartTime"])) if series else "",
            uid=found.get("iCalUID", ""),
            title=found.get("summary", "Busy" if found.get("visibility") == "private" else ""),
            place=found.get("location", ""),
            notes=found.get("description", ""),
            start=_moment(found["start"], zone),
            end=_moment(found["end"], zone),
            free=found.get("transparency") == "transparent",
            status=found["status"].upper(),
            changed_alone=found["id"] in events and bool(series),
            rule=_rule_of(master.get("recurrence", ())),
            calendar=calendar,
            invited_by="" if organizer.get("self") or not me else organizer.get("email", ""),
            answer=me.get("responseStatus", ""),
        )

    def _still(self, old: Occurrence) -> None:
        """Raise Stale or Gone when the occurrence is another by now."""
        found = reading.get(self._call(old.calendar, event=_id_of(old.href, old.key)))
        if found["status"] == "cancelled":
            raise Gone.event()
        if found["etag"] != old.etag:
            raise Stale.event()

    # --- writing

    def _moved(self, current: Resource, when: When | None) -> Resource:
        """The times to write; nothing when the event stands there already."""
        start, end = _moment(current["start"]), _moment(current["end"])
        if when is None or (start, end) == (when.start, when.end):
            return {}
        return _times(when, current["start"].get("timeZone", ""), current["start"])

    def _series(self, old: Occurrence, master: Resource, wanted: Wanted) -> Resource:
        """What changes an event that does not repeat, or a whole series."""
        lines = list(master.get("recurrence", ()))
        if not lines or wanted.rule == "":
            body = self._moved(master, wanted.when)
        elif wanted.when is None:
            body = {}
        elif wanted.when.all_day != ("date" in master["start"]):
            body = self._other_kind(old, master, wanted.when)
        else:
            shift = _Shift(old, master, wanted.when)
            body = shift.body()
            lines = body.get("recurrence", lines)
        rule = _rule_of(lines)
        if wanted.rule is not None and wanted.rule != _rule_of(master.get("recurrence", ())):
            same = rules.without_end(wanted.rule) == rules.without_end(rule)
            others = [line for line in lines if not line.startswith("RRULE")] if same else []
            body["recurrence"] = [f"RRULE:{wanted.rule}", *others] if wanted.rule else None
        return body

    def _other_kind(self, old: Occurrence, master: Resource, when: When) -> Resource:
        """Turn a series all day, or back, from its first day on."""
        calendar = self._call(old.calendar).calendar()
        has_exceptions = calendar.by_series.get(old.href) or len(master["recurrence"]) > 1
        if has_exceptions or "UNTIL=" in _rule_of(master["recurrence"]):
            raise rules.no_change_of_kind()
        first = _moment(master["start"], ZoneInfo(master["start"].get("timeZone", "UTC")))
        if isinstance(first, datetime):
            begin: date = first.date()
        else:
            assert isinstance(when.start, datetime)
            begin = datetime.combine(first, when.start.timetz())
        return _times(When(begin, begin + (when.end - when.start)), "", master["start"])

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Hold the world; what the API refuses is said in the page's words."""
        with self._world.lock:
            try:
                yield
            except Refusal as refusal:
                raise _fault(refusal) from refusal


class _Shift(alike.Shift):
    """A series moved as a whole, with what its lines say."""

    def __init__(self, old: Occurrence, master: Resource, when: When) -> None:
        zone = ZoneInfo(master["start"].get("timeZone", "UTC"))
        super().__init__(old, when, zone)
        self._master = master
        self._zone = zone.key

    def body(self) -> Resource:
        first, last = _moment(self._master["start"]), _moment(self._master["end"])
        if not self.by and self.length == last - first:
            return {}
        start = self.later(first)
        body = _times(When(start, start + self.length), self._zone, self._master["start"])
        if self.by:
            body["recurrence"] = [self._line(line) for line in self._master["recurrence"]]
        return body

    def _line(self, line: str) -> str:
        name, colon, value = line.partition(":")
        if name.upper() in ("RRULE", "EXRULE"):
            return f"{name}:{rules.shifted(value, days=self.days, moved=self.later)}"
        if "PERIOD" in name.upper():
            raise BadInput(
                "This series lists periods that cannot be moved together.",
                "Nothing was changed.",
                "Move its occurrences one by one.",
            )
        return f"{name}{colon}{','.join(key_of(self.later(moment_of(one))) for one in value.split(','))}"


def _id_of(href: str, key: str) -> str:
    return f"{href}_{key}" if key else href


def _kept(resource: Resource) -> Kept:
    return Kept(resource.get("recurringEventId") or resource["id"], resource["etag"])


def _moment(told: Resource, zone: Any = None) -> date:
    """Read a time of an answer, in the shown zone if there is one."""
    if "date" in told:
        return date.fromisoformat(told["date"])
    moment = datetime.fromisoformat(told["dateTime"])
    return moment.astimezone(zone or UTC)


def _texts(wanted: Wanted) -> Resource:
    body: Resource = {
        there: text or None for here, there in TEXTS.items() if (text := getattr(wanted, here)) is not None
    }
    if wanted.free is not None:
        body["transparency"] = "transparent" if wanted.free else "opaque"
    return body


def _times(when: When, zone: str, current: Resource) -> Resource:
    """Write start and end in the zone the event has, else in that of the times; the other kind goes."""
    if not isinstance(when.start, datetime) or not isinstance(when.end, datetime):
        gone = {"dateTime": None, "timeZone": None} if "dateTime" in current else {}
        return {
            name: gone | {"date": f"{day:%Y-%m-%d}"}
            for name, day in (("start", when.start), ("end", when.end))
        }
    own = zone or getattr(when.start.tzinfo, "key", "UTC")
    gone = {"date": None} if "date" in current else {}
    return {
        name: gone | {"dateTime": moment.isoformat(timespec="seconds"), "timeZone": own}
        for name, moment in (("start", when.start), ("end", when.end))
    }


def _rule_of(lines: Any) -> str:
    """The RRULE value of a recurrence; nothing when it is listed days only."""
    return next((line.removeprefix("RRULE:") for line in lines if line.startswith("RRULE:")), "")


def _fault(refusal: Refusal) -> Fault:
    others = refusal.reason == "forbiddenForNonOrganizer"
    return alike.fault_of(refusal.code, refusal.message, organizer_only=others)
