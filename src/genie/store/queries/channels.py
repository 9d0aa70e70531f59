"""Channels: which calendars should have one, which can be relied on, and where there is something to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from genie.store.frozen import asked
from genie.store.models import AvailabilityCalendar, Channel, Connection, RemoteCalendar
from genie.store.queries.remote_calendars import in_use

Addresses = Mapping[str, str]
"""Kind → where its messages are to be posted. A kind that is not in it has no push here."""

LATE_FOR = timedelta(minutes=10)
"""A poll found what no message had told; if none comes for so long, the channel is replaced."""


def flowing_back() -> QuerySet[RemoteCalendar]:
    """Calendars of which each change counts: linked with real-time updates on, or read for a schedule."""
    linked = Connection.objects.filter(calendar=OuterRef("pk"), state=Connection.State.LINKED, realtime=True)
    read = AvailabilityCalendar.objects.filter(calendar=OuterRef("pk"))
    return RemoteCalendar.objects.filter(Exists(linked) | Exists(read))


def relied_on(now: datetime) -> QuerySet[Channel]:
    """Channels whose messages come through: their calendars are not polled but once an hour."""
    return Channel.objects.filter(
        state=Channel.State.OPEN, heard_at__isnull=False, expires_at__gt=now, calendar__push_late_at=None
    )


def lacking(addresses: Addresses, now: datetime) -> QuerySet[RemoteCalendar]:
    """Calendars that should have a channel and have none, or one that is to be replaced or prolonged."""
    good = worth_keeping(addresses, now).filter(calendar=OuterRef("pk"), renew_at__gt=now)
    return flowing_back().filter(~Exists(good), key__kind__in=list(addresses))


def worth_keeping(addresses: Addresses, now: datetime) -> QuerySet[Channel]:
    """Open channels with which nothing is wrong, but that some may have come to their time."""
    right = Q(pk__in=[])
    for kind, address in addresses.items():
        right |= Q(calendar__key__kind=kind, address=address)
    heard_of = (
        Q(calendar__push_late_at=None)
        | Q(calendar__push_late_at__gt=now - LATE_FOR)
        | Q(made_at__gt=F("calendar__push_late_at"))
    )
    return Channel.objects.filter(right, heard_of, state=Channel.State.OPEN)


def superfluous(addresses: Addresses) -> QuerySet[Channel]:
    """Channels to be stopped: superseded ones, and those of calendars that should have none."""
    wanted = flowing_back().filter(key__kind__in=list(addresses))
    unwanted = ~Q(calendar__in=wanted) & Q(calendar__in=in_use())  # nothing may be asked about the others
    return Channel.objects.filter(Q(state=Channel.State.CLOSING, calendar__in=in_use()) | unwanted)


def to_tend(addresses: Addresses, now: datetime) -> QuerySet[RemoteCalendar]:
    """Calendars whose channels want opening, renewing or stopping now."""
    idle = Exists(superfluous(addresses).filter(calendar=OuterRef("pk")))
    may = Q(push_next_attempt=None) | Q(push_next_attempt__lte=now)
    return RemoteCalendar.objects.filter(may).filter(Q(pk__in=lacking(addresses, now)) | idle)


def is_to_tend(calendar_id: int, addresses: Addresses, now: datetime) -> bool:
    """Do a calendar's channels want opening, renewing or stopping now?"""
    return bool(asked(_one_to_tend, now=now, number=calendar_id, given=by_kind(addresses)))


def by_kind(addresses: Addresses) -> tuple[tuple[str, str], ...]:
    """The same, as a question that is worded once depends on them (`asked`)."""
    return tuple(sorted(addresses.items()))


def _one_to_tend(
    now: datetime, calendar_id: int, *addresses: tuple[str, str]
) -> QuerySet[RemoteCalendar, int]:
    return to_tend(dict(addresses), now).filter(id=calendar_id).values_list("id", flat=True)
