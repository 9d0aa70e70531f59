"""Push what a link owes: create, update or delete its event, between two transactions.

The first transaction takes the debt and writes down what is about to be asked, the request runs with no
transaction open, the second keeps the receipt if nobody overtook it (SYNC.md, *Writes*).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from genie.core.appointment import LIVE
from genie.core.errors import Gone, IdentityTaken, Malformed, Rejected, StaleVersion
from genie.core.event import EventContent, Fields
from genie.core.reconcile import changed_here
from genie.flows import actor, measure
from genie.flows.absorb import Overtaken, absorb, end, keep_receipt, lock_link, locked_whole
from genie.flows.amend import Wanted, amend
from genie.flows.describe import changes_for, content_for, local_fields, remote_fields
from genie.flows.look import look
from genie.flows.vanish import GRACE, bearer, bearers, everywhere, follow, surely_ours, vanish
from genie.providers.port import CalendarInfo, CalendarProvider, EventIdentity, RemoteEvent
from genie.store.models import BusyTime, Connection, EventLink, RemoteCalendar

TAKEN_LIMIT = 5
"""So many identities in a row may turn out to be taken before a person is asked."""
STALE_LIMIT = 3
"""So many refusals of an unchanged event in a row mean the server's versions cannot be trusted."""
SERIES_LEFT = (
    "On the calendar this was made a repeating event, so it was left there when the visit was cancelled. "
    "Please delete there what is not needed any more."
)
SERIES_OF_ANOTHER = (
    "On the calendar this was made a repeating event, so it was left there when the visit was handed over. "
    "Please delete there what is not needed any more."
)
RECHECKS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))
"""When a create of unknown outcome, since cancelled, is looked for again."""


@dataclass(frozen=True, slots=True)
class Debt:
    """What one link owes, as read in one transaction. `version` is the link's, for compare-and-set."""

    action: Literal["create", "update", "delete", "hunt"]
    link_id: UUID
    version: int
    revision: int
    calendar: str
    identity: EventIdentity
    remote_id: str
    etag: str
    content: EventContent
    fields: Fields
    asked_before: bool
    """An earlier write of this generation has an outcome we never learned."""
    known_before: bool
    """An event of ours was asked for at some time: what a create finds may be a copy from an earlier link."""
    deleted_before: bool
    """An earlier deletion may have taken effect: that the event is missing says nothing about its owner."""
    of_series: bool
    """The owner made it a repeating event, when we looked last: a series is never written."""
    link: EventLink
    """The row as it was read, with what was about to be asked written down."""


def push(*, link_id: UUID, provider: CalendarProvider, now: datetime) -> None:
    """Pay one link's debt, once. Raises ProviderFault; what is owed stays owed until a receipt is kept."""
    debt = _take(link_id, now)
    if debt is None:
        return
    {"create": _create, "update": _update, "delete": _delete, "hunt": _hunt}[debt.action](debt, provider, now)


@transaction.atomic
def _take(link_id: UUID, now: datetime) -> Debt | None:
    """Read the debt afresh; write down what is about to be asked. None when nothing is owed any more."""
    link = locked_whole(link_id)
    owing = (EventLink.State.OWES_PUSH, EventLink.State.PARKED)
    if link.state not in owing or link.connection.state == Connection.State.ENDED:
        return None
    appointment = link.appointment
    fields = local_fields(appointment)
    linked = link.connection.state == Connection.State.LINKED
    wanted = appointment.state in LIVE and linked and not link.leaves
    action = _action(link, wanted)
    if action is None:
        end(link)
        return None
    asked_before, known_before = bool(link.asked), link.asked_at is not None
    deleted_before = any(ask["cancelled"] for ask in link.asked)
    of_series = bool(link.base and link.base.get("series"))
    if action == "create" or (action == "update" and not of_series):
        _write_down(link, fields)
        link.asked_at = link.asked_at or now
    link.version += 1
    link.save(update_fields=["asked", "asked_at", "version"])
    return Debt(
        action=action,
        link_id=link.id,
        version=link.version,
        revision=appointment.revision,
        calendar=link.calendar.remote_id,
        identity=EventIdentity(link.id.hex, link.generation),
        remote_id=link.remote_id,
        etag=link.etag,
        content=(content_for if action == "create" else changes_for)(appointment, link),
        fields=fields,
        asked_before=asked_before,
        known_before=known_before,
        deleted_before=deleted_before,
        of_series=of_series,
        link=link,
    )


