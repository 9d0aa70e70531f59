"""The same random two-way scripts on the Google stand-in."""

from __future__ import annotations

import os
from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.flows.standin_scripts import STEPS, OnStandIn
from tests.flows.two_way import BOOKED, WINNERS, play
from tests.google_sandbox import GoogleSandbox
from tests.google_scene import on_google
from tests.standin_scene import listening

SCRIPTS = int(os.environ.get("GOOGLE_SCRIPTS", "16"))


class OnGoogle(OnStandIn):
    sandbox: GoogleSandbox

    @initialize(
        winner=WINNERS, booked=BOOKED, seed=st.integers(min_value=0, max_value=10**6), channels=st.booleans()
    )
    def begin(self, winner: str, booked: int, seed: int, channels: bool) -> None:
        assert not self.sandbox.violations
        self.sandbox.reset(seed=seed)
        scene = on_google(self.sandbox, hook=self.hook if channels else None)
        self.enter(scene, seed=seed, winner=winner, booked=booked)


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement(google_sandbox: GoogleSandbox) -> None:
    with listening() as hook:
        play(partial(OnGoogle, google_sandbox, hook), scripts=SCRIPTS, steps=STEPS)
