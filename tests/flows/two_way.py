"""Random two-way scripts: a business and a calendar's owner, with faults and crashes, on any provider.

A Hypothesis state machine. Faults hit any request (before or after its effect), crashes hit any statement of
any drain. When they stop, it demands what SYNC.md's invariants say: both sides agree, and every value has a
source. What differs from one calendar system to another stands in `There`, one class each.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from django.db import connection
from django.db.models import QuerySet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tests.sync_crash import Crash, dying_at
from tests.sync_scene import CUSTOMER, Business, at

from genie.core.appointment import State
from genie.core.event import EventContent, Fields, When
from genie.flows.absorb import A_SERIES, NO_TIME
from genie.flows.cancel import cancel
from genie.flows.decide import decide
from genie.flows.describe import local_fields, remote_fields
from genie.flows.edit import edit
from genie.flows.push import SERIES_LEFT
from genie.flows.reschedule import reschedule
from genie.store.frozen import rows
from genie.store.models import Appointment, Change, Connection, EventLink, Incident, Message, Module

TITLES = st.sampled_from(["Tour", "Visit", "Chat", "Call – é", ""])
NOTES = st.sampled_from(["", "Side door", "Two\nlines", "   padded  "])
HOURS = st.integers(min_value=0, max_value=200)
MINUTES = st.sampled_from([15, 30, 90, 240])
WINNERS = st.sampled_from(["calendar_wins", "dashboard_wins"])
BOOKED = st.integers(min_value=1, max_value=2)
WHICH = st.integers(min_value=0, max_value=5)
"""Which of those there are: counted on from the first again when there are fewer."""
Side = Literal["here", "there"]

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""A failing script is printed as it is, and replays from its seed; SHRINK=1 shortens it, in minutes."""
if os.environ.get("SHRINK"):
    PHASES.append(Phase.shrink)


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
    """The other side: an account with two calendars, one of which the business is linked to, its owner, and
    the way there. Events are named by their ids; the owner finds them on whichever calendar they are."""

    scene: Business
    moves_keep_ids: bool
    """Has an event that was moved to another calendar its id there, too?"""

    def events(self) -> Sequence[Seen]:
        """All events of both calendars, those marked as cancelled too; a series once."""
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
    def to_other_calendar(self, event_id: str) -> None:
        """Move it from the one calendar to the other."""
        ...

    def repeat(self, event_id: str) -> None:
        """Make it a series of weeks."""
        ...

    def repeat_no_more(self, event_id: str) -> None:
        """Make a series one single event again."""
        ...

    def expire_cursors(self) -> None: ...
    def shown(self, title: str) -> str:
        """What becomes of a title that this system is sent."""
        ...

    def cutting(self, request: int, *, effect: bool, dies: bool) -> AbstractContextManager[None]:
        """Cut the n-th request from now, before or after its effect; perhaps the worker dies with it."""
        ...

    def writes(self) -> int:
        """How many requests that write an event arrived so far."""
        ...

    def faults_stop(self) -> None:
        """From now on nothing goes wrong by itself."""
        ...

    def faults_go_on(self) -> None: ...
    def close(self) -> None: ...