def _write_down(link: EventLink, asked: Fields) -> None:
    """What is about to be asked, among what was asked before and not answered."""
    link.asked = [*link.asked[-4:], asked.to_json()]


def _action(link: EventLink, wanted: bool) -> Literal["create", "update", "delete", "hunt"] | None:
    if wanted:
        return "update" if link.remote_id else "create"
    if link.remote_id:
        return "delete"
    return "hunt" if link.asked_at else None


def _create(debt: Debt, provider: CalendarProvider, now: datetime) -> None:
    if debt.link.missing_since and (moved := _moved_away(debt, provider)):
        follow(debt.link, *moved, now=now)
        return
    survivor = _declined(debt, provider) if debt.link.declined_id else None
    if debt.known_before and not debt.link.declined_id:
        survivor = _survivor(debt, provider)
    if survivor is not None:
        absorb(link_id=debt.link_id, version=debt.version, event=survivor, now=now)
        return
    try:
        event = provider.create(debt.calendar, debt.identity, debt.content)
    except IdentityTaken as fault:
        _take_next_identity(debt, provider, now, fault)
        return
    if debt.known_before:
        # an earlier create may be the one that took effect: what is there decides, not what we sent now
        absorb(link_id=debt.link_id, version=debt.version, event=event, now=now)
    else:
        _receipt(debt, event, now)


def _moved_away(debt: Debt, provider: CalendarProvider) -> tuple[CalendarInfo, RemoteEvent] | None:
    """What is about to be put back, where it stands on another calendar now: then it was moved and not
    deleted, and the first search came too early to find it."""
    found = bearer(debt.link, provider)
    return found if found and found[0].id != debt.calendar and not found[1].content.cancelled else None


def _declined(debt: Debt, provider: CalendarProvider) -> RemoteEvent | None:
    """The event that its owner called off and we put back goes: by its id it is ours, and beside the one that
    is made again it would show the visit twice. One they have taken up again meanwhile is the visit's as
    before, and returned; one they made a series stays.

    Once it was seen there, what else bears our key is a copy, and nothing is searched until the new one is
    made. If it is gone at the first look, it may have been moved, and is searched for as ever.
    """
    for _ in range(STALE_LIMIT):
        try:
            event = provider.get(debt.calendar, debt.link.declined_id)
        except Gone:
            if debt.link.adopts:
                _keep_declined(debt, declined_id="")
            return None
        if not event.content.cancelled:
            return None if event.recurring else event
        _keep_declined(debt, adopts=False)
        try:
            provider.delete(debt.calendar, event.id, version=event.version)
        except StaleVersion:
            continue
        except (Gone, Malformed, Rejected):
            pass  # what may not be deleted stays beside the new one
        break
    return None


def _keep_declined(debt: Debt, **known: Any) -> None:
    with transaction.atomic():
        link = _overtaken_or(debt)
        for each in (link, debt.link):
            for name, value in known.items():
                setattr(each, name, value)
        link.save(update_fields=list(known))


def _survivor(debt: Debt, provider: CalendarProvider) -> RemoteEvent | None:
    """The live event there that bears our key: of an earlier link, perhaps cut and pasted since, or of a
    create that was never answered. It is read by the id it had, since lists lag behind; only if it is gone
    there it is searched. Of several it is the one whose UID we know, else none is known to be ours. One that
    was called off is left alone: not everywhere can a write take that back."""
    if debt.link.former_id:
        with suppress(Gone):
            event = provider.get(debt.calendar, debt.link.former_id)
            return None if event.content.cancelled else event
    found = list(bearers(provider, debt.calendar, debt.identity.key))
    known = debt.link.uid
    likely = [event for event in found if known and event.uid == known] or found
    return likely[0] if len(likely) == 1 and not likely[0].content.cancelled else None


