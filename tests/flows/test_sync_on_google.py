"""The same random two-way scripts on the Google stand-in, over real HTTP, with its faults on.

Anything may go wrong with any request, at its seeded chance: connections break before or after the effect,
errors come before or after it, quotas are used up, answers break off, sync tokens expire, lists are stale;
messages of channels are lost, late, doubled and out of order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from tests.flows.two_way import BOOKED, WINNERS, TwoWay, play
from tests.google_owner import GoogleOwner
from tests.google_sandbox import GoogleSandbox, google_sandbox, google_server  # noqa: F401  fixtures
from tests.google_scene import EVENTS, WRITES, GoogleScene, Webhook, listening, on_google
from tests.sync_crash import dying_when

from calendar_sandbox.google.state import Logged

SCRIPTS = int(os.environ.get("GOOGLE_SCRIPTS", "16"))
STEPS = 15
CHANCES = {
    "reset_before": 0.03,
    "reset_after": 0.03,
    "error_before": 0.05,
    "error_after": 0.03,
    "truncated": 0.03,
    "expired": 0.05,
    "stale": 0.1,
    "push_lost": 0.1,
    "push_late": 0.1,
    "push_doubled": 0.1,
    "push_reordered": 0.1,
}
"""Of each request that can meet it; together about every fifth goes wrong."""


class AtGoogle(GoogleOwner):
    """There, on the stand-in."""

    moves_keep_ids = True

    def __init__(self, scene: GoogleScene, seed: int, opened: ExitStack) -> None:
        super().__init__(scene.sandbox, scene.owner.email, scene.owner.calendars)
        self.scene = scene
        self.seed = seed
        self.opened = opened
        self.written = 0
        opened.callback(super().close)
        scene.sandbox.world.log_hooks.append(self._note)
        opened.callback(scene.sandbox.world.log_hooks.remove, self._note)

    def expire_cursors(self) -> None:
        with self.sandbox.world.lock:
            for calendar in self.calendars:
                self.sandbox.world.calendars[calendar].epoch += 1

    def shown(self, title: str) -> str:
        return title

    @contextmanager
    def cutting(self, request: int, *, effect: bool, dies: bool) -> Iterator[None]:
        faults = self.sandbox.google.faults
        self.sandbox.fault("reset_after" if effect else "reset_before", skip=request - 1)
        with ExitStack() as dying:
            if dies:
                dying.enter_context(dying_when(lambda: not faults.waiting))
            try:
                yield
            finally:
                faults.waiting.clear()

    def writes(self) -> int:
        return self.written

    def faults_stop(self) -> None:
        self.sandbox.no_faults()

    def faults_go_on(self) -> None:
        self.seed += 1
        self.sandbox.chances(CHANCES, seed=self.seed)

    def close(self) -> None:
        self.opened.close()

    def _note(self, logged: Logged) -> None:
        self.written += logged.call.removeprefix(EVENTS) in WRITES


class OnGoogle(TwoWay):
    def __init__(self, sandbox: GoogleSandbox, hook: Webhook) -> None:
        super().__init__()
        self.sandbox, self.hook = sandbox, hook

    @initialize(
        winner=WINNERS, booked=BOOKED, seed=st.integers(min_value=0, max_value=10**6), channels=st.booleans()
    )
    def begin(self, winner: str, booked: int, seed: int, channels: bool) -> None:
        assert not self.sandbox.violations
        self.sandbox.reset(seed=seed)
        list(self.hook.taken())  # of the script before
        opened = ExitStack()
        scene = opened.enter_context(on_google(self.sandbox, hook=self.hook if channels else None))
        self.open(AtGoogle(scene, seed, opened), winner=winner, booked=booked)

    @precondition(lambda self: self.scene.hook)
    @rule()
    def messages_arrive(self) -> None:
        """Those that have come by now; the worker is woken by them."""
        self.scene.hear()
        self._drain()


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement(google_sandbox: GoogleSandbox) -> None:  # noqa: F811
    with listening() as hook:
        play(partial(OnGoogle, google_sandbox, hook), scripts=SCRIPTS, steps=STEPS)
