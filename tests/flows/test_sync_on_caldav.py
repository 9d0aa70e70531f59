"""The same random two-way scripts on a real CalDAV server: with sync-collection, and with ETags only.

Few and short ones: each step is real requests. Faults are cut connections in a proxy before the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from hypothesis.stateful import initialize
from tests.caldav_owner import Seen
from tests.caldav_scene import CalDavScene, on_radicale
from tests.flows.two_way import WINNERS, TwoWay, play
from tests.outside import Radicale
from tests.proxy import cutting
from tests.sync_crash import dying_when

from genie.core.event import When

SCRIPTS = int(os.environ.get("CALDAV_SCRIPTS", "20"))
"""Played in each of the two ways to read."""


class OnServer:
    """There, on a Radicale behind a proxy; the owner works on the server itself."""

    def __init__(self, scene: CalDavScene) -> None:
        self.scene = scene
        self.owner = scene.owner
        self.open = ExitStack()

    def events(self) -> Sequence[Seen]:
        return self.owner.events()

    def event(self, event_id: str) -> Seen | None:
        return self.owner.event(event_id)

    def add(self, when: When) -> str:
        return self.owner.add(when)

    def move(self, event_id: str, when: When) -> None:
        self.owner.move(event_id, when)

    def edit(self, event_id: str, **texts: str) -> None:
        self.owner.edit(event_id, **texts)

    def delete(self, event_id: str) -> None:
        self.owner.delete(event_id)

    def cancel(self, event_id: str) -> None:
        self.owner.cancel(event_id)

    def copy(self, event_id: str, when: When) -> str:
        return self.owner.copy(event_id, when=when)

    def cut_and_paste(self, event_id: str, when: When) -> None:
        self.owner.cut_and_paste(event_id, when=when)

    def expire_cursors(self) -> None:
        """Radicale keeps what it knows of its sync tokens in a folder."""
        for token in self.scene.server.place_of(self.owner.calendar).glob(".Radicale.cache/sync-token/*"):
            token.unlink()

    def shown(self, title: str) -> str:
        return title

    @contextmanager
    def cutting(self, request: int, *, effect: bool, dies: bool) -> Iterator[None]:
        with ExitStack() as faults:
            was_cut = faults.enter_context(cutting(self.scene.proxy, request, effect=effect))
            if dies:
                faults.enter_context(dying_when(was_cut))
            yield

    def writes(self) -> int:
        return len(self.scene.proxy.writes())

    def close(self) -> None:
        self.open.close()


class OnCalDav(TwoWay):
    def __init__(self, server: Radicale, *, older: bool) -> None:
        super().__init__()
        self.server, self.older = server, older

    @initialize(winner=WINNERS)
    def begin(self, winner: str) -> None:
        opened = ExitStack()
        there = OnServer(opened.enter_context(on_radicale(self.server, older=self.older)))
        there.open = opened
        self.open(there, winner=winner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("older", [False, True], ids=["sync-collection", "etags"])
def test_any_script_ends_in_agreement(radicale: Radicale, older: bool) -> None:
    play(partial(OnCalDav, radicale, older=older), scripts=SCRIPTS, steps=10)
