"""Random two-way scripts for a team: one has a calendar of her own, the module's serves the others.

Events wander between the two calendars, too, as their owner likes.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.flows.test_sync_scripts import InMemory
from tests.flows.two_way import BOOKED, WINNERS, TwoWay, play
from tests.staff_scene import team
from tests.sync_scene import at, stage

from genie.flows.describe import local_fields
from genie.store.models import Connection, EventLink, RemoteCalendar, StaffMember

SCRIPTS = int(os.environ.get("TEAM_SCRIPTS", "12"))


class OfATeam(TwoWay):
    """Visits are booked with Maria (on *private*), with Ben (on the module's *work*) and with nobody."""

    whom: list[StaffMember | None]

    @initialize(
        page_size=st.integers(min_value=1, max_value=4), cursors=st.booleans(), winner=WINNERS, booked=BOOKED
    )
    def begin(self, page_size: int, cursors: bool, winner: str, booked: int) -> None:
        scene = stage(page_size=page_size, cursors=cursors)
        there = InMemory(scene)
        maria, ben = team(scene.module, "Maria", "Ben")
        own = RemoteCalendar.objects.create(
            key=scene.key, remote_id="private", name="Private", may_write=True
        )
        Connection.objects.create(
            module=scene.module, staff=maria, calendar=own, realtime=True, linked_at=scene.now
        )
        self.whom = [maria, ben, None]
        self.open(there, winner=winner, booked=booked)

    def _book(self, hour: int) -> None:
        number = len(self.appointments)
        made = self.scene.book(at(hour).start, name=f"Guest {number}", staff=self.whom[number % 3])
        self.appointments.append(made)
        self.agreed[made.id] = local_fields(made)
        self.quiet_here = False

    def faults_stop(self) -> None:
        super().faults_stop()
        self._each_stays_with_its_person()

    def _each_stays_with_its_person(self) -> None:
        for number, appointment in enumerate(self._fresh()):
            staff = self.whom[number % 3]
            assert appointment.staff == staff
            link = EventLink.objects.select_related("connection").get(appointment=appointment)
            assert link.connection.staff == (staff if staff == self.whom[0] else None)


@pytest.mark.django_db(transaction=True)
def test_any_script_of_a_team_ends_in_agreement() -> None:
    play(OfATeam, scripts=SCRIPTS, steps=15)
