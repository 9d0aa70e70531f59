"""Times that events got on their calendars and their appointments have not taken yet.

Held for a decision, or the customer is asked to accept it: such a time takes a seat beside
the appointment's own, so that nobody else gets it meanwhile, and no second one where the two overlap.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from genie.store.prepared import ask
from genie.store.queries.seats import LIVE_STATES

FREE = """free AS MATERIALIZED (
    SELECT make_interval(mins => max(greatest(m."between", k."between"))) AS longest
    FROM store_module m LEFT JOIN store_appointmentkind k ON k.module_id = m.id
    WHERE m.company_id = (SELECT company_id FROM store_module WHERE id = %(module)s)
)"""
"""The longest time kept free after any appointment of the company."""
PROPOSED = f"""proposed AS MATERIALIZED (
    SELECT o.id, o.module_id, o.staff_id, o.kind_id, o.start, o."end" FROM (
        SELECT p.id, p.module_id, p.staff_id, p.kind_id,
               CASE WHEN l.proposed_start >= p.start AND l.proposed_start < p."end" THEN p."end"
                    ELSE l.proposed_start END AS start,
               CASE WHEN l.proposed_end > p.start AND l.proposed_end <= p."end" THEN p.start
                    ELSE l.proposed_end END AS "end"
        FROM store_eventlink l JOIN store_appointment p ON p.id = l.appointment_id
        WHERE l.proposed_start IS NOT NULL AND l.proposed_start < %(high)s AND l.state <> 'ended'
        AND l.proposed_end > %(low)s - (SELECT longest FROM free) AND p.state IN ({LIVE_STATES})
        AND p.id IS DISTINCT FROM %(ignoring)s::uuid
    ) o WHERE o."end" > o.start
)"""  # noqa: S608 -- our own words
"""After FREE; of all companies, since there are few."""

_HERE = f"""
WITH {FREE}, {PROPOSED}
SELECT p.module_id, p.staff_id, p.kind_id, p.start, p."end" FROM proposed p
WHERE p.module_id = %(module)s OR p.staff_id = %(staff)s::int8 ORDER BY p.start, p.id
"""  # noqa: S608 -- our own words


class Proposed(NamedTuple):
    """The part of such a time that the appointment does not have already."""

    module_id: int
    staff_id: int | None
    kind_id: int | None
    start: datetime
    end: datetime


def proposed(
    *, module_id: int, staff_id: int | None, low: datetime, high: datetime, ignoring: UUID | None
) -> list[Proposed]:
    """Those of a module, and of a staff member wherever, that meet [low, high) or end shortly before it."""
    wanted = {"module": module_id, "staff": staff_id, "low": low, "high": high, "ignoring": ignoring}
    return [Proposed(*row) for row in ask(_HERE, wanted)]
