"""Ask the customer to accept the time that the calendar's owner gave a visit, and end that question.

While it is open both sides agree to differ in the time, as the link remembers: `base` holds the one the event
has there, `sent` ours. So neither is a change, neither is written over, and all other fields go on flowing
(decision 0092).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from genie.core.event import Fields, When, span_text
from genie.flows import actor
from genie.flows.actor import Actor
from genie.flows.notify import ask_customer, say_it_stays
from genie.store.models import Appointment, Change, EventLink, Module

NOTICE = timedelta(hours=2)
"""Until so long before the earlier of both times an answer counts; then the appointment's own time stands."""


def answer_until(appointment: Appointment, when: When) -> datetime:
    return min(appointment.start, when.start) - NOTICE


def can_be_asked(appointment: Appointment, when: When, now: datetime) -> bool:
    """By the module's rule, where customers are written to at all, and while there is time for an answer."""
    module = appointment.module
    asks = module.inbound_rule == Module.InboundRule.ASK_THE_CUSTOMER and module.tell_customer
    return asks and now < answer_until(appointment, when)


QUESTION = ("proposed_start", "proposed_end", "question_at", "answer_until")
"""What a link keeps of it, as `propose` sets it."""


def propose(link: EventLink, when: When | None) -> None:
    """Keep, unsaved, which time its event has there that the appointment has not taken. None: there is none,
    and no question about it."""
    link.proposed_start, link.proposed_end = (when.start, when.end) if when else (None, None)
    link.question_at = link.answer_until = None


def proposal(link: EventLink) -> When | None:
    """The time that the customer is asked to accept, if there is an open question."""
    if link.question_at is None or link.proposed_start is None or link.proposed_end is None:
        return None
    return When(link.proposed_start, link.proposed_end, link.appointment.zone)


def ask(link: EventLink, appointment: Appointment, when: When, now: datetime, *, settle: timedelta) -> None:
    """Begin the question, or replace it; the link is unsaved. The caller holds both (`lock_link`)."""
    owner = actor.calendar(link.calendar.name)
    _note(appointment, "asked", span_text(appointment), span_text(when), owner, now)
    propose(link, when)
    link.question_at, link.answer_until = now, answer_until(appointment, when)
    ask_customer(appointment=appointment, proposed=when, until=link.answer_until, now=now, settle=settle)


def it_stays(link: EventLink, appointment: Appointment, by: Actor, now: datetime, *, why: str) -> None:
    """End the question: the appointment's own time stands. The link is unsaved; the caller holds both. Who
    was asked already hears of it."""
    when = proposal(link)
    if when is not None:
        _note(appointment, "kept", span_text(when), span_text(appointment), by, now, why)
    propose(link, None)
    say_it_stays(appointment=appointment, now=now)


def take_ours_for_changed(link: EventLink) -> None:
    """Both sides agree to differ no more (unsaved): ours counts as changed, whatever it is or was."""
    base, sent = Fields.from_json(link.base or {}), Fields.from_json(link.sent or {})
    link.sent = sent.but(when=base.when).to_json()


def put_ours_back(link: EventLink, by: Actor, now: datetime, *, why: str) -> None:
    """End the question as `it_stays` does, and owe our time; the link is saved. The drain is not woken."""
    it_stays(link, link.appointment, by, now, why=why)
    take_ours_for_changed(link)
    link.state, link.reason, link.attempts, link.next_attempt = EventLink.State.OWES_PUSH, "", 0, None
    link.version += 1
    link.save()


def _note(
    appointment: Appointment, field: str, old: str, new: str, by: Actor, now: datetime, note: str = ""
) -> None:
    """A line of the history under the next revision: letters and pages can tell before from after."""
    appointment.revision += 1
    appointment.changed_at = now
    appointment.save(update_fields=["revision", "changed_at"])
    Change.objects.create(
        appointment=appointment,
        at=now,
        revision=appointment.revision,
        field=field,
        old=old,
        new=new,
        origin=by.origin,
        by=by.by,
        user=by.user,
        note=note,
    )
