"""An event is gone by id while its calendar answers: follow it, cancel, or only end the link.

Many programs move by deleting and making anew, so our key is searched in all calendars of the account. If
nobody bears it the appointment is cancelled at once (the slot is free, the dashboard shows it), but the
customer's message waits, and an event that appears within two minutes with our key brings the same
appointment back: nobody is told of a cancellation that was none. The decision
record *A deletion counts at once* says what lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from genie.core.appointment import LIVE
from genie.core.errors import CalendarGone, Gone
from genie.flows import actor
from genie.flows.absorb import (
    NOT_ASKED_ANY_MORE,
    absorb,
    end,
    lock_link,
    make_anew,
    put_back_event,
    still_followed,
)
from genie.flows.amend import Wanted, amend
from genie.flows.ask import it_stays, propose
from genie.flows.judge import Answer, customer_is_told, hold, judge, no_longer_held
from genie.flows.say_whose import say_whose
from genie.providers.port import CalendarInfo, CalendarProvider, RemoteEvent
from genie.store.models import EventLink, RemoteCalendar, RemoteObject

GRACE = timedelta(seconds=120)
"""So long after a disappearance an event that bears our key is still the same one, moved."""


LOOK_AGAIN = timedelta(minutes=15)
"""A deletion that is held is looked for so often: who put the event back need not be asked any more."""


def vanish(*, link_id: UUID, provider: CalendarProvider, now: datetime, version: int | None = None) -> None:
    """Call when `get` (or a conditional write) answered Gone; `version` is the link's when that was asked.

    Raises ProviderFault or Overtaken, then nothing happened.
    """
    link = still_followed(link_id, version)
    gone_for_good = link.state == EventLink.State.MISSING and not _in_grace(link, now)
    if link.appointment.end > now or link.state == EventLink.State.MISSING:
        found = bearer(link, provider)
        if found is not None:
            follow(link, *found, now=now)
            return
    with transaction.atomic():
        locked = lock_link(link_id, link.version)
        if locked.appointment.state not in LIVE:
            if locked.state == EventLink.State.OWES_PUSH:
                return  # cancelled here meanwhile: the deletion that is owed looks for it once more
            if gone_for_good or locked.state != EventLink.State.MISSING:
                end(locked)
            return
        if locked.appointment.end <= now:
            end(locked)  # tidied away after the visit: the appointment took place all the same
            return
        if locked.connection.realtime and locked.calendar.state != RemoteCalendar.State.PARKED:
            _cancel_unless(locked, judge(locked, now), now)
        else:
            it_stays(locked, locked.appointment, actor.SYSTEM, now, why=NOT_ASKED_ANY_MORE)
            _owe_anew(locked)


def _cancel_unless(link: EventLink, answer: Answer, now: datetime) -> None:
    if answer is Answer.APPLY:
        _cancel(link, now)
    elif answer is Answer.PUT_BACK:
        held = link.held_at is not None
        put_back_event(link, now)
        if not held and link.state == EventLink.State.OWES_PUSH:
            # it may have been moved, and not be shown yet: before it is made it is looked for again
            link.missing_since, link.next_attempt = now, now + GRACE
            link.save(update_fields=["missing_since", "next_attempt"])
    else:
        hold(link, "", now)
        link.next_attempt = now + LOOK_AGAIN  # it may come back by itself
        link.save()
        RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=link.remote_id).delete()


def _owe_anew(link: EventLink) -> None:
    """That it is missing says nothing here, so the event is made again: real-time updates are off, or the
    whole calendar was gone, which was nobody's decision about this visit."""
    make_anew(link, adopts=False)


def _in_grace(link: EventLink, now: datetime) -> bool:
    return link.missing_since is not None and now < link.missing_since + GRACE


def bearer(link: EventLink, provider: CalendarProvider) -> tuple[CalendarInfo, RemoteEvent] | None:
    """The event of the account that bears our key: the one of the id we know, which some systems keep when an
    event goes to another calendar, else the only one. Of several others none is known to be ours: also where
    one is called off, for a copy may be the other.
    """
    found = everywhere(link, provider)
    same = [one for one in found if one[1].id == link.remote_id]
    likely = same or found
    return likely[0] if len(likely) == 1 else None


