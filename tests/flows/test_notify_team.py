"""The staff member hears of own appointments, beside the module's recipients and once."""

from __future__ import annotations

import pytest
from tests.letters_scene import CUSTOMER, DESK, HOUR, TEN, Visit, a_visit, sender_to, woken
from tests.outside import SmtpSink
from tests.staff_scene import person

from genie.store.models import Connection, Message, RemoteCalendar, RemoteKey, StaffMember

pytestmark = pytest.mark.django_db
MARIA = "maria@harbour.example"


def with_maria(visit: Visit, **fields: str) -> StaffMember:
    maria = person(visit.appointment.company, "Maria", **({"email": MARIA} | fields))
    visit.appointment.staff = maria
    visit.appointment.save()
    return maria


@pytest.fixture
def visit(smtp_sink: SmtpSink) -> Visit:
    return a_visit(sender_to(smtp_sink.port))


def test_booked_moved_and_cancelled_is_told_to_all_three(visit: Visit, smtp_sink: SmtpSink) -> None:
    with_maria(visit)
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR)
    visit.sweep()
    visit.cancel()
    visit.sweep()
    for address in (CUSTOMER, DESK, MARIA):
        assert len(smtp_sink.to(address)) == 3, address
    for mail in smtp_sink.to(MARIA):
        text = mail.get_body(("plain",)).get_content()
        assert "You get this because the appointment is with you, Maria." in text
        assert "\r\nWith: Maria\r\n" in text
        assert mail["Reply-To"] == CUSTOMER
    for mail in smtp_sink.to(DESK):
        assert "notification settings of Harbour Homes" in mail.get_body(("plain",)).get_content()
    for mail in smtp_sink.to(CUSTOMER):
        assert "\r\nWith: Maria\r\n" in mail.get_body(("plain",)).get_content()
        (file,) = mail.iter_attachments()
        assert "SUMMARY:Tour with Maria\\, Harbour Homes" in file.get_content()


@pytest.mark.parametrize("email", [DESK.upper(), CUSTOMER, ""])
def test_who_is_told_already_is_not_told_twice(visit: Visit, email: str) -> None:
    with_maria(visit, email=email)
    visit.book()
    assert {m.recipient for m in visit.messages()} == {CUSTOMER, DESK}


def test_a_wake_up_for_each_letter(visit: Visit) -> None:
    with_maria(visit)
    visit.book()
    assert sorted(woken()) == sorted(m.pk for m in visit.messages())
    assert len(woken()) == 3


def test_what_needs_a_person_goes_to_the_recipients_alone(visit: Visit) -> None:
    with_maria(visit)
    visit._notify(Message.Kind.ATTENTION, {"details": {"reason": "Look."}})
    assert [m.recipient for m in visit.messages()] == [DESK]


def test_a_letter_that_is_repeated_says_the_same_name(visit: Visit, smtp_sink: SmtpSink) -> None:
    maria = with_maria(visit)
    visit.book()
    maria.name = "Mary"
    maria.save()
    visit.sweep()
    (mail,) = smtp_sink.to(CUSTOMER)
    assert "With: Maria" in mail.get_body(("plain",)).get_content()


def test_letters_from_before_there_were_teams_are_no_change(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    for message in Message.objects.all():
        del message.details["told"]["with"]
        message.save()
    visit.move(TEN)
    assert not visit.messages(state=Message.State.OWED)


@pytest.mark.parametrize(("whose", "attached"), [("maria", False), ("module", False), ("ben", True)])
def test_a_file_is_for_whom_no_calendar_shows_it(visit: Visit, whose: str, attached: bool) -> None:
    maria = with_maria(visit)
    company, module = visit.appointment.company, visit.appointment.module
    key = RemoteKey.objects.create(
        company=company, kind="memory", identity="x", label="x", secret=b"x", created_at=visit.now
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id="x", name="x", may_write=True)
    staff = {"maria": maria, "module": None, "ben": person(company, "Ben")}[whose]
    Connection.objects.create(module=module, staff=staff, calendar=calendar, linked_at=visit.now)
    visit.book()
    assert {m.recipient: m.details["attach"] for m in visit.messages()} == {
        CUSTOMER: True,
        DESK: attached,
        MARIA: attached,
    }
