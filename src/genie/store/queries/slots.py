"""All that the slot rules need of the tables, in one statement for a module or its whole team.

What comes in numbers comes packed: PostgreSQL's own binary values one after another, since a row for each of
a thousand busy times would cost more than the rules themselves (decision 0080).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from struct import iter_unpack, unpack
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from genie.core.availability import Seats, Taken
from genie.core.holidays import Holiday, closed
from genie.core.hours import Hours, Range
from genie.core.public_holidays import not_worked
from genie.core.spans import EPOCH, Covered
from genie.store.models import AppointmentKind, Module, PublicHolidays, Schedule
from genie.store.prepared import ask, columns_of, made_each
from genie.store.queries.holidays import days_of
from genie.store.queries.proposed import FREE, PROPOSED
from genie.store.queries.seats import LIVE_STATES

ALONE = 0
"""The number of the desk of a module without a team."""
EDGE = timedelta(days=2)
"""So far from an instant its local date may reach, in whatever zone."""

# A desk is whoever serves visitors: each active member of the team, or else the module itself.
# By the longest busy time of a calendar its index is read from one end to another, not to its last entry.
# OFFSET 0 keeps PostgreSQL from joining by a scan of a whole table, other companies' rows included: it does
# not know how few rows are asked for, since it plans for any values.
# `ours`: busy times that are events of the module's own live links. They are found by remote id, or by UID
# where another calendar shows the same event. Of one that its owner made a series, only the occurrence at our
# time is ours. One made all-day is no time an appointment can have: it blocks like any other event. Visits
# that are over are left aside, or each page would read the module's whole history.
# A seat without a person counts at each desk (decision 0084).

_WHOSE = """
WITH desk AS MATERIALIZED (
    SELECT o.id, o.schedule_id, t.position, t.id AS place
    FROM store_teammember t JOIN store_staffmember o ON o.id = t.staff_id
    WHERE t.module_id = %(module)s AND o.active AND o.id = coalesce(%(staff)s::int8, o.id)
    UNION ALL
    SELECT 0, m.schedule_id, 0, 0 FROM store_module m
    WHERE m.id = %(module)s AND %(staff)s::int8 IS NULL AND NOT EXISTS (
        SELECT FROM store_teammember t JOIN store_staffmember o ON o.id = t.staff_id
        WHERE t.module_id = m.id AND o.active
    )
), linked AS MATERIALIZED (
    SELECT coalesce(c.staff_id, 0) AS desk, c.calendar_id
    FROM store_connection c WHERE c.module_id = %(module)s AND c.state = 'linked'
), looked_at AS MATERIALIZED (
    SELECT d.id AS desk, a.calendar_id
    FROM desk d JOIN store_availabilitycalendar a ON a.schedule_id = d.schedule_id
    UNION
    SELECT d.id, l.calendar_id
    FROM desk d JOIN linked l ON l.desk = coalesce((SELECT own.desk FROM linked own WHERE own.desk = d.id), 0)
), calendar AS MATERIALIZED (
    SELECT c.calendar_id, (
        SELECT max(b."end" - b.start) FROM store_busytime b WHERE b.calendar_id = c.calendar_id
    ) AS longest
    FROM (SELECT DISTINCT calendar_id FROM looked_at) c
), event AS MATERIALIZED (
    SELECT l.calendar_id, l.remote_id, l.uid, p.start, p."end"
    FROM store_appointment p CROSS JOIN LATERAL (
        SELECT l.calendar_id, l.remote_id, l.uid FROM store_eventlink l
        WHERE l.appointment_id = p.id AND l.state <> 'ended'
        AND (p.id = %(ignoring)s::uuid OR NOT coalesce((l.base -> 'when' ->> 'all_day')::boolean, false))
        OFFSET 0
    ) l
    WHERE p.module_id = %(module)s AND p."end" > %(now)s - interval '1 day'
), event_there AS MATERIALIZED (
    SELECT e.calendar_id, e.remote_id, e.start, e."end" FROM event e WHERE e.remote_id <> ''
    UNION ALL
    SELECT c.calendar_id, o.remote_id, e.start, e."end"
    FROM event e JOIN calendar c ON c.calendar_id <> e.calendar_id CROSS JOIN LATERAL (
        SELECT o.remote_id FROM store_remoteobject o
        WHERE o.calendar_id = c.calendar_id AND o.uid = e.uid AND o.uid <> ''
        OFFSET 0
    ) o
), ours AS MATERIALIZED (
    SELECT b.id FROM event_there e CROSS JOIN LATERAL (
        SELECT b.id FROM store_busytime b
        WHERE b.calendar_id = e.calendar_id AND b.remote_id = e.remote_id AND (
            (b.start = e.start AND b."end" = e."end") OR NOT EXISTS (
                SELECT FROM store_busytime s
                WHERE s.calendar_id = b.calendar_id AND s.remote_id = b.remote_id AND s.start <> b.start
            )
        )
        OFFSET 0
    ) b
)
"""
_READ = f"""{_WHOSE}, {FREE}, {PROPOSED}, seat AS MATERIALIZED (
    SELECT p.staff_id, p.start, p."end", p.kind_id FROM store_appointment p
    WHERE p.module_id = %(module)s AND p.state IN ({LIVE_STATES}) AND p.start < %(high)s
    AND p."end" > %(low)s - (SELECT longest FROM free) AND p.id IS DISTINCT FROM %(ignoring)s::uuid
    UNION ALL
    SELECT p.staff_id, p.start, p."end", p.kind_id FROM proposed p WHERE p.module_id = %(module)s
    UNION ALL
    SELECT h.staff_id, h.start, h."end", h.kind_id FROM store_hold h
    WHERE h.module_id = %(module)s AND h.expires_at > %(now)s AND h.visitor <> %(holder)s
    AND h.start < %(high)s AND h."end" > %(low)s - (SELECT longest FROM free)
)
SELECT d.id, c.zone, EXISTS (
    SELECT FROM looked_at l JOIN store_remotecalendar r ON r.id = l.calendar_id
    WHERE l.desk = d.id AND coalesce(r.read_at < %(oldest)s, true)
), (
    SELECT string_agg(int8send(w.weekday) || time_send(w.opens) || time_send(w.closes), ''::bytea)
    FROM store_openinghours w WHERE w.schedule_id = d.schedule_id
), (
    SELECT string_agg(
        int8send(o.date - DATE '2000-01-01')
        || coalesce(time_send(o.opens) || time_send(o.closes), int8send(-1) || int8send(-1)), ''::bytea
    )
    FROM store_dateoverride o WHERE o.schedule_id = d.schedule_id
    AND o.date BETWEEN %(low)s::date - 12 AND %(high)s::date + 12
), (
    SELECT json_agg(json_build_array(h.month, h.day, h.weekday, h.week, h.year, h.start, h."end"))::text
    FROM store_holiday h WHERE h.schedule_id = d.schedule_id
), (
    SELECT json_agg(json_build_array(f.country, f.region, f.left_out, (
        SELECT json_object_agg(y, f.days -> y) FROM unnest(%(years)s::text[]) y
    )))::text
    FROM store_publicholidays f WHERE f.schedule_id = d.schedule_id
), t.starts, t.ends, s.rows
FROM desk d JOIN store_schedule c ON c.id = d.schedule_id CROSS JOIN LATERAL (
    SELECT string_agg(timestamptz_send(taken.start), ''::bytea) AS starts,
           string_agg(timestamptz_send(taken."end"), ''::bytea) AS ends
    FROM (
        SELECT b.start, b."end"
        FROM looked_at l JOIN calendar c USING (calendar_id) CROSS JOIN LATERAL (
            SELECT b.start, b."end" FROM store_busytime b
            WHERE b.calendar_id = c.calendar_id AND b."end" > %(low)s AND b."end" <= %(high)s + c.longest
            AND b.start < %(high)s AND b.kind = ANY(%(kinds)s) AND b.id NOT IN (SELECT id FROM ours)
            OFFSET 0
        ) b
        WHERE l.desk = d.id
        UNION ALL
        SELECT f.start, f."end" FROM store_timeoff f
        WHERE f.schedule_id = d.schedule_id AND f."end" > %(low)s AND f.start < %(high)s
        UNION ALL
        SELECT p.start, p."end" + make_interval(mins => coalesce(k."between", m."between"))
        FROM store_appointment p JOIN store_module m ON m.id = p.module_id
        LEFT JOIN store_appointmentkind k ON k.id = p.kind_id
        WHERE p.staff_id = d.id AND p.module_id <> %(module)s AND p.state IN ({LIVE_STATES})
        AND p.start < %(high)s AND p."end" > %(low)s - (SELECT longest FROM free)
        AND p.id IS DISTINCT FROM %(ignoring)s::uuid
        UNION ALL
        SELECT p.start, p."end" + make_interval(mins => coalesce(k."between", m."between"))
        FROM proposed p JOIN store_module m ON m.id = p.module_id
        LEFT JOIN store_appointmentkind k ON k.id = p.kind_id
        WHERE p.staff_id = d.id AND p.module_id <> %(module)s
        UNION ALL
        SELECT h.start, h."end" + make_interval(mins => coalesce(k."between", m."between"))
        FROM store_hold h JOIN store_module m ON m.id = h.module_id
        LEFT JOIN store_appointmentkind k ON k.id = h.kind_id
        WHERE h.staff_id = d.id AND h.module_id <> %(module)s
        AND h.expires_at > %(now)s AND h.visitor <> %(holder)s
        AND h.start < %(high)s AND h."end" > %(low)s - (SELECT longest FROM free)
    ) taken
) t CROSS JOIN LATERAL (
    SELECT string_agg(
        timestamptz_send(s.start)
        || timestamptz_send(s."end" + make_interval(mins => coalesce(k."between", %(between)s)))
        || int8send(coalesce(s.kind_id, 0)) || int8send(coalesce(k.capacity, 0)), ''::bytea
    ) AS rows
    FROM seat s LEFT JOIN store_appointmentkind k ON k.id = s.kind_id
    WHERE d.id = 0 OR s.staff_id IS NULL OR s.staff_id = d.id
) s
ORDER BY d.position, d.place
"""  # noqa: S608 -- our own words


_BUSY = f"""{_WHOSE}
SELECT DISTINCT c.name, b.start, b."end", b.kind, b.all_day
FROM looked_at l JOIN store_busytime b ON b.calendar_id = l.calendar_id
JOIN store_remotecalendar c ON c.id = b.calendar_id
WHERE l.desk = %(desk)s AND b."end" > %(low)s AND b.start < %(high)s AND b.kind = ANY(%(kinds)s)
AND b.id NOT IN (SELECT id FROM ours)
ORDER BY c.name, b.start, b."end" LIMIT 20
"""  # noqa: S608 -- our own words
_UNREAD = f"""{_WHOSE}
SELECT c.name, c.read_at FROM looked_at l JOIN store_remotecalendar c ON c.id = l.calendar_id
WHERE l.desk = %(desk)s AND coalesce(c.read_at < %(oldest)s, true)
ORDER BY c.name
"""  # noqa: S608 -- our own words


# Of one kind only, that is meant without a name; of several, one has to be named.
_OPEN = f"""
SELECT (
    SELECT json_agg(o.slug ORDER BY o.position, o.id) FROM store_appointmentkind o
    WHERE o.module_id = m.id AND o.enabled
)::text, m.assignment = 'visitor_chooses' AND EXISTS (
    SELECT FROM store_teammember t JOIN store_staffmember o ON o.id = t.staff_id
    WHERE t.module_id = m.id AND o.active AND o.id = %(staff)s::int8
), {columns_of(Module, "m")}, {columns_of(Schedule, "s")}, {columns_of(AppointmentKind, "k")}
FROM store_company c JOIN store_module m ON m.company_id = c.id JOIN store_schedule s ON s.id = m.schedule_id
LEFT JOIN store_appointmentkind k ON k.module_id = m.id AND k.enabled AND (
    k.slug = %(kind)s OR (%(kind)s = '' AND NOT EXISTS (
        SELECT FROM store_appointmentkind o WHERE o.module_id = m.id AND o.enabled AND o.id <> k.id
    ))
)
WHERE c.slug = %(company)s AND m.slug = %(module)s AND m.enabled
"""  # noqa: S608 -- our own names


class Opened(NamedTuple):
    """A module as its public addresses name it. `kinds`: slugs of those that can be chosen; `kind`: the one
    that was, or the only one. `has_staff`: may the staff member asked for be chosen there?"""

    module: Module
    kind: AppointmentKind | None
    kinds: Sequence[str]
    has_staff: bool


def opened(*, company: str, module: str, kind: str, staff_id: int | None) -> Opened | None:
    """The module that is switched on under these slugs, with its schedule, or None. One query."""
    values = {"company": company, "module": module, "kind": kind, "staff": staff_id}
    found = ask(_OPEN, values)
    if not found:
        return None
    kinds, has_staff, *columns = found[0]
    there, there.schedule, chosen = made_each((Module, Schedule, AppointmentKind), columns)
    return Opened(there, chosen, json.loads(kinds or "[]"), has_staff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose time, and which: what takes time in [low, high).

    `staff_id`: that one of the team only. `between`: the module's, in minutes. `kinds`: values of
    core.event.BusyKind that block. A calendar not read since `oldest` makes its desk stale. The appointment
    `ignoring` takes no time, and its event neither; nor does the hold of `holder`.
    """

    module_id: int
    between: int
    staff_id: int | None
    kinds: Collection[str]
    low: datetime
    high: datetime
    now: datetime
    oldest: datetime
    ignoring: UUID | None
    holder: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Who serves visitors, when, and what takes the time. `id`: the staff member's, or ALONE."""

    id: int
    stale: bool
    hours: Hours
    taken: Taken


def desks(wanted: Wanted) -> list[Desk]:
    """Who serves visitors of the module, in the team's order. One query, however many they are."""
    years = range((wanted.low - EDGE).year, (wanted.high + EDGE).year + 1)
    more = {"between": wanted.between, "oldest": wanted.oldest, "years": _array(map(str, years))}
    return [_desk(_Row._make(row), wanted) for row in ask(_READ, _values(wanted) | more, binary=True)]


class BusyEvent(NamedTuple):
    """An event in the way, without its title. `kind`: a value of core.event.BusyKind."""

    calendar: str
    start: datetime
    end: datetime
    kind: str
    all_day: bool


def busy_events(wanted: Wanted, *, desk_id: int) -> list[BusyEvent]:
    """What makes one of the desks busy in [low, high), by calendar and time; the first twenty."""
    return [BusyEvent(*row) for row in ask(_BUSY, _values(wanted) | {"desk": desk_id})]


def unread_calendars(wanted: Wanted, *, desk_id: int) -> list[tuple[str, datetime | None]]:
    """Calendars that make one of the desks stale: name, and when each was read last, if ever."""
    return [tuple(row) for row in ask(_UNREAD, _values(wanted) | {"desk": desk_id, "oldest": wanted.oldest})]


def _values(wanted: Wanted) -> dict[str, Any]:
    return {
        "module": wanted.module_id,
        "staff": wanted.staff_id,
        "kinds": _array(wanted.kinds),
        "low": wanted.low,
        "high": wanted.high,
        "now": wanted.now,
        "ignoring": wanted.ignoring,
        "holder": wanted.holder,
    }