def _update(debt: Debt, provider: CalendarProvider, now: datetime) -> None:
    if debt.of_series:
        # what is owed stays owed until it is single
        look(link_id=debt.link_id, provider=provider, now=now, version=debt.version)
        return
    try:
        event = provider.update(debt.calendar, debt.remote_id, debt.content, version=debt.etag)
    except StaleVersion:
        before = debt.etag
        if look(link_id=debt.link_id, provider=provider, now=now, version=debt.version) == before:
            _count_stale(debt)
    except Gone:
        vanish(link_id=debt.link_id, provider=provider, now=now, version=debt.version)
    else:
        if _shows_more(debt, event):
            absorb(link_id=debt.link_id, version=debt.version, event=event, now=now)
        else:
            _receipt(debt, event, now)


def _shows_more(debt: Debt, event: RemoteEvent) -> bool:
    """Does the answer to a write show a change that is not ours? Not every system refuses a write when its
    owner was just quicker, and what we did not write is theirs."""
    link = debt.link
    if link.base is None or link.sent is None:
        return False
    base = Fields.from_json(link.base)
    written = changed_here(local=debt.fields, sent=Fields.from_json(link.sent))
    remote, _ = remote_fields(event.content, link.appointment, link)
    return bool(changed_here(local=remote, sent=base) - written)


def _delete(debt: Debt, provider: CalendarProvider, now: datetime) -> None:
    """Cancelled beats moved: a version we have not seen is deleted as well, and so is the one event that
    bears our key where the owner cut and pasted before we looked. Copies beside a live one are foreign. An
    event that its owner made a series is more than our visit: it stays, and a person is told. Lists lag
    behind, and it may be pasted later than it was cut: where nothing bears our key it is searched once more.
    """
    left = False
    try:
        if not _delete_any_version(debt, provider):
            moved = _moved(debt, provider)
            if moved is None and _search_again(debt, now):
                return
            if moved is not None:
                info, event = moved
                with transaction.atomic():
                    _overtaken_or(debt)  # another worker was quicker: it is gone by that, and this is a copy
                provider.delete(info.id, event.id, version=_single(event).version)
    except _ASeries:
        left = True
    with transaction.atomic():
        link = lock_link(debt.link_id, debt.version)
        if left:
            changes = Wanted(attention=SERIES_OF_ANOTHER if link.leaves else SERIES_LEFT, owes_push=False)
            appointment = link.appointment
            amend(
                appointment_id=appointment.id,
                company_id=appointment.company_id,
                changes=changes,
                actor=actor.calendar(link.calendar.name),
                now=now,
            )
        else:
            # it is gone, so its time is free at once, and not only when the calendar is read again
            BusyTime.objects.filter(calendar_id=link.calendar_id, remote_id=debt.remote_id).delete()
        measure.sent(link)
        end(link)
        if not left:  # nothing of ours is there any more: what still bears our key is a copy
            EventLink.objects.filter(id=link.id).update(asked_at=None)
        RemoteCalendar.objects.filter(id=link.calendar_id).update(last_out_at=now)


def _moved(debt: Debt, provider: CalendarProvider) -> tuple[CalendarInfo, RemoteEvent] | None:
    """What the event that is gone has become. As long as the calendar is linked, the one event that bears our
    key is the visit's, and shown as such. Once that was ended, only what is surely ours is removed."""
    link = EventLink.objects.select_related("calendar", "connection").get(id=debt.link_id)
    removing = link.connection.state == Connection.State.REMOVING
    return surely_ours(link, everywhere(link, provider)) if removing else bearer(link, provider)


@transaction.atomic
def _search_again(debt: Debt, now: datetime) -> bool:
    """What its owner removed is owed until a second search, two minutes after the first, finds nothing."""
    link = _overtaken_or(debt)
    first = link.missing_since or now
    if now >= first + GRACE:
        return False
    link.missing_since, link.next_attempt = first, first + GRACE
    link.reason = "Gone from the calendar: making sure that it was not moved."
    link.save(update_fields=["missing_since", "next_attempt", "reason"])
    BusyTime.objects.filter(calendar_id=link.calendar_id, remote_id=debt.remote_id).delete()
    return True


