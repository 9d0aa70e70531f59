"""The same script ends in the same state on every calendar system: what there is in memory, there is on all.

Each script is played step by step, without faults, in a world in memory, on a Radicale and on the stand-ins,
all asked in this process; then appointments, links, events, history and messages are compared, without names
and ids that are a system's own. Where systems may differ stands in `SYSTEMS`, and nowhere else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import pytest
from tests.flows.two_way import Seen, There, TwoWay
from tests.simulation import stages
from tests.sync_scene import CUSTOMER

from genie.core.appointment import State
from genie.flows.connect_calendar import connect_calendar
from genie.flows.describe import mark_of
from genie.flows.edit import edit
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import unlink
from genie.store.models import Appointment, Change, Connection, EventLink, Message, Module

SYSTEMS: dict[str, Callable[[str], str]] = {
    "caldav": lambda text: text,
    # descriptions are HTML there: the calendar's page shows < where the API says this
    "google": lambda text: text.replace("&lt;", "<"),
    # the text of an HTML body begins with the first line that is not blank
    "microsoft": lambda text: text.lstrip("\n"),
}
"""Those that are compared with the world in memory. In what they differ: an event's description is compared
after this was done to both sides. Nothing else may differ."""
RANDOM = 3
"""So many scripts are made up."""
OTHER_IDS = ("cut_and_pasted_there", "moved_to_another_calendar_there")
"""After these an event has another id on some systems: only when a worker was there, the next step finds it
everywhere."""
SEED = 1
"""Of the systems: the same each time, for nothing happens by chance."""


class Script(TwoWay):
    """Called step by step, with nothing by chance: the steps of the random scripts, and some more."""

    def __init__(self, there: There, winner: str) -> None:
        super().__init__()
        self.open(there, winner=winner, booked=0)
        there.faults_stop()

    def booked(self, *hours: int) -> None:
        """Visits that are on the calendar."""
        for hour in hours:
            self._book(hour)
        self.a_minute_passes()

    def placed_here(self, which: int, place: str) -> None:
        visit = self._pick(which)
        if visit.state == State.CONFIRMED:
            edit(
                company_id=visit.company_id,
                appointment_id=visit.id,
                place=place,
                actor=CUSTOMER,
                now=self.scene.now,
            )

    def unlinked(self, *, keep: bool) -> None:
        unlink(
            company_id=self.scene.module.company_id,
            connection_id=self._connection().id,
            keep_copies=keep,
            settings=self.scene.settings,
            now=self.scene.now,
        )
        self.a_minute_passes()

    def linked_again(self) -> None:
        old = self.scene.calendar
        made = connect_calendar(
            module=self.scene.module,
            key=self.scene.key,
            remote_id=old.remote_id,
            user=None,
            now=self.scene.now,
        )
        set_realtime(
            company_id=self.scene.module.company_id, connection_id=made.id, on=True, now=self.scene.now
        )

    def realtime(self, on: bool) -> None:
        """*Get real-time Calendar updates*."""
        connection = self._connection()
        set_realtime(
            company_id=self.scene.module.company_id, connection_id=connection.id, on=on, now=self.scene.now
        )
        self.a_minute_passes()

    def _connection(self) -> Connection:
        return Connection.objects.get(module=self.scene.module, state=Connection.State.LINKED)


# --- the scripts


def changed_here(s: Script) -> None:
    s.booked(0, 5)
    s.moved_here(which=0, hour=30)
    s.a_minute_passes()
    s.edited_here(which=0, title="Tour – é", notes="Side door <left> & back\nring twice")
    s.placed_here(which=0, place="Hall 2, <second> floor & left")
    s.moved_here(which=1, hour=40)
    s.edited_here(which=1, title="", notes="Front door")
    s.a_minute_passes()
    s.edited_here(which=1, title="Tour", notes="")
    s.a_minute_passes()
    s.cancelled_here(which=1)
    s.somebody_books(hour=50, at_once=False)
    s.cancelled_here(which=2)  # before the calendar heard of it


def moved_there(s: Script) -> None:
    s.booked(0, 5, 10)
    s.moved_there(which=0, hour=30)
    s.made_all_day_there(which=1, hour=5)
    s.made_all_day_there(which=2, hour=50)
    s.a_minute_passes()
    s.resized_there(which=0, minutes=90)
    s.edited_here(which=1, title="Tour", notes="Side door")
    s.moved_there(which=2, hour=7)
    s.a_minute_passes()
    s.moved_there(which=0, hour=0)  # back where it was


def described_there(s: Script) -> None:
    s.booked(0)
    s.edited_there(which=0, title="Call – é", place="Hall <2> & left")
    s.a_minute_passes()
    s.notes_written_there(which=0, notes="Two\nlines & more")
    s.a_minute_passes()
    s.edited_there(which=0, title="", place="")
    s.notes_written_there(which=0, notes="")


def deleted_and_declined_there(s: Script) -> None:
    s.booked(0, 5, 10)
    s.removed_there(which=0, how="delete")
    s.removed_there(which=1, how="decline")  # the third: the owner finds only what is there
    s.a_minute_passes()
    s.edited_here(which=1, title="Tour", notes="")
    s.moved_there(which=0, hour=30)


def cut_and_pasted_there(s: Script) -> None:
    s.booked(0, 5)
    s.cut_and_pasted_there(which=0, hour=30)
    s.a_minute_passes()
    s.moved_here(which=0, hour=40)
    s.a_minute_passes()
    s.cut_and_pasted_there(which=1, hour=50)
    s.edited_here(which=1, title="Tour", notes="Side door")


def moved_to_another_calendar_and_back(s: Script) -> None:
    s.booked(0, 5)
    s.moved_to_another_calendar_there(which=0)
    s.a_minute_passes()
    s.moved_there(which=0, hour=30)
    s.edited_here(which=0, title="Tour", notes="")
    s.moved_to_another_calendar_there(which=1)
    s.cancelled_here(which=1)
    s.a_minute_passes()
    s.moved_to_another_calendar_there(which=0)


def made_a_series_and_a_single_event_again(s: Script) -> None:
    s.booked(0, 5)
    s.made_a_series_there(which=0)
    s.made_a_series_there(which=1)
    s.a_minute_passes()
    s.edited_there(which=0, title="Weekly", place="Hall")
    s.edited_here(which=0, title="Tour", notes="Side door")
    s.cancelled_here(which=1)
    s.a_minute_passes()
    s.made_a_single_event_again_there(which=0)


def changed_on_both_sides(s: Script) -> None:
    s.booked(0, 5)
    s.moved_here(which=0, hour=30)
    s.edited_here(which=0, title="Tour", notes="Side door")
    s.moved_there(which=0, hour=40)
    s.edited_there(which=0, title="Chat", place="Hall")
    s.notes_written_there(which=0, notes="Front door")
    s.edited_here(which=1, title="Visit", notes="")
    s.edited_there(which=1, title="Visit", place="")  # the same on both


def cancelled_on_one_side_and_moved_on_the_other(s: Script) -> None:
    s.booked(0, 5, 10)
    s.cancelled_here(which=0)
    s.moved_there(which=0, hour=30)
    s.moved_here(which=1, hour=40)
    s.removed_there(which=1, how="decline")
    s.moved_here(which=2, hour=50)
    s.removed_there(which=2, how="delete")


def copied_there(s: Script) -> None:
    s.booked(0)
    s.copied_there(which=0, hour=30)
    s.a_minute_passes()
    s.moved_there(which=0, hour=40)
    s.a_foreign_event_is_made(hour=60, series=True)
    s.a_foreign_event_is_made(hour=70, series=False)
    s.a_minute_passes()
    s.cancelled_here(which=0)


def unlinked_and_linked_again(s: Script) -> None:
    s.booked(0, 5, 10)
    s.unlinked(keep=True)
    s.moved_there(which=0, hour=30)
    s.edited_here(which=0, title="Tour", notes="Side door")
    s.removed_there(which=1, how="delete")
    s.cancelled_here(which=2)
    s.a_minute_passes()
    s.linked_again()
    s.a_minute_passes()
    s.moved_there(which=0, hour=40)


def unlinked_and_the_copies_removed(s: Script) -> None:
    s.booked(0, 5)
    s.copied_there(which=0, hour=30)
    s.unlinked(keep=False)
    s.edited_here(which=1, title="Tour", notes="")
    s.linked_again()


def switched_off_and_on(s: Script) -> None:
    s.booked(0, 5, 10)
    s.realtime(False)
    s.moved_there(which=0, hour=30)
    s.removed_there(which=1, how="delete")
    s.moved_there(which=1, hour=40)
    s.a_minute_passes()
    s.edited_here(which=2, title="Tour", notes="Side door")
    s.a_minute_passes()
    s.realtime(True)


CALENDAR, DASHBOARD = Module.ConflictRule.CALENDAR_WINS, Module.ConflictRule.DASHBOARD_WINS
WRITTEN = (
    (changed_here, CALENDAR),
    (moved_there, CALENDAR),
    (described_there, CALENDAR),
    (deleted_and_declined_there, CALENDAR),
    (cut_and_pasted_there, CALENDAR),
    (moved_to_another_calendar_and_back, CALENDAR),
    (made_a_series_and_a_single_event_again, CALENDAR),
    (changed_on_both_sides, CALENDAR),
    (changed_on_both_sides, DASHBOARD),
    (cancelled_on_one_side_and_moved_on_the_other, DASHBOARD),
    (copied_there, CALENDAR),
    (unlinked_and_linked_again, CALENDAR),
    (unlinked_and_the_copies_removed, CALENDAR),
    (switched_off_and_on, CALENDAR),
)


def made_up(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Steps by name, with their arguments: two visits, eight changes, some of them before a worker runs.

    No series: one that is moved or pasted repeats on the weekday of its new start on some systems, and on the
    one it names on others, before we have any part in it.
    """
    dice = random.Random(seed)

    def hour() -> int:
        return dice.randrange(200)

    def title() -> str:
        return dice.choice(["Tour", "Visit", "Call – é", ""])

    def notes() -> str:
        return dice.choice(["", "Side door", "Two\nlines"])

    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "moved_here": lambda: {"hour": hour()},
        "edited_here": lambda: {"title": title(), "notes": notes()},
        "placed_here": lambda: {"place": title()},
        "cancelled_here": dict,
        "moved_there": lambda: {"hour": hour()},
        "resized_there": lambda: {"minutes": dice.choice([15, 30, 90, 240])},
        "made_all_day_there": lambda: {"hour": hour()},
        "edited_there": lambda: {"title": title(), "place": title()},
        "notes_written_there": lambda: {"notes": notes()},
        "removed_there": lambda: {"how": dice.choice(["delete", "decline"])},
        "cut_and_pasted_there": lambda: {"hour": hour()},
        "moved_to_another_calendar_there": dict,
        "copied_there": lambda: {"hour": hour()},
    }
    for at in (0, 5):
        yield "somebody_books", {"hour": at, "at_once": True}
    for _ in range(8):
        name = dice.choice(list(steps))
        yield name, {"which": dice.randrange(2), **steps[name]()}
        if dice.random() < 0.5 or name in OTHER_IDS:
            yield "a_minute_passes", {}


