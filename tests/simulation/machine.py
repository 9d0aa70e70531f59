"""A business, a calendar's owner, workers and faults: every step of a simulation, and what must hold.

The two-way scripts of tests/flows, without Hypothesis: steps are called by name with plain numbers, so a
script is data, replays exactly, and can be shortened. Beside theirs there are steps in the midst of a drain,
two workers in one calendar, access that ends, switching, unlinking and linking again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import connection
from tests.flows.two_way import Seen, Side, TwoWay, is_in_version, plain
from tests.simulation.breaker import BreakerWatch
from tests.simulation.stages import Stage
from tests.sync_crash import Crash, dying_after, dying_at
from tests.sync_scene import CUSTOMER, at

from genie.core.appointment import LIVE, State
from genie.core.event import When
from genie.flows.accept_time import accept_time
from genie.flows.ask import proposal
from genie.flows.connect_calendar import connect_calendar
from genie.flows.deliver import deliver, due
from genie.flows.describe import local_fields
from genie.flows.keep_time import keep_time
from genie.flows.notify import told
from genie.flows.seat import NoSeat
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import unlink
from genie.notices.port import Letterhead, OutgoingMail, Unavailable
from genie.store.models import (
    Appointment,
    BusyTime,
    Change,
    Connection,
    EventLink,
    Incident,
    Message,
    Module,
    RemoteObject,
)

TOO_LATE = "It could not be sent for two days."
FLOWING = ("when", "title", "place", "notes")
Step = tuple[str, dict[str, Any]]


@dataclass
class Post:
    """A mail server. `trouble`: how often of ten times it is out of reach, in a fixed order."""

    letterhead: Letterhead = field(
        default_factory=lambda: Letterhead("genie@acme.example", "https://genie.example")
    )
    trouble: int = 0
    taken: list[OutgoingMail] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None
    """What happens, once, while the next letter is handed over."""
    _asked: int = 0

    def send(self, mail: OutgoingMail) -> None:
        self._asked += 1
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            happens()
        if self._asked * 7 % 10 < self.trouble:
            raise Unavailable("The mail server is out of reach.", outcome_unknown=self._asked % 2 == 0)
        self.taken.append(mail)


def in_another_session(work: Callable[[], object]) -> None:
    """As a web server has it: what a worker holds in the midst of a drain is really held."""

    def done() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        other.submit(done).result()


def _is_being_put_back(appointment_id: Any) -> bool:
    """Somebody said so, and the worker has not done it yet: what is changed there meanwhile goes with it."""
    links = EventLink.objects.filter(appointment_id=appointment_id)
    return links.filter(incident__decision=Incident.Decision.PUT_BACK).exists()


def _was_read(letter: Message) -> bool:
    """While faults end days pass, and a letter is not sent that late."""
    return letter.state == Message.State.SENT or letter.reason.startswith(TOO_LATE)


def _read(name: str, said: str) -> Any:
    """A value as a line of the history has it."""
    start, _, end = said.partition("/")
    is_time = name == "when" and start and end
    return When(datetime.fromisoformat(start), datetime.fromisoformat(end), "UTC") if is_time else said


class Simulated(TwoWay):
    """One seed's world while it is played."""

    def __init__(self, stage: Stage, *, winner: str, booked: int, capacity: int, inbound: str) -> None:
        super().__init__()
        self.stage = stage
        self.listening = True
        """May what happens there flow back?"""
        self.linked = self.granted = True
        self.ever: dict[tuple[Any, str], list[Any]] = defaultdict(list)
        """Every value anybody ever gave a field."""
        self.loose: set[tuple[Any, str]] = set()
        """Fields changed there while nothing flowed back, or about when that began: either value is right."""
        self.perhaps_gone: set[Any] = set()
        self.booked_as: dict[Any, dict[str, Any]] = {}
        """What the booking page confirmed."""
        self.post = Post()
        self.perhaps_handed_over: set[str] = set()
        """Letters whose worker died after it had handed one over, perhaps: they may be sent again."""
        self.seen_busy: dict[str, str] = {}
        """Events of the owner's own, in the version whose time was known to be taken."""
        self.calendar_wins = winner == Module.ConflictRule.CALENDAR_WINS
        self.conflicts: dict[tuple[Any, str], tuple[Any, Any]] = {}
        """Fields both sides changed at once, after they had agreed: the value that wins, and the other."""
        self.came_in = 0
        """How many changes had come from calendars when that ended."""
        self.removed = False
        """Were copies removed when the link ended? What was cut and pasted unseen stayed."""
        self.elsewhere = False
        """Was an event moved to another calendar? Its copy stays there when the link ends."""
        self.puts_back = inbound == Module.InboundRule.PUT_IT_BACK
        self.asks = inbound == Module.InboundRule.ASK_THE_CUSTOMER
        Module.objects.filter(id=stage.scene.module.id).update(capacity=capacity, inbound_rule=inbound)
        stage.scene.module.refresh_from_db()
        self.copies: Counter[Any] = Counter()
        self.most = max(3, booked + 1)
        self.breaker = BreakerWatch(stage.scene.module)
        self.open(stage, winner=winner, booked=booked)

    def play(self, step: Step) -> None:
        name, arguments = step
        if self.possible(name):
            getattr(self, name)(**arguments)

    def holds_always(self) -> None:
        """What must hold after each step, faults or not."""
        if len(self.appointments) > 2 and not self.elsewhere:  # of two no change is ever held
            self.breaker.check(self.scene.now)
        self.breaker.all_are_back()
        self._what_is_taken_stays_taken()

    def possible(self, name: str) -> bool:
        """Do the conditions of a step hold? One that lost its ground by shortening is left out."""
        rule = getattr(getattr(type(self), name), "hypothesis_stateful_rule", None)
        return all(condition(self) for condition in rule.preconditions) if rule else True

    # --- more steps

    def somebody_books(self, hour: int, at_once: bool) -> None:
        if len(self.appointments) < self.most:
            self._book(hour)
            if at_once:
                self._drain()

    def many_are_changed_there(self, how: str, most: int, hour: int, noticed: bool) -> None:
        """The owner cleans up, or a program of theirs has gone mad. `noticed`: the worker sees it soon."""
        for number in range(most):
            if how == "delete":
                self.removed_there(which=0, how=how)
            else:
                self.moved_there(which=number, hour=hour + 3 * number)
        if noticed:
            self.a_minute_passes()

    def changed_on_both_sides(self, which: int, name: str, hour: int) -> None:
        """Before anybody looks: by the module's rule one of them wins, and the history has the other."""
        link = self._event(which)
        if link is None or not self._in_step(link):
            return
        appointment = link.appointment
        number = self.appointments.index(appointment)
        if name == "declined there":  # off beats moved, from either side
            self.moved_here(which=number, hour=hour)
            self.removed_there(which=which, how="decline")
            return
        if name == "cancelled here":
            self._moved_there(link, at(hour))
            self.cancelled_here(which=number)
            return
        before = getattr(local_fields(appointment), name)
        if name == "when":
            self.moved_here(which=number, hour=hour)
            self._moved_there(link, at(hour + 2))
            here, there = at(hour), at(hour + 2)
        else:
            self.edited_here(which=number, title="Ours", notes=appointment.notes)
            self.there.edit(link.remote_id, title="Theirs")
            self._touch(appointment, "title", "there", "Theirs")
            here, there = "Ours", "Theirs"
        changed = plain(before) not in (plain(here), plain(there))
        if changed and not (self._may_not_be_taken and name == "when"):
            self.conflicts[appointment.id, name] = (there, here) if self.calendar_wins else (here, there)

    def _in_step(self, link: EventLink) -> bool:
        """Both sides agree on it, and nothing is under way."""
        event = self.there.event(link.remote_id)
        return (
            self.listening
            and link.state == EventLink.State.CLEAN
            and not link.asked
            and link.appointment.state == State.CONFIRMED
            and link.pushed_revision == link.appointment.revision
            and link.connection.state == Connection.State.LINKED
            and link.appointment_id not in self.series
            and event is not None
            and is_in_version(event, link.etag)
        )

    def moved_though_cancelled_here(self, which: int, hour: int) -> None:
        """The event of a cancelled appointment, as long as it is there."""
        cancelled = [one.id for one in self.appointments if self.gone.get(one.id) == {"here"}]
        links = EventLink.objects.filter(appointment_id__in=cancelled).exclude(remote_id="")
        kept = [event for link in links.order_by("id") if (event := self.there.event(link.remote_id))]
        alive = [event for event in kept if not event.content.cancelled and event.id not in self.foreign]
        if alive and not self.series:
            self.there.move(alive[which % len(alive)].id, at(hour))

    def a_minute_passes(self, letters: bool = False) -> None:
        super().a_minute_passes()
        if letters:
            self.letters_go_out()

    def heard_there(self, step: Step) -> None:
        """Something is changed there, and the endpoint takes the message about it; no worker has run yet."""
        self.play(step)
        self.stage.hear()

    def message_is_lost(self, first: Step) -> None:
        """What is changed there is told of, and the message does not arrive."""
        self.play(first)
        self.stage.lose_messages()

    def messages_arrive(self) -> None:
        self.stage.hear()
        self._drain()

    def letters_go_out(self, trouble: int = 0) -> None:
        """`trouble`: how often of ten times the mail server is out of reach."""
        self.post.trouble = trouble
        for message_id in due(now=self.scene.now):
            deliver(message_id=message_id, sender=self.post, now=self.scene.now)
        self.breaker.check_letters()

    def while_a_letter_leaves(self, step: Step) -> None:
        """While one is handed over, another worker sends letters, or somebody changes what it is about."""
        self.post.meanwhile = lambda: self.play(step)
        self.letters_go_out()
        self.post.meanwhile = None

    def worker_dies_after_a_commit(self, commit: int, first: Step) -> None:
        """Between any two transactions of a drain that has something to do."""
        self.heard_there(first)
        self.scene.later(minutes=1)
        with dying_after(commit):
            self._drain()

    def answer_is_lost(self, request: int, dies: bool, first: Step, then: Step) -> None:
        """A write takes effect, and we never learn of it; before it is tried again something else happens."""
        self.play(first)
        with self.there.cutting(request, effect=True, dies=dies):
            self._drain()
        self.play(then)

    def refused_for_a_while(self, first: Step) -> None:
        """The calendar does not take a write; later it does."""
        self.play(first)
        with self.stage.refusing():
            self._drain()

    def old_copies_are_shown(self, first: Step) -> None:
        """A change was noticed, and a server that does not know of it yet answers who looks at it."""
        self.heard_there(first)
        self.scene.later(minutes=1)
        with self.stage.showing_old_copies():
            self._drain()

    def lists_lag(self, first: Step) -> None:
        """For some time lists show the calendar as it was, whatever is changed there."""
        self.heard_there(first)
        self.scene.later(seconds=50)
        with self.stage.lists_lagging():
            self._drain()

    def heard_in_the_midst(self, request: int, first: Step, which: int, hour: int) -> None:
        """A message comes while the calendar is read about another one: what it told of is read at once.
        Not by systems that do not tell, and where nothing fails meanwhile."""
        self.there.faults_stop()
        self._drain()
        if (link := self._event(which)) is not None and self._in_step(link) and self.granted:
            self.heard_there(first)
            told = False

            def happens() -> None:
                nonlocal told
                if self.there.event(link.remote_id):
                    self._moved_there(link, at(hour))
                    told = self.stage.hear()

            self.stage.way.plan(request, happens, after=True)
            self._drain()
            self.stage.way.forget_plans()
            event = self.there.event(link.remote_id)
            seen = RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=link.remote_id).first()
            if told and event and seen:
                assert is_in_version(event, seen.etag), "a message was forgotten"
        self.there.faults_go_on()

    def taken_in_by_another(self, step: Step) -> None:
        """Something is changed there, and while one worker is at it another one takes it in."""
        self.heard_there(step)
        self.scene.later(minutes=1)
        self._drain()

    def moved_there_and_back(self, which: int, hour: int, told: bool) -> None:
        """Once the change has come in, its owner takes it back. `told`: not the first one, of which a letter
        was sent, but the next."""
        if (link := self._event(which)) is None or not self._in_step(link):
            return
        before = local_fields(link.appointment).when
        for when in [at(hour), before, at(hour)] if told else [at(hour), before]:
            again = EventLink.objects.select_related("appointment").get(id=link.id)
            if not again.remote_id or not self.there.event(again.remote_id):
                return
            if again.appointment_id in self.gone:
                return
            self._moved_there(again, when)
            self.a_minute_passes()
            if told and when != before:
                self.scene.later(minutes=2)
                self.letters_go_out()

    def retitled_there_in_peace(self, which: int, title: str) -> None:
        """Where nothing is owed to a calendar, a change there is no reason to write to it."""
        links = EventLink.objects.filter(appointment__module=self.scene.module)
        waiting = links.exclude(state=EventLink.State.ENDED).select_related("appointment", "connection")
        if (link := self._event(which)) is None or not all(self._in_step(one) for one in waiting):
            return
        wrote = self.there.writes()
        self.there.edit(link.remote_id, title=title)
        self._touch(link.appointment, "title", "there", title)
        for _ in range(2):
            self.a_minute_passes()
        assert self.there.writes() == wrote, "an echo was written"

    def written_while_off(self, there: Step, here: Step) -> None:
        """With real-time updates off a write meets what was changed there, and takes nothing of it in."""
        if self.linked and self.listening:
            self.realtime_switched(on=False)
            self.play(there)
            self.play(here)
            self.a_minute_passes()

    def unlinked_while_it_is_looked_at(self, request: int, keep: bool, hour: int) -> None:
        """Several changes were seen; the link ends before the last of them is read."""
        self.many_are_changed_there(how="move", most=3, hour=hour, noticed=False)
        self.meanwhile(request=request, after=False, step=("unlinked", {"keep": keep}), wait=True)

    def letter_worker_is_killed(self, statement: int) -> None:
        try:
            with dying_at(statement):
                self.letters_go_out()
        except Crash:
            connection.close()
            on_its_way = Message.objects.filter(claimed_at__isnull=False)
            self.perhaps_handed_over |= {str(one) for one in on_its_way.values_list("id", flat=True)}

    def meanwhile(
        self, request: int, after: bool, step: Step, first: Step | None = None, wait: bool = False
    ) -> None:
        """While a worker talks to the calendar, at its n-th request, something else happens. `first`: what
        gives the worker something to do; after some time (`wait`) the calendar is to be read as well."""
        if first:
            self.play(first)
        if wait:
            self.scene.later(minutes=1)

        def happens() -> None:
            assert not connection.in_atomic_block, "a request was made inside a transaction"
            self._what_is_taken_stays_taken()
            self.play(step)

        self.stage.way.plan(request, happens, after=after)
        try:
            self._drain()
        finally:
            self.stage.way.forget_plans()

    def changed_while_it_is_written(self, request: int, first: Step, then: Step) -> None:
        """Its owner changes the very event between our reading and our writing."""
        self.meanwhile(request=request, after=False, step=then, first=first)

    def cancelled_beside_a_copy(self, which: int, hour: int, request: int, dies: bool) -> None:
        """And the answer to the deletion is lost: done again, it would meet the copy alone."""
        if (link := self._event(which)) is not None:
            self.copied_there(which=which, hour=hour)
            cancelled = "cancelled_here", {"which": self.appointments.index(link.appointment)}
            self.answer_is_lost(request=request, dies=dies, first=cancelled, then=("worker_runs", {}))

    def deleted_beside_copies(self, which: int, hour: int, copies: int) -> None:
        """One copy is taken for what was moved; of two none is."""
        for number in range(copies):
            self.copied_there(which=which, hour=hour + number)
        self.removed_there(which=which, how="delete")

    def somebody_decides(self, put_back: bool) -> None:
        """Where so much was changed on the calendar that a person is asked."""
        if put_back:
            links = EventLink.objects.filter(appointment__module=self.scene.module, incident__decision="")
            for appointment_id in links.values_list("appointment_id", flat=True):
                self._either_is_right(appointment_id)
                self.conflicts.pop((appointment_id, "when"), None)
                self.quiet_here = False
        self.breaker.is_decided(self.there, put_back=put_back)
        self._decided(Incident.Decision.PUT_BACK if put_back else Incident.Decision.REALLY_CHANGED)

    def _either_is_right(self, appointment_id: Any) -> None:
        """What was moved or deleted there may be put back, or may be seen too late for that. What was written
        into an event that is made again, and not read before, is gone with it."""
        self.loose |= {(appointment_id, name) for name in FLOWING}
        if self.gone.get(appointment_id) == {"there"}:
            del self.gone[appointment_id]
            self.perhaps_gone.add(appointment_id)

    def customer_answers(self, which: int, accept: bool) -> None:
        """Where a customer is asked to accept the time that the calendar's owner set."""
        if not self.appointments:
            return
        asked = EventLink.objects.filter(appointment=self._pick(which), question_at__isnull=False).first()
        wish = proposal(asked) if asked else None
        if asked and wish:
            self._answer(asked, wish, accept=accept)

    def _answer(self, asked: EventLink, wish: When, *, accept: bool) -> None:
        self.breaker.is_touched(asked.appointment_id)
        self.conflicts.pop((asked.appointment_id, "when"), None)
        (accept_time if accept else keep_time)(
            company_id=self.scene.module.company_id,
            appointment_id=asked.appointment_id,
            proposed=wish,
            actor=CUSTOMER,
            now=self.scene.now,
        )
        self.quiet_here = False

    def _questions_end(self) -> bool:
        """While one is open both sides stand where they stood; customers accept, say no, or say nothing."""
        asked = EventLink.objects.filter(appointment__module=self.scene.module, question_at__isnull=False)
        links = list(asked.select_related("appointment").order_by("proposed_start", "id"))
        if links:
            self.scene.later(minutes=2)  # what came in has settled
            self.letters_go_out()
        for link in links:
            wish, event = proposal(link), self.there.event(link.remote_id)
            assert wish, link
            assert event, "asked about an event that is not there"
            assert event.content.when.same_instants(wish), "asked about a time that the event does not have"
            assert link.state == EventLink.State.CLEAN, (link.state, link.reason)
            what = wish.start.hour % 3
            if what < 2:
                self._answer(link, wish, accept=what == 0)
        for link in links:
            assert link.answer_until
            self.scene.now = max(self.scene.now, link.answer_until)
        self._drain()
        assert not asked.exists(), "a question without an end"
        return bool(links)

    def access_ends(self) -> None:
        if self.granted:
            self.stage.end_access()
            self.granted = False

    def access_given(self) -> None:
        if not self.granted:
            self.stage.give_access()
            self.granted = True

    def out_of_reach(self, minutes: int) -> None:
        """Nothing gets through for so long, and the worker tries."""
        self.there.faults_stop()
        self.stage.way.roll(1, seed=0)
        for _ in range(3):
            self.scene.later(minutes=minutes / 3)
            self._drain()
        self.stage.way.roll(0, seed=0)
        self.there.faults_go_on()

    def realtime_switched(self, on: bool) -> None:
        if not self.linked:
            return
        living = Connection.objects.get(module=self.scene.module, state=Connection.State.LINKED)
        if living.realtime and not on:
            self._nothing_flows_back_now()
        if on:
            self._nothing_came_in()
        set_realtime(
            company_id=self.scene.module.company_id, connection_id=living.id, on=on, now=self.scene.now
        )
        self.listening = on

    def unlinked(self, keep: bool) -> None:
        """A copy that bears our key, a series, an event on another calendar stay where they are, and a link
        made later makes a second event: that is known, and not played."""
        if not self.linked or self.copied or self.series or self.elsewhere:
            return
        living = Connection.objects.get(module=self.scene.module, state=Connection.State.LINKED)
        self._nothing_flows_back_now()
        self.removed |= not keep
        in_another_session(
            lambda: unlink(
                company_id=self.scene.module.company_id,
                connection_id=living.id,
                keep_copies=keep,
                settings=self.scene.settings,
                now=self.scene.now,
                wait_seconds=0.01,
            )
        )
        self.linked = self.listening = False
        self.quiet_here = False
        self.seen_busy.clear()

    def linked_again(self) -> None:
        if self.linked:
            return
        self.there.faults_stop()
        self.access_given()
        self._nothing_is_asked_while_unlinked()
        self._nothing_came_in()
        made = connect_calendar(
            module=self.scene.module,
            key=self.scene.key,
            remote_id=self.scene.calendar.remote_id,
            user=None,
            now=self.scene.now,
        )
        set_realtime(
            company_id=self.scene.module.company_id, connection_id=made.id, on=True, now=self.scene.now
        )
        self.scene.connection = made
        self.breaker.begins_anew(self.scene.now)
        self.linked = self.listening = True
        self.there.faults_go_on()

    def faults_stop(self) -> None:
        self.access_given()
        if not self.linked:
            self.linked_again()
        if not self.listening:
            self.realtime_switched(on=True)
        self.stage.hear()
        super().faults_stop()
        self.loose.clear()
        self.perhaps_gone.clear()

    def moved_to_another_calendar_there(self, which: int) -> None:
        if self.linked:
            self.elsewhere = True
            super().moved_to_another_calendar_there(which=which)

    def made_a_series_there(self, which: int) -> None:
        if self.linked:
            super().made_a_series_there(which=which)

    # --- what must hold

    def _both_sides_agree(self) -> None:
        super()._both_sides_agree()
        self._history_explains_every_value()
        self._no_time_is_given_twice()
        self.breaker.all_are_back(at_the_end=True)
        self._the_rule_decided_conflicts()
        self._customers_know_the_truth()

    def _without_what_was_left(
        self, appointment: Appointment, link: EventLink, bearers: list[Seen]
    ) -> list[Seen]:
        """What was cut and pasted while copies were removed may be a copy made by hand: it is its owner's."""
        if not (self.removed and appointment.id in self.pasted):
            return bearers
        own = link.remote_id if link.state != EventLink.State.ENDED else ""
        for event in bearers:
            if event.id != own:
                self._is_foreign(event.id)
        return [event for event in bearers if event.id == own]

    def _no_value_was_lost(self) -> None:
        for appointment in self._fresh():
            if appointment.id in self.perhaps_gone and appointment.state == State.CANCELLED:
                self.gone.setdefault(appointment.id, set()).add("there")
            for name in FLOWING:
                if (appointment.id, name) in self.loose:
                    value = plain(getattr(local_fields(appointment), name))
                    given = self.ever[appointment.id, name]
                    shown = [self.there.shown(one) for one in given if name == "title"]
                    assert value in [plain(one) for one in [*given, *shown]], (name, value)
        loose = {key: self.touched.pop(key) for key in list(self.touched) if key in self.loose}
        super()._no_value_was_lost()
        self.touched |= loose

    def _history_explains_every_value(self) -> None:
        """Each field's line of changes has no gap, and its end is what stands there now."""
        lines = self._lines()
        for appointment in self._fresh():
            last: dict[str, str] = {}
            kept = [one for one in lines[appointment.id] if not one.lost]
            for change in [one for one in kept if one.field not in ("asked", "kept")]:
                if change.field in last:
                    assert change.old == last[change.field], (change.field, change.old, last[change.field])
                last[change.field] = change.new
            now = {
                "when": f"{appointment.start.isoformat()}/{appointment.end.isoformat()}",
                "title": appointment.title,
                "place": appointment.place,
                "notes": appointment.notes,
                "state": appointment.state,
            }
            for name, value in last.items():
                assert now.get(name, value) == value, (name, now[name], value)

    def _the_rule_decided_conflicts(self) -> None:
        for (appointment_id, name), (won, lost) in self.conflicts.items():
            appointment = Appointment.objects.get(id=appointment_id)
            if appointment.state == State.CANCELLED or appointment_id in self.series:
                continue  # of a series nothing is taken in, and nothing is written to it
            value = plain(getattr(local_fields(appointment), name))
            assert value == plain(won), f"the wrong side won: {value}, and not {plain(won)}"
            lines = Change.objects.filter(appointment=appointment, field=name)
            known = {plain(_read(name, line.new)) for line in lines}
            assert plain(lost) in known, f"a value that lost is not in the history: {plain(lost)}"
        self.conflicts.clear()

    def _no_time_is_given_twice(self) -> None:
        """No more than the capacity at once, but for what the calendar's owner put there, flagged."""
        self.scene.module.refresh_from_db()
        live = list(Appointment.objects.filter(module=self.scene.module, state__in=LIVE, lane__isnull=False))
        for one in live:
            together = [other for other in live if other.start <= one.start < other.end]
            assert len(together) <= self.scene.module.capacity, together
        unseated = Appointment.objects.filter(module=self.scene.module, state__in=LIVE, lane__isnull=True)
        assert not unseated.filter(attention="").exists(), "over capacity, and nobody is told"

    def _customers_know_the_truth(self) -> None:
        """What the last letter says, or the booking page where there was none, is so."""
        for _ in range(4):
            self.scene.later(hours=1)
            self.letters_go_out()
        self._no_letter_came_twice()
        self._each_letter_says_something_new()
        letters, lines = self._letters(), self._lines()
        for appointment in self._fresh():
            last = next((one for one in reversed(letters[appointment.id]) if _was_read(one)), None)
            answered = not last or (last.kind, last.state) != (Message.Kind.ASKED, Message.State.SENT)
            ended = [one for one in lines[appointment.id] if one.field == "kept"]
            over = bool(ended) and ended[-1].at >= appointment.end
            assert answered or over, "asked, and never told how it ended"
            known, true = last.details["told"] if last else self.booked_as[appointment.id], told(appointment)
            assert (known["when"]["start"], known["when"]["end"], known["cancelled"]) == (
                true["when"]["start"],
                true["when"]["end"],
                true["cancelled"],
            ), (known, true)

    def _each_letter_says_something_new(self) -> None:
        """Where it is known what arrived. The first tells of something else than the booking page did."""
        kinds = (Message.Kind.BOOKED, Message.Kind.RESCHEDULED, Message.Kind.CANCELLED)
        for appointment_id, letters in self._letters().items():
            told = [one for one in letters if one.kind in kinds]
            asked = any(one.kind == Message.Kind.ASKED for one in letters)
            if asked or any(one.may_have_arrived or one.reason.startswith(TOO_LATE) for one in told):
                continue
            sent = [one.details["told"] for one in told if one.state == Message.State.SENT]
            known = [self.booked_as[appointment_id], *sent]
            said = [{**one, "title": "", "revision": 0} for one in known]
            assert all(one != other for one, other in pairwise(said)), "nothing new was told"

    def _no_letter_came_twice(self) -> None:
        """But for one whose worker died when it had handed it over, perhaps: word for word the same."""
        words: dict[str, tuple[str, str]] = {}
        for letter in self.post.taken:
            said = letter.subject, letter.text
            again = letter.message_id in words
            assert not again or letter.message_id.partition("@")[0] in self.perhaps_handed_over, (
                "a letter was sent twice"
            )
            assert words.setdefault(letter.message_id, said) == said, "a repeated letter says something else"

    def _what_is_taken_stays_taken(self) -> None:
        """The time of an event that was seen once is taken at every moment until the event is changed. Not on
        systems whose lists lag behind: there a list may not show it any more."""
        if self.foreign and self.linked and self.stage.lists_are_fresh:
            coming = BusyTime.objects.filter(remote_id__in=self.foreign, end__gt=self.scene.now)
            taken = set(coming.values_list("remote_id", flat=True))
            open_again = [
                one
                for one, version in self.seen_busy.items()
                if one not in taken and self.foreign[one] == version and self._is_to_come(one)
            ]
            assert not open_again, "the time of an event on the calendar is free again"
            self.seen_busy |= {one: self.foreign[one] for one in taken if one not in self.seen_busy}

    def _is_to_come(self, event_id: str) -> bool:
        kept = self.there.event(event_id)
        return kept is not None and kept.content.when.end > self.scene.now

    def _nothing_is_asked_while_unlinked(self) -> None:
        """Once the copies are removed, where that was asked for, no request goes out any more."""
        for _ in range(60):
            if not Connection.objects.filter(
                module=self.scene.module, state=Connection.State.REMOVING
            ).exists():
                break
            self.scene.later(hours=1)  # a create nobody answered is looked for until a day later
            self._drain()
        else:
            raise AssertionError("copies are still being removed")
        asked = self.stage.way.requests
        for _ in range(3):
            self.scene.later(hours=1)
            self.stage.hear()
            self._drain()
        assert self.stage.way.requests == asked, "a request was made after the link had ended"

    # --- how it is done

    def _sent(self) -> list[Appointment]:
        """One that was booked and cancelled while there was no link has no event and never had one."""
        tied = set(EventLink.objects.values_list("appointment_id", flat=True))
        return [one for one in self._fresh() if one.id in tied or one.state != State.CANCELLED]

    def _book(self, hour: int) -> None:
        try:
            super()._book(hour)
        except NoSeat:
            return
        made = self.appointments[-1]
        self.booked_as[made.id] = told(made)
        for name in FLOWING:
            self.ever[made.id, name].append(getattr(local_fields(made), name))

    def cancelled_here(self, which: int) -> None:
        if self.appointments:
            self.breaker.is_touched(self._pick(which).id)
            super().cancelled_here(which=which)

    def _touch(self, appointment: Appointment, name: str, side: Side, value: Any) -> None:
        self.ever[appointment.id, name].append(value)
        self.breaker.is_touched(appointment.id)
        self.conflicts.pop((appointment.id, name), None)
        if side == "there" and (not self.listening or (self._may_not_be_taken and name == "when")):
            self.loose.add((appointment.id, name))
        super()._touch(appointment, name, side, value)
        if side == "there" and self._may_not_be_taken:
            self.quiet_here = False  # what was changed there may be answered

    @property
    def _may_not_be_taken(self) -> bool:
        """May a time that was set there be written over again?"""
        return self.puts_back or self.asks

    def _nothing_flows_back_now(self) -> None:
        """What was changed there and has not come in yet may or may not do so any more."""
        self.breaker.nothing_flows_back()
        self.conflicts.clear()
        self.loose |= {key for key, sides in self.touched.items() if "there" in sides}
        for appointment_id in [one for one, sides in self.gone.items() if sides == {"there"}]:
            del self.gone[appointment_id]
            self.perhaps_gone.add(appointment_id)
        # moved by cutting and pasting, and not found again yet: now nobody looks any more
        missing = EventLink.objects.filter(state=EventLink.State.MISSING)
        self.perhaps_gone |= set(missing.values_list("appointment_id", flat=True))
        self.came_in = self._changes_of_calendars()

    def _changes_of_calendars(self) -> int:
        found = Change.objects.filter(appointment__module=self.scene.module, origin=Change.Origin.CALENDAR)
        return found.exclude(field="attention").count()

    def _nothing_came_in(self) -> None:
        """Since nothing flows back, no appointment was changed by its calendar."""
        if not self.listening:
            assert self._changes_of_calendars() == self.came_in, "a change came in while nothing flows back"

    def copied_there(self, which: int, hour: int) -> None:
        link = self._event(which)
        super().copied_there(which=which, hour=hour)
        if link is not None:
            self.copies[link.appointment_id] += 1

    def _a_copy_takes_its_place(self, link: EventLink, how: str) -> bool:
        """One that is the only one does; of two none is known to be ours, if a list shows both."""
        number = self.copies[link.appointment_id]
        one = number == 1 or (number > 1 and not self.stage.lists_are_fresh)
        return one and how == "delete"

    def removed_there(self, which: int, how: str) -> None:
        before = set(self.gone)
        super().removed_there(which=which, how=how)
        for appointment_id in set(self.gone) - before:
            self.breaker.is_touched(appointment_id)
            for name in FLOWING:  # what was written there and not read yet is gone with it
                self.conflicts.pop((appointment_id, name), None)
        if self.puts_back:
            self.quiet_here = False
        for appointment_id in set(self.gone) - before:
            if self.puts_back:
                self.loose |= {(appointment_id, name) for name in FLOWING}
            if self.puts_back or not self.listening or _is_being_put_back(appointment_id):
                del self.gone[appointment_id]
                self.perhaps_gone.add(appointment_id)
