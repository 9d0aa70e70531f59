"""Claiming a start: whatever moves between the look and the lock is seen, and nothing is judged twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.booking_scene import NOW, Shop, ny, shop
from tests.team_scene import joins, team_shop, twin

from genie.flows.actor import SYSTEM
from genie.flows.cancel import cancel
from genie.flows.claim import Asked, SlotTaken, claim
from genie.flows.seat import NoSeat
from genie.store.models import Appointment, AppointmentKind, Hold, Module, StaffMember, TeamMember

NINE, TEN, ELEVEN = (f"2026-03-02T{hour}:00" for hour in ("09", "10", "11"))


class Moment:
    """A company in the instant between the look and the lock, seen from a claim of ten o'clock."""

    def __init__(self) -> None:
        self.shop, (self.ann, self.bob) = team_shop("Ann", "Bob", slug="team", start_every=15)
        self.plain = shop("plain", start_every=15)
        self.other = twin(self.shop, between=50)
        self.left = twin(self.shop, "left", between=50)
        joins(self.ann, self.other.module)
        self.kind = AppointmentKind.objects.create(
            module=self.plain.module, name="Group", slug="group", duration=60, capacity=2, per_day=2
        )
        self.tidy = AppointmentKind.objects.create(
            module=self.plain.module, name="Lab", slug="lab", duration=30, between=60
        )

    def asked(self, of: str) -> Asked:
        who: dict[str, Any] = {
            "plain": {"module_id": self.plain.module.id},
            "kind": {"module_id": self.plain.module.id, "kind_id": self.kind.id},
            "ann": {"module_id": self.shop.module.id, "staff_id": self.ann.id},
            "any": {"module_id": self.shop.module.id},
        }
        return Asked(**who[of], start=ny(TEN), now=NOW, holder="me")

    def hold(self, module: Module, start: str = TEN, **changes: Any) -> None:
        end = ny(start) + timedelta(hours=1)
        given = {"visitor": "you", "expires_at": NOW + timedelta(minutes=5), **changes}
        Hold.objects.create(module=module, start=ny(start), end=end, **given)

    def module(self, of: Shop, **changes: Any) -> None:
        Module.objects.filter(pk=of.module.pk).update(**changes)


@pytest.fixture
def here(db: None) -> Moment:
    return Moment()


def taken(here: Moment, of: str, change: Callable[[], Any]) -> bool:
    try:
        return claim(here.asked(of), before=lambda _: change() and None, take=lambda _: False)
    except SlotTaken:
        return True


@pytest.mark.parametrize("of", ["plain", "kind", "ann", "any"])
def test_what_does_not_move_is_given(here, of):
    assert not taken(here, of, lambda: None)


