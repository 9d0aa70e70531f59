"""How connections stand, many at once in a fixed number of queries: why one needs a person or is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Case, CharField, Count, Exists, Min, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Now, TruncHour

from genie.store.models import (
    Channel,
    Company,
    Connection,
    EventLink,
    Incident,
    RemoteCalendar,
    RemoteKey,
    SyncCount,
)
from genie.store.queries.channels import relied_on
from genie.store.queries.remote_calendars import LIVING

LATE = timedelta(minutes=10)
"""Calendars are read every minute: so long without a read is late."""
TOLD_LATE = timedelta(hours=2)
"""Where a channel tells of changes they are read once an hour."""
WAITS_LONG = timedelta(minutes=5)
"""A change is sent in seconds: one that is owed for so long is late."""
SETTLING = timedelta(minutes=1)
DAY = timedelta(days=1)
SHOWN = 200
"""Links put aside that are read at most; there are more only where a calendar refuses everything."""


class Reason(StrEnum):
    """Why a connection stands as it does; the worst first."""

    KEY = "key"  # it needs re-authorization
    GONE = "gone"  # the calendar does not answer for itself
    PUT_ASIDE = "put_aside"  # appointments that the calendar refuses
    HELD = "held"  # so much was changed there at once that a person decides
    PUT_OFF = "put_off"  # the last try failed; the next one is set
    UNREAD = "unread"  # not read for too long, and nobody knows why
    WAITING = "waiting"  # something is owed for too long
    REMOVING = "removing"  # being unlinked
    GOOD = "good"


NEEDS_A_PERSON = (Reason.KEY, Reason.GONE, Reason.PUT_ASIDE, Reason.HELD)
IS_LATE = (Reason.PUT_OFF, Reason.UNREAD, Reason.WAITING)


def standings(companies: QuerySet[Company], now: datetime) -> QuerySet[Any]:
    """The living connections of these companies with their `reason`, the worst first, then by name."""
    links = EventLink.objects.filter(connection=OuterRef("pk"))
    parked = Exists(links.filter(state=EventLink.State.PARKED))
    owed_long = Exists(links.filter(state=EventLink.State.OWES_PUSH, owed_at__lt=Now() - WAITS_LONG))
    undecided = Incident.objects.filter(calendar=OuterRef("calendar"), decision="")
    told = Exists(relied_on(now).filter(calendar=OuterRef("calendar")))
    never = Q(calendar__read_at=None, linked_at__lt=now - SETTLING)
    unread = never | Q(calendar__read_at__lt=now - TOLD_LATE) | (Q(calendar__read_at__lt=now - LATE) & ~told)
    found: list[tuple[Any, Reason]] = [
        (Q(calendar__key__state=RemoteKey.State.NEEDS_REAUTHORIZATION), Reason.KEY),
        (Q(calendar__state=RemoteCalendar.State.PARKED), Reason.GONE),
        (parked, Reason.PUT_ASIDE),
        (Exists(undecided), Reason.HELD),
        (Q(calendar__attempts__gt=0), Reason.PUT_OFF),
        (unread, Reason.UNREAD),
        (owed_long, Reason.WAITING),
        (Q(state=Connection.State.REMOVING), Reason.REMOVING),
    ]
    reason = Case(
        *(When(condition, then=Value(str(why))) for condition, why in found),
        default=Value(str(Reason.GOOD)),
        output_field=CharField(),
    )
    order = Case(*(When(reason=str(why), then=Value(place)) for place, why in enumerate(Reason)))
    return (
        Connection.objects.filter(module__company__in=companies, state__in=LIVING)
        .annotate(reason=reason)
        .annotate(place=order)
        .select_related("calendar__key", "module__company", "module__schedule", "staff__schedule")
        .order_by("place", "module__company__name", "module__name", "staff__name", "id")
    )


@dataclass
class Figures:
    """What is counted of one connection. Lags and requests are those of its calendar."""

    owed: int = 0
    owed_for: timedelta | None = None
    """How long the oldest of them waits, by the database's clock."""
    put_aside: int = 0
    channel: Channel | None = None
    relied_on: bool = False
    lags: dict[str, dict[int, int]] = field(default_factory=dict)
    """*out* and *in* → bucket of `core.lag` → so many in the last day."""
    by_hour: dict[str, dict[datetime, dict[int, int]]] = field(default_factory=dict)
    """The same by hour."""
    hour: dict[str, int] = field(default_factory=dict)
    """Requests, refusals for being too many, failures: of the last full hour's quarters and this one."""
    day: dict[str, int] = field(default_factory=dict)


def figures(connections: Sequence[Connection], now: datetime) -> Mapping[int, Figures]:
    """By the connection's number; three queries however many there are."""
    found = {one.pk: Figures() for one in connections}
    links = EventLink.objects.filter(connection__in=found).order_by().values("connection_id")
    owes = Q(state=EventLink.State.OWES_PUSH)
    for row in links.filter(owes | Q(state=EventLink.State.PARKED)).annotate(
        owed=Count("id", filter=owes),
        put_aside=Count("id", filter=~owes),
        owed_for=Now() - Min("owed_at", filter=owes),
    ):
        one = found[row["connection_id"]]
        one.owed, one.put_aside, one.owed_for = row["owed"], row["put_aside"], row["owed_for"]
    of_calendar: dict[int, list[Figures]] = {}
    for connection in connections:
        of_calendar.setdefault(connection.calendar_id, []).append(found[connection.pk])
    good = Exists(relied_on(now).filter(pk=OuterRef("pk")))
    channels = Channel.objects.filter(calendar__in=of_calendar, state=Channel.State.OPEN)
    for channel in channels.annotate(good=good):
        for one in of_calendar[channel.calendar_id]:
            one.channel, one.relied_on = channel, channel.good
    _add_counts(of_calendar, now)
    return found


def _add_counts(of_calendar: Mapping[int, Sequence[Figures]], now: datetime) -> None:
    recent = Sum("count", filter=Q(quarter__gte=now - timedelta(hours=1)), default=0)
    rows = (
        SyncCount.objects.filter(calendar__in=of_calendar, quarter__gt=now - DAY)
        .order_by()
        .values("calendar_id", "what", "bucket", hour=TruncHour("quarter"))
        .annotate(total=Sum("count"), recent=recent)
    )
    for row in rows:
        what, bucket, total = row["what"], row["bucket"], row["total"]
        for one in of_calendar[row["calendar_id"]]:
            if what in (SyncCount.What.OUT, SyncCount.What.IN):
                _add(one.lags.setdefault(what, {}), bucket, total)
                _add(one.by_hour.setdefault(what, {}).setdefault(row["hour"], {}), bucket, total)
            else:
                one.day[what] = one.day.get(what, 0) + total
                one.hour[what] = one.hour.get(what, 0) + row["recent"]


def _add(counts: dict[int, int], bucket: int, more: int) -> None:
    counts[bucket] = counts.get(bucket, 0) + more


def put_aside(connections: Sequence[Connection]) -> Mapping[int, list[EventLink]]:
    """The links of each that wait for a person, by the connection's number."""
    links = EventLink.objects.filter(connection__in=connections, state=EventLink.State.PARKED)
    found: dict[int, list[EventLink]] = {}
    for link in links.select_related("appointment__lead").order_by("appointment__start", "id")[:SHOWN]:
        found.setdefault(link.connection_id, []).append(link)
    return found
