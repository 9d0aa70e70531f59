"""Random two-way scripts on a calendar world in memory: many, with every fault it can play."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.flows.two_way import WINNERS, TwoWay, play
from tests.sync_crash import Crash
from tests.sync_scene import Scene, at, stage

from genie.core.errors import Transient
from genie.core.event import EventContent, When
from genie.providers.memory.world import Kept

SCRIPTS = int(os.environ.get("SYNC_SCRIPTS", "300"))


@dataclass(frozen=True)
class Seen:
    id: str
    version: str
    content: EventContent
    key: str | None


class InMemory:
    """There, in a world in memory."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.owner = scene.owner

    def events(self) -> Sequence[Seen]:
        return [seen(kept) for kept in self.owner.events("work")]

    def event(self, event_id: str) -> Seen | None:
        kept = self.owner.event("work", event_id)
        return seen(kept) if kept else None

    def add(self, when: When) -> str:
        return self.owner.add("work", when, title="Dentist")

    def move(self, event_id: str, when: When) -> None:
        self.owner.move("work", event_id, when)

    def edit(self, event_id: str, **texts: str) -> None:
        self.owner.edit("work", event_id, **texts)

    def delete(self, event_id: str) -> None:
        self.owner.delete("work", event_id)

    def cancel(self, event_id: str) -> None:
        self.owner.cancel("work", event_id)

    def copy(self, event_id: str, when: When) -> str:
        return self.owner.copy("work", event_id, when=when)

    def cut_and_paste(self, event_id: str, when: When) -> None:
        self.owner.cut_and_paste("work", event_id, when=when)

    def expire_cursors(self) -> None:
        self.owner.expire_cursors("work")

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

    def close(self) -> None:
        """Nothing is open."""


def seen(kept: Kept) -> Seen:
    return Seen(kept.id, kept.version, kept.content, kept.identity.key if kept.identity else None)


class OnMemory(TwoWay):
    @initialize(
        page_size=st.integers(min_value=1, max_value=4),
        cursors=st.booleans(),
        winner=WINNERS,
        rewrites=st.booleans(),
    )
    def begin(self, page_size: int, cursors: bool, winner: str, rewrites: bool) -> None:
        scene = stage(page_size=page_size, cursors=cursors)
        if rewrites:  # a system that changes what it is sent, as real ones do
            scene.world.rewrite = _rewritten
        self.open(InMemory(scene), winner=winner)


def _rewritten(content: EventContent) -> EventContent:
    return replace(content, title=" ".join((content.title or "").split()).replace("é", "e"))


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement() -> None:
    play(OnMemory, scripts=SCRIPTS, steps=15)
