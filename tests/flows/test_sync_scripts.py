"""Random two-way scripts with faults and crashes: at the end both sides agree, and every value has a source.

A Hypothesis state machine plays a company and a calendar's owner. Faults hit any request (before or after
its effect), crashes hit any statement of any drain. When they stop, it demands what SYNC.md's invariants say.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.sync_crash import Crash, dying_at
from tests.sync_scene import CUSTOMER, Scene, at, stage

from genie.core.appointment import State
from genie.core.errors import Transient
from genie.core.event import EventContent
from genie.flows.amend import Wanted, amend
from genie.flows.cancel import cancel
from genie.flows.describe import local_fields, remote_fields
from genie.flows.edit import edit
from genie.store.models import Appointment, EventLink, Message, Module

TITLES = st.sampled_from(["Tour", "Visit", "Chat", "Call – é", ""])
NOTES = st.sampled_from(["", "Side door", "Two\nlines", "   padded  "])
HOURS = st.integers(min_value=0, max_value=200)
Side = Literal["here", "there"]


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: a failing script is printed as it is, and replays from its seed."""


SCRIPTS = int(os.environ.get("SYNC_SCRIPTS", "300"))


class TwoWay(RuleBasedStateMachine):
    """`touched` remembers, since both sides last agreed, who changed which field to what."""

    @initialize(
        page_size=st.integers(min_value=1, max_value=4),
        cursors=st.booleans(),
        winner=st.sampled_from(["calendar_wins", "dashboard_wins"]),
        rewrites=st.booleans(),
    )
    def begin(self, page_size: int, cursors: bool, winner: str, rewrites: bool) -> None:
        self.scene: Scene = stage(page_size=page_size, cursors=cursors)
        Module.objects.filter(id=self.scene.module.id).update(conflict_rule=winner)
        self.rewrites = rewrites
        if rewrites:  # a system that changes what it is sent, as real ones do
            self.scene.world.rewrite = _rewritten
        self.appointments: list[Appointment] = []
        self.foreign: dict[str, int] = {}
        self.touched: dict[tuple[Any, str], dict[Side, list[Any]]] = {}
        self.gone: dict[Any, set[Side]] = {}

    # --- what people do

    @precondition(lambda self: len(self.appointments) < 3)
    @rule(hour=HOURS)
    def somebody_books(self, hour: int) -> None:
        self.appointments.append(self.scene.book(at(hour).start, name=f"Guest {len(self.appointments)}"))

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), hour=HOURS)
    def moved_here(self, data: st.DataObject, hour: int) -> None:
        appointment = self._pick(data)
        if appointment.state == State.CONFIRMED:
            self._amend(appointment, Wanted(when=at(hour), forced=True))
            self._touch(appointment, "when", "here", at(hour))

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), title=TITLES, notes=NOTES)
    def edited_here(self, data: st.DataObject, title: str, notes: str) -> None:
        appointment = self._pick(data)
        if appointment.state == State.CONFIRMED:
            edit(
                company_id=appointment.company_id,
                appointment_id=appointment.id,
                title=title,
                notes=notes,
                actor=CUSTOMER,
                now=self.scene.now,
            )
            self._touch(appointment, "title", "here", title)
            self._touch(appointment, "notes", "here", notes)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data())
    def cancelled_here(self, data: st.DataObject) -> None:
        appointment = self._pick(data)
        if appointment.state == State.CONFIRMED:
            cancel(
                company_id=appointment.company_id,
                appointment_id=appointment.id,
                actor=CUSTOMER,
                now=self.scene.now,
            )
            self.gone.setdefault(appointment.id, set()).add("here")

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), hour=HOURS)
    def moved_there(self, data: st.DataObject, hour: int) -> None:
        if (link := self._event(data)) is not None:
            self.scene.owner.move("work", link.remote_id, at(hour))
            self._touch(link.appointment, "when", "there", at(hour))

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), title=TITLES, place=TITLES)
    def edited_there(self, data: st.DataObject, title: str, place: str) -> None:
        if (link := self._event(data)) is not None:
            self.scene.owner.edit("work", link.remote_id, title=title, place=place)
            self._touch(link.appointment, "title", "there", title)
            self._touch(link.appointment, "place", "there", place)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), notes=NOTES)
    def notes_written_there(self, data: st.DataObject, notes: str) -> None:
        """The owner writes above our block, or wipes everything and writes their own."""
        if (link := self._event(data)) is not None:
            kept = self.scene.owner.event("work", link.remote_id)
            assert kept
            block = "────────" + (kept.content.description or "").partition("────────")[2]
            self.scene.owner.edit("work", link.remote_id, description=f"{notes}\n\n{block}")
            self._touch(link.appointment, "notes", "there", notes)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), how=st.sampled_from(["delete", "decline"]))
    def removed_there(self, data: st.DataObject, how: str) -> None:
        if (link := self._event(data)) is not None:
            if how == "delete":
                self.scene.owner.delete("work", link.remote_id)
            else:
                self.scene.owner.cancel("work", link.remote_id)
            self.gone.setdefault(link.appointment_id, set()).add("there")

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), hour=HOURS)
    def cut_and_pasted_there(self, data: st.DataObject, hour: int) -> None:
        if (link := self._event(data)) is not None:
            self.scene.owner.cut_and_paste("work", link.remote_id, when=at(hour))
            self._touch(link.appointment, "when", "there", at(hour))

    @rule(hour=HOURS)
    def a_foreign_event_is_made(self, hour: int) -> None:
        event_id = self.scene.owner.add("work", at(hour), title="Dentist")
        kept = self.scene.owner.event("work", event_id)
        assert kept
        self.foreign[event_id] = kept.revision

    # --- what time and machines do

    @rule(seconds=st.sampled_from([1, 50, 130, 3700]))
    def time_passes(self, seconds: int) -> None:
        self.scene.later(seconds=seconds)

    @rule()
    def cursors_expire(self) -> None:
        self.scene.owner.expire_cursors("work")

    @rule()
    def worker_runs(self) -> None:
        self._drain()

    @rule(statement=st.integers(min_value=1, max_value=120))
    def worker_is_killed(self, statement: int) -> None:
        with dying_at(statement):
            self._drain()

    @rule(request=st.integers(min_value=1, max_value=6), effect=st.booleans(), dies=st.booleans())
    def a_request_fails(self, request: int, effect: bool, dies: bool) -> None:
        """The n-th request from now is cut, before or after its effect; perhaps the worker dies with it."""
        left = request

        def cut(name: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash if dies else Transient("cut", outcome_unknown=True)

        setattr(self.scene.world, "after" if effect else "before", cut)
        self._drain()
        self.scene.world.before = self.scene.world.after = None

    # --- what must hold when the faults stop

    @rule()
    def faults_stop(self) -> None:
        self.scene.settle()
        self._both_sides_agree()
        self._no_value_was_lost()
        self._foreign_events_are_untouched()
        self._nobody_was_told_twice()
        self._it_is_quiet()
        self.touched, self.gone = {}, {}

    def teardown(self) -> None:
        if hasattr(self, "scene"):
            self.faults_stop()

    def _both_sides_agree(self) -> None:
        events = [e for e in self.scene.owner.events("work") if e.identity and not e.content.cancelled]
        for appointment in self._fresh():
            link = EventLink.objects.get(appointment=appointment)
            bearers = [e for e in events if e.identity and e.identity.key == link.id.hex]
            if appointment.state == State.CANCELLED:
                assert bearers == [] and link.state == EventLink.State.ENDED, (bearers, link.state)
                continue
            assert [e.id for e in bearers] == [link.remote_id], "exactly one event for a live appointment"
            assert link.state == EventLink.State.CLEAN, (link.state, link.reason)
            theirs, _ = remote_fields(bearers[0].content, appointment, link)
            ours = local_fields(appointment)
            assert ours.when.same_instants(theirs.when)
            # what the calendar rewrites stands there in its own way for good, and is no change
            title = {ours.title, (ours.title or "").replace("é", "e")} if self.rewrites else {ours.title}
            assert theirs.title in title
            assert (ours.place, ours.notes) == (theirs.place, theirs.notes)

    def _no_value_was_lost(self) -> None:
        fresh = {appointment.id: appointment for appointment in self._fresh()}
        for appointment_id, sides in self.gone.items():
            assert sides and fresh[appointment_id].state == State.CANCELLED
        for (appointment_id, name), changes in self.touched.items():
            appointment = fresh[appointment_id]
            if appointment.state == State.CANCELLED:
                continue
            value = getattr(local_fields(appointment), name)
            last = [_plain(values[-1]) for values in changes.values()]
            assert _plain(value) in last, (name, value, changes)

    def _foreign_events_are_untouched(self) -> None:
        for event_id, revision in self.foreign.items():
            kept = self.scene.owner.event("work", event_id)
            assert kept and kept.revision == revision

    def _nobody_was_told_twice(self) -> None:
        for appointment in self._fresh():
            told = Message.objects.filter(appointment=appointment, audience="customer")
            keys = list(told.values_list("revision", "kind"))
            assert len(keys) == len(set(keys))
            owed = told.filter(state=Message.State.OWED)
            assert owed.count() <= 1, list(owed.values_list("kind", "revision"))

    def _it_is_quiet(self) -> None:
        before = self.scene.writes()
        revisions = [a.revision for a in self._fresh()]
        self.scene.poll()
        self.scene.poll()
        assert self.scene.writes() == before, "an echo was written"
        assert [a.revision for a in self._fresh()] == revisions

    # --- how it is done

    def _drain(self) -> None:
        try:
            self.scene.drain()
        except Crash:
            self.scene.world.before = self.scene.world.after = None
            connection.close()  # a dead worker's locks and transactions are gone with its connection

    def _fresh(self) -> list[Appointment]:
        ids = [appointment.id for appointment in self.appointments]
        rows = Appointment.objects.select_related("lead", "module__company").filter(id__in=ids)
        return sorted(rows, key=lambda row: ids.index(row.id))

    def _pick(self, data: st.DataObject) -> Appointment:
        index = data.draw(st.integers(min_value=0, max_value=len(self.appointments) - 1))
        return Appointment.objects.get(id=self.appointments[index].id)

    def _event(self, data: st.DataObject) -> EventLink | None:
        """A link whose event stands on the calendar; the owner can only touch what is there."""
        appointment = self._pick(data)
        link = EventLink.objects.select_related("appointment").filter(appointment=appointment).first()
        if link is None or not link.remote_id or link.appointment_id in self.gone:
            return None
        kept = self.scene.owner.event("work", link.remote_id)
        return link if kept and not kept.content.cancelled else None

    def _amend(self, appointment: Appointment, wanted: Wanted) -> None:
        amend(
            appointment_id=appointment.id,
            company_id=appointment.company_id,
            changes=wanted,
            actor=CUSTOMER,
            now=self.scene.now,
        )

    def _touch(self, appointment: Appointment, name: str, side: Side, value: Any) -> None:
        self.touched.setdefault((appointment.id, name), {}).setdefault(side, []).append(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "start"):
        return (value.start, value.end)
    return " ".join((value or "").split())


def _rewritten(content: EventContent) -> EventContent:
    return replace(content, title=" ".join((content.title or "").split()).replace("é", "e"))


@pytest.mark.django_db(transaction=True)
def test_any_script_ends_in_agreement() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        TwoWay,
        settings=settings(
            max_examples=SCRIPTS,
            stateful_step_count=15,
            deadline=timedelta(seconds=60),
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )
