"""What a booking of some start is decided on: who sits there, who holds a seat, which settings were read.

A booking looks before it takes the module's lock, and again under the lock. What has not moved between need
not be judged again, so the lock is held for a query and an insert (decision 0080).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from genie.core.appointment import LIVE

# A date of any zone that the start falls on lies within 26 hours (the longest day has 25). What begins or
# ends further away can only matter by the time kept free after an appointment.
_AROUND = """
WITH reach AS (
    SELECT %(start)s - far AS low, %(start)s + far + make_interval(mins => longest) AS high FROM (
        SELECT interval '26 h' + make_interval(mins => greatest(max(m."between"), max(k."between"))) AS far,
               greatest(max(m.duration), max(k.duration)) AS longest
        FROM store_module m LEFT JOIN store_appointmentkind k ON k.module_id = m.id
        WHERE m.id = %(module)s
        OR m.id IN (SELECT module_id FROM store_teammember WHERE staff_id = %(staff)s::bigint)
    ) asked
)
SELECT 'module', m.id::text, NULL::bigint, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::int,
       NULL::int, concat(m.xmin, ' ', (
           SELECT count(*) FROM store_teammember t JOIN store_staffmember s ON s.id = t.staff_id AND s.active
           WHERE t.module_id = m.id
       ))
FROM store_module m WHERE m.id = %(module)s
UNION ALL SELECT 'kind', k.id::text, NULL, NULL, NULL, NULL, NULL, NULL, k.xmin::text
FROM store_appointmentkind k WHERE k.id = %(kind)s::bigint
UNION ALL SELECT 'staff', s.id::text, NULL, NULL, NULL, NULL, NULL, NULL, concat(s.xmin, ' ', t.xmin)
FROM store_staffmember s JOIN store_teammember t ON t.staff_id = s.id AND t.module_id = %(module)s
WHERE s.id = %(staff)s::bigint
UNION ALL SELECT 'connection', c.id::text, c.calendar_id, c.staff_id, NULL, NULL, NULL, NULL, c.state
FROM store_connection c WHERE c.module_id = %(module)s AND c.state <> 'ended'
UNION ALL SELECT 'appointment', a.id::text, a.module_id, a.staff_id, a.start, a."end", a.lane, k.capacity, ''
FROM reach, store_appointment a LEFT JOIN store_appointmentkind k ON k.id = a.kind_id
WHERE (a.staff_id = %(staff)s::bigint
       OR (a.module_id = %(module)s AND (a.staff_id IS NULL OR %(staff)s::bigint IS NULL)))
AND a.state = ANY(%(live)s) AND a.start < reach.high AND a."end" > reach.low
UNION ALL SELECT 'hold', h.id::text, h.module_id, h.staff_id, h.start, h."end", NULL, k.capacity, ''
FROM reach, store_hold h LEFT JOIN store_appointmentkind k ON k.id = h.kind_id
WHERE (h.staff_id = %(staff)s::bigint
       OR (h.module_id = %(module)s AND (h.staff_id IS NULL OR %(staff)s::bigint IS NULL)))
AND h.expires_at > %(now)s AND h.visitor <> %(holder)s AND h.start < reach.high AND h."end" > reach.low
ORDER BY 1, 2
"""


class Seat(NamedTuple):
    """A live appointment, or a hold. `most`: by its kind, so many may run at once while it does."""

    what: str
    id: str
    module_id: int
    staff_id: int | None
    start: datetime
    end: datetime
    lane: int | None
    most: int | None
    version: str = ""


class Linked(NamedTuple):
    """A connection of the module that has not ended."""

    id: int
    calendar_id: int
    staff_id: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Around:
    """Equal to an earlier one of the same question when nothing moved between."""

    rows: Sequence[tuple[Any, ...]]

    @property
    def appointments(self) -> list[Seat]:
        return [Seat(*row) for row in self.rows if row[0] == "appointment"]

    @property
    def connections(self) -> list[Linked]:
        return [Linked(int(row[1]), row[2], row[3], row[8]) for row in self.rows if row[0] == "connection"]


def around(
    *, module_id: int, kind_id: int | None, staff_id: int | None, start: datetime, now: datetime, holder: str
) -> Around:
    """Around an appointment that starts at `start` (aware), wherever its staff member sits. One query.

    The hold of `holder` is left out, and those that have expired.
    """
    wanted = {
        "module": module_id,
        "kind": kind_id,
        "staff": staff_id,
        "start": start,
        "now": now,
        "holder": holder,
        "live": [state.value for state in LIVE],
    }
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, wanted)
        return Around(cursor.fetchall())
