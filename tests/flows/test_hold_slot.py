"""Holds: a slot kept for ten minutes for whoever fills in the form, and never a way to block a calendar."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.booking_scene import NOW, Shop, ny, shop
from tests.team_scene import team_shop, twin

from genie.flows.book import SlotTaken, book
from genie.flows.hold_slot import HoldLimits, NotHeld, hold_slot
from genie.flows.offer import slots
from genie.flows.release_hold import release_hold
from genie.flows.sweep import sweep
from genie.store.models import Appointment, AppointmentKind, Hold, Module, Turn

NINE, TEN, ELEVEN = (f"2026-03-02T{hour}:00" for hour in ("09", "10", "11"))
TUESDAY_NINE = "2026-03-03T09:00"
LATER = NOW + timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def hold(where: Shop, start: str, visitor: str = "ann", *, now=NOW, **asked) -> Hold:
    asked = {"kind_id": None, "staff_id": None, "address": f"of {visitor}"} | asked
    return hold_slot(module_id=where.module.id, start=ny(start), visitor=visitor, now=now, **asked)


def go(where: Shop, start: str, holder: str = "", *, now=NOW, **asked) -> Appointment:
    return book(
        module_id=where.module.id, start=ny(start), answers=where.form(), now=now, holder=holder, **asked
    )


def offered(where: Shop, *, now=NOW, holder: str = "") -> list[str]:
    day = ny(NINE).date()
    found = slots(module=where.module, first=day, last=day, now=now, holder=holder)
    return [f"{start - timedelta(hours=5):%H:%M}" for start in found]


def test_a_held_slot_is_taken_for_all_others_until_it_expires(acme):
    made = hold(acme, NINE)
    assert (made.start, made.end, made.expires_at) == (ny(NINE), ny(TEN), LATER)
    assert offered(acme) == ["10:00", "11:00"]
    assert offered(acme, holder="ann") == ["09:00", "10:00", "11:00"]
    with pytest.raises(SlotTaken):
        go(acme, NINE)
    with pytest.raises(SlotTaken):
        go(acme, NINE, "bob", now=LATER - MINUTE)
    with pytest.raises(SlotTaken):
        hold(acme, NINE, "bob")
    assert offered(acme, now=LATER) == ["09:00", "10:00", "11:00"]
    go(acme, NINE, "bob", now=LATER)


def test_whoever_holds_it_books_it_and_the_hold_ends(acme):
    hold(acme, NINE)
    made = go(acme, NINE, "ann")
    assert made.start == ny(NINE)
    assert not Hold.objects.exists()


def test_whoever_books_something_else_gives_the_hold_back(acme):
    hold(acme, NINE)
    go(acme, TEN, "ann")
    assert not Hold.objects.exists()
    go(acme, NINE)


def test_after_it_expired_the_form_still_books_while_the_slot_is_free(acme):
    hold(acme, NINE)
    go(acme, NINE, "ann", now=LATER + MINUTE)


def test_it_is_one_for_each_visitor_and_module(acme):
    hold(acme, NINE)
    hold(acme, TEN)
    assert [h.start for h in Hold.objects.all()] == [ny(TEN)]
    hold(twin(acme), NINE)
    assert Hold.objects.count() == 2


def test_asked_for_again_it_is_the_same_and_ends_when_it_would_have(acme):
    first = hold(acme, NINE)
    again = hold(acme, NINE, now=NOW + 9 * MINUTE)
    assert (again.pk, again.expires_at) == (first.pk, LATER)
    assert Turn.objects.count() == 1
    fresh = hold(acme, NINE, now=LATER)
    assert (fresh.pk != first.pk, fresh.expires_at) == (True, LATER + 10 * MINUTE)


def test_released_it_is_free_at_once_but_only_by_its_holder_and_only_that_start(acme):
    hold(acme, NINE)
    assert not release_hold(module_id=acme.module.id, visitor="bob", start=ny(NINE))
    assert not release_hold(module_id=acme.module.id, visitor="ann", start=ny(TEN))
    assert offered(acme) == ["10:00", "11:00"]
    assert release_hold(module_id=acme.module.id, visitor="ann", start=ny(NINE))
    go(acme, NINE)


@pytest.mark.parametrize("start", ["2026-03-02T09:30", "2026-03-02T12:00", "2026-02-23T09:00"])
def test_what_is_not_offered_cannot_be_held(acme, start):
    with pytest.raises(SlotTaken):
        hold(acme, start)
    assert not Hold.objects.exists() and not Turn.objects.exists()


def test_nor_where_booking_is_off(acme):
    Module.objects.update(enabled=False)
    with pytest.raises(SlotTaken):
        hold(acme, NINE)


def test_a_hold_counts_against_the_days_limit(acme):
    Module.objects.update(per_day=1)
    hold(acme, NINE)
    with pytest.raises(SlotTaken):
        go(acme, TEN)
    go(acme, TEN, "ann")


def test_it_is_of_the_kind_that_was_chosen(acme):
    kind = AppointmentKind.objects.create(module=acme.module, name="Long", slug="long", duration=120)
    made = hold(acme, NINE, kind_id=kind.id)
    assert (made.kind, made.end) == (kind, ny(ELEVEN))
    assert offered(acme) == ["11:00"]
    assert hold(acme, NINE).pk != made.pk, "another kind is another hold"


# ── never a way to block a calendar ─────────────────────────────────────────


def test_one_network_address_holds_so_many_at_a_time_in_a_company(acme):
    other, elsewhere = twin(acme), shop("other")
    same = {"address": "192.0.2.7"}
    hold(acme, NINE, "a", **same)
    hold(acme, TUESDAY_NINE, "b", **same)
    hold(other, NINE, "c", **same)
    with pytest.raises(NotHeld):
        hold(other, TUESDAY_NINE, "d", **same)
    hold(other, TUESDAY_NINE, "c", **same)  # in place of their own
    hold(elsewhere, NINE, "d", **same)
    hold(acme, "2026-03-04T09:00", "e", address="192.0.2.8")
    go(acme, "2026-03-05T09:00", "d")  # who may not hold may still book
    hold(other, NINE, "d", **same, now=LATER)


def test_how_many_at_a_time_is_the_operators(acme):
    limits = HoldLimits(at_once=1)
    hold(acme, NINE, "a", address="192.0.2.7", limits=limits)
    with pytest.raises(NotHeld):
        hold(acme, TUESDAY_NINE, "b", address="192.0.2.7", limits=limits)
    for day in (9, 10, 11, 12, 13):
        start = f"2026-03-{day:02}T10:00"
        hold(acme, start, f"v{day}", address="x", limits=HoldLimits(at_once=0))


def test_an_address_that_is_not_known_is_nobodys_limit(acme):
    for day in range(2, 7):
        hold(acme, f"2026-03-0{day}T09:00", f"v{day}", address="")
    assert {h.address for h in Hold.objects.all()} == {""}


def test_who_holds_for_ever_has_to_pause(acme):
    """Each hold anew, by an ever new visitor of one address."""
    limits, now = HoldLimits(at_once=1), NOW
    for number in range(7):
        now = NOW + number * timedelta(seconds=1)
        hold(acme, NINE, f"v{number}", address="192.0.2.7", limits=limits, now=now)
        release_hold(module_id=acme.module.id, visitor=f"v{number}", start=ny(NINE))
    with pytest.raises(NotHeld):
        hold(acme, NINE, "again", address="192.0.2.7", limits=limits, now=now)
    hold(acme, NINE, "again", address="192.0.2.7", limits=limits, now=NOW + timedelta(hours=1))


def test_holds_from_everywhere_leave_half_of_a_date(acme):
    Module.objects.update(duration=30)  # six starts
    starts = [f"2026-03-02T{hour:02}:{minute:02}" for hour in (9, 10, 11) for minute in (0, 30)]
    for number in range(3):
        hold(acme, starts[number], f"v{number}", address=f"192.0.2.{number}")
    with pytest.raises(NotHeld):
        hold(acme, starts[3], "v3", address="192.0.2.3")
    assert len(offered(Shop(acme.company, acme.schedule, Module.objects.get()))) == 3
    hold(acme, TUESDAY_NINE, "v3", address="192.0.2.3")
    go(acme, starts[3], "v3")


def test_where_starts_are_close_together_a_hold_counts_for_what_it_covers(acme):
    Module.objects.update(start_every=15)  # nine starts, of which each appointment covers up to seven
    hold(acme, "2026-03-02T10:00", "a", address="")
    with pytest.raises(NotHeld):
        hold(acme, "2026-03-02T09:00", "b", address="")
    assert offered(Shop(acme.company, acme.schedule, Module.objects.get())) == ["09:00", "11:00"]


def test_the_last_free_start_of_a_date_may_be_held_once(acme):
    go(acme, NINE)
    go(acme, TEN)
    hold(acme, ELEVEN)
    assert offered(acme) == []


def test_of_a_group_half_of_the_seats(acme):
    Module.objects.update(capacity=6, duration=180)  # one start, six seats
    for number in range(3):
        hold(acme, NINE, f"v{number}", address=f"192.0.2.{number}")
    with pytest.raises(NotHeld):
        hold(acme, NINE, "v3", address="192.0.2.3")
    for _ in range(3):
        go(acme, NINE)
    with pytest.raises(SlotTaken):
        go(acme, NINE)
    go(acme, NINE, "v0")


# ── teams ───────────────────────────────────────────────────────────────────


def test_whoever_is_free_is_held_with_whom_it_will_be(db):
    acme, (ann, bob) = team_shop("Ann", "Bob")
    made = hold(acme, NINE, "v")
    assert made.staff == ann
    assert go(acme, NINE).staff == bob
    with pytest.raises(SlotTaken):
        go(acme, NINE)
    acme.put(TUESDAY_NINE, staff=ann)  # Ann has more to do now, but she was promised
    assert go(acme, NINE, "v").staff == ann


def test_a_hold_with_somebody_leaves_the_others(db):
    acme, (ann, bob) = team_shop("Ann", "Bob")
    hold(acme, NINE, "v", staff_id=bob.id)
    with pytest.raises(SlotTaken):
        go(acme, NINE, staff_id=bob.id)
    assert go(acme, NINE).staff == ann
    assert hold(acme, NINE, "v").staff == bob, "whoever is free is fine with the one already held"


# ── afterwards ──────────────────────────────────────────────────────────────


def test_the_sweep_takes_expired_ones_away(acme):
    hold(acme, NINE)
    sweep(now=LATER)
    assert Hold.objects.count() == 1, "another machine's clock may be slower"
    sweep(now=LATER + MINUTE, thorough=False)
    assert Hold.objects.count() == 1
    sweep(now=LATER + MINUTE)
    assert not Hold.objects.exists()


def test_nobodys_address_is_kept(acme):
    made = hold(acme, NINE, address="192.0.2.7")
    assert len(made.address) == 64 and "192" not in made.address
    assert Turn.objects.get().whose == made.address
