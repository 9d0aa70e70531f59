"""A time explained: how many places are left, to whom it would go, and what is offered beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.booking_scene import NOW, Shop, busy, ny, shop
from tests.team_scene import member

from genie.core.spans import micros
from genie.flows.explain_time import Explained, explain_time
from genie.store.models import AppointmentKind, Hold, Module

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def acme(db: None) -> Shop:
    return shop(capacity=3)


def explained(acme: Shop, start: str | datetime = "2026-03-02T10:00", **more: Any) -> Explained:
    module = Module.objects.select_related("schedule").get(id=acme.module.id)
    at = ny(start) if isinstance(start, str) else start
    return explain_time(module=module, start=at, now=NOW, **more)


def test_places_left_count_appointments_holds_and_what_these_allow(acme: Shop) -> None:
    assert explained(acme).places == 3
    acme.put("2026-03-02T10:30")
    Hold.objects.create(
        module=acme.module,
        start=ny("2026-03-02T10:00"),
        end=ny("2026-03-02T10:30"),
        visitor="x",
        expires_at=NOW + timedelta(minutes=5),
    )
    assert explained(acme).places == 2  # one after the other: never both at once
    strict = AppointmentKind.objects.create(
        module=acme.module, name="Pair", slug="pair", duration=60, capacity=2
    )
    assert explained(acme, kind=strict).places == 1
    acme.put("2026-03-02T10:00", kind=strict)
    found = explained(acme)
    assert not found.offered
    assert found.places == 0
    assert found.goes_to is None


def test_of_a_team_it_goes_to_whom_booking_would_give_it(acme: Shop) -> None:
    ann, bob = member(acme, "Ann"), member(acme, "Bob")
    acme.put("2026-03-03T09:00", staff=ann)
    found = explained(acme)
    assert found.goes_to == bob
    assert explained(acme, staff=ann).goes_to == ann
    assert [(who and who.name, said) for who, said in found.against.of_each] == [("Ann", []), ("Bob", [])]
    assert acme.book("2026-03-02T10:00").staff == bob


def test_the_nearest_before_and_after_however_far_they_are(acme: Shop) -> None:
    busy(acme.reads(acme.calendar("away")), "2026-03-02T10:00", minutes=40 * 24 * 60)
    Module.objects.update(horizon_days=60)
    found = explained(acme, "2026-04-09T10:00")
    assert (found.before, found.after) == (
        ny("2026-03-02T09:00"),
        datetime(2026, 4, 13, 9, tzinfo=NEW_YORK),
    )
    early, late = explained(acme, "2001-01-01T10:00"), explained(acme, "2100-12-31T23:00")
    assert (early.before, early.after) == (None, ny("2026-03-02T09:00"))
    assert (late.before, late.after) == (datetime(2026, 4, 30, 11, tzinfo=NEW_YORK), None)
    Module.objects.update(capacity_by_weekday=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), 0))
    nothing = explained(acme)
    assert (nothing.before, nothing.after) == (None, None)


def test_what_is_switched_off_is_not_offered(acme: Shop) -> None:
    kind = AppointmentKind.objects.create(
        module=acme.module, name="Talk", slug="talk", duration=60, enabled=False
    )
    assert explained(acme, kind=kind).against.of_all == ["Talk is switched off, so it cannot be chosen."]
    Module.objects.update(enabled=False)
    found = explained(acme)
    assert not found.offered
    assert found.against.of_all == ["Main office is switched off, so its page takes no bookings."]


def test_where_another_system_offers_the_times_its_word_counts(acme: Shop) -> None:
    there = datetime(2026, 3, 2, 5, 17, tzinfo=UTC)
    found = explained(acme, "2026-03-02T10:00", vouched=[micros(there)])
    assert found.against.of_all == ["The system that Main office asks for free times does not offer it."]
    assert found.before == there
    assert explained(acme, there, vouched=[micros(there)]).places == 3
