"""A booked visit whose letters are watched, and a mail server that can be told how to fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.db import connection, transaction

from genie.core.appointment import State
from genie.flows.deliver import Outcome, deliver, due
from genie.flows.notify import notify
from genie.notices.email.smtp import SmtpSender, SmtpSettings
from genie.notices.port import Letterhead
from genie.store.models import Agency, Appointment, Company, Lead, Message, Module, Schedule

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # 10:00 in New York
HOUR = timedelta(hours=1)
SETTLE = timedelta(seconds=90)
HEAD = Letterhead("no-reply@genie.example", "https://genie.example")
CUSTOMER, DESK = "jane@example.org", "desk@harbour.example"
_numbers = itertools.count(1)


@dataclass
class Visit:
    """One appointment, changed as the flows change it: fields, revision and `notify` in one transaction."""

    appointment: Appointment
    sender: SmtpSender
    now: datetime = NOW

    def book(self, **how: Any) -> None:
        self._notify(Message.Kind.BOOKED, how)

    def move(self, start: datetime, **how: Any) -> None:
        a = self.appointment
        was = {"start": a.start.isoformat(), "end": a.end.isoformat()}
        a.start, a.end = start, start + HOUR
        self._change(Message.Kind.RESCHEDULED, {"details": {"was": was, "by": "Team calendar"}, **how})

    def cancel(self, **how: Any) -> None:
        self.appointment.state = State.CANCELLED
        self._change(Message.Kind.CANCELLED, how)

    def restore(self, **how: Any) -> None:
        self.appointment.state = State.CONFIRMED
        self._change(Message.Kind.BOOKED, how)

    def _change(self, kind: Message.Kind, how: dict[str, Any]) -> None:
        self.appointment.revision += 1
        self.appointment.save()
        self._notify(kind, how)

    def _notify(self, kind: Message.Kind, how: dict[str, Any]) -> None:
        self.now += timedelta(seconds=1)
        with transaction.atomic():
            notify(appointment=self.appointment, kind=kind, now=self.now, **how)

    def sweep(self, *, later: timedelta = timedelta()) -> list[Outcome]:
        """What the worker does again and again: deliver all that is due."""
        self.now += later
        return [deliver(message_id=m, sender=self.sender, now=self.now) for m in due(now=self.now)]

    def messages(self, recipient: str = "", **fields: Any) -> list[Message]:
        found = Message.objects.filter(appointment=self.appointment, **fields).order_by("created_at")
        return list(found.filter(recipient=recipient) if recipient else found)

    def owed(self, recipient: str) -> Message:
        (message,) = self.messages(recipient, state=Message.State.OWED)
        return message


def a_visit(sender: SmtpSender, *, recipients: tuple[str, ...] = (DESK,), **module_fields: Any) -> Visit:
    number = next(_numbers)
    company = Company.objects.create(
        agency=Agency.objects.create(name="Agency"),
        name="Harbour Homes",
        slug=f"harbour-{number}",
        zone="America/New_York",
        created_at=NOW,
    )
    schedule = Schedule.objects.create(company=company, name="Week", zone="America/New_York")
    module = Module.objects.create(
        company=company,
        name="Schedule Genie",
        slug="tour",
        schedule=schedule,
        title="Tour",
        recipients=list(recipients),
        created_at=NOW,
        **module_fields,
    )
    appointment = Appointment.objects.create(
        company=company,
        module=module,
        lead=Lead.objects.create(company=company, name="Jane Doe", email=CUSTOMER, created_at=NOW),
        state=State.CONFIRMED,
        start=TEN,
        end=TEN + HOUR,
        zone="America/New_York",
        lane=0,
        title="Tour: Jane Doe",
        place="12 Dock Street",
        answers="Ground floor, please.",
        created_at=NOW,
        changed_at=NOW,
    )
    return Visit(appointment, sender)


def sender_to(port: int) -> SmtpSender:
    return SmtpSender(SmtpSettings("127.0.0.1", port, timeout=2), HEAD)


def woken() -> list[UUID]:
    """The messages for which a job waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'message_id' FROM procrastinate_jobs WHERE task_name = 'genie.deliver' ORDER BY id"
        )
        return [UUID(row[0]) for row in cursor.fetchall()]


@dataclass
class Moody:
    """A mail server that answers as it is told to, and counts what it took."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    hang_up_after_text: bool = False
    taken: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  aiosmtpd's name
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session, envelope):  # noqa: N802  aiosmtpd's name
        if self.data.startswith("250"):
            self.taken.append(envelope.content)
        if self.hang_up_after_text:
            server.transport.abort()
        return self.data


@contextmanager
def moody_server(port: int) -> Iterator[Moody]:
    mood = Moody()
    controller = Controller(mood, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mood
    finally:
        controller.stop()
