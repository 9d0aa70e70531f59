"""Judge a move or deletion that was made on the calendar: apply it, ask about it, hold it, or put it back.

What people said (`Module.inbound_rule`, a decided incident) comes first; then the breaker: deletions and
moves of a sliding hour are counted per calendar, and once they are too many, all that come after them are
held together until a person decides (SYNC.md, *Safety*; decision 0090).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet

from genie.core.appointment import LIVE
from genie.core.breaker import WITHIN, too_many
from genie.core.event import When
from genie.flows.ask import can_be_asked, propose
from genie.flows.notify import forget_question
from genie.flows.tell_admins import calendar_page, tell_admins
from genie.store.models import EventLink, Incident, Message, Module, RemoteCalendar

HELD = (
    "Moved or deleted on the calendar together with many others. It stays here as it is until somebody "
    "decides whether these were really changed."
)


class Answer(StrEnum):
    """What is done about one move or deletion made on the calendar."""

    APPLY = "apply"
    ASK = "ask the customer"
    HOLD = "hold"
    PUT_BACK = "put back"


def judge(link: EventLink, now: datetime, *, when: When | None = None) -> Answer:
    """Call INSIDE the transaction that holds the link (`lock_link`), before anything is applied. `when`: the
    time it was moved to.

    HOLD has set what the link has to remember of the incident; the caller saves it (`hold`).
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("judge belongs into the transaction that applies the change")
    if link.calendar.quiet_since:
        return Answer.APPLY  # somebody has said that a backup was restored: the calendar is ahead of us
    decision = link.incident.decision if link.incident else ""
    if is_put_back(link, now):
        return Answer.PUT_BACK
    if decision == Incident.Decision.REALLY_CHANGED and link.held_at:
        return _let_in(link, when, now)
    if link.appointment.end <= now:
        return Answer.APPLY  # a visit that is over: nobody misses it
    # counted one by one, also where several workers are at one calendar
    RemoteCalendar.objects.select_for_update(no_key=True).get(id=link.calendar_id)
    incident = Incident.objects.filter(calendar_id=link.calendar_id, decision="").first()
    if incident is None and _is_one_too_many(link, now):
        incident = _open(link, now)
    if incident is None:
        link.came_in_at = now
        return _let_in(link, when, now)
    link.incident = incident
    return Answer.HOLD


def _let_in(link: EventLink, when: When | None, now: datetime) -> Answer:
    return Answer.ASK if when and can_be_asked(link.appointment, when, now) else Answer.APPLY


def is_put_back(link: EventLink, now: datetime) -> bool:
    """By a decision about an incident, or by the module's rule; a visit that is over is left as it is."""
    if link.incident and link.incident.decision == Incident.Decision.PUT_BACK:
        return True
    rule = link.appointment.module.inbound_rule
    return rule == Module.InboundRule.PUT_IT_BACK and link.appointment.end > now


def customer_is_told(link: EventLink) -> bool:
    """Of what is applied from the calendar: by the module's rule, or since they were asked about it,
    and not of what they were told before a backup was restored."""
    tells = link.appointment.module.tells_of_inbound or link.question_at is not None
    return tells and link.calendar.quiet_since is None


def hold(link: EventLink, version: str, now: datetime, *, when: When | None = None) -> None:
    """Keep, unsaved, that what stands there in `version` ("": it is gone) waits for a decision. `when`: the
    time it has there; nobody else gets that meanwhile. The customer is asked nothing more meanwhile."""
    if link.question_at:
        forget_question(link.appointment)
    link.state, link.reason = EventLink.State.HELD, HELD
    link.held_at, link.held_version = link.held_at or now, version
    propose(link, when)
    link.attempts, link.next_attempt = 0, None
    link.version += 1


def no_longer_held(link: EventLink) -> None:
    """Both sides agree, or are about to: nothing waits any more (unsaved). An applied change of an open
    incident, or of one that is put back, still belongs to it."""
    link.held_at, link.held_version = None, ""
    if not link.question_at:
        propose(link, None)
    if link.incident and link.incident.decision == Incident.Decision.REALLY_CHANGED:
        link.incident = None


def _is_one_too_many(link: EventLink, now: datetime) -> bool:
    counted = _counted(link.calendar_id, now)
    others = counted.exclude(id=link.id)
    live = Q(appointment__state__in=LIVE, appointment__end__gt=now) & ~Q(state=EventLink.State.ENDED)
    here = EventLink.objects.filter(calendar_id=link.calendar_id)
    every = here.filter(live | Q(id__in=counted.values("id")))
    return too_many(changed=others.count() + 1, of=every.count())


def _counted(calendar_id: int, now: datetime) -> QuerySet[EventLink]:
    """Links of a calendar whose move or deletion came in within the hour, and since a person decided last."""
    since = now - WITHIN
    decided = Incident.objects.filter(calendar_id=calendar_id, decided_at__gt=since)
    latest = decided.order_by("-decided_at").values_list("decided_at", flat=True).first()
    return EventLink.objects.filter(calendar_id=calendar_id, came_in_at__gt=latest or since)


def _open(link: EventLink, now: datetime) -> Incident:
    """What came in within the hour belongs to it: its letters that have not left wait. Admins hear once."""
    incident = Incident.objects.create(calendar_id=link.calendar_id, opened_at=now)
    before = list(_counted(link.calendar_id, now).exclude(id=link.id).values_list("id", "appointment_id"))
    EventLink.objects.filter(id__in=[link_id for link_id, _ in before]).update(incident=incident)
    Message.objects.filter(
        appointment_id__in=[appointment_id for _, appointment_id in before],
        kind__in=(Message.Kind.RESCHEDULED, Message.Kind.CANCELLED, Message.Kind.ASKED),
        state=Message.State.OWED,
        claimed_at=None,
        may_have_arrived=False,
        created_at__gt=now - WITHIN,
    ).update(held_by=incident)
    _tell(link, now)
    return incident


def _tell(link: EventLink, now: datetime) -> None:
    connection = link.connection
    tell_admins(
        company=connection.module.company,
        heading=f"Many appointments were changed at once on {link.calendar.name}",
        reason=(
            "Within an hour so many appointments were moved or deleted on this calendar that it may be an "
            "accident. What came last is held: those appointments stay as they are, and customers are not "
            "told. Open the page below and say whether these were really changed, or put them back."
        ),
        path=calendar_page(connection),
        now=now,
    )
