"""What the owner does to an event, as text in and text out (pure; `now` is given).

Everything that is not meant stays to the byte: foreign properties, alarms, zones, other components.
A changed occurrence of a series becomes an override (RECURRENCE-ID), a deleted one an EXDATE.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import icalendar

from calendar_sandbox import ics
from calendar_sandbox.faults import BadInput, Gone
from calendar_sandbox.ics import Line, Part
from calendar_sandbox.week import rules
from calendar_sandbox.week.occurrences import has_any
from calendar_sandbox.week.owner import Scope, Wanted, When, key_of, moment_of

SERIES_ONLY = ("RRULE", "RDATE", "EXDATE", "EXRULE")
PRODID = "-//Demo calendar//calendar_sandbox//EN"


def create(*, uid: str, wanted: Wanted, now: datetime) -> str:
    """Return a new object; `wanted.when` is needed, and its zone is written out as a VTIMEZONE."""
    if wanted.when is None:
        raise ValueError("a new event needs a time")
    calendar = Part("VCALENDAR", [ics.made("VERSION", "2.0"), ics.made("PRODID", PRODID)])
    event = Part(
        "VEVENT", [ics.made("UID", uid), ics.made("DTSTAMP", _utc(now)), ics.made("CREATED", _utc(now))]
    )
    calendar.items.append(event)
    _set_new_time(calendar, event, wanted.when)
    _set_fields(event, wanted)
    if wanted.rule:
        event.put("RRULE", wanted.rule)
    event.put("SEQUENCE", "0")
    return str(calendar)


def move(text: str, *, key: str, when: When, scope: Scope, now: datetime) -> str:
    """Return the object with this occurrence, or its whole series, at another time."""
    return edit(text, key=key, wanted=Wanted(when=when), scope=scope, now=now)


def edit(text: str, *, key: str, wanted: Wanted, scope: Scope, now: datetime) -> str:
    """Return the object with the wanted fields; raise Gone when there is no such occurrence."""
    bench = _Bench(text)
    if bench.repeats and scope == "one" and key:
        part = bench.override(key)
        _set_fields(part, wanted)
        if wanted.when and not bench.is_at(part, wanted.when):
            _set_time(bench, part, wanted.when)
            _grow(part)
        _stamp(part, now)
        return str(bench.calendar)
    master = bench.needed_master()
    _set_series_fields(bench, master, wanted)
    if wanted.when:
        _move_all(bench, master, key, wanted)
    _set_rule(bench, master, wanted)
    _stamp(master, now)
    return str(bench.calendar)


def delete(text: str, *, key: str, scope: Scope, now: datetime) -> str | None:
    """Return the object without this occurrence, or None when the whole object is to go."""
    bench = _Bench(text)
    if scope == "series" or not (bench.repeats and key):
        return None
    override = bench.overrides.get(key)
    if override is not None:
        bench.calendar.items.remove(override)
    if bench.master is not None:
        start = bench.needed_line(bench.master, "DTSTART")
        moment = bench.like(bench.master, moment_of(key))
        bench.master.add(ics.made("EXDATE", moment, start.params))
        _grow(bench.master)
        _stamp(bench.master, now)
    text = str(bench.calendar)
    return text if bench.calendar.parts("VEVENT") and has_any(text) else None


class _Bench:
    """The object on the work bench: its lines to write, and the same events parsed to know their zones."""

    def __init__(self, text: str) -> None:
        self.calendar = ics.read(text)
        events = self.calendar.parts("VEVENT")
        parsed: list[Any] = list(icalendar.Calendar.from_ical(text).events)
        if not events or len(events) != len(parsed):
            raise Gone.event()
        both = list(zip(events, parsed, strict=True))
        self._times: dict[int, tuple[date, date]] = {
            id(part): (event.start, event.end) for part, event in both
        }
        self.master = next((part for part in events if part.line("RECURRENCE-ID") is None), None)
        self.overrides = {
            key_of(event["RECURRENCE-ID"].dt): part for part, event in both if "RECURRENCE-ID" in event
        }
        self.repeats = self.master is None or any(self.master.line(name) for name in ("RRULE", "RDATE"))

    def needed_master(self) -> Part:
        if self.master is None:
            raise BadInput(
                "This series has no common part on the server.",
                "Only its single occurrences can be changed.",
                "Choose “only this one”.",
            )
        return self.master

    def needed_line(self, part: Part, name: str) -> Line:
        line = part.line(name)
        if line is None:
            raise Gone.event()
        return line

    def start(self, part: Part) -> date:
        return self._times[id(part)][0]

    def length(self, part: Part) -> timedelta:
        start, end = self._times[id(part)]
        return end - start

    def zone(self, part: Part) -> tzinfo | None:
        """Return the zone of the event's start; None when it is floating or a date."""
        start = self.start(part)
        return start.tzinfo if isinstance(start, datetime) else None

    def is_at(self, part: Part, when: When) -> bool:
        """Say whether the event stands there already; a floating time is read in the zone of `when`."""
        start, end = self._times[id(part)]
        if isinstance(when.start, datetime) and isinstance(start, datetime) and isinstance(end, datetime):
            if start.tzinfo is None:
                start, end = start.replace(tzinfo=when.start.tzinfo), end.replace(tzinfo=when.start.tzinfo)
            return (start, end) == (when.start, when.end)
        return not isinstance(start, datetime) and when.all_day and (start, end) == (when.start, when.end)

    def like(self, part: Part, moment: date) -> str:
        """Write a moment in the form the event's DTSTART has (date, UTC, floating or its zone)."""
        if not isinstance(self.start(part), datetime) or not isinstance(moment, datetime):
            return f"{moment:%Y%m%d}"
        if self.needed_line(part, "DTSTART").value.endswith("Z"):
            return _utc(moment)
        zone = self.zone(part)
        return f"{moment.astimezone(zone) if zone and moment.tzinfo else moment:%Y%m%dT%H%M%S}"

    def override(self, key: str) -> Part:
        """Return the occurrence's own component; made from the series where there is none."""
        if key in self.overrides:
            return self.overrides[key]
        master = self.needed_master()
        form = self.needed_line(master, "DTSTART")
        start = moment_of(key)
        if isinstance(start, datetime) and start.tzinfo is not None:
            start = start.astimezone(self.zone(master))
        original = self.like(master, start)
        part = master.copy()
        part.drop(*SERIES_ONLY)
        part.add(ics.made("RECURRENCE-ID", original, form.params))
        part.put("DTSTART", original, form.params)
        if part.line("DTEND"):
            part.put("DTEND", self.like(master, start + self.length(master)), form.params)
        self.calendar.items.append(part)
        self._times[id(part)] = (start, start + self.length(master))
        return part


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _set_fields(part: Part, wanted: Wanted) -> None:
    for name, text in (("SUMMARY", wanted.title), ("LOCATION", wanted.place), ("DESCRIPTION", wanted.notes)):
        if text is not None:
            part.put_text(name, text)
    is_free = part.text("TRANSP").upper() == "TRANSPARENT"
    if wanted.free is not None and wanted.free != is_free:
        part.put("TRANSP", "TRANSPARENT" if wanted.free else "OPAQUE")