class _ASeries(Exception):
    """The owner made the event a series: it is not ours to delete."""


def _single(event: RemoteEvent) -> RemoteEvent:
    if event.recurring:
        raise _ASeries
    return event


def _delete_any_version(debt: Debt, provider: CalendarProvider) -> bool:
    """True if the event was there: now, or when we asked before. Raises _ASeries.

    It is looked at before each deletion, and only then is that written down: so if the answer is lost, that
    it is missing is known for our own doing, and else for its owner's.
    """
    try:
        for _ in range(STALE_LIMIT):
            version = _version_there(debt, provider)
            _note_deletion(debt)
            try:
                return provider.delete(debt.calendar, debt.remote_id, version=version)
            except StaleVersion:
                continue
    except Gone:
        return debt.deleted_before
    raise Rejected("The server keeps refusing to delete the event although its version was just read.")


@transaction.atomic
def _note_deletion(debt: Debt) -> None:
    link = _overtaken_or(debt)
    _write_down(link, debt.fields.but(cancelled=True))
    link.save(update_fields=["asked"])


def _version_there(debt: Debt, provider: CalendarProvider) -> str:
    """Raises Gone and _ASeries."""
    try:
        return _single(provider.get(debt.calendar, debt.remote_id)).version
    except Malformed as fault:
        if not fault.version:
            raise
        return fault.version  # what nobody can read can be deleted all the same


def _hunt(debt: Debt, provider: CalendarProvider, now: datetime) -> None:
    """The create's outcome was never learned and the appointment is cancelled: what appears is deleted."""
    for found in provider.find(debt.calendar, debt.identity.key):
        if found.recurring:
            continue  # its owner has made more of it than our visit
        provider.delete(debt.calendar, found.id, version=found.version)
    with transaction.atomic():
        link = _overtaken_or(debt)
        if link.recheck >= len(RECHECKS):
            end(link)
            return
        link.next_attempt = now + RECHECKS[link.recheck]
        link.recheck += 1
        link.reason = "Cancelled while the calendar had not answered: making sure that no copy appears later."
        link.save(update_fields=["next_attempt", "recheck", "reason"])


def _take_next_identity(debt: Debt, provider: CalendarProvider, now: datetime, fault: IdentityTaken) -> None:
    """Ids are never used twice. If we may have made that one ourselves, it was moved or deleted there."""
    if debt.asked_before:
        vanish(link_id=debt.link_id, provider=provider, now=now, version=debt.version)
        return
    too_many = debt.link.taken >= TAKEN_LIMIT
    with transaction.atomic():
        link = _overtaken_or(debt)
        link.asked, link.asked_at = [], None  # that was an answer: nothing of it is there
        if not too_many:
            link.generation, link.taken = link.generation + 1, link.taken + 1
        link.save(update_fields=["generation", "taken", "asked", "asked_at"])
    if too_many:
        raise Rejected(f"The server refuses every new event of ours: {fault}")


def _receipt(debt: Debt, event: RemoteEvent, now: datetime) -> None:
    keep_receipt(
        link_id=debt.link_id,
        version=debt.version,
        event=event,
        sent=debt.fields,
        revision=debt.revision,
        now=now,
    )


def _count_stale(debt: Debt) -> None:
    """Refused, although what is there is the version we named: after three times a person is asked."""
    link = EventLink.objects.get(id=debt.link_id)
    if link.stale_streak + 1 >= STALE_LIMIT:
        raise Rejected("The server refuses changes to an event that nobody changed (its versions differ).")
    EventLink.objects.filter(id=debt.link_id).update(stale_streak=link.stale_streak + 1)


def _overtaken_or(debt: Debt) -> EventLink:
    link = EventLink.objects.select_for_update(no_key=True).get(id=debt.link_id)
    if link.version != debt.version:
        raise Overtaken("the link moved on while the request was under way")
    return link
