"""What is offered in random worlds, against the slow reference."""

from __future__ import annotations

from typing import Any

import pytest
from tests.booking_scene import NOW
from tests.offer_world import FIRST, LAST, World

from genie.flows.offer import free_staff, is_offered, slots
from genie.store.models import Module, StaffMember


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(16))
def test_what_is_offered_is_what_the_reference_says_of_each_and_of_whoever_is_free(seed: int) -> None:
    world = World(seed)
    module = Module.objects.select_related("schedule").get(id=world.shop.module.id)
    for kind in world.kinds:
        ask: dict[str, Any] = {"module": module, "now": NOW, "kind": kind}
        by_desk = {desk: world.expected(desk, kind) for desk in world.desks}
        for one in StaffMember.objects.filter(id__in=world.desks):
            assert slots(first=FIRST, last=LAST, staff=one, **ask) == by_desk[one.id]
        anybody = sorted(set().union(*by_desk.values()))
        assert slots(first=FIRST, last=LAST, **ask) == anybody
        for start in world.any.sample(anybody, min(3, len(anybody))):
            assert is_offered(start=start, **ask)
            assert free_staff(start=start, **ask) == [
                desk for desk in world.desks if desk and start in by_desk[desk]
            ]