class TwoWay(RuleBasedStateMachine):
    """Begin with an `@initialize` rule of your own that calls `open`.

    `touched` remembers, since both sides last agreed on an appointment, who changed which field to what.
    """

    def open(self, there: There, *, winner: str, booked: int) -> None:
        """`booked`: so many appointments are on the calendar from the beginning, five hours apart."""
        self.there = there
        self.scene = there.scene
        Module.objects.filter(id=self.scene.module.id).update(conflict_rule=winner)
        self.appointments: list[Appointment] = []
        self.foreign: dict[str, str] = {}
        self.touched: dict[tuple[Any, str], dict[Side, list[Any]]] = {}
        self.agreed: dict[Any, Fields] = {}
        self.gone: dict[Any, set[Side]] = {}
        self.copied: set[Any] = set()
        self.pasted: set[Any] = set()
        """What was cut and pasted: before it is seen, nothing tells it from a copy."""
        self.series: dict[Any, str] = {}
        """The events that are a series now, in the version their owner gave them."""
        self.wrote, self.quiet_here = 0, True
        for hour in range(0, 5 * booked, 5):
            self._book(hour)
        self._drain()
        there.faults_go_on()

    # --- what people do

    @precondition(lambda self: len(self.appointments) < 3)
    @rule(hour=HOURS, at_once=st.booleans())
    def somebody_books(self, hour: int, at_once: bool) -> None:
        self._book(hour)
        if at_once:
            self._drain()

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, hour=HOURS)
    def moved_here(self, which: int, hour: int) -> None:
        appointment = self._pick(which)
        if appointment.state == State.CONFIRMED:
            reschedule(
                company_id=appointment.company_id,
                appointment_id=appointment.id,
                start=at(hour).start,
                end=at(hour).end,
                actor=CUSTOMER,
                now=self.scene.now,
                force=True,
            )
            self._touch(appointment, "when", "here", at(hour))

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, title=TITLES, notes=NOTES)
    def edited_here(self, which: int, title: str, notes: str) -> None:
        appointment = self._pick(which)
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
    @rule(which=WHICH)
    def cancelled_here(self, which: int) -> None:
        appointment = self._pick(which)
        if appointment.state == State.CONFIRMED:
            cancel(
                company_id=appointment.company_id,
                appointment_id=appointment.id,
                actor=CUSTOMER,
                now=self.scene.now,
            )
            self.gone.setdefault(appointment.id, set()).add("here")
            self.quiet_here = False

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, hour=HOURS)
    def moved_there(self, which: int, hour: int) -> None:
        if (link := self._event(which)) is not None:
            self._moved_there(link, at(hour))

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, minutes=MINUTES)
    def resized_there(self, which: int, minutes: int) -> None:
        if (link := self._event(which)) is not None:
            kept = self.there.event(link.remote_id)
            assert kept
            start = kept.content.when.start
            self._moved_there(link, When(start, start + timedelta(minutes=minutes), "UTC"))

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, hour=HOURS)
    def made_all_day_there(self, which: int, hour: int) -> None:
        if (link := self._event(which)) is not None:
            self._moved_there(link, day_of(at(hour).start))

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, title=TITLES, place=TITLES)
    def edited_there(self, which: int, title: str, place: str) -> None:
        if (link := self._event(which)) is not None:
            self.there.edit(link.remote_id, title=title, place=place)
            self._touch(link.appointment, "title", "there", title)
            self._touch(link.appointment, "place", "there", place)

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, notes=NOTES)
    def notes_written_there(self, which: int, notes: str) -> None:
        """The owner writes above our block, or wipes everything and writes their own."""
        if (link := self._event(which)) is not None:
            kept = self.there.event(link.remote_id)
            assert kept
            block = "────────" + (kept.content.description or "").partition("────────")[2]
            self.there.edit(link.remote_id, description=f"{notes}\n\n{block}")
            self._touch(link.appointment, "notes", "there", notes)

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, how=st.sampled_from(["delete", "decline"]))
    def removed_there(self, which: int, how: str) -> None:
        if (link := self._event(which)) is not None:
            if self._a_copy_takes_its_place(link, how):
                return
            if how == "delete":
                self.there.delete(link.remote_id)
            else:
                self.there.cancel(link.remote_id)
            self.gone.setdefault(link.appointment_id, set()).add("there")
            self.series.pop(link.appointment_id, None)

    def _a_copy_takes_its_place(self, link: EventLink, how: str) -> bool:
        """Once its event is removed so?"""
        return how == "delete" and link.appointment_id in self.copied

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, hour=HOURS)
    def cut_and_pasted_there(self, which: int, hour: int) -> None:
        if (link := self._event(which)) is not None and link.appointment_id not in self.copied:
            self.there.cut_and_paste(link.remote_id, at(hour))
            self.pasted.add(link.appointment_id)
            self._touch(link.appointment, "when", "there", at(hour))

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH)
    def moved_to_another_calendar_there(self, which: int) -> None:
        if (link := self._event(which)) is None:
            return
        if self.there.moves_keep_ids or link.appointment_id not in self.copied:
            self.there.to_other_calendar(link.remote_id)
            if not self.there.moves_keep_ids:
                self.pasted.add(link.appointment_id)
            self._touch(link.appointment, "calendar", "there", None)

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH)
    def made_a_series_there(self, which: int) -> None:
        if (link := self._event(which)) is not None and link.appointment_id not in self.series:
            self.there.repeat(link.remote_id)
            self.series[link.appointment_id] = ""
            self._touch(link.appointment, "series", "there", None)

    @precondition(lambda self: self.series)
    @rule(which=WHICH)
    def made_a_single_event_again_there(self, which: int) -> None:
        if (link := self._event(which)) is not None and link.appointment_id in self.series:
            self.there.repeat_no_more(link.remote_id)
            del self.series[link.appointment_id]

    @rule(hour=HOURS, series=st.booleans())
    def a_foreign_event_is_made(self, hour: int, series: bool) -> None:
        made = self.there.add(at(hour))
        if series:
            self.there.repeat(made)
        self._is_foreign(made)

    @precondition(lambda self: self.foreign)
    @rule(which=WHICH, hour=HOURS)
    def a_foreign_event_is_moved(self, which: int, hour: int) -> None:
        event_id = sorted(self.foreign)[which % len(self.foreign)]
        self.there.move(event_id, at(hour))
        self._is_foreign(event_id)

    @precondition(lambda self: self.appointments)
    @rule(which=WHICH, hour=HOURS)
    def copied_there(self, which: int, hour: int) -> None:
        """A copy bears our key and is foreign all the same, as long as the original is there."""
        if (link := self._event(which)) is not None:
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

    @rule()
    def a_minute_passes(self) -> None:
        self.scene.later(minutes=1)
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
        self.there.faults_stop()
        self.scene.settle()
        while self._decided(Incident.Decision.REALLY_CHANGED) or self._questions_end():
            self.scene.settle()
        self._both_sides_agree()
        self._no_value_was_lost()
        self._foreign_events_are_untouched()
        self._nobody_was_told_twice()
        self._nothing_was_written_without_a_change_here()
        self._it_is_quiet()
        self._begin_anew()
        self.there.faults_go_on()

    def teardown(self) -> None:
        if hasattr(self, "there"):
            try:
                self.faults_stop()
            finally:
                self.there.close()
                Connection.objects.filter(module=self.scene.module).update(state=Connection.State.ENDED)

    def _both_sides_agree(self) -> None:
        events = [e for e in self.there.events() if e.key and not e.content.cancelled]
        found = rows(_links_of_a_module, self.scene.module.id)
        links = {link.appointment_id: link for link in found}
        assert len(links) == len(found), "an appointment has two links"
        for appointment in self._sent():
            link = links[appointment.id]
            bearers = [e for e in events if e.key == link.id.hex and e.id not in self.foreign]
            if appointment.id in self.series:
                self._a_series_is_left_alone(appointment, link, bearers)
            elif appointment.state == State.CANCELLED:
                bearers = self._without_what_was_left(appointment, link, bearers)
                assert bearers == [] and link.state == EventLink.State.ENDED, (bearers, link.state)
            else:
                bearers = self._without_what_was_left(appointment, link, bearers)
                assert [e.id for e in bearers] == [link.remote_id], "exactly one event for a live appointment"
                assert link.state == EventLink.State.CLEAN, (link.state, link.reason)
                self._agrees(appointment, link, bearers[0])

    def _without_what_was_left(
        self, appointment: Appointment, link: EventLink, bearers: list[Seen]
    ) -> list[Seen]:
        """Here an event is never left beside the appointment's own."""
        return bearers

    def _a_series_is_left_alone(
        self, appointment: Appointment, link: EventLink, bearers: Sequence[Seen]
    ) -> None:
        """Its owner's, whatever became of the appointment: never written, never deleted."""
        assert [e.version for e in bearers] == [self.series[appointment.id]]
        if appointment.state == State.CANCELLED:
            assert (link.state, appointment.attention) == (EventLink.State.ENDED, SERIES_LEFT)
        else:
            assert bearers[0].id == link.remote_id
            assert (link.state, link.reason) == (EventLink.State.PARKED, A_SERIES)
            assert appointment.attention == A_SERIES

    def _agrees(self, appointment: Appointment, link: EventLink, event: Seen) -> None:
        theirs, _ = remote_fields(event.content, appointment, link)
        ours = local_fields(appointment)
        if theirs.when.is_bookable:
            assert ours.when.same_instants(theirs.when)
            assert appointment.attention not in (NO_TIME, A_SERIES)
        else:
            assert appointment.attention == NO_TIME
        # what the calendar rewrites stands there in its own way for good, and is no change
        assert theirs.title in {ours.title, self.there.shown(ours.title or "")}
        assert (ours.place, ours.notes) == (theirs.place, theirs.notes)

    def _no_value_was_lost(self) -> None:
        fresh = {appointment.id: appointment for appointment in self._fresh()}
        for appointment_id, sides in self.gone.items():
            assert sides and fresh[appointment_id].state == State.CANCELLED
        for appointment in fresh.values():
            assert (appointment.state == State.CANCELLED) == (appointment.id in self.gone), appointment.state
        for (appointment_id, name), changes in self.touched.items():
            appointment = fresh[appointment_id]
            if appointment.state == State.CANCELLED or not hasattr(self.agreed[appointment_id], name):
                continue
            value = plain(getattr(local_fields(appointment), name))
            may_be = self._may_be(appointment_id, name, changes)
            assert value in [plain(one) for one in may_be], (name, value, changes)

    def _may_be(self, appointment_id: Any, name: str, changes: dict[Side, list[Any]]) -> list[Any]:
        """The last value of each side. Where theirs is none an appointment can have, or not taken in yet,
        each earlier one may be the last that was taken in."""
        here, there = changes.get("here", []), changes.get("there", [])
        last = there[-1:]
        if appointment_id in self.series or (last and isinstance(last[0], When) and last[0].all_day):
            good = [one for one in there if not isinstance(one, When) or not one.all_day]
            last = [*good, *([] if here else [getattr(self.agreed[appointment_id], name)])]
        if name == "title":  # what the calendar makes of one that went along with another field may be theirs
            last = last + [self.there.shown(one) for one in last]
        return here[-1:] + last

    def _foreign_events_are_untouched(self) -> None:
        for event_id, version in self.foreign.items():
            kept = self.there.event(event_id)
            assert kept and kept.version == version, "a foreign event was written"

    def _nobody_was_told_twice(self) -> None:
        letters, lines = self._letters(), self._lines()
        for appointment in self._fresh():
            told = letters[appointment.id]
            keys = [(letter.revision, letter.kind) for letter in told]
            assert len(keys) == len(set(keys))
            owed = [one for one in told if one.state == Message.State.OWED and one.kind != Message.Kind.ASKED]
            assert len(owed) <= 1, [(one.kind, one.revision) for one in owed]
            news = ["when", "state", "asked", "kept"]
            changed = {one.revision for one in lines[appointment.id] if not one.lost and one.field in news}
            assert {revision for revision, _ in keys} <= changed, "told of no change"

    def _nothing_was_written_without_a_change_here(self) -> None:
        if self.quiet_here:
            assert self.there.writes() == self.wrote, "an echo was written"

    def _it_is_quiet(self) -> None:
        before = self.there.writes()
        revisions = [a.revision for a in self._fresh()]
        messages = Message.objects.filter(company=self.scene.module.company_id).count()
        self.scene.poll()
        self.scene.poll()
        assert self.there.writes() == before, "an echo was written"
        assert [a.revision for a in self._fresh()] == revisions
        assert Message.objects.filter(company=self.scene.module.company_id).count() == messages

    def _begin_anew(self) -> None:
        """What was agreed is the ground for what comes; on a series nothing was agreed."""
        self.wrote, self.quiet_here = self.there.writes(), True
        for appointment in self._fresh():
            if appointment.state == State.CANCELLED and appointment.id in self.series:
                self._is_foreign(self._own_event(appointment).id)
                del self.series[appointment.id]
            if appointment.id not in self.series:
                self.agreed[appointment.id] = local_fields(appointment)
        self.touched = {key: sides for key, sides in self.touched.items() if key[0] in self.series}

    # --- how it is done

    def _book(self, hour: int) -> None:
        made = self.scene.book(at(hour).start, name=f"Guest {len(self.appointments)}")
        self.appointments.append(made)
        self.agreed[made.id] = local_fields(made)
        self.quiet_here = False

    def _decided(self, decision: Incident.Decision) -> bool:
        """Did somebody press a button, where so much was changed on a calendar that they were asked?"""
        company = self.scene.module.company_id
        opened = list(Incident.objects.filter(calendar__key__company_id=company, decision=""))
        for one in opened:
            decide(company_id=company, incident_id=one.id, decision=decision, user=None, now=self.scene.now)
        return bool(opened)

    def _questions_end(self) -> bool:
        """Was a customer asked to accept another time, and the question brought to its end?"""
        return False

    def _drain(self) -> None:
        try:
            self.scene.drain()
        except Crash:
            connection.close()  # a dead worker's locks and transactions are gone with its connection

    def _sent(self) -> list[Appointment]:
        """Those that have an event, or had one."""
        return self._fresh()

    def _fresh(self) -> list[Appointment]:
        ids = [appointment.id for appointment in self.appointments]
        found = rows(_with_their_module, self.scene.module.id)
        return sorted((row for row in found if row.id in ids), key=lambda row: ids.index(row.id))

    def _letters(self) -> Mapping[Any, list[Message]]:
        """Those to customers, by appointment, as they were written."""
        found = defaultdict(list)
        for letter in rows(_letters_to_customers, self.scene.module.id):
            found[letter.appointment_id].append(letter)
        return found

    def _lines(self) -> Mapping[Any, list[Change]]:
        """The histories, by appointment."""
        found = defaultdict(list)
        for line in rows(_history_of_a_module, self.scene.module.id):
            found[line.appointment_id].append(line)
        return found

    def _pick(self, which: int) -> Appointment:
        return Appointment.objects.get(id=self.appointments[which % len(self.appointments)].id)

    def _event(self, which: int) -> EventLink | None:
        """A link whose event stands on the calendar; the owner can only touch what is there."""
        there = {event.id for event in self.there.events() if not event.content.cancelled}
        links = rows(_links_of_a_module, self.scene.module.id)
        found = [link for link in links if link.remote_id in there and link.appointment_id not in self.gone]
        if not found:
            return None
        found.sort(key=lambda link: self.appointments.index(link.appointment))
        return found[which % len(found)]

    def _moved_there(self, link: EventLink, when: When) -> None:
        self.there.move(link.remote_id, when)
        self._touch(link.appointment, "when", "there", when)

    def _is_foreign(self, event_id: str) -> None:
        made = self.there.event(event_id)
        assert made
        self.foreign[event_id] = made.version

    def _touch(self, appointment: Appointment, name: str, side: Side, value: Any) -> None:
        self.touched.setdefault((appointment.id, name), {}).setdefault(side, []).append(value)
        if side == "here":
            self.quiet_here = False
        if side == "there" and appointment.id in self.series:
            self.series[appointment.id] = self._own_event(appointment).version

    def _own_event(self, appointment: Appointment) -> Seen:
        """The appointment's event, wherever its owner put it."""
        key = EventLink.objects.get(appointment=appointment).id.hex
        living = [e for e in self.there.events() if e.key == key and not e.content.cancelled]
        (event,) = [e for e in living if e.id not in self.foreign]
        return event


def _with_their_module(module_id: int) -> QuerySet[Appointment]:
    return Appointment.objects.select_related("lead", "module__company").filter(module_id=module_id)


def _links_of_a_module(module_id: int) -> QuerySet[EventLink]:
    return EventLink.objects.select_related("appointment").filter(appointment__module_id=module_id)


def _letters_to_customers(module_id: int) -> QuerySet[Message]:
    told = Message.objects.filter(appointment__module_id=module_id, audience=Message.Audience.CUSTOMER)
    return told.order_by("revision", "created_at", "id")


def _history_of_a_module(module_id: int) -> QuerySet[Change]:
    return Change.objects.filter(appointment__module_id=module_id).order_by("id")


def is_in_version(event: Seen, known: str) -> bool:
    """Its owner's program sees the version as HTTP has it (RFC 9110, 8.8.3), the product keeps it bare."""
    return event.version.removeprefix("W/").strip('"') == known


def day_of(moment: datetime) -> When:
    """The whole day (UTC) that this moment is on."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return When(midnight, midnight + timedelta(days=1), "UTC", all_day=True)


def plain(value: Any) -> Any:
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