def surely_ours(
    link: EventLink, found: Sequence[tuple[CalendarInfo, RemoteEvent]]
) -> tuple[CalendarInfo, RemoteEvent] | None:
    """Of what bears our key, the event that was moved: it kept its id or, as everywhere when an event goes to
    another calendar, its UID (RFC 5545, 3.8.4.7). One that was cut and pasted has others, and so has a copy
    whose original is gone: nothing tells the two apart, and a copy is its owner's."""
    same = [one for one in found if one[1].id == link.remote_id]
    likely = same or [one for one in found if link.uid and one[1].uid == link.uid]
    return likely[0] if len(likely) == 1 else None


def everywhere(link: EventLink, provider: CalendarProvider) -> list[tuple[CalendarInfo, RemoteEvent]]:
    """What bears our key in all calendars of the account that we may write. Raises ProviderFault.

    One that was moved keeps its id on some systems, and is read by that: lists lag behind.
    """
    found: list[tuple[CalendarInfo, RemoteEvent]] = []
    for info in provider.calendars():
        if info.may_write:
            with suppress(CalendarGone):
                moved = _of_its_id(link, provider, info.id)
                listed = bearers(provider, info.id, link.id.hex)
                found += [(info, event) for event in moved]
                found += [(info, event) for event in listed if event.id not in {one.id for one in moved}]
    return found


def _of_its_id(link: EventLink, provider: CalendarProvider, calendar: str) -> list[RemoteEvent]:
    """On another calendar, if it bears our key."""
    if not link.remote_id or calendar == link.calendar.remote_id:
        return []
    try:
        event = provider.get(calendar, link.remote_id)
    except Gone:
        return []
    return [event] if event.identity and event.identity.key == link.id.hex else []


def bearers(provider: CalendarProvider, calendar: str, key: str) -> Iterator[RemoteEvent]:
    """The events of a calendar that bear a key. A list may lag behind and show what is not there any more,
    so each is read by id. Raises ProviderFault."""
    for listed in provider.find(calendar, key):
        with suppress(Gone):
            yield provider.get(calendar, listed.id)


def follow(link: EventLink, info: CalendarInfo, event: RemoteEvent, *, now: datetime) -> None:
    """Same appointment, same link, new id; a calendar nobody watched is watched while it holds links. Raises
    Overtaken."""
    with transaction.atomic():
        locked = lock_link(link.id, link.version)
        calendar, _ = RemoteCalendar.objects.get_or_create(
            key_id=locked.calendar.key_id,
            remote_id=info.id,
            defaults={"name": info.name[:250], "color": info.color, "may_write": info.may_write},
        )
        RemoteObject.objects.filter(calendar_id=locked.calendar_id, remote_id=locked.remote_id).delete()
        if locked.state == EventLink.State.MISSING:
            _restore(locked, now)
            locked.came_in_at = None  # it counts again if it was moved
        locked.calendar, locked.remote_id = calendar, event.id
        locked.stamp, locked.missing_since = None, None
        locked.state = EventLink.State.CLEAN
        if event.identity:
            locked.generation = max(locked.generation, event.identity.generation)
        locked.version += 1
        locked.save()
        absorb(link_id=locked.id, version=locked.version, event=event, now=now)
        say_whose(link=locked, now=now)


def _restore(link: EventLink, now: datetime) -> None:
    amend(
        appointment_id=link.appointment_id,
        company_id=link.appointment.company_id,
        changes=Wanted(
            restore=True,
            forced=True,
            owes_push=False,
            reason="its event was moved, not deleted",
        ),
        actor=actor.calendar(link.calendar.name),
        now=now,
    )


def _cancel(link: EventLink, now: datetime) -> None:
    amend(
        appointment_id=link.appointment_id,
        company_id=link.appointment.company_id,
        changes=Wanted(
            cancel=True,
            owes_push=False,
            reason="deleted on the calendar",
            tell_customer=customer_is_told(link),
            settle=GRACE,
        ),
        actor=actor.calendar(link.calendar.name),
        now=now,
    )
    RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=link.remote_id).delete()
    RemoteCalendar.objects.filter(id=link.calendar_id).update(last_in_at=now)
    link.state, link.reason = EventLink.State.MISSING, "Deleted on the calendar."
    link.missing_since, link.next_attempt, link.asked = now, now + GRACE, []
    propose(link, None)
    no_longer_held(link)
    link.version += 1
    link.save()