def _array(words: Iterable[str]) -> str:
    """Plain words as PostgreSQL reads an array of text: to have a list put into its form costs more."""
    return "{" + ",".join(words) + "}"


class _Row(NamedTuple):
    """As read. Packed columns hold 8-byte integers, None is nothing. Instants: microseconds since 2000."""

    id: int
    zone: str
    stale: bool
    weekly: bytes | None  # weekday, opens, closes; microseconds since midnight
    overrides: bytes | None  # days since 2000, opens, closes; -1: closed
    holidays: str | None  # JSON
    public_holidays: str | None  # JSON
    taken_starts: bytes | None  # in no order
    taken_ends: bytes | None  # in no order, and not in that of the starts
    seats: bytes | None  # start, end with the time kept free, kind or 0, the kind's capacity or 0


def _desk(row: _Row, wanted: Wanted) -> Desk:
    zone = ZoneInfo(row.zone)
    hours = _hours(zone, row.weekly, row.overrides)
    blocked = [Covered(sorted(_numbers(row.taken_starts)), sorted(_numbers(row.taken_ends)))]
    if row.holidays or row.public_holidays:
        first, last = (wanted.low - EDGE).date(), (wanted.high + EDGE).date()
        besides = frozenset(hours.overrides)
        blocked.append(_shut(row.holidays, row.public_holidays, zone, first, last, besides))
    numbers = _numbers(row.seats)
    seats = Seats(numbers[0::4], numbers[1::4], numbers[2::4], numbers[3::4])
    return Desk(row.id, row.stale, hours, Taken(blocked, seats))


