"""Random two-way scripts on a calendar that tells of changes: late, twice, out of order, or never."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from tests.flows.test_sync_scripts import InMemory
from tests.flows.two_way import BOOKED, WINNERS, TwoWay, play
from tests.push_scene import deliver, push_stage
from tests.sync_scene import Scene

from genie.providers.memory.world import Post
from genie.store.models import Channel
from genie.store.queries.drains import PUSHED_EVERY

SCRIPTS = int(os.environ.get("SYNC_SCRIPTS", "12"))


class OnMemoryWithPush(TwoWay):
    scene: Scene

    @initialize(page_size=st.integers(min_value=1, max_value=4), winner=WINNERS, booked=BOOKED)
    def begin(self, page_size: int, winner: str, booked: int) -> None:
        scene = push_stage(page_size=page_size)
        scene.world.channels_last = timedelta(hours=2)  # renewed again and again while a script runs
        self.open(InMemory(scene), winner=winner, booked=booked)

    @rule(how=st.sampled_from(["in order", "reversed", "twice"]))
    def messages_arrive(self, how: str) -> None:
        posts: list[Post] = self.scene.world.delivered()
        deliver(self.scene, {"in order": posts, "reversed": posts[::-1], "twice": posts * 2}[how])
        self._drain()

    @rule()
    def messages_are_lost(self) -> None:
        self.scene.world.delivered()

    @rule()
    def faults_stop(self) -> None:
        """What is on its way arrives; what was lost is found by the hourly read."""
        deliver(self.scene)
        self.scene.now += PUSHED_EVERY
        self.scene.later(minutes=1)
        self.scene.drain()
        super().faults_stop()

    def _it_is_quiet(self) -> None:
        super()._it_is_quiet()
        there = {watch.id for watch in self.scene.world.watches()}
        (ours,) = Channel.objects.filter(calendar__key=self.scene.key)
        assert ours.state == Channel.State.OPEN and ours.channel_id in there


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement() -> None:
    play(OnMemoryWithPush, scripts=SCRIPTS, steps=15)
