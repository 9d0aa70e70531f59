"""Random two-way scripts: a business and a calendar's owner, with faults and crashes, on any provider.

A Hypothesis state machine. Faults hit any request (before or after its effect), crashes hit any statement of
any drain. When they stop, it demands what SYNC.md's invariants say: both sides agree, and every value has a
source. What differs from one calendar system to another stands in `There`, one class each.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Literal, Protocol

from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tests.sync_crash import Crash, dying_at
from tests.sync_scene import CUSTOMER, Business, at

from genie.core.appointment import State
from genie.core.event import EventContent, When
from genie.flows.amend import Wanted, amend
from genie.flows.cancel import cancel
from genie.flows.describe import local_fields, remote_fields
from genie.flows.edit import edit
from genie.store.models import Appointment, EventLink, Message, Module

TITLES = st.sampled_from(["Tour", "Visit", "Chat", "Call – é", ""])
NOTES = st.sampled_from(["", "Side door", "Two\nlines", "   padded  "])
HOURS = st.integers(min_value=0, max_value=200)
WINNERS = st.sampled_from(["calendar_wins", "dashboard_wins"])
Side = Literal["here", "there"]

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: a failing script is printed as it is, and replays from its seed."""


class Seen(Protocol):
    """An event as its owner sees it."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def content(self) -> EventContent: ...
    @property
    def key(self) -> str | None:
        """The product's key, as 32 hex digits, if the event bears one."""
        ...


class There(Protocol):
    """The other side: a calendar the business is linked to, its owner, and the way there."""

    scene: Business

    def events(self) -> Sequence[Seen]:
        """All events of the linked calendar, those marked as cancelled too."""
        ...

    def event(self, event_id: str) -> Seen | None: ...
    def add(self, when: When) -> str:
        """An event of the owner's own; its id."""
        ...

    def move(self, event_id: str, when: When) -> None: ...
    def edit(self, event_id: str, **texts: str) -> None:
        """Change title, place or description."""
        ...

    def delete(self, event_id: str) -> None: ...
    def cancel(self, event_id: str) -> None:
        """Mark as cancelled, or declined, without deleting."""
        ...

    def copy(self, event_id: str, when: When) -> str:
        """Copy and paste: the key goes along. The copy's id."""
        ...

    def cut_and_paste(self, event_id: str, when: When) -> None: ...
    def expire_cursors(self) -> None: ...
    def shown(self, title: str) -> str:
        """What becomes of a title that this system is sent."""
        ...

    def cutting(self, request: int, *, effect: bool, dies: bool) -> AbstractContextManager[None]:
        """Cut the n-th request from now, before or after its effect; perhaps the worker dies with it."""
        ...

    def writes(self) -> int:
        """How many writing requests arrived so far."""
        ...

    def close(self) -> None: ...


