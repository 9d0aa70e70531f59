"""A rush over several processes: as many are taken as there is room for, never one more and never one fewer.

Each post goes through the whole product on a connection of its own. `make races` has 500 posts over 8
processes, in place of 50 over 4.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from bench.crowd import Crowd, Post, crowd
from django.db import connection
from tests.booking_scene import Shop, shop
from tests.serving import url_of_test_database
from tests.team_scene import joins, team_shop, twin

from genie.store.models import Appointment, Hold, Lead, Message, OpeningHours

pytestmark = pytest.mark.django_db(transaction=True)
POSTS = int(os.environ.get("RACE_POSTS", "50"))
"""In each rush; not fewer than 40, so that something is fought for."""
PROCESSES = int(os.environ.get("RACE_PROCESSES", "4"))


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Processes with three threads each, started once for all these tests."""
    with crowd(PROCESSES, threads=3, database=url_of_test_database()) as made:
        yield made


def slot(hour: int = 9, minute: int = 0) -> datetime:
    """In three days, in New York: open whichever day it is (`always`)."""
    zone = ZoneInfo("America/New_York")
    day = datetime.now(zone).date() + timedelta(days=3)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def always(made: Shop) -> Shop:
    nine, noon = (datetime(2026, 1, 1, hour).time() for hour in (9, 12))
    made.schedule.hours.all().delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=made.schedule, weekday=day, opens=nine, closes=noon) for day in range(7)
    )
    return made


def form(at: Shop, start: datetime, page: str = "details", **fields: str) -> Post:
    said = {"at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "name": "Ann Lee", "email": "ann@customer.example"}
    return Post(f"/book/{at.company.slug}/{at.module.slug}/{page}", said | fields)


def move(appointment: Appointment, start: datetime) -> Post:
    fields = {"at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "revision": "1"}
    return Post(f"/visit/{appointment.manage_token}/change", fields)


def seated(start: datetime) -> int:
    return Appointment.objects.filter(start=start, state="confirmed").count()


@pytest.mark.parametrize("capacity", [1, 3])
def test_for_one_slot_as_many_as_its_capacity(people, capacity):
    acme = always(shop(capacity=capacity))
    outcome = Counter(people.post([form(acme, slot())] * POSTS))
    assert outcome == {"done": capacity, "taken": POSTS - capacity}
    assert Appointment.objects.count() == Lead.objects.count() == capacity
    assert sorted(Appointment.objects.values_list("lane", flat=True)) == list(range(capacity))
    assert Message.objects.filter(audience="customer").count() == capacity
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'genie.deliver'")
        assert cursor.fetchone() == (2 * capacity,)


@pytest.mark.parametrize("limit", [3, 12])
def test_of_a_date_as_many_as_its_limit(people, limit):
    acme = always(shop(per_day=limit, start_every=5, duration=5))
    starts = [slot() + timedelta(minutes=5 * number) for number in range(36)]
    outcome = Counter(people.post([form(acme, starts[n % len(starts)]) for n in range(POSTS)]))
    assert outcome == {"done": limit, "taken": POSTS - limit}
    assert Appointment.objects.count() == limit


def test_overlapping_starts_leave_the_time_between(people):
    """Of which the constraints of the database know nothing."""
    acme = always(shop(start_every=5, duration=5, between=10))
    starts = [slot() + timedelta(minutes=5 * number) for number in range(33)]
    people.post([form(acme, starts[n % len(starts)]) for n in range(POSTS)])
    made = list(Appointment.objects.order_by("start"))
    assert len(made) > 5
    kept = [later.start - earlier.end for earlier, later in pairwise(made)]
    assert min(kept) >= timedelta(minutes=10)


def test_moves_into_a_slot_and_bookings_of_it_together(people):
    acme = always(shop(capacity=3))
    there = [acme.put("2026-03-02T09:00") for _ in range(POSTS // 2)]
    for number, appointment in enumerate(there):
        appointment.start = slot() + timedelta(days=1 + number // 3)
        appointment.end, appointment.lane = appointment.start + timedelta(hours=1), number % 3
        appointment.save()
    posts = [move(appointment, slot()) for appointment in there] + [form(acme, slot())] * (POSTS // 2)
    outcome = Counter(people.post(posts))
    assert outcome == {"done": 3, "taken": len(posts) - 3}
    assert seated(slot()) == 3
    assert Appointment.objects.count() == len(there) + Lead.objects.filter(name="Ann Lee").count()


def test_holds_and_bookings_together(people):
    acme = always(shop(capacity=3))
    posts = [form(acme, slot(), "hold")] * (POSTS // 2) + [form(acme, slot())] * (POSTS // 2)
    outcome = Counter(people.post(posts))
    assert outcome["held"] + outcome["done"] == 3
    assert Hold.objects.count() == outcome["held"]
    assert seated(slot()) == outcome["done"]


def test_holders_get_what_they_hold_in_the_rush(people, client):
    acme = always(shop(capacity=3))
    path, fields = form(acme, slot(), "hold")
    client.post(path, fields)
    own = {"visitor": client.cookies["visitor"].value, "name": "Holder"}
    outcome = Counter(people.post([form(acme, slot())] * POSTS + [form(acme, slot(), **own)]))
    assert outcome == {"done": 3, "taken": POSTS - 2}
    assert Lead.objects.filter(name="Holder").count() == 1
    assert not Hold.objects.exists()


def test_of_a_team_each_gets_one(people):
    acme, members = team_shop("Ann", "Bob", "Cy")
    outcome = Counter(people.post([form(acme, slot())] * POSTS))
    assert outcome == {"done": 3, "taken": POSTS - 3}
    assert {a.staff_id for a in Appointment.objects.all()} == {m.id for m in members}


def test_one_person_in_two_modules_is_in_one_place_at_a_time(people):
    """And keeps the time between, of which no constraint knows: of each quarter the first five minutes or the
    second."""
    acme, (ann,) = team_shop("Ann", duration=5, between=5, start_every=5)
    other = twin(acme)
    joins(ann, other.module)
    quarters = [slot() + timedelta(minutes=15 * number) for number in range(12)]
    posts = [
        post
        for start in quarters
        for post in [form(acme, start), form(other, start + timedelta(minutes=5))] * 2
    ]
    assert Counter(people.post(posts)) == {"done": 12, "taken": 36}
    assert {a.staff_id for a in Appointment.objects.all()} == {ann.id}
    made = list(Appointment.objects.order_by("start"))
    assert min(later.start - earlier.end for earlier, later in pairwise(made)) >= timedelta(minutes=5)


def test_a_team_shared_by_two_modules_is_in_one_place_each(people):
    acme, members = team_shop("Ann", "Bob")
    other = twin(acme)
    for one in reversed(members):  # the other way about, so that each module begins with another one
        joins(one, other.module)
    posts = [form(acme, slot()), form(other, slot())] * (POSTS // 2)
    assert Counter(people.post(posts)) == {"done": 2, "taken": POSTS - 2}
    assert {a.staff_id for a in Appointment.objects.all()} == {m.id for m in members}
