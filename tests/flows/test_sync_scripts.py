"""Random two-way scripts on a calendar world in memory: many, with every fault it can play."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.flows.two_way import BOOKED, WINNERS, TwoWay, play
from tests.standin_owner import Seen
from tests.sync_crash import Crash
from tests.sync_scene import Scene, at, stage

from genie.core.errors import Transient
from genie.core.event import EventContent, When
from genie.providers.memory.world import Kept, Repeat

SCRIPTS = int(os.environ.get("SYNC_SCRIPTS", "30"))
CALENDARS = ("work", "private")


class InMemory:
    """There, in a world in memory."""

    moves_keep_ids = False

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.owner = scene.owner
        self.owner.add_calendar("private", "Private")

    def events(self) -> Sequence[Seen]:
        return [seen(kept) for calendar in CALENDARS for kept in self.owner.events(calendar)]

    def event(self, event_id: str) -> Seen | None:
        return next((one for one in self.events() if one.id == event_id), None)

    def add(self, when: When) -> str:
        return self.owner.add("work", when, title="Dentist")

    def move(self, event_id: str, when: When) -> None:
        self.owner.move(self._calendar(event_id), event_id, when)

    def edit(self, event_id: str, **texts: str) -> None:
        self.owner.edit(self._calendar(event_id), event_id, **texts)

    def delete(self, event_id: str) -> None:
        self.owner.delete(self._calendar(event_id), event_id)

    def cancel(self, event_id: str) -> None:
        self.owner.cancel(self._calendar(event_id), event_id)

    def copy(self, event_id: str, when: When) -> str:
        return self.owner.copy(self._calendar(event_id), event_id, when=when)

    def cut_and_paste(self, event_id: str, when: When) -> None:
        self.owner.cut_and_paste(self._calendar(event_id), event_id, when=when)

    def to_other_calendar(self, event_id: str) -> None:
        here = self._calendar(event_id)
        (there,) = set(CALENDARS) - {here}
        self.owner.cut_and_paste(here, event_id, to=there)

    def repeat(self, event_id: str) -> None:
        self.owner.repeat(self._calendar(event_id), event_id, Repeat(timedelta(days=7), 5))

    def repeat_no_more(self, event_id: str) -> None:
        self.owner.repeat(self._calendar(event_id), event_id, None)

    def expire_cursors(self) -> None:
        for calendar in CALENDARS:
            self.owner.expire_cursors(calendar)

    def shown(self, title: str) -> str:
        return self.scene.world.rewrite(EventContent(at(0), title, "", "")).title or ""

    @contextmanager
    def cutting(self, request: int, *, effect: bool, dies: bool) -> Iterator[None]:
        left = request

        def cut(name: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash if dies else Transient("cut", outcome_unknown=True)

        setattr(self.scene.world, "after" if effect else "before", cut)
        yield
        self.scene.heal()

    def writes(self) -> int:
        return len(self.scene.writes())

    def faults_stop(self) -> None:
        """None happen by themselves here."""

    faults_go_on = close = faults_stop

    def _calendar(self, event_id: str) -> str:
        return next(name for name in CALENDARS if self.owner.event(name, event_id))


def seen(kept: Kept) -> Seen:
    return Seen(kept.id, kept.version, kept.content, kept.identity.key if kept.identity else None)


class OnMemory(TwoWay):
    @initialize(
        page_size=st.integers(min_value=1, max_value=4),
        cursors=st.booleans(),
        winner=WINNERS,
        booked=BOOKED,
        rewrites=st.booleans(),
    )
    def begin(self, page_size: int, cursors: bool, winner: str, booked: int, rewrites: bool) -> None:
        scene = stage(page_size=page_size, cursors=cursors)
        if rewrites:  # a system that changes what it is sent, as real ones do
            scene.world.rewrite = rewritten
        self.open(InMemory(scene), winner=winner, booked=booked)


def rewritten(content: EventContent) -> EventContent:
    return replace(content, title=" ".join((content.title or "").split()).replace("é", "e"))


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement() -> None:
    play(OnMemory, scripts=SCRIPTS, steps=15)
