"""Booking: one transaction, never twice, never over the capacity."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from tests.booking_scene import NOW, Shop, ny, shop

from genie.flows.book import SlotTaken, book
from genie.store.models import Appointment, Change, EventLink, Lead, Message, Module

NINE = "2026-03-02T09:00"


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def test_a_booking_is_all_of_it(acme):
    acme.links(acme.calendar())
    made = acme.book(NINE, phone="+12025550123", notes="By bike", source="news", visitor_zone="Europe/Paris")
    kept = Appointment.objects.get()
    assert kept.id == made.id
    assert (kept.start, kept.end, kept.zone) == (ny(NINE), ny("2026-03-02T10:00"), "America/New_York")
    assert (kept.title, kept.place, kept.answers) == ("Tour: Ann Lee", "12 Elm St", "By bike")
    assert (kept.state, kept.lane, kept.revision, kept.visitor_zone) == ("confirmed", 0, 1, "Europe/Paris")
    lead = kept.lead
    assert (lead.company, lead.name, lead.email) == (acme.company, "Ann Lee", "ann@customer.example")
    assert (lead.phone, lead.source) == ("+12025550123", "news")
    line = Change.objects.get(appointment=kept)
    assert (line.field, line.origin, line.by, line.revision) == ("booked", "customer", "Ann Lee", 1)
    assert EventLink.objects.get(appointment=kept).state == "owes_push"
    told = Message.objects.filter(appointment=kept, kind="booked")
    assert {m.recipient for m in told} == {"ann@customer.example", "desk@acme.example"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs")
        assert Counter(name for (name,) in cursor.fetchall()) == {"genie.drain": 1, "genie.deliver": 2}


@pytest.mark.parametrize(
    "start", ["2026-03-02T09:30", "2026-03-02T12:00", "2026-03-01T09:00", "2026-02-23T09:00"]
)
def test_what_is_not_offered_cannot_be_booked(acme, start):
    with pytest.raises(SlotTaken):
        acme.book(start)
    assert not Appointment.objects.exists()
    assert not Lead.objects.exists()


def test_a_taken_slot_is_refused_until_it_is_cancelled(acme):
    first = acme.book(NINE)
    with pytest.raises(SlotTaken):
        acme.book(NINE)
    Appointment.objects.filter(id=first.id).update(state="cancelled")
    assert acme.book(NINE).lane == 0
    assert Lead.objects.count() == 2


def test_the_same_form_twice_is_one_booking(acme):
    key = uuid.uuid4()
    assert acme.book(NINE, key=key).id == acme.book(NINE, key=key).id == key
    assert (Appointment.objects.count(), Lead.objects.count(), Change.objects.count()) == (1, 1, 1)


def test_a_module_that_is_off_takes_no_booking(acme):
    Module.objects.update(enabled=False)
    with pytest.raises(SlotTaken):
        acme.book(NINE)


def test_the_time_between_keeps_the_next_start_away(acme):
    Module.objects.update(between=30, start_every=30)
    acme.book(NINE)
    with pytest.raises(SlotTaken):
        acme.book("2026-03-02T10:00")
    acme.book("2026-03-02T10:30")


def test_an_appointment_put_there_by_the_owner_without_a_seat_counts(acme):
    acme.put(NINE, lane=None)
    with pytest.raises(SlotTaken):
        acme.book(NINE)


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_refuses_two_in_one_seat():
    acme = shop()
    acme.put(NINE, lane=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        acme.put("2026-03-02T09:30", lane=0)
    acme.put("2026-03-02T09:30", lane=1)


def rush(acme: Shop, starts: list[str]) -> list[str]:
    """All at once, each on a connection of its own; what became of each."""
    gate = threading.Barrier(10)
    forms = [(start, acme.form(name=f"Customer {n}")) for n, start in enumerate(starts)]

    def one(pair) -> str:
        start, form = pair
        try:
            gate.wait(timeout=30)
            book(module_id=acme.module.id, start=ny(start), answers=form, now=NOW)
        except SlotTaken:
            return "taken"
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(one, forms))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("capacity", [1, 2])
def test_fifty_at_once_for_one_slot_make_exactly_its_capacity(capacity):
    acme = shop(capacity=capacity)
    outcome = Counter(rush(acme, [NINE] * 50))
    assert outcome == {"booked": capacity, "taken": 50 - capacity}
    assert Appointment.objects.count() == Lead.objects.count() == capacity
    assert sorted(Appointment.objects.values_list("lane", flat=True)) == list(range(capacity))
    assert Message.objects.filter(audience="customer").count() == capacity


@pytest.mark.django_db(transaction=True)
def test_a_rush_on_overlapping_starts_leaves_no_overlap_and_keeps_the_days_limit():
    acme = shop(start_every=30, per_day=2, capacity=1)
    starts = [f"2026-03-02T{h:02}:{m:02}" for h, m in ((9, 0), (9, 30), (10, 0), (10, 30), (11, 0))] * 4
    assert Counter(rush(acme, starts))["booked"] == 2
    first, second = Appointment.objects.order_by("start")
    assert first.end <= second.start


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_ten_times_at_once_is_one_booking():
    acme = shop(capacity=5)
    form = acme.form()
    gate = threading.Barrier(10)

    def one(_: int) -> uuid.UUID:
        try:
            gate.wait(timeout=30)
            return book(module_id=acme.module.id, start=ny(NINE), answers=form, now=NOW).id
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(one, range(10))) == {form.key}
    assert Appointment.objects.count() == Lead.objects.count() == 1
