"""Write down what has to be told, in the transaction of its cause; `deliver` sends it.

What a reader hears (each rule has a test in tests/flows/test_notify.py):

- One letter per real change and reader. A letter that has not left when the next change comes is overtaken:
  dropped, and the new one compares with what this reader *really* was told, not with the change before.
- A change that returns to what the reader was told last is nothing to tell.
- What the customer was told first is what the booking page confirmed, mail or no mail. So a visit that is
  booked and cancelled before the confirmation left gives exactly one letter, the cancellation: somebody who
  saw *booked* on a page must hear that it is off, and never gets a confirmation of a visit that is off.
- A visit booked and moved before the company heard of it is, to the company, a new booking at the new time.
- A change applied silently writes no letter to the customer, but a letter that still waits then says the
  truth: its time is brought up to date, or it is dropped when the visit is off.
- Letters about something that needs a person stand alone: they neither overtake nor are overtaken.
- A question to the customer takes nothing back of what was told before. Any later letter overtakes it; and
  who was asked hears how it ended, once: the new time, the cancellation, or that the time stays.
- The staff member whom it is with hears of it beside the module's recipients, once, and of nothing else.
- Handed over, it is told to both: to whom it was with, if they ever heard of it, for the last time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from genie.core.appointment import State
from genie.core.event import When
from genie.store import jobs
from genie.store.models import Appointment, Message, StaffMember
from genie.store.queries.connections import is_seen

_ABOUT_THE_VISIT = (
    Message.Kind.BOOKED,
    Message.Kind.RESCHEDULED,
    Message.Kind.CANCELLED,
    Message.Kind.ASKED,
    Message.Kind.KEPT,
)

_BARE = (Message.Kind.ATTENTION, Message.Kind.ASKED)
"""What is no news of a time brings no calendar file."""

_WAITING = Q(state=Message.State.OWED, claimed_at=None)
"""Not sent, and no worker is sending it at this moment: what is on its way cannot be called back."""

_REACHED = Q(state=Message.State.SENT) | Q(may_have_arrived=True) | Q(claimed_at__isnull=False)
"""What the reader was told, as far as anybody can know: sent, perhaps sent, or just being sent."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """`own`: the staff member whom the appointment is with; `leaves`: whom it was with until now."""

    address: str
    audience: Message.Audience
    own: bool = False
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class _Letter:
    """Which letter to write, and what its reader was told before (`was`, `was_place`, `was_with`)."""

    kind: Message.Kind
    before: dict[str, Any]


def notify(
    *,
    appointment: Appointment,
    kind: Message.Kind,
    now: datetime,
    details: dict[str, Any] | None = None,
    settle: timedelta = timedelta(),
    tell_customer: bool = True,
    before: StaffMember | None = None,
) -> None:
    """Owe a letter to everybody who should have one. Call INSIDE the transaction that made the change.

    `details` may hold `was` (`start` and `end` as ISO 8601: the time before this change, used only for
    readers whom we never told anything), `by` (who or what changed it) and `reason` (for ATTENTION), in
    words. `before`: whom it was with until this change. `settle`: wait so long, more changes may come.
    `tell_customer=False`: the change is applied silently for the customer.
    Calling it again for the same revision changes nothing (of two ATTENTIONs of one the first is told).
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("notify belongs into the transaction of the change it tells of")
    extra = _extra(appointment, details or {}, before)
    for reader in _readers(appointment, kind, tell_customer=tell_customer, before=before):
        if kind == Message.Kind.ATTENTION:
            attention = {**extra, "told": told(appointment)}
            message = _write(appointment, reader, kind, attention, now, settle)
        else:
            message = _tell(appointment, reader, kind, extra, now, settle)
        if message is not None and not settle:
            jobs.wake_message(message.pk)
    if kind != Message.Kind.ATTENTION and not tell_customer:
        _say_the_truth(appointment)


def ask_customer(
    *, appointment: Appointment, proposed: When, until: datetime, now: datetime, settle: timedelta
) -> None:
    """Owe the customer the question whether `proposed` suits; an answer counts `until` then. One that has not
    left yet is replaced. Call INSIDE the transaction that keeps the question."""
    forget_question(appointment)
    details = {"told": told(appointment), "proposed": proposed.to_json(), "until": until.isoformat()}
    reader = _Reader(appointment.lead.email, Message.Audience.CUSTOMER)
    _write(appointment, reader, Message.Kind.ASKED, details, now, settle)


def forget_question(appointment: Appointment) -> None:
    """A question that has not left is not asked any more."""
    waiting = Message.objects.filter(_WAITING, appointment=appointment, kind=Message.Kind.ASKED)
    waiting.filter(may_have_arrived=False).update(
        state=Message.State.DROPPED, reason="The question was taken back or replaced before it was sent."
    )