class TwoWay(RuleBasedStateMachine):
    """Begin with an `@initialize` rule of your own that calls `open`.

    `touched` remembers, since both sides last agreed, who changed which field to what.
    """

    def open(self, there: There, *, winner: str) -> None:
        self.there = there
        self.scene = there.scene
        Module.objects.filter(id=self.scene.module.id).update(conflict_rule=winner)
        self.appointments: list[Appointment] = []
        self.foreign: dict[str, str] = {}
        self.touched: dict[tuple[Any, str], dict[Side, list[Any]]] = {}
        self.gone: dict[Any, set[Side]] = {}
        self.copied: set[Any] = set()

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
            self.there.move(link.remote_id, at(hour))
            self._touch(link.appointment, "when", "there", at(hour))

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), title=TITLES, place=TITLES)
    def edited_there(self, data: st.DataObject, title: str, place: str) -> None:
        if (link := self._event(data)) is not None:
            self.there.edit(link.remote_id, title=title, place=place)
            self._touch(link.appointment, "title", "there", title)
            self._touch(link.appointment, "place", "there", place)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), notes=NOTES)
    def notes_written_there(self, data: st.DataObject, notes: str) -> None:
        """The owner writes above our block, or wipes everything and writes their own."""
        if (link := self._event(data)) is not None:
            kept = self.there.event(link.remote_id)
            assert kept
            block = "────────" + (kept.content.description or "").partition("────────")[2]
            self.there.edit(link.remote_id, description=f"{notes}\n\n{block}")
            self._touch(link.appointment, "notes", "there", notes)

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), how=st.sampled_from(["delete", "decline"]))
    def removed_there(self, data: st.DataObject, how: str) -> None:
        if (link := self._event(data)) is not None:
            if how == "delete" and link.appointment_id in self.copied:
                return  # the copy would take its place
            if how == "delete":
                self.there.delete(link.remote_id)
            else:
                self.there.cancel(link.remote_id)
            self.gone.setdefault(link.appointment_id, set()).add("there")

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), hour=HOURS)
    def cut_and_pasted_there(self, data: st.DataObject, hour: int) -> None:
        if (link := self._event(data)) is not None and link.appointment_id not in self.copied:
            self.there.cut_and_paste(link.remote_id, at(hour))
            self._touch(link.appointment, "when", "there", at(hour))

    @rule(hour=HOURS)
    def a_foreign_event_is_made(self, hour: int) -> None:
        self._is_foreign(self.there.add(at(hour)))

    @precondition(lambda self: self.appointments)
    @rule(data=st.data(), hour=HOURS)
    def copied_there(self, data: st.DataObject, hour: int) -> None:
        """A copy bears our key and is foreign all the same, as long as the original is there."""
        if (link := self._event(data)) is not None:
            self._is_foreign(self.there.copy(link.remote_id, at(hour)))
            self.copied.add(link.appointment_id)

    # --- what time and machines do

    @rule(seconds=st.sampled_from([1, 50, 130, 3700]))
    def time_passes(self, seconds: int) -> None:
        self.scene.later(seconds=seconds)

    @rule()
    def cursors_expire(self) -> None:
        self.there.expire_cursors()

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
        with self.there.cutting(request, effect=effect, dies=dies):
            self._drain()

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
        if hasattr(self, "there"):
            try:
                self.faults_stop()
            finally:
                self.there.close()

    def _both_sides_agree(self) -> None:
        events = [e for e in self.there.events() if e.key and not e.content.cancelled]
        for appointment in self._fresh():
            link = EventLink.objects.get(appointment=appointment)
            bearers = [e for e in events if e.key == link.id.hex and e.id not in self.foreign]
            if appointment.state == State.CANCELLED:
                assert bearers == [] and link.state == EventLink.State.ENDED, (bearers, link.state)
                continue
            assert [e.id for e in bearers] == [link.remote_id], "exactly one event for a live appointment"
            assert link.state == EventLink.State.CLEAN, (link.state, link.reason)
            theirs, _ = remote_fields(bearers[0].content, appointment, link)
            ours = local_fields(appointment)
            assert ours.when.same_instants(theirs.when)
            # what the calendar rewrites stands there in its own way for good, and is no change
            assert theirs.title in {ours.title, self.there.shown(ours.title or "")}
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
        for event_id, version in self.foreign.items():
            kept = self.there.event(event_id)
            assert kept and kept.version == version, "a foreign event was written"

    def _nobody_was_told_twice(self) -> None:
        for appointment in self._fresh():
            told = Message.objects.filter(appointment=appointment, audience="customer")
            keys = list(told.values_list("revision", "kind"))
            assert len(keys) == len(set(keys))
            owed = told.filter(state=Message.State.OWED)
            assert owed.count() <= 1, list(owed.values_list("kind", "revision"))

    def _it_is_quiet(self) -> None:
        before = self.there.writes()
        revisions = [a.revision for a in self._fresh()]
        self.scene.poll()
        self.scene.poll()
        assert self.there.writes() == before, "an echo was written"
        assert [a.revision for a in self._fresh()] == revisions

    # --- how it is done

    def _drain(self) -> None:
        try:
            self.scene.drain()
        except Crash:
            self.scene.heal()
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
        kept = self.there.event(link.remote_id)
        return link if kept and not kept.content.cancelled else None

    def _is_foreign(self, event_id: str) -> None:
        made = self.there.event(event_id)
        assert made
        self.foreign[event_id] = made.version

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


def play(machine: Any, *, scripts: int, steps: int) -> None:
    """Play so many scripts of at most so many steps. `machine` makes a TwoWay."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=scripts,
            stateful_step_count=steps,
            deadline=timedelta(seconds=60),
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )
