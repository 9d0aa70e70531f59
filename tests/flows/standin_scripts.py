"""Random two-way scripts at a stand-in, over real HTTP, with its faults on.

Anything may go wrong with any request, at its seeded chance: connections break before or after the effect,
errors come before or after it, answers break off, cursors expire, lists are stale; messages are lost, late,
doubled and out of order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, ClassVar

from hypothesis.stateful import precondition, rule
from tests.flows.two_way import Seen, TwoWay
from tests.standin_scene import StandInScene, Webhook
from tests.sync_crash import dying_when

from genie.store.models import Appointment, EventLink

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


class AtStandIn:
    """There: the scene's owner, and the way there."""

    moves_keep_ids = True

    def __init__(self, scene: Any, chances: Mapping[str, float], seed: int, opened: ExitStack) -> None:
        """`opened` is closed with it."""
        self.scene = scene
        self._chances = dict(chances)
        self._seed = seed
        self._opened = opened
        self._written = 0
        hooks = scene.sandbox.world.log_hooks
        hooks.append(self._note)
        opened.callback(hooks.remove, self._note)

    def __getattr__(self, name: str) -> Any:
        """All that the owner does."""
        return getattr(self.scene.owner, name)

    def expire_cursors(self) -> None:
        self.scene.expire_cursors()

    def shown(self, title: str) -> str:
        return title

    @contextmanager
    def cutting(self, request: int, *, effect: bool, dies: bool) -> Iterator[None]:
        waiting = self.scene.standin.faults.waiting
        self.scene.sandbox.fault("reset_after" if effect else "reset_before", skip=request - 1)
        with ExitStack() as dying:
            if dies:
                dying.enter_context(dying_when(lambda: not waiting))
            try:
                yield
            finally:
                waiting.clear()

    def writes(self) -> int:
        return self._written

    def faults_stop(self) -> None:
        self.scene.sandbox.no_faults()

    def faults_go_on(self) -> None:
        self._seed += 1
        self.scene.sandbox.chances(self._chances, seed=self._seed)

    def close(self) -> None:
        self._opened.close()

    def _note(self, logged: Any) -> None:
        self._written += logged.call.removeprefix(self.scene.events) in self.scene.writing


class OnStandIn(TwoWay):
    """Begin with an `@initialize` rule of your own that calls `enter`."""

    scene: StandInScene
    there: AtStandIn
    chances: ClassVar[Mapping[str, float]] = CHANCES

    def __init__(self, sandbox: Any, hook: Webhook) -> None:
        super().__init__()
        self.sandbox, self.hook = sandbox, hook

    def enter(
        self, on: AbstractContextManager[StandInScene], *, seed: int, winner: str, booked: int
    ) -> StandInScene:
        """Make the scene and what is there. The sandbox is emptied before."""
        list(self.hook.taken())  # of the script before
        opened = ExitStack()
        scene = opened.enter_context(on)
        self.open(AtStandIn(scene, self.chances, seed, opened), winner=winner, booked=booked)
        return scene

    def _agrees(self, appointment: Appointment, link: EventLink, event: Seen) -> None:
        """It is also looked for where it is, else the next change there is not seen."""
        super()._agrees(appointment, link, event)
        assert link.calendar.remote_id == self.there.calendar_of(event.id)

    @precondition(lambda self: self.scene.hook)
    @rule()
    def messages_arrive(self) -> None:
        """Those that have come by now; the worker is woken by them."""
        self.scene.hear()
        self._drain()