def _set_series_fields(bench: _Bench, master: Part, wanted: Wanted) -> None:
    """Change the series; an override that said the same as the series goes on saying the same."""
    before = {name: master.text(name) for name in ("SUMMARY", "LOCATION", "DESCRIPTION", "TRANSP")}
    _set_fields(master, wanted)
    for part in bench.overrides.values():
        for name, old in before.items():
            if part.text(name) == old:
                part.put_text(name, master.text(name))


def _stamp(part: Part, now: datetime) -> None:
    part.put("DTSTAMP", _utc(now))
    part.put("LAST-MODIFIED", _utc(now))


def _grow(part: Part) -> None:
    """Count the revision up, RFC 5545 3.8.7.4."""
    line = part.line("SEQUENCE")
    part.put("SEQUENCE", str(int(line.value) + 1 if line and line.value.isdigit() else 1))


def _set_time(bench: _Bench, part: Part, when: When) -> None:
    """Write start and end in the zone the event has; a changed kind (all day or not) is written anew."""
    was_all_day = not isinstance(bench.start(part), datetime)
    if was_all_day or when.all_day:
        _set_new_time(bench.calendar, part, when)
        return
    start = bench.needed_line(part, "DTSTART")
    part.put("DTSTART", bench.like(part, when.start), start.params)
    # An end in a zone of its own would need that zone's rules: the start's zone says the same instant.
    part.put("DTEND", bench.like(part, when.end), start.params)
    part.drop("DURATION")


def _set_new_time(calendar: Part, part: Part, when: When) -> None:
    if isinstance(when.start, datetime) and isinstance(when.end, datetime):
        zone = when.start.tzinfo
        if not isinstance(zone, ZoneInfo) or zone.key == "UTC":
            part.put("DTSTART", _utc(when.start))
            part.put("DTEND", _utc(when.end))
        else:
            _know_zone(calendar, zone)
            part.put("DTSTART", f"{when.start:%Y%m%dT%H%M%S}", f";TZID={zone.key}")
            part.put("DTEND", f"{when.end.astimezone(zone):%Y%m%dT%H%M%S}", f";TZID={zone.key}")
    else:
        part.put("DTSTART", f"{when.start:%Y%m%d}", ";VALUE=DATE")
        part.put("DTEND", f"{when.end:%Y%m%d}", ";VALUE=DATE")
    part.drop("DURATION")


def _know_zone(calendar: Part, zone: ZoneInfo) -> None:
    if all(part.text("TZID") != zone.key for part in calendar.parts("VTIMEZONE")):
        written = icalendar.Timezone.from_tzid(zone.key, first_date=date(2020, 1, 1)).to_ical().decode()
        first_event = next(
            (index for index, item in enumerate(calendar.items) if isinstance(item, Part)),
            len(calendar.items),
        )
        calendar.items.insert(first_event, ics.read(written))


