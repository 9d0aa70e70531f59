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
from tests.caldav_owner import CalDavOwner, Seen
from tests.caldav_scene import CalDavScene, on_radicale
from tests.flows.two_way import BOOKED, WINNERS, TwoWay, play
from tests.outside import Radicale
from tests.proxy import cutting
from tests.sync_crash import dying_when

from genie.core.event import When

SCRIPTS = int(os.environ.get("CALDAV_SCRIPTS", "12"))
"""Played in each of the two ways to read."""


class OnServer:
    """There, on a Radicale behind a proxy; the owner works on the server itself."""

    moves_keep_ids = False

    def __init__(self, scene: CalDavScene, opened: ExitStack) -> None:
        self.scene = scene
        self.opened = opened
        own = scene.owner
        private = scene.server.make_calendar("private", name="Private", user=own.user)
        self.owners = [own, CalDavOwner(scene.server, own.user, private)]
        opened.callback(self.owners[1].close)

    def events(self) -> Sequence[Seen]:
        return [event for owner in self.owners for event in owner.events()]

    def event(self, event_id: str) -> Seen | None:
        return next(filter(None, (owner.event(event_id) for owner in self.owners)), None)

    def add(self, when: When) -> str:
        return self.owners[0].add(when)

    def move(self, event_id: str, when: When) -> None:
        self._owner_of(event_id).move(event_id, when)

    def edit(self, event_id: str, **texts: str) -> None:
        self._owner_of(event_id).edit(event_id, **texts)

    def delete(self, event_id: str) -> None:
        self._owner_of(event_id).delete(event_id)

    def cancel(self, event_id: str) -> None:
        self._owner_of(event_id).cancel(event_id)

    def copy(self, event_id: str, when: When) -> str:
        return self._owner_of(event_id).copy(event_id, when=when)

    def cut_and_paste(self, event_id: str, when: When) -> None:
        self._owner_of(event_id).cut_and_paste(event_id, when=when)

    def to_other_calendar(self, event_id: str) -> None:
        here = self._owner_of(event_id)
        (there,) = [owner for owner in self.owners if owner is not here]
        here.cut_and_paste(event_id, to=there)

    def repeat(self, event_id: str) -> None:
        self._owner_of(event_id).repeat(event_id)

    def repeat_no_more(self, event_id: str) -> None:
        self._owner_of(event_id).repeat_no_more(event_id)

    def expire_cursors(self) -> None:
        """Radicale keeps what it knows of its sync tokens in a folder."""
        for owner in self.owners:
            place = self.scene.server.place_of(owner.calendar)
            for token in place.glob(".Radicale.cache/sync-token/*"):
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

    def faults_stop(self) -> None:
        """None happen by themselves here."""

    faults_go_on = faults_stop

    def close(self) -> None:
        self.opened.close()

    def _owner_of(self, event_id: str) -> CalDavOwner:
        return next(owner for owner in self.owners if owner.event(event_id))


class OnCalDav(TwoWay):
    def __init__(self, server: Radicale, *, older: bool) -> None:
        super().__init__()
        self.server, self.older = server, older

    @initialize(winner=WINNERS, booked=BOOKED)
    def begin(self, winner: str, booked: int) -> None:
        opened = ExitStack()
        scene = opened.enter_context(on_radicale(self.server, older=self.older))
        self.open(OnServer(scene, opened), winner=winner, booked=booked)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("older", [False, True], ids=["sync-collection", "etags"])
def test_any_script_ends_in_agreement(radicale: Radicale, older: bool) -> None:
    play(partial(OnCalDav, radicale, older=older), scripts=SCRIPTS, steps=10)
