"""Who hears of a change, how often, and compared with what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.letters_scene import CUSTOMER, DESK, HOUR, NOW, SETTLE, TEN, Visit, a_visit, sender_to, woken
from tests.outside import SmtpSink

from genie.core.event import When
from genie.flows import actor
from genie.flows.amend import Wanted, amend
from genie.flows.notify import ask_customer, notify, say_it_stays
from genie.flows.tell_admins import tell_admins
from genie.store.models import Access, Company, Message, Role, User

pytestmark = pytest.mark.django_db
NOBODY = sender_to(1)


@pytest.fixture
def visit(smtp_sink: SmtpSink) -> Visit:
    return a_visit(sender_to(smtp_sink.port))


def told_times(message: Message) -> tuple[Any, Any]:
    """The start the letter tells, and the one it says was before."""
    said = message.details
    was = When.from_json(said["was"]).start if "was" in said else None
    return When.from_json(said["told"]["when"]).start, was


def subjects(sink: SmtpSink, address: str) -> list[str]:
    return [str(m["Subject"]).split(":")[0] for m in sink.to(address)]


def test_a_booking_is_told_to_the_customer_and_to_each_recipient() -> None:
    visit = a_visit(NOBODY, recipients=(DESK, "boss@harbour.example", DESK.upper()))
    visit.book()
    told = {m.recipient: m.audience for m in visit.messages()}
    assert told == {CUSTOMER: "customer", DESK: "company", "boss@harbour.example": "company"}
    assert sorted(woken()) == sorted(m.pk for m in visit.messages())


def test_it_is_written_with_the_change_or_not_at_all(visit: Visit) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        notify(appointment=visit.appointment, kind=Message.Kind.BOOKED, now=NOW)
        _ = 1 / 0
    assert not visit.messages()
    assert not woken()


@pytest.mark.parametrize(("module_tells", "caller_tells"), [(False, True), (True, False), (False, False)])
def test_the_customer_hears_nothing_where_the_module_or_the_rule_says_so(
    module_tells: bool, caller_tells: bool
) -> None:
    visit = a_visit(NOBODY, tell_customer=module_tells)
    visit.book(tell_customer=caller_tells)
    assert [m.recipient for m in visit.messages()] == [DESK]


def test_telling_twice_of_one_revision_writes_once(visit: Visit) -> None:
    visit.book()
    visit.book()
    visit.move(TEN + HOUR)
    with transaction.atomic():
        notify(appointment=visit.appointment, kind=Message.Kind.RESCHEDULED, now=visit.now)
    assert len(visit.messages(revision=1)) == 2
    assert len(visit.messages(revision=2)) == 2
    assert visit.owed(CUSTOMER).revision == visit.owed(DESK).revision == 2


def test_a_settled_change_waits_and_wakes_nobody(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    before = woken()
    visit.move(TEN + HOUR, settle=SETTLE)
    assert woken() == before
    assert visit.sweep() == []
    assert visit.sweep(later=SETTLE) == ["sent", "sent"]


def test_several_moves_in_a_row_are_one_letter_from_the_time_last_told(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.sweep()
    for hours in (1, 2, 3):
        visit.move(TEN + hours * HOUR, settle=SETTLE)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + 3 * HOUR, TEN)
    assert [m.reason for m in visit.messages(CUSTOMER, state="dropped")] == [
        "A later change overtook it."
    ] * 2
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed", "New time"]


def test_a_move_that_returns_is_nothing_to_tell(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR, settle=SETTLE)
    visit.move(TEN, settle=SETTLE)
    assert visit.messages(state="owed") == []
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed"]
    assert subjects(smtp_sink, DESK) == ["New booking"]
    visit.move(TEN + HOUR)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + HOUR, TEN)


def test_a_second_move_after_the_first_was_told_starts_from_there(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR)
    visit.sweep()
    visit.move(TEN)
    assert told_times(visit.owed(CUSTOMER)) == (TEN, TEN + HOUR)


def test_booked_and_cancelled_before_the_confirmation_left_is_one_letter_the_cancellation(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.cancel()
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == ["Cancelled"]
    assert subjects(smtp_sink, DESK) == ["Cancelled"]


def test_booked_and_moved_before_anything_left(visit: Visit, smtp_sink: SmtpSink) -> None:
    """The customer saw 10:00 on the booking page; the company hears of it for the first time."""
    visit.book()
    visit.move(TEN + HOUR)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + HOUR, TEN)
    assert told_times(visit.owed(DESK)) == (TEN + HOUR, None)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == ["New time"]
    assert subjects(smtp_sink, DESK) == ["New booking"]


def test_booked_moved_and_moved_back_before_anything_left_still_confirms(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.move(TEN + HOUR)
    visit.move(TEN)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed"]
    assert subjects(smtp_sink, DESK) == ["New booking"]


def test_moved_then_cancelled_unheard_is_a_cancellation_of_the_time_the_customer_knew(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR, settle=SETTLE)
    visit.cancel(settle=SETTLE)
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed", "Cancelled"]
    assert "10:00–11:00" in str(smtp_sink.to(CUSTOMER)[1]["Subject"])


def test_a_cancellation_taken_back_before_it_left_is_nothing_to_tell(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    visit.cancel(settle=SETTLE)
    visit.restore(settle=SETTLE)
    assert visit.messages(state="owed") == []


def test_a_move_is_told_although_a_cancellation_overtook_it_and_was_taken_back(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    """Also to somebody who never got a letter before."""
    visit.move(TEN + HOUR)
    visit.cancel(settle=SETTLE)
    visit.restore(settle=SETTLE)
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["New time"]


def test_a_cancellation_taken_back_after_it_was_told_confirms_again(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.sweep()
    visit.cancel()
    visit.sweep()
    visit.restore()
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed", "Cancelled", "Confirmed"]


@pytest.mark.parametrize(("heard", "letters"), [(False, []), (True, ["Cancelled", "Confirmed"])])
def test_an_event_that_comes_back_takes_back_the_cancellation(
    visit: Visit, smtp_sink: SmtpSink, heard: bool, letters: list[str]
) -> None:
    """Through the flow that changes appointments: a deletion on the calendar, then its undoing."""
    visit.book()
    visit.sweep()
    for changes in (Wanted(cancel=True, settle=SETTLE), Wanted(restore=True, settle=SETTLE)):
        visit.now += timedelta(seconds=1)
        amend(
            appointment_id=visit.appointment.pk,
            company_id=visit.appointment.company_id,
            changes=changes,
            actor=actor.calendar("Team"),
            now=visit.now,
        )
        visit.sweep(later=SETTLE if heard else timedelta())
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed", *letters]


def test_a_silent_move_is_not_told_but_a_waiting_letter_tells_the_truth(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    visit.move(TEN + HOUR, tell_customer=False)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed"]
    assert "11:00–12:00" in str(smtp_sink.to(CUSTOMER)[0]["Subject"])


def test_after_a_silent_move_the_next_letter_starts_from_what_the_customer_knew(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR, tell_customer=False)
    visit.move(TEN + 2 * HOUR)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + 2 * HOUR, TEN)


def test_silent_moves_before_anything_left_do_not_hide_what_the_page_said(visit: Visit) -> None:
    visit.book()
    visit.move(TEN + HOUR, tell_customer=False)
    visit.move(TEN + 2 * HOUR, tell_customer=False)
    visit.move(TEN + 3 * HOUR)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + 3 * HOUR, TEN)
    visit.move(TEN)
    assert visit.owed(CUSTOMER).kind == "booked"


def test_a_silent_cancellation_stops_a_waiting_confirmation(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    visit.cancel(tell_customer=False)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER) == []
    assert [m.state for m in visit.messages(CUSTOMER)] == ["dropped"]


def test_where_the_customer_was_never_told_anything_the_caller_says_what_was(visit: Visit) -> None:
    visit.book(tell_customer=False)
    visit.move(TEN + HOUR, settle=SETTLE)
    visit.move(TEN + 2 * HOUR, settle=SETTLE)
    assert told_times(visit.owed(CUSTOMER)) == (TEN + 2 * HOUR, TEN)
    visit.move(TEN, settle=SETTLE)
    assert visit.messages(CUSTOMER, state="owed") == []


def test_what_needs_a_person_goes_to_the_company_and_overtakes_nothing(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    with transaction.atomic():
        notify(
            appointment=visit.appointment,
            kind=Message.Kind.ATTENTION,
            now=visit.now,
            details={"reason": "It now lies outside opening hours."},
        )
    visit.sweep()
    assert subjects(smtp_sink, DESK) == ["New booking", "Please look"]
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed"]
    assert "outside opening hours" in smtp_sink.to(DESK)[1].get_body().get_content()


def test_a_letter_on_its_way_counts_as_told(visit: Visit) -> None:
    visit.book()
    visit.sweep()
    visit.move(TEN + HOUR)
    message = visit.owed(CUSTOMER)
    Message.objects.filter(pk=message.pk).update(claimed_at=visit.now)  # a worker is sending it now
    visit.move(TEN + 2 * HOUR)
    (waiting,) = visit.messages(CUSTOMER, state="owed", claimed_at=None)
    assert told_times(waiting) == (TEN + 2 * HOUR, TEN + HOUR)


def test_admins_hear_of_what_is_no_appointment(visit: Visit, smtp_sink: SmtpSink) -> None:
    company: Company = visit.appointment.company
    people = {
        "admin@harbour.example": Role.COMPANY_ADMIN,
        "light@harbour.example": Role.COMPANY_LIGHT,
        "agency@agency.example": Role.AGENCY_ADMIN,
    }
    users = {
        address: User.objects.create(
            email=address, name="N", role=role, agency=company.agency, created_at=NOW
        )
        for address, role in people.items()
    }
    words: dict[str, Any] = {
        "heading": "A key needs re-authorization",
        "reason": "Access ended.",
        "path": "/x",
    }
    with transaction.atomic():
        tell_admins(company=company, **words, now=visit.now)
    visit.sweep()
    assert [m["X-Envelope-To"] for m in smtp_sink.messages] == ["agency@agency.example"]
    for address in ("admin@harbour.example", "light@harbour.example"):
        Access.objects.create(user=users[address], company=company)
    with transaction.atomic():
        tell_admins(company=company, **words, now=visit.now + timedelta(seconds=1))
    visit.sweep(later=timedelta(seconds=2))
    assert smtp_sink.messages[-1]["X-Envelope-To"] == "admin@harbour.example"
    assert len(smtp_sink.messages) == 2
    assert "https://genie.example/x" in smtp_sink.messages[-1].get_body().get_content()


def test_outside_a_transaction_it_refuses(transactional_db: None) -> None:
    visit = a_visit(NOBODY)
    with pytest.raises(RuntimeError, match="belongs into the transaction"):
        notify(appointment=visit.appointment, kind=Message.Kind.BOOKED, now=NOW)


# --- a question to the customer


def asks(visit: Visit, start: Any, settle: timedelta = SETTLE) -> None:
    """As flows/ask: a revision of its own, and the question."""
    visit.now += timedelta(seconds=1)
    visit.appointment.revision += 1
    visit.appointment.save()
    with transaction.atomic():
        ask_customer(
            appointment=visit.appointment,
            proposed=When(start, start + HOUR, "America/New_York"),
            until=TEN - 2 * HOUR,
            now=visit.now,
            settle=settle,
        )


def ends(visit: Visit) -> None:
    visit.now += timedelta(seconds=1)
    visit.appointment.revision += 1
    visit.appointment.save()
    with transaction.atomic():
        say_it_stays(appointment=visit.appointment, now=visit.now)


def test_a_question_takes_no_confirmation_back(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    asks(visit, TEN + HOUR)
    visit.sweep(later=SETTLE)
    assert sorted(subjects(smtp_sink, CUSTOMER)) == ["Another time? Tour, Tue 3 Mar 2026, 11", "Confirmed"]
    assert subjects(smtp_sink, DESK) == ["New booking"]


def test_of_several_questions_the_last_is_asked(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    visit.sweep()
    asks(visit, TEN + HOUR)
    asks(visit, TEN + 2 * HOUR)
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed", "Another time? Tour, Tue 3 Mar 2026, 12"]


def test_who_was_asked_hears_once_that_it_stays(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    asks(visit, TEN + HOUR, timedelta())
    visit.sweep()
    ends(visit)
    ends(visit)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER)[-1] == "It stays"
    assert len(subjects(smtp_sink, CUSTOMER)) == 3


def test_who_was_not_asked_hears_nothing_of_it(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.book()
    visit.sweep()
    asks(visit, TEN + HOUR)
    ends(visit)
    visit.sweep(later=SETTLE)
    assert subjects(smtp_sink, CUSTOMER) == ["Confirmed"]


def test_a_question_that_was_being_sent_counts_as_asked(visit: Visit) -> None:
    visit.book()
    asks(visit, TEN + HOUR)
    Message.objects.filter(kind=Message.Kind.ASKED).update(claimed_at=visit.now)
    ends(visit)
    (stays,) = visit.messages(CUSTOMER, kind=Message.Kind.KEPT)
    assert stays.state == Message.State.OWED


def test_rescheduled_here_and_back_whoever_was_asked_hears_that_it_stays(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    visit.book()
    asks(visit, TEN + HOUR, timedelta())
    visit.sweep()
    visit.move(TEN + 5 * HOUR)
    visit.move(TEN)
    visit.sweep()
    assert subjects(smtp_sink, CUSTOMER)[-1] == "It stays"
