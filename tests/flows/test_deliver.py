"""Sending: every answer of a real mail server, every place a worker can die."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from tests.letters_scene import (
    CUSTOMER,
    DESK,
    HEAD,
    HOUR,
    NOW,
    TEN,
    Moody,
    Visit,
    a_visit,
    moody_server,
    sender_to,
)
from tests.outside import SmtpSink

from genie.flows.deliver import GIVE_UP_AFTER, LEASE, deliver, due
from genie.notices.email.smtp import SmtpSender, SmtpSettings
from genie.store.models import Appointment, AppointmentKind, Connection, Message, RemoteCalendar, RemoteKey
from run import programs

pytestmark = pytest.mark.django_db


class WorkerDied(BaseException):
    """SIGKILL, as far as a test can say it: nothing after it runs."""


@pytest.fixture
def visit(smtp_sink: SmtpSink) -> Visit:
    booked = a_visit(sender_to(smtp_sink.port))
    booked.book()
    return booked


@pytest.fixture
def moody() -> Iterator[tuple[Moody, Visit]]:
    port = programs.free_port()
    with moody_server(port) as server:
        booked = a_visit(sender_to(port), recipients=())
        booked.book()
        yield server, booked


def die_at(place: str) -> object:
    def reached(point: str) -> None:
        if point == place:
            raise WorkerDied(place)

    return reached


def test_both_letters_arrive_with_identity_links_and_calendar_file(visit: Visit, smtp_sink: SmtpSink) -> None:
    assert visit.sweep() == ["sent", "sent"]
    (to_customer,), (to_desk,) = smtp_sink.to(CUSTOMER), smtp_sink.to(DESK)
    (message,) = visit.messages(CUSTOMER)
    assert (message.state, message.sent_at, message.claimed_at) == ("sent", visit.now, None)
    assert to_customer["Message-ID"] == f"<{message.pk}@genie.example>"
    token = visit.appointment.manage_token
    assert f"https://genie.example/visit/{token}" in to_customer.get_body().get_content()
    assert token not in to_desk.as_string()
    staff = (
        f"https://genie.example/company/{visit.appointment.company.slug}/appointments/{visit.appointment.pk}"
    )
    assert staff in to_desk.get_body().get_content()
    assert to_desk["Reply-To"] == CUSTOMER
    (file,) = to_customer.iter_attachments()
    assert f"UID:{visit.appointment.pk}" in file.get_content()
    assert "METHOD:PUBLISH" in file.get_content()
    assert "SEQUENCE:1" in file.get_content()


def test_later_files_update_and_cancel_the_same_event(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.sweep()
    visit.move(TEN + HOUR)
    visit.sweep()
    visit.cancel()
    visit.sweep()
    files = [next(iter(m.iter_attachments())).get_content() for m in smtp_sink.to(CUSTOMER)]
    assert len({line for f in files for line in f.splitlines() if line.startswith("UID:")}) == 1
    assert ["METHOD:CANCEL" in f for f in files] == [False, False, True]
    assert [f"SEQUENCE:{n}" in f for n, f in enumerate(files, 1)] == [True] * 3


def test_a_company_whose_calendar_is_linked_gets_no_file(smtp_sink: SmtpSink) -> None:
    visit = a_visit(sender_to(smtp_sink.port))
    key = RemoteKey.objects.create(
        company=visit.appointment.company, kind="memory", identity="i", label="l", secret=b"", created_at=NOW
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id="r", name="Team")
    Connection.objects.create(module=visit.appointment.module, calendar=calendar, linked_at=NOW)
    visit.book()
    visit.sweep()
    assert not list(smtp_sink.to(DESK)[0].iter_attachments())
    assert list(smtp_sink.to(CUSTOMER)[0].iter_attachments())


def test_a_message_is_sent_once_however_often_the_job_runs(visit: Visit, smtp_sink: SmtpSink) -> None:
    ids = due(now=visit.now)
    for _ in range(3):
        for message_id in ids:
            deliver(message_id=message_id, sender=visit.sender, now=visit.now)
    assert len(smtp_sink.messages) == 2
    assert due(now=visit.now + timedelta(days=1)) == []


def test_it_is_not_sent_before_its_time(visit: Visit, smtp_sink: SmtpSink) -> None:
    visit.sweep()
    visit.move(TEN + HOUR, settle=timedelta(seconds=90))
    message = visit.owed(CUSTOMER)
    assert deliver(message_id=message.pk, sender=visit.sender, now=visit.now) == "not mine"
    assert len(smtp_sink.to(CUSTOMER)) == 1


def test_a_refused_address_is_dropped_with_its_reason_and_never_tried_again(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse.add(CUSTOMER)
    assert sorted(visit.sweep()) == ["dropped", "sent"]
    (message,) = visit.messages(CUSTOMER)
    assert (message.state, message.reason) == ("dropped", "The mail server refused this address (550).")
    assert due(now=visit.now + timedelta(days=1)) == []


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_server_that_is_busy_is_asked_again_later_and_later(moody: tuple[Moody, Visit], where: str) -> None:
    server, visit = moody
    setattr(server, where, "451 try later")
    waits = []
    for _ in range(4):
        assert visit.sweep() == ["put back"]
        message = visit.owed(CUSTOMER)
        waits.append((message.not_before - visit.now).total_seconds())
        assert visit.sweep() == []
        visit.now = message.not_before
    assert waits == [30, 60, 120, 240]
    assert "(451)" in message.reason
    assert not message.may_have_arrived
    setattr(server, where, "250 OK")
    assert visit.sweep() == ["sent"]
    assert len(server.taken) == 1


def test_a_message_refused_for_its_content_is_dropped(moody: tuple[Moody, Visit]) -> None:
    server, visit = moody
    server.data = "554 looks like spam to me, Jane"
    assert visit.sweep() == ["dropped"]
    (message,) = visit.messages(CUSTOMER)
    assert message.reason == "The mail server refused the message (554)."  # the code, not the server's words


def test_no_server_is_a_reason_to_try_again(moody: tuple[Moody, Visit]) -> None:
    _, visit = moody
    visit.sender = sender_to(programs.free_port())
    assert visit.sweep() == ["put back"]
    message = visit.owed(CUSTOMER)
    assert "could not be reached (ConnectionRefusedError)" in message.reason
    assert not message.may_have_arrived


def test_a_wrong_password_or_missing_tls_keeps_the_letter_and_the_secret(moody: tuple[Moody, Visit]) -> None:
    _, visit = moody
    port = visit.sender.settings.port
    for settings in (
        SmtpSettings("127.0.0.1", port, user="genie", password="hunter2-secret"),
        SmtpSettings("127.0.0.1", port, tls="starttls"),
        SmtpSettings("127.0.0.1", port, tls="tls", timeout=1),
    ):
        visit.sender = SmtpSender(settings, HEAD)
        assert visit.sweep(later=timedelta(hours=1)) == ["put back"]
        assert "hunter2" not in visit.owed(CUSTOMER).reason
        assert "hunter2" not in repr(visit.sender)


def test_a_connection_that_ends_after_the_text_is_repeated_word_for_word(moody: tuple[Moody, Visit]) -> None:
    server, visit = moody
    server.hang_up_after_text = True
    assert visit.sweep() == ["put back"]
    assert visit.owed(CUSTOMER).may_have_arrived
    server.hang_up_after_text = False
    assert visit.sweep(later=timedelta(minutes=1)) == ["sent"]
    first, second = server.taken
    heads = [[line for line in mail.splitlines() if line.startswith(b"Message-ID")] for mail in server.taken]
    assert heads[0] == heads[1]
    boundaries = (b"Date:", b"--===", b"Content-Type: multipart", b" boundary=")

    def body(mail: bytes) -> list[bytes]:
        return [line for line in mail.splitlines() if not line.startswith(boundaries)]

    assert body(first) == body(second)


def test_what_may_have_arrived_stays_so_when_the_next_try_is_refused(moody: tuple[Moody, Visit]) -> None:
    server, visit = moody
    server.hang_up_after_text = True
    visit.sweep()
    server.hang_up_after_text, server.rcpt = False, "451 later"
    visit.sweep(later=timedelta(minutes=1))
    assert visit.owed(CUSTOMER).may_have_arrived


def test_a_worker_that_dies_before_sending_loses_nothing(visit: Visit, smtp_sink: SmtpSink) -> None:
    message_id = visit.owed(CUSTOMER).pk
    with pytest.raises(WorkerDied):
        deliver(message_id=message_id, sender=visit.sender, now=visit.now, reached=die_at("claimed"))
    assert message_id not in due(now=visit.now)
    assert deliver(message_id=message_id, sender=visit.sender, now=visit.now) == "not mine"
    assert message_id in due(now=visit.now + LEASE)
    assert deliver(message_id=message_id, sender=visit.sender, now=visit.now + LEASE) == "sent"
    assert len(smtp_sink.to(CUSTOMER)) == 1


def test_the_companys_letter_is_repeated_word_for_word_though_the_visit_was_retitled_meanwhile(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    message_id = visit.owed(DESK).pk
    with pytest.raises(WorkerDied):
        deliver(message_id=message_id, sender=visit.sender, now=visit.now, reached=die_at("handed over"))
    Appointment.objects.filter(pk=visit.appointment.pk).update(title="In the calendar owner's words")
    assert deliver(message_id=message_id, sender=visit.sender, now=visit.now + LEASE) == "sent"
    first, again = (mail.get_body().get_content() for mail in smtp_sink.to(DESK))
    assert first == again


def test_a_worker_that_dies_between_sending_and_receipt_sends_again_with_the_same_id(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    message_id = visit.owed(CUSTOMER).pk
    with pytest.raises(WorkerDied):
        deliver(message_id=message_id, sender=visit.sender, now=visit.now, reached=die_at("handed over"))
    assert deliver(message_id=message_id, sender=visit.sender, now=visit.now + LEASE) == "sent"
    one, two = smtp_sink.to(CUSTOMER)
    assert one["Message-ID"] == two["Message-ID"]
    assert one["Subject"] == two["Subject"]
    assert Message.objects.get(pk=message_id).may_have_arrived


def test_a_letter_left_behind_by_a_dead_worker_is_dropped_when_a_later_one_exists(
    visit: Visit, smtp_sink: SmtpSink
) -> None:
    first = visit.owed(CUSTOMER)
    with pytest.raises(WorkerDied):
        deliver(message_id=first.pk, sender=visit.sender, now=visit.now, reached=die_at("claimed"))
    visit.move(TEN + HOUR)
    second = visit.messages(CUSTOMER, state="owed", claimed_at=None)[0]
    # while the first may still be on its way the second waits its turn
    assert deliver(message_id=second.pk, sender=visit.sender, now=visit.now) == "not mine"
    visit.sweep(later=LEASE)
    visit.sweep()
    assert Message.objects.get(pk=first.pk).state == "dropped"
    assert [str(m["Subject"]).split(":")[0] for m in smtp_sink.to(CUSTOMER)] == ["New time"]


def test_after_two_days_it_is_given_up_visibly(moody: tuple[Moody, Visit]) -> None:
    _, visit = moody
    visit.sender = sender_to(programs.free_port())
    visit.sweep()
    assert visit.sweep(later=GIVE_UP_AFTER) == ["dropped"]
    reason = visit.messages(CUSTOMER)[0].reason
    assert reason.startswith("It could not be sent for two days. The mail server could not be reached")


def test_two_workers_send_one_mail(transactional_db: None, smtp_sink: SmtpSink) -> None:
    visit = a_visit(sender_to(smtp_sink.port), recipients=())
    visit.book()
    message_id = visit.owed(CUSTOMER).pk
    outcomes: list[str] = []

    def work() -> None:
        try:
            outcomes.append(deliver(message_id=message_id, sender=visit.sender, now=visit.now))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not mine"] * 5 + ["sent"]
    assert len(smtp_sink.messages) == 1


def test_no_transaction_is_open_while_the_server_is_spoken_to(
    transactional_db: None, smtp_sink: SmtpSink
) -> None:
    visit = a_visit(sender_to(smtp_sink.port), recipients=())
    visit.book()
    open_blocks: list[bool] = []

    class Watching:
        letterhead = HEAD

        def send(self, mail: object) -> None:
            open_blocks.append(connection.in_atomic_block)

    deliver(message_id=visit.owed(CUSTOMER).pk, sender=Watching(), now=visit.now)
    assert open_blocks == [False]
    visit.move(TEN + HOUR)
    with pytest.raises(RuntimeError), transaction.atomic():
        deliver(message_id=visit.owed(CUSTOMER).pk, sender=visit.sender, now=visit.now)


def test_letters_name_the_kind_of_appointment_and_lead_back_to_it(visit: Visit, smtp_sink: SmtpSink) -> None:
    kind = AppointmentKind.objects.create(
        module=visit.appointment.module, name="Consultation", slug="consultation", duration=60
    )
    visit.appointment.kind = kind
    visit.appointment.save()
    visit.cancel()
    assert "sent" in visit.sweep()
    letter = smtp_sink.to(CUSTOMER)[-1]
    assert "Consultation" in letter["Subject"]
    page = letter.get_body().get_content()
    assert "Your Consultation with" in page
    company, module = visit.appointment.company.slug, visit.appointment.module.slug
    assert f"https://genie.example/book/{company}/{module}?kind=consultation" in page
