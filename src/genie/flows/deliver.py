"""Send what is owed: claim, hand over with no transaction open, keep the receipt.

A mail can be sent twice and cannot be sent *exactly* once: when a worker dies, or the connection ends,
between handing the text over and keeping the receipt, nobody can know whether it arrived. It is then sent
again, word for word and with the same Message-ID, UID and SEQUENCE, by which mail programs recognise it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from genie.core.event import When
from genie.notices.email import letters
from genie.notices.email.calendar_file import PublishedVisit, calendar_file
from genie.notices.port import Attachment, Letterhead, MailSender, OutgoingMail, Refused, Unavailable
from genie.store import frozen
from genie.store.models import Appointment, Message

LEASE = timedelta(minutes=5)
"""A claim older than this belongs to a worker that died: longer than any conversation with a mail server."""

GIVE_UP_AFTER = timedelta(days=2)
"""A letter this late would tell people what they found out long ago."""

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


class Outcome(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    PUT_BACK = "put back"
    DROPPED = "dropped"
    NOT_MINE = "not mine"  # sent, dropped, not due, or another worker has it


def due(*, now: datetime, limit: int = 100) -> list[UUID]:
    """Messages to deliver now, longest waiting first: due and free, or left behind by a worker that died."""
    free = Message.objects.filter(_free(now)).order_by("not_before")
    return list(free.values_list("pk", flat=True)[:limit])


def deliver(
    *, message_id: UUID, sender: MailSender, now: datetime, reached: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Try once. May be called for any reason, any number of times; with `reached` tests end it half-way.

    Must not be called inside a transaction. Faults of the mail server are kept on the message, not raised.
    """
    if not _claim(message_id, now):
        return Outcome.NOT_MINE
    reached("claimed")
    message = frozen.get(_whole, message_id)
    if _overtaken(message):
        return _drop(message, now, "A later change overtook it.")
    if now - message.created_at >= GIVE_UP_AFTER:
        return _drop(message, now, f"It could not be sent for two days. {message.reason}")
    try:
        sender.send(_mail(message, sender.letterhead, now))
    except Refused as fault:
        return _drop(message, now, str(fault))
    except Unavailable as fault:
        return _put_back(message, now, fault)
    reached("handed over")
    with transaction.atomic(durable=True):
        _mine(message, now).update(state=Message.State.SENT, sent_at=now, claimed_at=None, reason="")
    return Outcome.SENT


def _whole(message_id: UUID) -> QuerySet[Message]:
    whole = Message.objects.select_related(
        "company", "appointment__lead", "appointment__module", "appointment__kind", "appointment__company"
    )
    return whole.filter(pk=message_id)


def _free(now: datetime) -> Q:
    return Q(state=Message.State.OWED, not_before__lte=now, held_by=None) & (
        Q(claimed_at=None) | Q(claimed_at__lte=now - LEASE)
    )


def _claim(message_id: UUID, now: datetime) -> bool:
    """Win or lose. While one letter is on its way, the next to the same reader about the same visit waits."""
    on_its_way = Message.objects.filter(
        appointment=OuterRef("appointment"), recipient=OuterRef("recipient"), claimed_at__gt=now - LEASE
    )
    with transaction.atomic(durable=True):
        won = Message.objects.filter(_free(now), ~Exists(on_its_way), pk=message_id).update(
            claimed_at=now,
            # a claim left behind: its worker died, perhaps after the server had taken the mail
            may_have_arrived=ExpressionWrapper(
                Q(may_have_arrived=True) | Q(claimed_at__isnull=False), BooleanField()
            ),
            attempts=F("attempts") + 1,
        )
    return won == 1


def _mine(message: Message, now: datetime) -> QuerySet[Message]:
    return Message.objects.filter(pk=message.pk, claimed_at=now)


def _drop(message: Message, now: datetime, reason: str) -> Outcome:
    with transaction.atomic(durable=True):
        _mine(message, now).update(state=Message.State.DROPPED, reason=reason[:300], claimed_at=None)
    return Outcome.DROPPED