def say_it_stays(*, appointment: Appointment, now: datetime) -> None:
    """A question ended with the time as it was: who was asked already hears that, nobody else, and not when
    the visit is over."""
    forget_question(appointment)
    if appointment.end <= now:
        return
    reader = _Reader(appointment.lead.email, Message.Audience.CUSTOMER)
    reached = _letters(appointment, reader).filter(_REACHED).order_by("-revision", "-created_at").first()
    if reached is None or reached.kind != Message.Kind.ASKED:
        return
    details = {"told": told(appointment), "proposed": reached.details["proposed"]}
    message = _write(appointment, reader, Message.Kind.KEPT, details, now, timedelta())
    if message is not None:
        jobs.wake_message(message.pk)


def tell_it_was_kept(
    *, appointment: Appointment, proposed: When, by: str, reason: str, now: datetime
) -> bool:
    """The company hears that the time its calendar had set was not accepted. False: it has no reader."""
    details = {"told": told(appointment), "proposed": proposed.to_json(), "by": by, "reason": reason}
    readers = list(_readers(appointment, Message.Kind.KEPT, tell_customer=False))
    for reader in readers:
        message = _write(appointment, reader, Message.Kind.KEPT, details, now, timedelta())
        if message is not None:
            jobs.wake_message(message.pk)
    return bool(readers)


def first_letters(*, appointment: Appointment, linked: bool, now: datetime) -> list[Message]:
    """The letters of an appointment that is only just booked, unsaved: what `notify` would write.

    Nobody has heard of it, so there is nothing to look up. `linked`: the company sees it on a calendar.
    """
    details = {"told": told(appointment), "by": ""}
    return [
        _letter(appointment, reader, Message.Kind.BOOKED, details, now, timedelta(), linked=linked)
        for reader in _readers(appointment, Message.Kind.BOOKED, tell_customer=True)
    ]


def told(appointment: Appointment) -> dict[str, Any]:
    """What a letter says of the appointment, as JSON: frozen with the letter, so a repeat says the same."""
    when = When(appointment.start, appointment.end, appointment.zone)
    return {
        "when": when.to_json(),
        "title": appointment.title,
        "place": appointment.place,
        "with": appointment.staff.name if appointment.staff else "",
        "cancelled": appointment.state == State.CANCELLED,
        "revision": appointment.revision,
    }


def _extra(appointment: Appointment, details: dict[str, Any], before: StaffMember | None) -> dict[str, Any]:
    extra = {key: details[key] for key in ("by", "reason") if details.get(key)}
    if before is not None:
        extra["was_with"] = before.name
    if was := details.get("was"):
        start, end = datetime.fromisoformat(was["start"]), datetime.fromisoformat(was["end"])
        extra["was"] = When(start, end, appointment.zone).to_json()
    return extra


def _readers(
    appointment: Appointment,
    kind: Message.Kind,
    *,
    tell_customer: bool,
    before: StaffMember | None = None,
) -> Iterator[_Reader]:
    seen = set()
    module = appointment.module
    if tell_customer and module.tell_customer and kind != Message.Kind.ATTENTION:
        seen.add(appointment.lead.email.casefold())
        yield _Reader(appointment.lead.email, Message.Audience.CUSTOMER)
    for address in module.recipients:
        if address and address.casefold() not in seen:
            seen.add(address.casefold())
            yield _Reader(address, Message.Audience.COMPANY)
    own = appointment.staff.email if appointment.staff else ""
    if own and own.casefold() not in seen and kind != Message.Kind.ATTENTION:
        seen.add(own.casefold())
        yield _Reader(own, Message.Audience.COMPANY, own=True)
    if before is not None and before.email and before.email.casefold() not in seen:
        yield _Reader(before.email, Message.Audience.COMPANY, leaves=True)


def _tell(
    appointment: Appointment,
    reader: _Reader,
    kind: Message.Kind,
    extra: dict[str, Any],
    now: datetime,
    settle: timedelta,
) -> Message | None:
    about = _letters(appointment, reader)
    if about.filter(revision=appointment.revision).exists():
        return None
    overtaken = list(about.filter(_WAITING).order_by("created_at", "revision").select_for_update())
    decision = _decide(about, overtaken, reader, kind, told(appointment), extra)
    _drop(overtaken, "A later change overtook it." if decision else "Changed back before it was sent.")
    if decision is None:
        return None
    details = {"told": told(appointment), "by": extra.get("by", ""), **decision.before}
    return _write(appointment, reader, decision.kind, details, now, settle)


def _letters(appointment: Appointment, reader: _Reader) -> QuerySet[Message]:
    return Message.objects.filter(
        company_id=appointment.company_id,
        appointment=appointment,
        recipient__iexact=reader.address,
        kind__in=_ABOUT_THE_VISIT,
    )


