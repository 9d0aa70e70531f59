"""Keep what a drain counted, with one statement; durations are measured by one clock, PostgreSQL's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from genie.core.lag import BOUNDS
from genie.store.models import RemoteCalendar

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Took:
    """A change that is through. It took from `since`, a time of the database's clock, until `before` seconds
    before the statement runs that keeps it; without a `since` it took `before` seconds."""

    what: str
    since: datetime | None
    before: float


def quarter_of(moment: datetime) -> datetime:
    """When the quarter of an hour began."""
    seconds = QUARTER.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def keep(
    *, calendar: RemoteCalendar, took: Sequence[Took], counted: Mapping[str, int], now: datetime
) -> None:
    """Add to the calendar's counts of this quarter. `counted`: by `SyncCount.What`, what has no duration."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "calendar": calendar.pk,
                "kind": calendar.key.kind,
                "quarter": quarter_of(now),
                "bounds": [float(bound) for bound in BOUNDS],
                "what": [one.what for one in took],
                "since": [one.since for one in took],
                "before": [float(one.before) for one in took],
                "counted": list(counted),
                "counts": list(counted.values()),
            },
        )


_KEEP = """
WITH took AS (
    SELECT what, greatest(0, CASE WHEN since IS NULL THEN before
        ELSE extract(epoch FROM clock_timestamp() - since)::float8 - before END) AS lag
    FROM unnest(%(what)s::text[], %(since)s::timestamptz[], %(before)s::float8[]) one(what, since, before)
), news AS (
    SELECT what, width_bucket(lag, %(bounds)s::float8[]) AS bucket, 1::bigint AS count FROM took
    UNION ALL SELECT what || '_ms', 0, round(lag * 1000)::bigint FROM took
    UNION ALL SELECT what, 0, count FROM unnest(%(counted)s::text[], %(counts)s::bigint[]) one(what, count)
)
INSERT INTO store_synccount (calendar_id, kind, quarter, what, bucket, count)
SELECT %(calendar)s, %(kind)s, %(quarter)s, what, bucket, sum(count) FROM news GROUP BY what, bucket
ON CONFLICT (calendar_id, quarter, what, bucket)
    DO UPDATE SET count = store_synccount.count + excluded.count
"""


def fold(*, before: datetime) -> None:
    """Add quarters before that to the totals, which are kept for ever, and delete them."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, [before])


_FOLD = """
WITH gone AS (DELETE FROM store_synccount WHERE quarter < %s RETURNING kind, what, bucket, count)
INSERT INTO store_synctotal (kind, what, bucket, count)
SELECT kind, what, bucket, sum(count) FROM gone GROUP BY kind, what, bucket
ON CONFLICT (kind, what, bucket) DO UPDATE SET count = store_synctotal.count + excluded.count
"""
