"""Sums over the whole installation, without a name of anybody: for who watches over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Now
from procrastinate.contrib.django.models import ProcrastinateWorker

from genie.store.models import (
    Channel,
    Company,
    EventLink,
    Message,
    RemoteCalendar,
    RemoteKey,
    SyncCount,
    SyncTotal,
)
from genie.store.queries.channels import relied_on
from genie.store.queries.remote_calendars import in_use
from genie.store.queries.standing import Reason, standings

SILENT_WORKER = timedelta(seconds=15)
"""A live one says so every 2 s."""

Counted = dict[str, dict[int, int]]
"""What → bucket → so many."""


@dataclass
class Gauge:
    """A figure as it is now, by the values of its labels."""

    name: str
    words: str
    labels: tuple[str, ...] = ()
    numbers: dict[tuple[str, ...], float] = field(default_factory=dict)


def counted_ever() -> Mapping[str, Counted]:
    """By kind of calendar system: all that was ever counted. It only grows."""
    found: dict[str, Counted] = {}
    every = ("kind", "what", "bucket", "total")
    recent = SyncCount.objects.order_by().values("kind", "what", "bucket").annotate(total=Sum("count"))
    before = SyncTotal.objects.order_by().annotate(total=F("count"))
    # one statement, so that a quarter on its way to the totals is neither missed nor seen twice
    for kind, what, bucket, total in recent.values_list(*every).union(before.values_list(*every), all=True):
        counts = found.setdefault(kind, {}).setdefault(what, {})
        counts[bucket] = counts.get(bucket, 0) + int(total)
    return found


def gauges(now: datetime) -> Iterable[Gauge]:
    """What stands now; a fixed number of queries."""
    yield _connections(now)
    yield from _links()
    yield _calendars(now)
    yield Gauge(
        "genie_keys",
        "Remote authorization keys, by calendar system and state",
        ("kind", "state"),
        {
            (kind, state): number
            for kind, state, number in RemoteKey.objects.order_by()
            .values_list("kind", "state")
            .annotate(number=Count("pk"))
        },
    )
    yield _channels(now)
    yield from _messages(now)
    yield _jobs()
    yield Gauge(
        "genie_workers",
        "Workers heard of lately",
        (),
        {(): ProcrastinateWorker.objects.filter(last_heartbeat__gte=now - SILENT_WORKER).count()},
    )


def _connections(now: datetime) -> Gauge:
    gauge = Gauge("genie_connections", "Linked calendars, by how they stand", ("reason",))
    gauge.numbers = {(str(reason),): 0 for reason in Reason}
    found = standings(Company.objects.all(), now).order_by().values_list("reason")
    gauge.numbers |= {(reason,): number for reason, number in found.annotate(number=Count("pk"))}
    return gauge


def _links() -> Iterable[Gauge]:
    open_ = [
        state for state in EventLink.State if state not in (EventLink.State.CLEAN, EventLink.State.ENDED)
    ]
    found = EventLink.objects.filter(state__in=open_).order_by().values_list("state")
    rows = {
        state: (number, oldest)
        for state, number, oldest in found.annotate(number=Count("pk"), oldest=Now() - Min("owed_at"))
    }
    gauge = Gauge("genie_links", "Appointments not in step with their calendar, by state", ("state",))
    gauge.numbers = {(str(state),): rows.get(state, (0, None))[0] for state in open_}
    yield gauge
    oldest = rows.get(EventLink.State.OWES_PUSH, (0, None))[1]
    seconds = max(oldest.total_seconds(), 0) if oldest else 0
    yield Gauge("genie_oldest_debt_seconds", "How long the oldest change waits to be sent", (), {(): seconds})


def _calendars(now: datetime) -> Gauge:
    read = in_use().aggregate(
        parked=Count("pk", filter=Q(state=RemoteCalendar.State.PARKED)),
        put_off=Count("pk", filter=Q(state=RemoteCalendar.State.OK, attempts__gt=0)),
        ok=Count("pk", filter=Q(state=RemoteCalendar.State.OK, attempts=0)),
    )
    words = "Calendars in use: ok, put off after a fault, parked because they are not there"
    numbers: dict[tuple[str, ...], float] = {(state,): number for state, number in read.items()}
    return Gauge("genie_calendars", words, ("state",), numbers)


def _channels(now: datetime) -> Gauge:
    good = relied_on(now).count()
    by_state = dict(Channel.objects.order_by().values_list("state").annotate(number=Count("pk")))
    numbers: dict[tuple[str, ...], float] = {(str(state),): by_state.get(state, 0) for state in Channel.State}
    numbers[("relied_on",)] = good
    numbers[(str(Channel.State.OPEN),)] -= good
    return Gauge(
        "genie_channels", "Push channels; open: no message has come yet, or it ended", ("state",), numbers
    )


def _messages(now: datetime) -> Iterable[Gauge]:
    owed = Message.objects.filter(state=Message.State.OWED, not_before__lte=now)
    found = owed.aggregate(number=Count("pk"), oldest=Min("not_before"))
    seconds = (now - found["oldest"]).total_seconds() if found["oldest"] else 0
    yield Gauge("genie_messages_owed", "E-mails due and not sent", (), {(): found["number"]})
    yield Gauge("genie_oldest_message_seconds", "How long the oldest of them is due", (), {(): seconds})


def _jobs() -> Gauge:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, status::text, count(*) FROM procrastinate_jobs "
            "WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1, 2"
        )
        numbers: dict[tuple[str, ...], float] = {(queue, status): n for queue, status, n in cursor.fetchall()}
    return Gauge("genie_jobs", "Wake-ups by queue and status", ("queue", "status"), numbers)
