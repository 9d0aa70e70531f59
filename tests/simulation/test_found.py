"""Scripts that broke once, shortened: each shows a fault that the simulation found in the product."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulation.machine import Step
from tests.simulation.play import play
from tests.simulation.script import Script

pytestmark = pytest.mark.django_db(transaction=True)


def step(name: str, /, **arguments: Any) -> Step:
    return name, arguments


def script(
    seed: int,
    system: str,
    *steps: Step,
    winner: str = "dashboard_wins",
    capacity: int = 2,
    push: bool = False,
) -> Script:
    return Script(
        seed=seed, system=system, winner=winner, booked=2, capacity=capacity, push=push, steps=steps
    )


FOUND = {
    "beside a copy, what was moved to another calendar was not found while its list lagged": Script(
        seed=60945,
        system="google",
        winner="calendar_wins",
        booked=1,
        capacity=1,
        push=True,
        steps=(
            step(
                "answer_is_lost",
                request=2,
                dies=False,
                first=step("somebody_books", hour=12, at_once=True),
                then=step("copied_there", which=-1, hour=2),
            ),
            step(
                "meanwhile",
                request=2,
                after=True,
                wait=False,
                step=step("moved_here", which=10, hour=10),
                first=step("somebody_books", hour=132, at_once=False),
            ),
            step("moved_there", which=1, hour=5),
            step("moved_here", which=11, hour=10),
            step("lists_lag", first=step("moved_to_another_calendar_there", which=10)),
        ),
    ),
    "an event that came back in time was confirmed to somebody who never heard that it was gone": Script(
        seed=50306,
        system="microsoft",
        winner="calendar_wins",
        booked=1,
        capacity=1,
        push=True,
        steps=(
            step("moved_to_another_calendar_there", which=11),
            step("a_minute_passes", letters=False),
        ),
    ),
    "a move was never told, since a deletion that was put back had overtaken its letter": Script(
        seed=40396,
        system="memory",
        winner="dashboard_wins",
        booked=5,
        capacity=1,
        push=False,
        inbound="ask_the_customer",
        steps=(
            step("moved_here", which=10, hour=10),
            step(
                "meanwhile",
                request=4,
                after=True,
                wait=True,
                step=step("a_foreign_event_is_made", hour=0, series=True),
                first=step("many_are_changed_there", how="delete", most=7, hour=142, noticed=False),
            ),
            step("somebody_decides", put_back=True),
        ),
    ),
    "what was moved to another calendar, whose list showed it late, was put back as if deleted": Script(
        seed=113,
        system="google",
        winner="dashboard_wins",
        booked=1,
        capacity=2,
        push=False,
        inbound="put_it_back",
        steps=(
            step("moved_to_another_calendar_there", which=7),
            step("a_minute_passes", letters=True),
        ),
    ),
    "a deletion was lost where a server that was behind showed the event": Script(
        seed=20477,
        system="google",
        winner="dashboard_wins",
        booked=2,
        capacity=50,
        push=False,
        steps=(
            step("removed_there", which=11, how="delete"),
            step("old_copies_are_shown", first=step("moved_there", which=1, hour=180)),
        ),
    ),
    "a change was lost where a server that was behind showed the event": Script(
        seed=3,
        system="google",
        winner="calendar_wins",
        booked=1,
        capacity=2,
        push=False,
        steps=(step("old_copies_are_shown", first=step("moved_there", which=0, hour=50)),),
    ),
    "a change here was undone when a calendar whose answer was lost was linked again": Script(
        seed=73,
        system="google",
        winner="dashboard_wins",
        booked=1,
        capacity=50,
        push=True,
        steps=(
            step("somebody_books", hour=69, at_once=False),
            step("meanwhile", request=1, after=False, step=step("worker_runs"), first=None),
            step("moved_here", which=5, hour=20),
            step("unlinked", keep=True),
        ),
    ),
    "a removal whose worker died at its end was never finished": script(
        6, "memory", step("unlinked", keep=False), push=True
    ),
    "a copy beside an original that was moved and declined was deleted": script(
        14,
        "google",
        step("moved_to_another_calendar_there", which=3),
        step("copied_there", which=5, hour=70),
        step("removed_there", which=3, how="decline"),
        step("cancelled_here", which=0),
    ),
    "a no that a write could not take back was never heeded": script(
        117,
        "google",
        step("removed_there", which=0, how="decline"),
        step("realtime_switched", on=False),
        step("moved_here", which=2, hour=111),
        step("worker_runs"),
        step("a_minute_passes"),
        push=True,
    ),
    "a pasted event was not found again when the calendar was linked again": script(
        219, "caldav", step("cut_and_pasted_there", which=2, hour=121), step("unlinked", keep=True)
    ),
    "the copy of a visit cancelled meanwhile stayed": script(
        344, "memory", step("unlinked", keep=True), step("cancelled_here", which=5), push=True
    ),
    "our own removal was taken for the owner's deletion": script(
        129,
        "google",
        step("unlinked", keep=False),
        step("linked_again"),
        step("somebody_books", hour=148, at_once=True),
        capacity=50,
    ),
    "a deletion owed when the link ended was forgotten": script(
        5, "google", step("cancelled_here", which=0), step("unlinked", keep=True), capacity=50
    ),
    "after a removal a copy was taken for our event": script(
        1155, "caldav", step("unlinked", keep=False), step("copied_there", which=2, hour=195), push=True
    ),
    "a flag outlived the event it was about": script(
        2138,
        "microsoft",
        step("made_all_day_there", which=5, hour=49),
        step("time_passes", seconds=3700),
        step("worker_runs"),
        step("unlinked", keep=False),
    ),
    "what its owner wrote between our reading and our writing was not seen": script(
        2242,
        "microsoft",
        step(
            "meanwhile",
            request=2,
            after=False,
            step=step("edited_there", which=1, title="Visit", place="Tour"),
            first=step("moved_here", which=3, hour=180),
        ),
        push=True,
    ),
    "what was changed here while unlinked lost when the first attempt to link again was cut": script(
        1449,
        "google",
        step("unlinked", keep=True),
        step("linked_again"),
        step("edited_here", which=1, title="", notes="Two\nlines"),
        step("messages_arrive"),
        winner="calendar_wins",
        capacity=1,
    ),
    "two workers that deleted one event deleted its copy, too": script(
        2448,
        "memory",
        step("copied_there", which=4, hour=53),
        step("cancelled_here", which=4),
        step("meanwhile", request=1, after=False, step=step("worker_runs")),
        capacity=1,
    ),
    "what was cut and pasted stayed after a removal whose list lagged behind": script(
        3173,
        "google",
        step(
            "meanwhile",
            request=1,
            after=True,
            step=step("removed_there", which=4, how="delete"),
            first=step("notes_written_there", which=0, notes="Two\nlines"),
        ),
        step("a_minute_passes"),
        step(
            "meanwhile",
            request=1,
            after=True,
            step=step("removed_there", which=1, how="delete"),
            first=step("cut_and_pasted_there", which=1, hour=19),
        ),
        step("unlinked", keep=False),
        step("worker_runs"),
        winner="calendar_wins",
        capacity=1,
    ),
    "two workers met a no at once, and the second brought the ended link back to life": Script(
        seed=3231,
        system="caldav",
        winner="dashboard_wins",
        booked=1,
        capacity=1,
        push=True,
        steps=(
            step("removed_there", which=4, how="decline"),
            step(
                "meanwhile",
                request=1,
                after=True,
                step=step("somebody_books", hour=2, at_once=True),
                first=step("moved_here", which=1, hour=25),
            ),
        ),
    ),
    "what was moved to another calendar stayed when it was cancelled here and a list lagged behind": Script(
        seed=3250,
        system="microsoft",
        winner="calendar_wins",
        booked=1,
        capacity=1,
        push=False,
        steps=(
            step("moved_to_another_calendar_there", which=3),
            step("cancelled_here", which=5),
            step("messages_arrive"),
        ),
    ),
    "what was removed when the link ended was removed once more, and its copy with it": script(
        512,
        "memory",
        step("unlinked", keep=False),
        step("copied_there", which=3, hour=31),
        step("worker_runs"),
        step("cancelled_here", which=3),
        winner="calendar_wins",
        capacity=1,
        push=True,
    ),
    "a declined event that was put back stayed, and what was pasted later was not known beside it": Script(
        seed=1043,
        system="caldav",
        winner="dashboard_wins",
        booked=2,
        capacity=2,
        push=True,
        inbound="put_it_back",
        steps=(
            step(
                "meanwhile",
                request=2,
                after=True,
                step=step("moved_there", which=2, hour=191),
                first=step("removed_there", which=3, how="decline"),
            ),
            step("time_passes", seconds=3700),
            step(
                "meanwhile",
                request=4,
                after=True,
                step=step("removed_there", which=2, how="delete"),
                first=None,
            ),
            step("cut_and_pasted_there", which=3, hour=67),
        ),
    ),
    "what was cut and pasted while copies were removed is left, and a second event is no fault": script(
        1737,
        "google",
        step("unlinked", keep=False),
        step(
            "meanwhile",
            request=5,
            after=False,
            step=step("moved_there", which=3, hour=39),
            first=step("moved_there", which=5, hour=31),
        ),
        step("cut_and_pasted_there", which=2, hour=198),
        winner="calendar_wins",
        capacity=1,
        push=True,
    ),
}


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_it_does_not_break_any_more(found: Script) -> None:
    assert play(found) is None