# --- played and compared


class Event(NamedTuple):
    """As its owner sees it, in a word whose it is."""

    whose: str
    start: str
    end: str
    all_day: bool
    title: str
    place: str
    description: str
    cancelled: bool


@dataclass
class End:
    """All that has come of a script, in words and instants that are the same everywhere; visits by number."""

    appointments: list[Any]
    links: list[Any]
    events: list[Event]
    history: list[Any]
    messages: list[Any]

    def as_shown_on(self, system: str) -> End:
        shown = SYSTEMS[system]
        events = [event._replace(description=shown(event.description)) for event in self.events]
        return replace(self, events=sorted(events))


def end_of(script: Callable[[Script], None], winner: str, *, on: str) -> End:
    there = stages.SYSTEMS[on](SEED, False)
    there.moves_keep_ids = False  # so that no step is left out on some
    try:
        played = Script(there, winner)
        script(played)
        there.scene.settle()
        return left_by(played)
    finally:
        there.close()


def left_by(script: Script) -> End:
    visits = list(Appointment.objects.filter(module=script.scene.module).order_by("lead"))
    links = list(EventLink.objects.filter(appointment__in=visits).select_related("calendar"))
    number = {visit.id: index for index, visit in enumerate(visits)}
    plain = _plainly(script, visits, links)
    whose = {link.id.hex: f"visit {number[link.appointment_id]}" for link in links}
    history = Change.objects.filter(appointment__in=visits).order_by("appointment__lead", "id")
    messages = Message.objects.filter(appointment__in=visits).order_by(
        "appointment__lead", "revision", "audience", "kind"
    )
    return End(
        appointments=[
            (a.state, a.start, a.end, a.title, a.place, a.notes, a.attention, a.revision) for a in visits
        ],
        links=sorted(
            (whose[link.id.hex], link.state, link.reason, plain(link.calendar.name)) for link in links
        ),
        events=[
            _seen(event, whose.get(event.key or "", "foreign"), plain) for event in script.there.events()
        ],
        history=[
            (number[c.appointment_id], c.revision, c.field, c.old, c.new, c.origin, c.lost) for c in history
        ],
        messages=[
            (m.appointment and number[m.appointment.id], m.revision, m.audience, m.kind, m.state, _told(m))
            for m in messages
        ],
    )