CHANGES: dict[str, tuple[str, Callable[[Moment], Any]]] = {
    "an appointment": ("plain", lambda m: m.plain.put(TEN)),
    "one that begins inside": ("plain", lambda m: m.plain.put("2026-03-02T10:59", minutes=1)),
    "one that was moved here": ("plain", lambda m: Appointment.objects.update(start=ny(TEN), end=ny(ELEVEN))),
    "the time after one of a kind": ("plain", lambda m: m.plain.put(NINE, minutes=30, kind=m.tidy)),
    "a hold": ("plain", lambda m: m.hold(m.plain.module)),
    "a hold with time after it": ("plain", lambda m: m.hold(m.plain.module, "2026-03-02T08:30", kind=m.tidy)),
    "the day's limit": ("plain", lambda m: m.module(m.plain, per_day=1) or m.plain.put("2026-03-02T00:00")),
    "another duration": ("plain", lambda m: m.module(m.plain, duration=180)),
    "another step": ("plain", lambda m: m.module(m.plain, start_every=45)),
    "switched off": ("plain", lambda m: m.module(m.plain, enabled=False)),
    "the kind's capacity": ("kind", lambda m: [m.plain.put(TEN, kind=m.kind) for _ in range(2)]),
    "the kind's day": ("kind", lambda m: [m.plain.put("2026-03-02T23:00", kind=m.kind) for _ in range(2)]),
    "the kind is off": ("kind", lambda m: AppointmentKind.objects.update(enabled=False)),
    "the kind is longer": ("kind", lambda m: AppointmentKind.objects.update(duration=150)),
    "somebody's appointment": ("ann", lambda m: m.shop.put(TEN, staff=m.ann)),
    "one without a person": ("ann", lambda m: m.shop.put(TEN)),
    "theirs elsewhere": ("ann", lambda m: m.other.put("2026-03-02T10:59", minutes=1, staff=m.ann)),
    "the time after theirs elsewhere": ("ann", lambda m: m.other.put("2026-03-02T08:15", staff=m.ann)),
    "and where they were before": ("ann", lambda m: m.left.put("2026-03-02T08:15", staff=m.ann)),
    "a hold of theirs": ("ann", lambda m: m.hold(m.shop.module, staff=m.ann)),
    "a hold of theirs elsewhere": ("ann", lambda m: m.hold(m.other.module, "2026-03-02T08:15", staff=m.ann)),
    "their leaving": ("ann", lambda m: TeamMember.objects.filter(staff=m.ann, module=m.shop.module).delete()),
    "their being off": ("ann", lambda m: StaffMember.objects.filter(pk=m.ann.pk).update(active=False)),
    "everybody's appointments": ("any", lambda m: [m.shop.put(TEN, staff=who) for who in (m.ann, m.bob)]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_moves_between_the_look_and_the_lock_is_seen(here, change):
    of, move = CHANGES[change]
    here.plain.put("2026-03-05T10:00")
    assert taken(here, of, lambda: move(here))
    assert not taken(here, of, lambda: None), "it went with the try"
    move(here)
    assert taken(here, of, lambda: None), "so it is for whoever comes later"


@pytest.mark.parametrize(
    ("of", "move"),
    [
        ("plain", lambda m: m.hold(m.plain.module, visitor="me")),
        ("plain", lambda m: m.hold(m.plain.module, expires_at=NOW)),
        ("plain", lambda m: m.plain.put(NINE)),
        ("plain", lambda m: m.plain.put(TEN, state="cancelled")),
        ("plain", lambda m: m.shop.put(TEN)),
        ("ann", lambda m: m.shop.put(TEN, staff=m.bob)),
        ("ann", lambda m: m.left.put(TEN)),
        ("any", lambda m: m.other.put(TEN, staff=m.ann)),
    ],
)
def test_what_is_in_nobodys_way_is_not(here, of, move):
    assert not taken(here, of, lambda: move(here))


def test_a_module_that_just_got_a_team_is_asked_again(here):
    assert taken(here, "plain", lambda: joins(here.ann, here.plain.module))
    joins(here.ann, here.plain.module)
    assert claim(here.asked("plain"), take=lambda seen: seen.staff) == here.ann


def test_somebody_lost_to_another_module_is_passed_over(here):
    with_whom = claim(
        here.asked("any"),
        before=lambda _: here.other.put(TEN, staff=here.ann) and None,
        take=lambda seen: seen.staff,
    )
    assert with_whom == here.bob


def test_whoever_has_no_seat_is_passed_over_and_nothing_of_the_try_stays(here):
    def take(seen: Any) -> Any:
        here.shop.put(ELEVEN, staff=seen.staff)
        if seen.staff == here.ann:
            raise NoSeat
        return seen.staff

    assert claim(here.asked("any"), take=take) == here.bob
    assert [a.staff for a in Appointment.objects.all()] == [here.bob]


@pytest.mark.parametrize("of", ["plain", "ann", "any"])
def test_where_nobody_has_a_seat_it_is_taken(here, of):
    def take(_: Any) -> Any:
        raise NoSeat

    with pytest.raises(SlotTaken):
        claim(here.asked(of), take=take)


def test_under_the_lock_one_query_is_asked_unless_something_moved(here):
    def queries(change: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            taken(here, "plain", change)
        statements = [query["sql"] for query in seen]
        locked = next(n for n, sql in enumerate(statements) if "FOR NO KEY UPDATE" in sql)
        return [sql for sql in statements[locked + 1 :] if "SAVEPOINT" not in sql]

    assert len(queries(lambda: None)) == 1
    assert len(queries(lambda: here.plain.put(TEN))) > 1


def test_what_was_cancelled_meanwhile_may_be_claimed(db):
    """The look says it is taken; that is not looked at again, and whoever tries again gets it."""
    acme = shop()
    made = acme.book(TEN)
    asked = Asked(module_id=acme.module.id, start=ny(TEN), now=NOW)
    with pytest.raises(SlotTaken):
        claim(asked, take=lambda _: None)
    cancel(company_id=acme.company.id, appointment_id=made.id, actor=SYSTEM, now=NOW)
    assert claim(asked, take=lambda _: "given") == "given"
