"""Several new rows in one statement are what the ORM would have written, and so is what is read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from tests.booking_scene import Shop, ny, shop

from genie.store import jobs
from genie.store.models import Appointment, Change, Lead, Message, Module
from genie.store.prepared import ask, columns_of, made_of
from genie.store.together import insert_together

EXACT = datetime(2026, 3, 2, 14, 0, 0, 123456, tzinfo=UTC)
ODD = 'Zoë "Z" O\'Brien \\ {%s} \n 🦊'


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def rows_for(acme: Shop) -> tuple[Lead, Appointment, Change, list[Message]]:
    lead = Lead(company=acme.company, name=ODD, email="a@x.example", created_at=EXACT)
    appointment = Appointment(
        company=acme.company,
        module=acme.module,
        lead=lead,
        state="confirmed",
        start=ny("2026-03-02T09:00"),
        end=ny("2026-03-02T10:00"),
        zone="America/New_York",
        lane=0,
        title=ODD,
        created_at=EXACT,
        changed_at=EXACT,
    )
    line = Change(appointment=appointment, at=EXACT, revision=1, field="booked", origin="customer")
    letters = [
        Message(
            company=acme.company,
            appointment=appointment,
            revision=1,
            kind="booked",
            audience="customer",
            recipient=f"{number}@x.example",
            details={"told": {"n": number, "text": ODD}, "none": None, "list": [1, "2", {}]},
            not_before=EXACT,
            created_at=EXACT,
        )
        for number in range(2)
    ]
    return lead, appointment, line, letters


def test_rows_are_as_the_orm_would_have_written_them(acme):
    lead, appointment, line, letters = rows_for(acme)
    insert_together([lead, appointment, line, *letters])
    assert lead.pk and appointment.lead_id == lead.pk and line.pk
    for row in (lead, appointment, line, *letters):
        assert not row._state.adding
        kept = type(row).objects.get(pk=row.pk)
        assert model_to_dict(kept) == model_to_dict(row)
    assert Lead.objects.get().created_at == EXACT
    assert Message.objects.get(recipient="1@x.example").details["told"] == {"n": 1, "text": ODD}
    appointment.title = "Saved the usual way"
    appointment.save()
    assert Appointment.objects.count() == 1


def test_all_of_it_and_its_wake_ups_is_one_statement(acme):
    lead, appointment, line, letters = rows_for(acme)
    wake = [jobs.drain_of(7), *(jobs.delivery_of(letter.pk) for letter in letters)]
    with CaptureQueriesContext(connection) as seen:
        insert_together([lead, appointment, line, *letters], wake=wake)
    assert len(seen) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, queue_name, args, status FROM procrastinate_jobs ORDER BY id")
        found = cursor.fetchall()
    assert [name for name, *_ in found] == ["genie.drain", "genie.deliver", "genie.deliver"]
    assert {str(letter.pk) in str(found) for letter in letters} == {True}
    assert all(status == "todo" for *_, status in found)


def test_what_the_usual_way_enqueues_looks_the_same(acme):
    letter = uuid.uuid4()
    jobs.wake_calendar(7)
    jobs.wake_message(letter)
    lead, *_ = rows_for(acme)
    insert_together([lead], wake=[jobs.drain_of(7), jobs.delivery_of(letter)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at, status "
            "FROM procrastinate_jobs ORDER BY id"
        )
        found = cursor.fetchall()
    assert len(found) == 4 and found[:2] == found[2:]


def test_nothing_is_written_when_one_of_them_cannot_be(acme):
    lead, appointment, line, _ = rows_for(acme)
    appointment.end = appointment.start
    with pytest.raises(IntegrityError, match="appointment_forward"), transaction.atomic():
        insert_together([lead, appointment, line])
    assert not Lead.objects.exists()


def test_a_row_read_by_a_prepared_statement_is_the_orms(acme):
    Module.objects.update(capacity_by_weekday={"mon": 3}, external_secret=b"\x00\xff")
    sql = f"SELECT {columns_of(Module, 'm')} FROM store_module m WHERE m.id = %s"
    for _ in range(8):  # planned anew at first, later not
        (values,) = ask(sql, [acme.module.pk])
        made, kept = made_of(Module, values), Module.objects.get()
        names = [field.attname for field in Module._meta.concrete_fields if field.name != "external_secret"]
        assert [getattr(made, name) for name in names] == [getattr(kept, name) for name in names]
        assert bytes(made.external_secret) == bytes(kept.external_secret)
        assert not made._state.adding


def test_a_prepared_statement_is_part_of_the_transaction_and_counted(acme):
    with CaptureQueriesContext(connection) as seen, pytest.raises(ZeroDivisionError), transaction.atomic():
        ask("UPDATE store_module SET name = %s WHERE id = %s RETURNING id", ["Other", acme.module.pk])
        assert Module.objects.get().name == "Other"
        raise ZeroDivisionError
    assert Module.objects.get().name == "Main office"
    assert any("UPDATE store_module" in query["sql"] for query in seen)
