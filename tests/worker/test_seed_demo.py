"""The demo: a practice with two kinds of visit and the public holidays of its state, that can be booked."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from genie.store.models import Appointment, PublicHolidays
from genie.worker.management.commands.seed_demo import BOOKINGS, KINDS, seed

pytestmark = pytest.mark.django_db


def test_the_demo_has_kinds_holidays_and_bookings_of_each_kind(client: Client) -> None:
    module = seed(password="correct horse battery", now=timezone.now())
    assert [kind.name for kind in module.kinds.all()] == [name for name, *_ in KINDS]
    assert PublicHolidays.objects.get().schedule_id == module.schedule_id
    booked = Appointment.objects.all()
    assert len(booked) == len(BOOKINGS)
    assert {visit.what for visit in booked} == {name for name, *_ in KINDS}
    page = client.get("/book/acme-dental/main-office").content.decode()
    assert all(name in page for name, *_ in KINDS)
    for _, slug, minutes in KINDS:
        found = client.get("/book/acme-dental/main-office/slots.json", {"kind": slug}).json()
        assert found["duration"] == minutes
        assert found["days"]