def _decide(
    about: QuerySet[Message],
    overtaken: list[Message],
    reader: _Reader,
    kind: Message.Kind,
    true: dict[str, Any],
    extra: dict[str, Any],
) -> _Letter | None:
    """Which letter brings this reader from what they know to what is true; None: they know it."""
    reached = about.filter(_REACHED).order_by("-revision", "-created_at").first()
    if reached is not None:
        return _after(reached, kind, true)
    if reader.leaves:
        return None  # never heard of it, and need not any more
    booked = about.filter(kind=Message.Kind.BOOKED).order_by("revision").first()
    if booked is None:
        told_of = [letter for letter in overtaken if letter.kind != Message.Kind.ASKED]
        return _from_before(told_of, kind, true, extra)
    if reader.audience == Message.Audience.COMPANY:
        return _Letter(kind if kind == Message.Kind.CANCELLED else Message.Kind.BOOKED, {})
    page = booked.details.get("page", booked.details["told"])
    if _same(page, true):
        return _Letter(Message.Kind.BOOKED, {})  # back where it was, but the confirmation is still owed
    return _Letter(kind, _before(page))


def _after(reached: Message, kind: Message.Kind, true: dict[str, Any]) -> _Letter | None:
    """Who was asked, and whose time is what it was, hears that it stays."""
    known = reached.details["told"]
    if not _same(known, true):
        return _Letter(kind, _before(known))
    asked = reached.kind == Message.Kind.ASKED
    return _Letter(Message.Kind.KEPT, {"proposed": reached.details["proposed"]}) if asked else None


def _from_before(
    overtaken: list[Message], kind: Message.Kind, true: dict[str, Any], extra: dict[str, Any]
) -> _Letter | None:
    """A reader we never told anything: what the caller says was before is all there is to compare with."""
    off = overtaken[0].details["told"] if overtaken and overtaken[0].kind == Message.Kind.CANCELLED else None
    before = overtaken[0].details if overtaken else extra
    kept = {key: before[key] for key in ("was", "was_place", "was_with") if before.get(key) is not None}
    stayed = (
        When.from_json(kept.get("was", true["when"])).same_instants(When.from_json(true["when"]))
        and kept.get("was_place", true["place"]) == true["place"]
        and kept.get("was_with", true["with"]) == true["with"]
    )
    if kind == Message.Kind.BOOKED and off and _same({**off, "cancelled": False}, true):
        # restored before its cancellation was told, which had overtaken the letter about a move, perhaps
        return None if stayed else _Letter(Message.Kind.RESCHEDULED, kept)
    if kind == Message.Kind.RESCHEDULED and "was" in kept and stayed:
        return None
    return _Letter(kind, kept)


def _before(known: dict[str, Any]) -> dict[str, Any]:
    return {"was": known["when"], "was_place": known["place"], "was_with": known.get("with", "")}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        When.from_json(one["when"]).same_instants(When.from_json(other["when"]))
        and one["place"] == other["place"]
        and one.get("with", "") == other.get("with", "")  # letters written before there were teams say none
        and one["cancelled"] == other["cancelled"]
    )


def _drop(messages: list[Message], reason: str) -> None:
    Message.objects.filter(pk__in=[m.pk for m in messages]).update(state=Message.State.DROPPED, reason=reason)


def _write(
    appointment: Appointment,
    reader: _Reader,
    kind: Message.Kind,
    details: dict[str, Any],
    now: datetime,
    settle: timedelta,
) -> Message | None:
    linked = is_seen(module_id=appointment.module_id, staff_id=appointment.staff_id)
    message = _letter(appointment, reader, kind, details, now, settle, linked=linked)
    # the constraint message_once decides, without an error that would end the caller's transaction
    Message.objects.bulk_create([message], ignore_conflicts=True)
    return message if Message.objects.filter(pk=message.pk).exists() else None


def _letter(
    appointment: Appointment,
    reader: _Reader,
    kind: Message.Kind,
    details: dict[str, Any],
    now: datetime,
    settle: timedelta,
    *,
    linked: bool,
) -> Message:
    # a company whose calendar is linked has the event already: a file would put it there twice
    attach = reader.audience == Message.Audience.CUSTOMER or not linked
    own = {"own": True} if reader.own else {"leaves": True} if reader.leaves else {}
    return Message(
        company_id=appointment.company_id,
        appointment=appointment,
        revision=appointment.revision,
        kind=kind,
        audience=reader.audience,
        recipient=reader.address,
        details={**details, **own, "attach": attach and kind not in _BARE},
        not_before=now + settle,
        created_at=now,
    )


def _say_the_truth(appointment: Appointment) -> None:
    """A silent change: what still waits for the customer must not say what is no longer so."""
    reader = _Reader(appointment.lead.email, Message.Audience.CUSTOMER)
    true = told(appointment)
    # one that may have arrived is repeated word for word or not at all
    waiting = _letters(appointment, reader).filter(_WAITING, audience=reader.audience, may_have_arrived=False)
    for message in waiting.select_for_update():
        if true["cancelled"] and message.kind != Message.Kind.CANCELLED:
            _drop([message], "The appointment was cancelled, silently, before it was sent.")
            continue
        page = message.details.get("page", message.details["told"])
        message.details = {**message.details, "page": page, "told": true}
        message.save(update_fields=["details"])
