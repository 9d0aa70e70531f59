"""In random worlds a reason stands against a time exactly when it is not offered."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from tests.booking_scene import NOW, shop
from tests.offer_world import FIRST, LAST, World

from genie.core.spans import micros
from genie.flows.offer import is_offered, rules_of, slots
from genie.flows.why_not import reasons_against
from genie.store.models import Module, OpeningHours, StaffMember


def agrees(module: Module, start: datetime, **also: Any) -> bool:
    """Is what is offered what no reason stands against? Returns whether it is offered."""
    end = start + timedelta(minutes=rules_of(module, also.get("kind")).duration)
    offered = is_offered(module=module, start=start, now=NOW, **also)
    against = reasons_against(module=module, start=start, end=end, now=NOW, **also)
    assert against.none == offered, (start, also, against)
    return offered


def instants(world: World, dice: random.Random, offered: list[datetime]) -> list[datetime]:
    """Some that are offered, some beside them, some from anywhere, and one at each end of what can be had."""
    chosen = dice.sample(offered, min(2, len(offered)))
    beside = [one + timedelta(minutes=dice.choice([-15, -5, 5, 15, 60])) for one in chosen]
    far = [NOW + timedelta(days=dice.choice([-1, 0, 7, 8, 59, 62, 800])), NOW]
    return [*chosen, *beside, world.moment(), world.moment(), dice.choice(far)]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_a_time_is_offered_exactly_when_no_reason_stands_against_it(seed: int) -> None:
    world, dice = World(seed), random.Random(-seed)
    module = Module.objects.select_related("schedule").get(id=world.shop.module.id)
    module.unreachable_rule = dice.choice(["keep_offering", "offer_nothing"])
    people = list(StaffMember.objects.filter(id__in=world.desks))
    for kind in dice.sample(world.kinds, 2):
        for staff in [None, *dice.sample(people, min(1, len(people)))]:
            ask: dict[str, Any] = {"kind": kind, "staff": staff}
            offered = slots(module=module, first=FIRST, last=LAST, now=NOW, **ask)
            for start in instants(world, dice, offered):
                is_one = agrees(module, start, **ask)
                assert is_one == (start in offered) or not _within(world, start)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_so_it_is_where_another_system_offers_the_times(seed: int) -> None:
    world, dice = World(seed), random.Random(seed)
    module = Module.objects.select_related("schedule").get(id=world.shop.module.id)
    starts = [world.moment() for _ in range(8)]
    for start in starts:
        agrees(module, start, kind=dice.choice(world.kinds), vouched=[micros(one) for one in starts[::2]])


@pytest.mark.django_db
def test_an_opening_without_an_end_begins_its_steps_anew_each_midnight() -> None:
    acme = shop(duration=50, horizon_days=30)
    OpeningHours.objects.all().delete()
    for weekday in range(7):
        OpeningHours.objects.create(schedule=acme.schedule, weekday=weekday, opens=time(), closes=time())
    module = Module.objects.select_related("schedule").get(id=acme.module.id)
    begin = NOW + timedelta(days=20, minutes=5)
    found = [agrees(module, begin + timedelta(minutes=5 * n)) for n in range(60)]
    assert any(found)
    assert not all(found)


def _within(world: World, start: datetime) -> bool:
    """Is it on one of the dates that were asked for?"""
    return FIRST <= start.astimezone(world.hours[world.shop.schedule.id].zone).date() <= LAST
