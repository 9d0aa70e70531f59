"""Who of a team gets a visitor: whoever is free and has least to do, fairly over time, never two at once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.booking_scene import NOW, Shop, ny, shop
from tests.team_scene import joins, member, team_shop, twin

from genie.flows.actor import SYSTEM
from genie.flows.assign import assign, by_turn
from genie.flows.book import SlotTaken, book
from genie.flows.cancel import cancel
from genie.flows.reschedule import reschedule
from genie.store.models import Appointment, Hold, StaffMember

NINE, TEN, ELEVEN = (f"2026-03-02T{hour}:00" for hour in ("09", "10", "11"))
TUESDAY_NINE, NEXT_MONDAY = "2026-03-03T09:00", "2026-03-09T09:00"


def go(where: Shop, start: str, **asked) -> Appointment:
    return book(module_id=where.module.id, start=ny(start), answers=where.form(), now=NOW, **asked)


def names(*appointments: Appointment) -> list[str]:
    return [a.staff.name if a.staff else "" for a in appointments]


# ── whose turn it is ────────────────────────────────────────────────────────


def test_the_least_loaded_that_week_comes_first(db):
    acme, (ann, bob, cy) = team_shop("Ann", "Bob", "Cy")
    ids = [ann.id, bob.id, cy.id]
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=ids) == ids
    acme.put(TUESDAY_NINE, staff=ann)
    acme.put(TEN, staff=bob)
    acme.put(ELEVEN, staff=bob)
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=ids) == [cy.id, ann.id, bob.id]
    assert assign(module=acme.module, start=ny(NINE), now=NOW, candidates=ids) == cy.id
    Appointment.objects.filter(staff=bob).update(state="cancelled")
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=ids) == [bob.id, cy.id, ann.id]


def test_then_who_had_fewer_in_the_weeks_around_then_who_waited_longest(db):
    acme, (ann, bob, cy) = team_shop("Ann", "Bob", "Cy")
    ids = [ann.id, bob.id, cy.id]
    acme.put("2026-03-09T09:00", staff=ann, created_at=NOW)
    acme.put("2026-03-10T09:00", staff=ann, created_at=NOW)
    acme.put("2026-03-16T09:00", staff=bob, created_at=NOW - timedelta(days=2))
    acme.put("2026-03-16T09:00", staff=cy, created_at=NOW - timedelta(days=3))
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=ids) == [cy.id, bob.id, ann.id]


def test_a_week_is_the_modules_from_monday_to_sunday(db):
    acme, (ann, bob) = team_shop("Ann", "Bob")
    acme.put("2026-03-01T23:30", staff=ann, minutes=15)  # Sunday in New York, Monday in UTC
    acme.put("2026-02-20T09:00", staff=bob)
    acme.put("2026-02-21T09:00", staff=bob)
    both = [ann.id, bob.id]
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=both) == both
    assert by_turn(module=acme.module, start=ny("2026-03-01T10:00"), now=NOW, candidates=both) == both[::-1]


def test_appointments_of_other_modules_and_holds_are_a_burden_too(db):
    acme, (ann, bob, cy) = team_shop("Ann", "Bob", "Cy")
    other = twin(acme)
    other.put(TEN, staff=ann)
    hold = {"module": acme.module, "start": ny(TEN), "end": ny(ELEVEN)}
    Hold.objects.create(**hold, staff=bob, visitor="v", expires_at=NOW + timedelta(minutes=1))
    Hold.objects.create(**hold, staff=cy, visitor="w", expires_at=NOW)
    ids = [ann.id, bob.id, cy.id]
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=ids)[0] == cy.id
    assert by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=[ann.id, bob.id])[0] == ann.id
    own = by_turn(module=acme.module, start=ny(NINE), now=NOW, candidates=[ann.id, bob.id], holder="v")
    assert own[0] == bob.id, "the hold of whoever asks is no burden"


numbers = count()
weeks = st.lists(st.lists(st.integers(0, 4), min_size=0, max_size=6), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weeks=weeks, size=st.integers(2, 4))
def test_equally_free_members_never_differ_by_more_than_one(db, weeks, size):
    """In each week, and in all weeks together when they fill up one after the other."""
    acme = shop(f"office-{next(numbers)}")
    ids = [member(acme, f"member {number}").id for number in range(size)]
    total: Counter[int] = Counter(dict.fromkeys(ids, 0))
    made = NOW
    for week, days in enumerate(weeks):
        here: Counter[int] = Counter(dict.fromkeys(ids, 0))
        for day in days:
            made += timedelta(minutes=1)
            start = f"{(ny('2026-03-02T00:00') + timedelta(weeks=week, days=day)).date()}T09:00"
            chosen = assign(module=acme.module, start=ny(start), now=made, candidates=ids)
            acme.put(start, staff_id=chosen, created_at=made)
            here[chosen] += 1
            total[chosen] += 1
            assert max(here.values()) - min(here.values()) <= 1
        assert max(total.values()) - min(total.values()) <= 1


# ── booking ─────────────────────────────────────────────────────────────────


def test_whoever_is_free_gets_the_visitor_until_nobody_is(db):
    acme, members = team_shop("Ann", "Bob", "Cy")
    made = [go(acme, NINE) for _ in members]
    assert names(*made) == ["Ann", "Bob", "Cy"]
    assert {a.lane for a in made} == {0}
    with pytest.raises(SlotTaken):
        go(acme, NINE)
    assert names(go(acme, TEN)) == ["Ann"]


def test_the_chosen_one_gets_the_visitor_or_nobody(db):
    acme, (_, bob) = team_shop("Ann", "Bob")
    assert names(go(acme, NINE, staff_id=bob.id)) == ["Bob"]
    with pytest.raises(SlotTaken):
        go(acme, NINE, staff_id=bob.id)
    assert names(go(acme, NINE)) == ["Ann"]


def test_whoever_is_not_of_the_team_gets_nobody(db):
    acme, (ann, bob) = team_shop("Ann", "Bob")
    _, (stranger,) = team_shop("Eve", slug="other")
    StaffMember.objects.filter(pk=bob.pk).update(active=False)
    for staff_id in (stranger.id, bob.id, 0):
        with pytest.raises(SlotTaken):
            go(acme, NINE, staff_id=staff_id)
    with pytest.raises(SlotTaken):
        go(shop("plain"), NINE, staff_id=ann.id)
    assert not Appointment.objects.exists()


def test_somebody_in_two_modules_is_in_one_place_at_a_time(db):
    acme, (ann,) = team_shop("Ann", capacity=5)
    other = twin(acme)
    joins(ann, other.module)
    go(acme, NINE)
    go(acme, NINE)
    with pytest.raises(SlotTaken):
        go(other, NINE)
    go(other, TEN)
    with pytest.raises(SlotTaken):
        go(acme, TEN)


def test_a_move_stays_with_whom_it_is(db):
    acme, _ = team_shop("Ann", "Bob")
    first, second = go(acme, NINE), go(acme, TEN)
    assert names(first, second) == ["Ann", "Bob"]
    third = go(acme, TEN)
    assert names(third) == ["Ann"]

    def move(appointment: Appointment, start: str, *, force: bool = False) -> Appointment:
        return reschedule(
            company_id=acme.company.id,
            appointment_id=appointment.id,
            start=ny(start),
            actor=SYSTEM,
            now=NOW,
            force=force,
        )

    with pytest.raises(SlotTaken):
        move(first, TEN)
    moved = move(first, ELEVEN)
    assert (names(moved), moved.start, moved.lane) == (["Ann"], ny(ELEVEN), 0)
    forced = move(first, TEN, force=True)
    assert (names(forced), forced.lane) == (["Ann"], None)
    assert forced.attention
    cancel(company_id=acme.company.id, appointment_id=third.id, actor=SYSTEM, now=NOW)
    assert names(go(acme, NINE), go(acme, NINE)) == ["Ann", "Bob"]


def test_a_form_sent_twice_stays_with_the_same_one(db):
    acme, _ = team_shop("Ann", "Bob")
    form = acme.form()
    made = [book(module_id=acme.module.id, start=ny(NINE), answers=form, now=NOW) for _ in range(3)]
    assert {a.id for a in made} == {form.key}
    assert Appointment.objects.get().staff.name == "Ann"
