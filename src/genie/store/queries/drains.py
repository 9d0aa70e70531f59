"""What a drain has to do: links that owe, links to look at, calendars to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Greatest

from genie.core.appointment import LIVE
from genie.store.frozen import asked
from genie.store.models import (
    AvailabilityCalendar,
    Connection,
    EventLink,
    RemoteCalendar,
    RemoteKey,
    RemoteObject,
)
from genie.store.queries.channels import Addresses, by_kind, relied_on, to_tend


class Step(StrEnum):
    """What a drain does for a link."""

    OWING = "owing"
    PUT_ASIDE = "put aside"
    MISSING = "missing"
    TO_LOOK_AT = "to look at"
    DECIDED = "decided"
    UNANSWERED = "unanswered"


POLL_EVERY = timedelta(seconds=45)
"""The poll floor without push: with the sweep's own interval within the promised minute."""
PUSHED_EVERY = timedelta(hours=1)
"""The poll floor where a channel tells of changes: for the message that was lost."""
WATCHED_EVERY = timedelta(seconds=1.5)
WATCHED_FOR = timedelta(seconds=15)
"""A calendar, or an appointment of it, was on somebody's screen so recently."""
FULL_EVERY = timedelta(hours=20)
"""A full, diffed read once a night: some cursors forget, and the mirror's window moves on."""

NO_PUSH: Addresses = {}
TICK = timedelta(microseconds=1)
"""The smallest difference PostgreSQL keeps."""


def nudged(now: datetime) -> Greatest:
    """What a nudge writes into `nudged_at`: later than the last read and than any nudge before it.

    So it counts whatever this machine's clock says: a read compares only whether it is still the one it saw.
    """
    return Greatest(
        Value(now, output_field=DateTimeField()), F("nudged_at") + TICK, F("read_at") + TICK
    )  # GREATEST leaves out what is NULL


def owing(now: datetime) -> QuerySet[EventLink]:
    """Links whose debt is due, in the order it became due."""
    return (
        EventLink.objects.filter(_due(now), state=EventLink.State.OWES_PUSH)
        .exclude(connection__state=Connection.State.ENDED)
        .order_by(F("next_attempt").asc(nulls_first=True), "appointment__start", "id")
    )


def put_aside(now: datetime) -> QuerySet[EventLink]:
    """Debts put aside for a person, tried again now and then: what stopped them may be over by itself."""
    owed = Q(pushed_revision__lt=F("appointment__revision")) | Q(remote_id="")
    links = EventLink.objects.filter(
        owed | Q(leaves=True) | Q(connection__state=Connection.State.REMOVING),
        state=EventLink.State.PARKED,
        next_attempt__lte=now,
    ).exclude(connection__state=Connection.State.ENDED)
    return links.order_by("id")


def missing(now: datetime) -> QuerySet[EventLink]:
    """Links whose event disappeared and whose grace is over; and those held whose event we never knew the id
    of (its creation was not answered): there is nothing to look at, so its disappearance is judged anew."""
    ripe = Q(next_attempt__lte=now) | ~Q(incident__decision="")
    unknown = Q(ripe, state=EventLink.State.HELD, remote_id="")
    links = EventLink.objects.filter(Q(state=EventLink.State.MISSING, next_attempt__lte=now) | unknown)
    return links.exclude(connection__state=Connection.State.ENDED).order_by("id")


def to_look_at(now: datetime) -> QuerySet[EventLink]:
    """Links whose event is not in the version we agreed on, or was not in the last read any more.

    Derived, not remembered: a crash between a page and its looks loses nothing. Those put aside are looked
    at now and then as well: who puts an event back as it was brings back its version too.
    """
    looked_at = (EventLink.State.CLEAN, EventLink.State.PARKED)
    again = Q(state=EventLink.State.PARKED, next_attempt__lte=now)
    ripe = Q(again | (_due(now) & _DIFFERS), state__in=looked_at)
    return _followed().filter(ripe | _held(now)).order_by("id")


def _held(now: datetime) -> Q:
    """What waits for a person is looked at once that is decided, when it changes again, and one that is gone
    now and then."""
    other = ~Q(held_version="") & (Q(seen_etag=None) | ~Q(seen_etag=F("held_version")))
    ripe = ~Q(incident__decision="") | Q(next_attempt__lte=now) | other
    return Q(ripe, _due(now) | ~Q(incident__decision=""), state=EventLink.State.HELD)


def decided(_: datetime) -> QuerySet[EventLink]:
    """Links that belong to an incident about which a person has decided, and hold nothing back."""
    links = EventLink.objects.filter(incident__isnull=False, held_at=None).exclude(incident__decision="")
    return links.order_by("id")


def unanswered(now: datetime) -> QuerySet[EventLink]:
    """Links about which a customer was asked and did not answer in time."""
    links = EventLink.objects.filter(proposed_start__isnull=False, answer_until__lte=now)
    return links.exclude(state=EventLink.State.ENDED).order_by("id")


def differing(calendar_id: int) -> QuerySet[EventLink]:
    """Links of a calendar still to be looked at, put off or not; without those put aside for a person."""
    return _followed().filter(_DIFFERS, calendar_id=calendar_id, state=EventLink.State.CLEAN)


_DIFFERS = Q(seen_etag=None) | ~Q(seen_etag=F("etag")) | Q(base__cancelled=True, appointment__state__in=LIVE)
"""The last: what was agreed on is off there, and on here. It was called off while nothing flowed back, or
just before our write came, which could not take that back."""