def _seen(event: Seen, whose: str, plain: Callable[[str], str]) -> Event:
    content = event.content
    start, end = content.when.start.isoformat(), content.when.end.isoformat()
    title, place, description = content.title or "", content.place or "", content.description or ""
    return Event(whose, start, end, content.when.all_day, title, place, plain(description), content.cancelled)


def _told(message: Message) -> tuple[Any, ...]:
    """What it says; who changed it is a calendar's name."""
    return message.details.get("told"), message.details.get("was"), message.reason


def _plainly(script: Script, visits: list[Appointment], links: list[EventLink]) -> Callable[[str], str]:
    """Takes out of a text what one system or one run has of its own."""
    named = {mark_of(link): "mark" for link in links} | {str(visit.id): "visit" for visit in visits}
    named |= {script.scene.module.company.slug: "acme", script.scene.calendar.name: "Linked"}
    any_of = re.compile("|".join(map(re.escape, named)))
    return lambda text: any_of.sub(lambda found: named[found[0]], text)


def compare(script: Callable[[Script], None], winner: str) -> None:
    memory = end_of(script, winner, on="memory")
    assert len(memory.history) > len(memory.appointments), "nothing changed"
    for system in SYSTEMS:
        there = end_of(script, winner, on=system)
        expected, found = (asdict(end.as_shown_on(system)) for end in (memory, there))
        for part, value in expected.items():
            assert found[part] == value, f"{part} on {system}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("script", "winner"), WRITTEN, ids=lambda one: getattr(one, "__name__", str(one)))
def test_a_written_script_ends_the_same_everywhere(script: Callable[[Script], None], winner: str) -> None:
    compare(script, winner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(RANDOM))
def test_a_random_script_ends_the_same_everywhere(seed: int) -> None:
    steps = list(made_up(seed))
    print(*steps, sep="\n")

    def script(played: Script) -> None:
        for name, arguments in steps:
            getattr(played, name)(**arguments)

    compare(script, (CALENDAR, DASHBOARD)[seed % 2])
