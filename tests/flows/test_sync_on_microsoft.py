"""The same random two-way scripts on the Microsoft stand-in, in the ways that Graph may turn out to be.

Besides what goes wrong at any stand-in, changes are refused for nothing, events are saved and refused, and
subscriptions are taken back, with a word or without.
"""

from __future__ import annotations

import os
from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from tests.flows.standin_scripts import CHANCES, STEPS, OnStandIn
from tests.flows.two_way import BOOKED, WINNERS, play
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.microsoft_scene import MicrosoftScene, on_microsoft
from tests.standin_scene import listening

from genie.store.models import RemoteKey

SCRIPTS = int(os.environ.get("MICROSOFT_SCRIPTS", "16"))
SWITCHES = ("finds_anywhere", "forgets_returned", "rotates_strictly", "strict_match")
"""Of the stand-in: what Microsoft's reference leaves open."""


class OnMicrosoft(OnStandIn):
    sandbox: MicrosoftSandbox
    scene: MicrosoftScene
    chances = {**CHANCES, "conflict": 0.03, "saved_error": 0.03, "push_missed": 0.05}

    @initialize(
        winner=WINNERS,
        booked=BOOKED,
        seed=st.integers(min_value=0, max_value=10**6),
        subscriptions=st.booleans(),
        shared=st.booleans(),
        plain=st.booleans(),
        switches=st.sets(st.sampled_from(SWITCHES)),
    )
    def begin(
        self,
        winner: str,
        booked: int,
        seed: int,
        subscriptions: bool,
        shared: bool,
        plain: bool,
        switches: set[str],
    ) -> None:
        """`shared`: the calendar is somebody else's; of those nobody is told. `plain`: the owner's program
        writes notes as text."""
        assert not self.sandbox.violations
        self.sandbox.reset(seed=seed)
        for name in switches:
            setattr(self.sandbox.world, name, True)
        scene = on_microsoft(self.sandbox, hook=self.hook if subscriptions else None, shared=shared)
        self.enter(scene, seed=seed, winner=winner, booked=booked)
        self.there.moves_keep_ids = not shared  # from mailbox to mailbox they change
        self.scene.owner.writes_text = plain

    @precondition(lambda self: self.scene.hook)
    @rule(event=st.sampled_from(["reauthorizationRequired", "subscriptionRemoved", "missed", "lapsed"]))
    def a_subscription_ends_or_wants_renewal(self, event: str) -> None:
        with self.sandbox.world.lock:
            for subscription in self.sandbox.world.subscriptions.values():
                if event == "lapsed":
                    subscription.removed = True  # without a word
                elif not subscription.removed:
                    self.sandbox.graph.outbox.announce(subscription, event)

    @rule()
    def faults_stop(self) -> None:
        """Where refresh tokens end at once, a lost answer ends the key: its owner signs in again."""
        self.there.faults_stop()
        self.scene.drain()
        if self.sandbox.world.rotates_strictly:
            self.scene.granted_anew()
        assert RemoteKey.objects.get(id=self.scene.key.id).state == RemoteKey.State.ACTIVE
        super().faults_stop()


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement(microsoft_sandbox: MicrosoftSandbox) -> None:
    with listening() as hook:
        play(partial(OnMicrosoft, microsoft_sandbox, hook), scripts=SCRIPTS, steps=STEPS)