def _followed() -> QuerySet[EventLink]:
    seen = RemoteObject.objects.filter(calendar=OuterRef("calendar"), remote_id=OuterRef("remote_id"))
    return (
        EventLink.objects.filter(
            connection__state=Connection.State.LINKED,
            connection__realtime=True,
            calendar__read_at__isnull=False,
            leaves=False,
        )
        .exclude(remote_id="")
        .annotate(seen_etag=Subquery(seen.values("etag")[:1]))
    )


def to_read(now: datetime) -> QuerySet[RemoteCalendar]:
    """Calendars in use that are stale: never read, nudged since, watched, or simply not read for too long.

    Where a channel tells of changes, neither time nor a person who watches makes a calendar stale.
    """
    ripe = Q(read_at__lt=now - POLL_EVERY) | Q(
        watched_at__gt=now - WATCHED_FOR, read_at__lt=now - WATCHED_EVERY
    )
    told = Exists(relied_on(now).filter(calendar=OuterRef("pk")))
    stale = (
        Q(read_at=None) | Q(nudged_at__gt=F("read_at")) | Q(read_at__lt=now - PUSHED_EVERY) | (ripe & ~told)
    )
    linked = Connection.objects.filter(calendar=OuterRef("pk"), state=Connection.State.LINKED)
    followed = EventLink.objects.filter(
        calendar=OuterRef("pk"), connection__state=Connection.State.LINKED
    ).exclude(state=EventLink.State.ENDED)
    busy = AvailabilityCalendar.objects.filter(calendar=OuterRef("pk"))
    return reachable(now).filter(stale).filter(Exists(linked) | Exists(followed) | Exists(busy))


def reachable(now: datetime) -> QuerySet[RemoteCalendar]:
    """Calendars whose key works and which are not to be left alone for a while."""
    return RemoteCalendar.objects.filter(_due(now), key__state=RemoteKey.State.ACTIVE)


def due_links(step: Step, calendar_id: int, now: datetime) -> list[UUID]:
    """The links of a calendar for which a step is due, in its order."""
    return asked(_links_of, now=now, number=calendar_id, given=(step,))


def is_stale(calendar_id: int, now: datetime) -> bool:
    """Is the calendar to be read?"""
    return bool(asked(_stale, now=now, number=calendar_id))


def is_due(calendar_id: int, now: datetime, addresses: Addresses = NO_PUSH) -> bool:
    """Is there anything for a drain of this calendar to do?"""
    return bool(asked(_due_one, now=now, number=calendar_id, given=by_kind(addresses)))


def to_drain(now: datetime, *, thorough: bool = True, addresses: Addresses = NO_PUSH) -> set[int]:
    """The calendars a sweep should wake: something is owed, is to be looked at, or is stale.

    Without `thorough` the looks are left out: the drain that read a page does them at once, so only a
    crash leaves one behind, and finding it compares every live link with the mirror. So are the channels
    and what was put aside: none of them is in a hurry.
    """
    return set(asked(_due_ones, now=now, given=(thorough, *by_kind(addresses))))


def removed() -> QuerySet[Connection]:
    """Connections that wait for their last copy to be removed, and have none left: to be ended."""
    left = EventLink.objects.filter(connection=OuterRef("pk")).exclude(state=EventLink.State.ENDED)
    return Connection.objects.filter(~Exists(left), state=Connection.State.REMOVING)


def _due(now: datetime) -> Q:
    return Q(next_attempt=None) | Q(next_attempt__lte=now)


# --- worded once: the moment, a calendar's number, and what else a question depends on


_STEPS: dict[Step, Callable[[datetime], QuerySet[EventLink]]] = {
    Step.OWING: owing,
    Step.PUT_ASIDE: put_aside,
    Step.MISSING: missing,
    Step.TO_LOOK_AT: to_look_at,
    Step.DECIDED: decided,
    Step.UNANSWERED: unanswered,
}


def _links_of(now: datetime, calendar_id: int, step: Step) -> QuerySet[EventLink, UUID]:
    return _STEPS[step](now).filter(calendar_id=calendar_id).values_list("id", flat=True)


def _stale(now: datetime, calendar_id: int) -> QuerySet[RemoteCalendar, int]:
    return to_read(now).filter(id=calendar_id).values_list("id", flat=True)


def _due_one(now: datetime, calendar_id: int, *addresses: tuple[str, str]) -> QuerySet[RemoteCalendar, int]:
    here = RemoteCalendar.objects.filter(id=calendar_id)
    debts = (owing(now), put_aside(now), missing(now), to_look_at(now), decided(now))
    owed = Q()
    for links in debts:
        owed |= Q(Exists(links.filter(calendar_id=calendar_id)))
    tended = Q(pk__in=to_tend(dict(addresses), now).filter(id=calendar_id).values("pk"))
    reached = Q(pk__in=reachable(now).values("pk")) & (owed | tended)
    return here.filter(reached | Q(pk__in=to_read(now).values("pk"))).values_list("id", flat=True)


def _due_ones(
    now: datetime, _number: int, thorough: bool, *addresses: tuple[str, str]
) -> QuerySet[RemoteCalendar, int]:
    debts = [owing(now), missing(now), decided(now)] + ([put_aside(now), to_look_at(now)] if thorough else [])
    owed = Q()
    for links in debts:
        owed |= Q(pk__in=links.order_by().values("calendar_id"))
    if thorough:
        owed |= Q(pk__in=to_tend(dict(addresses), now).values("pk"))
    due = Q(pk__in=reachable(now).values("pk")) & owed | Q(pk__in=to_read(now).values("pk"))
    # whether the calendar can be reached or not: what is shown and told here does not wait for it
    due |= Q(pk__in=unanswered(now).order_by().values("calendar_id"))
    if thorough:
        due |= Q(pk__in=removed().values("calendar_id"))
    return RemoteCalendar.objects.filter(due).values_list("id", flat=True)