def _move_all(bench: _Bench, master: Part, key: str, wanted: Wanted) -> None:
    """Move the event, or each occurrence of the series by as much as this one moves."""
    when = wanted.when
    if when is None:
        return
    if not bench.repeats or wanted.rule == "":
        if not bench.is_at(master, when):
            _set_time(bench, master, when)
            _grow(master)
        return
    was_all_day = not isinstance(bench.start(master), datetime)
    if was_all_day != when.all_day:
        _change_kind(bench, master, when)
        return
    shift = _Shift(bench, master, key, when)
    if shift.is_nothing:
        return
    shift.apply()
    _grow(master)


def _change_kind(bench: _Bench, master: Part, when: When) -> None:
    has_exceptions = bench.overrides or any(master.line(name) for name in ("EXDATE", "RDATE"))
    rule = master.line("RRULE")
    if has_exceptions or (rule and "UNTIL=" in rule.value):
        raise rules.no_change_of_kind()
    first = bench.start(master)
    if isinstance(first, datetime):  # to all day: from the series' first day on
        begins = first.date()
        _set_new_time(bench.calendar, master, When(begins, begins + (when.end - when.start)))
    elif isinstance(when.start, datetime) and isinstance(when.end, datetime):
        start = datetime.combine(first, when.start.timetz())
        _set_new_time(bench.calendar, master, When(start, start + (when.end - when.start)))
    _grow(master)


class _Shift:
    """A series moved as a whole, by wall-clock time in its own zone."""

    def __init__(self, bench: _Bench, master: Part, key: str, when: When) -> None:
        self.bench, self.master = bench, master
        current = bench.overrides.get(key)
        old = bench.start(current) if current is not None else moment_of(key) if key else bench.start(master)
        self.by = self._wall(when.start) - self._wall(old)
        self.length = when.end - when.start
        self.days = (self._wall(when.start).date() - self._wall(old).date()).days

    @property
    def is_nothing(self) -> bool:
        return not self.by and self.length == self.bench.length(self.master)

    def apply(self) -> None:
        bench, master = self.bench, self.master
        rule = master.line("RRULE")
        if rule and self.by:
            moved = rules.shifted(rule.value, days=self.days, moved=self._moved)
            master.put("RRULE", moved, rule.params)
        start = bench.needed_line(master, "DTSTART")
        for name in ("EXDATE", "RDATE"):
            for line in master.lines(name):
                self._replace(master, line)
        for part in bench.overrides.values():
            if named := part.line("RECURRENCE-ID"):
                self._replace(part, named)
        begins = self._moved(bench.start(master))
        master.put("DTSTART", bench.like(master, begins), start.params)
        master.put("DTEND", bench.like(master, begins + self.length), start.params)
        master.drop("DURATION")

    def _replace(self, part: Part, line: Line) -> None:
        if line.param("VALUE").upper() == "PERIOD":
            raise BadInput(
                "This series lists periods that cannot be moved together.",
                "Nothing was changed.",
                "Move its occurrences one by one.",
            )
        values = ",".join(self._written(value, line) for value in line.value.split(","))
        part.items[part.items.index(line)] = ics.made(line.name, values, line.params)

    def _written(self, value: str, line: Line) -> str:
        moment = moment_of(value)
        if not isinstance(moment, datetime):
            return f"{self._moved(moment):%Y%m%d}"
        zone = self._zone_of(line)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        moved = self._moved(moment)
        assert isinstance(moved, datetime)
        if value.endswith("Z"):
            return _utc(moved)
        return f"{moved.astimezone(zone) if zone and moved.tzinfo else moved:%Y%m%dT%H%M%S}"

    def _zone_of(self, line: Line) -> tzinfo | None:
        """Return the zone of a line: nearly always the series' own, whatever it is called."""
        named, own = line.param("TZID"), self.bench.needed_line(self.master, "DTSTART").param("TZID")
        if named and named != own and named in available_timezones():
            return ZoneInfo(named)
        return self.bench.zone(self.master) if named else None

    def _wall(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  wall time is meant
        zone = self.bench.zone(self.master)
        return (moment.astimezone(zone) if zone and moment.tzinfo else moment).replace(tzinfo=None)

    def _moved(self, moment: date) -> date:
        if not isinstance(moment, datetime):
            return moment + timedelta(days=self.days)
        zone = self.bench.zone(self.master)
        return (self._wall(moment) + self.by).replace(tzinfo=zone)


def _set_rule(bench: _Bench, master: Part, wanted: Wanted) -> None:
    line = master.line("RRULE")
    if wanted.rule is None or wanted.rule == (line.value if line else ""):
        return
    if wanted.rule:
        master.put("RRULE", wanted.rule)
    if not wanted.rule or rules.without_end(wanted.rule) != rules.without_end(line.value if line else ""):
        # Another rhythm has other occurrences: what was said about the old ones has nothing to hold on to.
        master.drop(*(SERIES_ONLY if not wanted.rule else SERIES_ONLY[1:]))
        for part in bench.overrides.values():
            bench.calendar.items.remove(part)
    _grow(master)