def _numbers(packed: bytes | None) -> Sequence[int]:
    return unpack(f">{len(packed) // 8}q", packed) if packed else ()


@lru_cache(maxsize=1024)  # by content, as holidays are: what is computed from hours is kept with them
def _hours(zone: ZoneInfo, weekly: bytes | None, overrides: bytes | None) -> Hours:
    return Hours(zone, _weekly(weekly), _overrides(overrides))


def _weekly(packed: bytes | None) -> dict[int, list[Range]]:
    found: dict[int, list[Range]] = {}
    for weekday, opens, closes in iter_unpack(">qqq", packed or b""):
        found.setdefault(weekday, []).append((_wall(opens), _wall(closes)))
    return found


def _overrides(packed: bytes | None) -> dict[date, list[Range]]:
    found: dict[date, list[Range]] = {}
    for days, opens, closes in iter_unpack(">qqq", packed or b""):
        ranges = found.setdefault(EPOCH.date() + timedelta(days=days), [])
        if opens >= 0:
            ranges.append((_wall(opens), _wall(closes)))
    return found


def _wall(microseconds: int) -> time:
    return (EPOCH + timedelta(microseconds=microseconds)).time()


@lru_cache(maxsize=256)  # by content: a set of public holidays is some dozens of dates, the same for months
def _shut(
    own: str | None, public: str | None, zone: ZoneInfo, first: date, last: date, besides: Container[date]
) -> Covered:
    holidays = [
        Holiday("", month, day, weekday, week, year, _part(start), _part(end))
        for month, day, weekday, week, year, start, end in json.loads(own or "[]")
    ]
    years = range(first.year, last.year + 1)
    for country, region, left_out, days in json.loads(public or "[]"):
        followed = PublicHolidays(country=country, region=region, days=days)
        holidays += [day.as_holiday() for day in not_worked(days_of(followed, years), left_out)]
    return closed(holidays, zone=zone, first=first, last=last, besides=besides)


def _part(wall: str | None) -> time | None:
    return time.fromisoformat(wall) if wall else None