def _put_back(message: Message, now: datetime, fault: Unavailable) -> Outcome:
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(message.attempts - 1, 10))
    with transaction.atomic(durable=True):
        _mine(message, now).update(
            claimed_at=None,
            not_before=now + wait,
            reason=str(fault)[:300],
            may_have_arrived=message.may_have_arrived or fault.outcome_unknown,
        )
    return Outcome.PUT_BACK


def _overtaken(message: Message) -> bool:
    """A newer letter was written while this one was on its way, and came back."""
    beside = [Message.Kind.ATTENTION]
    if message.kind != Message.Kind.ASKED:
        beside.append(Message.Kind.ASKED)  # a question takes nothing back of what was told
    return (
        message.appointment_id is not None
        and message.kind != Message.Kind.ATTENTION
        and Message.objects.filter(
            appointment_id=message.appointment_id,
            recipient__iexact=message.recipient,
            revision__gt=message.revision,
        )
        .exclude(kind__in=beside)
        .exists()
    )


def _mail(message: Message, letterhead: Letterhead, now: datetime) -> OutgoingMail:
    letter = _letter(message, letterhead)
    to_company = message.audience == Message.Audience.COMPANY
    return OutgoingMail(
        to=message.recipient,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        message_id=f"{message.pk}@{letterhead.address.rpartition('@')[2]}",
        from_name=message.company.name,
        date=now,
        reply_to=message.appointment.lead.email if to_company and message.appointment else "",
        attachment=_attachment(message, letterhead),
    )


def _letter(message: Message, letterhead: Letterhead) -> letters.Letter:
    appointment = message.appointment
    if appointment is None:
        return letters.to_admins(
            company=message.company.name,
            heading=message.details["heading"],
            reason=message.details["reason"],
            link=letterhead.link(message.details["path"]),
        )
    about = letters.About(message.kind)
    visit = _visit(message, appointment)
    if message.audience == Message.Audience.CUSTOMER:
        page = f"/book/{appointment.company.slug}/{appointment.module.slug}"
        if appointment.kind and appointment.kind.enabled:
            page += f"?kind={appointment.kind.slug}"
        return letters.to_customer(
            about,
            visit,
            manage_url=letterhead.link(f"/visit/{appointment.manage_token}"),
            booking_url=letterhead.link(page),
        )
    path = f"/company/{appointment.company.slug}/appointments/{appointment.pk}"
    own, leaves = bool(message.details.get("own")), bool(message.details.get("leaves"))
    return letters.to_company(about, visit, staff_url=letterhead.link(path), own=own, leaves=leaves)


def _visit(message: Message, appointment: Appointment) -> letters.Visit:
    said = message.details
    return letters.Visit(
        company=appointment.company.name,
        visit=appointment.what,
        when=When.from_json(said["told"]["when"]),
        visitor_zone=appointment.visitor_zone,
        place=said["told"]["place"],
        with_whom=said["told"].get("with", ""),
        was=When.from_json(said["was"]) if said.get("was") else None,
        was_place=said.get("was_place"),
        was_with=said.get("was_with", ""),
        title=said["told"].get("title", appointment.title),  # older letters do not say it
        customer=appointment.lead.name,
        email=appointment.lead.email,
        phone=appointment.lead.phone,
        answers=appointment.answers,
        by=said.get("by", ""),
        reason=said.get("reason", ""),
        proposed=When.from_json(said["proposed"]) if said.get("proposed") else None,
        until=datetime.fromisoformat(said["until"]) if said.get("until") else None,
    )


def _attachment(message: Message, letterhead: Letterhead) -> Attachment | None:
    appointment = message.appointment
    if appointment is None or not message.details.get("attach"):
        return None
    said = message.details["told"]
    return calendar_file(
        PublishedVisit(
            uid=str(appointment.pk),
            revision=said["revision"],
            when=When.from_json(said["when"]),
            summary=letters.summary(appointment.what, said.get("with", ""), appointment.company.name),
            place=said["place"],
            organizer=letterhead.address,
            organizer_name=appointment.company.name,
            stamped=message.created_at,
            cancelled=said["cancelled"],
        )
    )
