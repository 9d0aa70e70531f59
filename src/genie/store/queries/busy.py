"""Busy time of the calendars of several modules, merged in the database: for the Leads calendar."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

# Ours: events tied to a live link of this very module, found by remote id, or by UID where another calendar
# shows the same event. Of one that its owner made a series, only the occurrence at our time is ours.
# One that its owner made all-day is no time an appointment can have: then it blocks like any other event. So
# does one at a time that its appointment has not taken yet (held for a decision, or the customer is asked).
_MERGED = """
WITH looked_at AS (
    SELECT a.calendar_id FROM store_availabilitycalendar a WHERE a.schedule_id = ANY(%(schedules)s)
    UNION
    SELECT c.calendar_id FROM store_connection c WHERE c.module_id = ANY(%(modules)s) AND c.state = 'linked'
    AND (%(staff)s::int8 IS NULL OR c.staff_id = %(staff)s OR (c.staff_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM store_connection own WHERE own.module_id = c.module_id AND own.state = 'linked'
        AND own.staff_id = %(staff)s
    )))
), ours AS (
    SELECT l.calendar_id, l.remote_id, p.start, p."end", l.proposed_start IS NOT NULL AS elsewhere
        FROM store_eventlink l
        JOIN store_connection c ON c.id = l.connection_id AND c.module_id = ANY(%(modules)s)
        JOIN store_appointment p ON p.id = l.appointment_id
        WHERE l.state <> 'ended' AND l.remote_id <> ''
        AND NOT coalesce((l.base -> 'when' ->> 'all_day')::boolean, false)
    UNION
    SELECT o.calendar_id, o.remote_id, p.start, p."end", l.proposed_start IS NOT NULL
        FROM store_eventlink l
        JOIN store_connection c ON c.id = l.connection_id AND c.module_id = ANY(%(modules)s)
        JOIN store_appointment p ON p.id = l.appointment_id
        JOIN store_remoteobject o ON o.uid = l.uid AND o.calendar_id IN (SELECT calendar_id FROM looked_at)
        WHERE l.state <> 'ended' AND l.uid <> ''
        AND NOT coalesce((l.base -> 'when' ->> 'all_day')::boolean, false)
), taken AS (
    SELECT tstzrange(b.start, b."end") AS span
    FROM store_busytime b JOIN looked_at USING (calendar_id)
    WHERE b."end" > %(start)s AND b.start < %(end)s AND b.kind = ANY(%(kinds)s)
    AND NOT EXISTS (
        SELECT 1 FROM ours o WHERE o.calendar_id = b.calendar_id AND o.remote_id = b.remote_id AND (
            (o.start = b.start AND o."end" = b."end") OR (NOT o.elsewhere AND NOT EXISTS (
                SELECT 1 FROM store_busytime s
                WHERE s.calendar_id = b.calendar_id AND s.remote_id = b.remote_id AND s.start <> b.start
            ))
        )
    )
)
SELECT (extract(epoch FROM lower(span)) * 1000000 - 946684800000000)::int8,
       (extract(epoch FROM upper(span)) * 1000000 - 946684800000000)::int8
FROM (SELECT unnest(range_agg(span)) AS span FROM taken) merged ORDER BY 1
"""


def busy_of_modules(
    *,
    module_ids: Collection[int],
    schedule_ids: Collection[int],
    kinds: Collection[str],
    start: datetime,
    end: datetime,
    staff_id: int | None = None,
) -> list[tuple[int, int]]:
    """What blocks any of the modules, merged; the live links of all of them are left out.

    `staff_id`: of their linked calendars only those that serve this person (decision 0084).
    """
    wanted: dict[str, Any] = {
        "modules": list(module_ids),
        "schedules": list(schedule_ids),
        "kinds": list(kinds),
        "start": start,
        "end": end,
        "staff": staff_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MERGED, wanted)
        return [(int(low), int(high)) for low, high in cursor.fetchall()]
