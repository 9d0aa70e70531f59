"""PRODUCT.md's table *What flows, in which direction*, row by row: what is the same at every stand-in.

A class of tests for a calendar system inherits `WhatFlows` and has a fixture `scene`; what its system says
in words of its own stands beside it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from tests.standin_owner import day
from tests.standin_scene import StandInScene
from tests.sync_scene import CUSTOMER

from genie.core.event import When
from genie.flows.absorb import A_SERIES, NO_TIME, OUTSIDE_RULES
from genie.flows.cancel import cancel
from genie.flows.edit import edit
from genie.flows.reschedule import reschedule
from genie.store.models import Appointment, BusyTime, Change, EventLink, Message, Module, RemoteKey

WEEK = 24 * 7


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def of(appointment: Appointment) -> dict[str, Any]:
    return {"company_id": appointment.company_id, "appointment_id": appointment.id, "actor": CUSTOMER}


def told(appointment: Appointment, audience: str = "customer") -> list[str]:
    """What is owed to them since everybody was told of the booking."""
    owed = Message.objects.filter(appointment=appointment, audience=audience, state=Message.State.OWED)
    return list(owed.values_list("kind", flat=True))


def lists_lag(scene: StandInScene, changes: int = 1) -> None:
    """Those of the linked calendar, but for the next one, which tells what has changed."""
    scene.later(seconds=46)
    team = re.escape(quote(scene.team))
    scene.sandbox.fault("stale", path=team, times=0, skip=1, changes=changes)


class WhatFlows:
    """Each test plays one row."""

    # --- booked here

    def test_a_booking_is_written_once_and_a_poll_is_one_request(self, scene: StandInScene) -> None:
        appointment = scene.book(scene.nine)
        scene.drain()
        assert scene.wrote() == ["create"]
        scene.poll()
        scene.asked()
        for _ in range(3):
            scene.poll()
        assert scene.asked() == [scene.reading] * 3
        assert fresh(appointment).revision == 1

    def test_an_hour_without_a_request_renews_the_access_once_and_keeps_it(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.later(hours=2)
        scene.edit(appointment, title="Later")
        scene.drain()
        assert fresh(appointment).title == "Later"
        version = RemoteKey.objects.get(id=scene.key.id).secret_version
        assert version == scene.key.secret_version + 1
        scene.poll()
        assert RemoteKey.objects.get(id=scene.key.id).secret_version == version

    # --- rescheduled, edited, cancelled, here

    def test_rescheduled_here_it_moves_there(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        before = scene.seen(appointment).id
        reschedule(**of(appointment), start=scene.at(3).start, now=scene.now)
        scene.asked()
        scene.drain()
        assert scene.wrote() == ["update"]
        event = scene.seen(appointment)
        assert event.id == before and event.content.when.same_instants(scene.at(3))
        assert told(appointment) == ["rescheduled"]

    def test_edited_here_it_is_updated_there(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        edit(**of(appointment), title="Tour & tasting", place="Room 2", notes="Bring a pen", now=scene.now)
        scene.drain()
        event = scene.seen(appointment).content
        assert (event.title, event.place) == ("Tour & tasting", "Room 2")
        assert (event.description or "").startswith("Bring a pen\n\n")
        assert told(appointment) == []

    def test_cancelled_here_it_is_deleted_there(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        cancel(**of(appointment), now=scene.now)
        scene.asked()
        scene.drain()
        assert scene.wrote() == ["delete"]
        assert scene.owner.events() == []
        assert scene.link(appointment).state == EventLink.State.ENDED
        assert told(appointment) == ["cancelled"]

    # --- moved or resized, there

    @pytest.mark.parametrize("span", [(3, 4), (0, 2), (3, 3.5)], ids=["moved", "longer", "both"])
    def test_moved_or_resized_there_it_is_rescheduled_here(
        self, scene: StandInScene, span: tuple[float, float]
    ) -> None:
        appointment = scene.booked()
        scene.asked()
        when = When(scene.at(span[0]).start, scene.at(span[1]).start, "UTC")
        scene.move(appointment, when)
        scene.poll()
        after = fresh(appointment)
        assert (after.start, after.end, after.revision) == (when.start, when.end, 2)
        assert told(appointment) == ["rescheduled"]
        line = after.history.get(field="when")
        assert (line.origin, line.by) == (Change.Origin.CALENDAR, "Team")
        assert scene.wrote() == [], "what came from there is not sent back"

    def test_by_the_module_s_rule_the_customer_is_not_told(self, scene: StandInScene) -> None:
        Module.objects.update(inbound_rule=Module.InboundRule.APPLY_SILENTLY)
        appointment = scene.booked()
        scene.move(appointment, scene.at(3))
        scene.poll()
        assert fresh(appointment).start == scene.at(3).start
        assert told(appointment) == []
        assert told(appointment, "company") == ["rescheduled"]

    def test_only_another_zone_is_no_reschedule(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.move(appointment, When(scene.at(0).start, scene.at(0).end, "America/New_York"))
        scene.poll()
        assert fresh(appointment).revision == 1
        assert told(appointment) == []

    # --- title, place, notes, there

    def test_title_and_place_changed_there_change_here(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.asked()
        scene.edit(appointment, title="  Jane,   the tall one ", place="Café Größe")
        scene.poll()
        after = fresh(appointment)
        assert (after.title, after.place) == ("Jane, the tall one", "Café Größe")
        assert told(appointment) == told(appointment, "company") == []
        assert scene.wrote() == []

    def test_notes_written_outside_our_block_are_kept_here(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        block = scene.seen(appointment).content.description
        scene.edit(appointment, description=f"Side door\n\n{block}\n\nand a pen")
        scene.poll()
        assert fresh(appointment).notes == "Side door\n\nand a pen"
        edit(**of(appointment), notes="Front door", now=scene.now)
        scene.drain()
        assert scene.seen(appointment).content.description == f"Front door\n\n{block}"

    def test_a_block_somebody_deleted_comes_back_below_their_notes(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        block = scene.seen(appointment).content.description
        scene.edit(appointment, description="All mine")
        scene.poll()
        assert fresh(appointment).notes == "All mine"
        assert scene.seen(appointment).content.description == f"All mine\n\n{block}"

    # --- deleted or called off, there

    def test_deleted_there_it_is_cancelled_here(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.asked()
        scene.owner.delete(scene.link(appointment).remote_id)
        scene.poll()
        after = fresh(appointment)
        assert after.state == "cancelled"
        assert (after.history.get(field="state").by, told(appointment)) == ("Team", ["cancelled"])
        letter = Message.objects.get(appointment=after, audience="customer", kind="cancelled")
        assert letter.not_before > scene.now
        scene.later(minutes=3)
        scene.drain()
        assert scene.link(appointment).state == EventLink.State.ENDED
        assert scene.wrote() == []

    def test_deleted_there_while_lists_lag_behind_it_is_cancelled_all_the_same(
        self, scene: StandInScene
    ) -> None:
        """A list that still shows it as a live bearer of our key proves nothing."""
        appointment = scene.booked()
        scene.owner.delete(scene.link(appointment).remote_id)
        lists_lag(scene)
        scene.drain()
        assert fresh(appointment).state == "cancelled"
        assert any(kind == "stale" for kind, _ in scene.standin.faults.happened)

    def test_cut_and_pasted_while_lists_lag_behind_it_comes_back(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        pasted = scene.owner.cut_and_paste(scene.link(appointment).remote_id, scene.at(5))
        lists_lag(scene, changes=2)
        scene.drain()
        assert fresh(appointment).state == "cancelled", "for now: nothing shows where it is"
        scene.heal()
        scene.later(minutes=3)
        scene.drain()
        assert (fresh(appointment).state, fresh(appointment).start) == ("confirmed", scene.at(5).start)
        assert scene.link(appointment).remote_id == pasted
        assert told(appointment) == ["rescheduled"]

    def test_called_off_in_a_way_that_leaves_it_there_it_is_cancelled_here(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.asked()
        scene.owner.cancel(scene.link(appointment).remote_id)
        scene.poll()
        assert (fresh(appointment).state, told(appointment)) == ("cancelled", ["cancelled"])
        assert scene.link(appointment).state == EventLink.State.ENDED
        assert scene.seen(appointment).content.cancelled, "the refusal is their word"
        assert scene.offered(0), "it takes no time"
        assert scene.wrote() == []

    def test_cancelled_silently_where_the_module_says_so(self, scene: StandInScene) -> None:
        Module.objects.update(inbound_rule=Module.InboundRule.APPLY_SILENTLY)
        appointment = scene.booked()
        scene.owner.delete(scene.link(appointment).remote_id)
        scene.poll()
        assert (fresh(appointment).state, told(appointment)) == ("cancelled", [])

    def test_cut_and_pasted_there_it_is_the_same_visit(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        pasted = scene.owner.cut_and_paste(scene.link(appointment).remote_id, scene.at(5))
        scene.poll()
        assert (fresh(appointment).start, scene.link(appointment).remote_id) == (scene.at(5).start, pasted)
        assert told(appointment) == ["rescheduled"]

    def test_a_copy_made_there_is_not_the_visit(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        copy = scene.owner.copy(scene.link(appointment).remote_id, scene.at(5))
        version = scene.owner.seen(copy).version
        scene.poll()
        assert fresh(appointment).start == scene.at(0).start
        assert not scene.offered(5), "it takes time like any other event"
        cancel(**of(appointment), now=scene.now)
        scene.drain()
        assert [(event.id, event.version) for event in scene.owner.events()] == [(copy, version)]

    # --- both sides at once

    def test_different_fields_changed_on_both_sides_are_merged(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        edit(**of(appointment), title="Visit: J. Doe", now=scene.now)
        scene.edit(appointment, place="Room 2")
        scene.move(appointment, scene.at(1))
        scene.drain()
        scene.poll()
        after, event = fresh(appointment), scene.seen(appointment).content
        assert (after.start, after.title, after.place) == (scene.at(1).start, "Visit: J. Doe", "Room 2")
        assert (event.title, event.place) == ("Visit: J. Doe", "Room 2")
        assert event.when.same_instants(scene.at(1))
        assert not after.history.filter(lost=True).exists()

    @pytest.mark.parametrize(("rule", "kept"), [("calendar_wins", "there"), ("dashboard_wins", "here")])
    def test_of_one_field_changed_on_both_sides_the_module_s_rule_keeps_one(
        self, scene: StandInScene, rule: str, kept: str
    ) -> None:
        Module.objects.update(conflict_rule=rule)
        appointment = scene.booked()
        edit(**of(appointment), title="Said here", place="Room here", now=scene.now)
        reschedule(**of(appointment), start=scene.at(2).start, now=scene.now)
        scene.edit(appointment, title="Said there", place="Room there")
        scene.move(appointment, scene.at(4))
        scene.drain()
        scene.poll()
        after, event = fresh(appointment), scene.seen(appointment).content
        when = scene.at({"here": 2, "there": 4}[kept])
        assert (after.title, after.place, after.start) == (f"Said {kept}", f"Room {kept}", when.start)
        assert (event.title, event.place) == (after.title, after.place)
        assert event.when.same_instants(when)
        (lost,) = {"here", "there"} - {kept}
        found = set(after.history.filter(lost=True).values_list("field", "new"))
        assert {("title", f"Said {lost}"), ("place", f"Room {lost}")} <= found
        assert "when" in {name for name, _ in found}, "the loser can be found in the history"
        assert told(appointment) == ["rescheduled"]

    def test_cancelled_here_and_moved_there_is_cancelled(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        cancel(**of(appointment), now=scene.now)
        scene.move(appointment, scene.at(4))
        scene.drain()
        assert (fresh(appointment).state, scene.owner.events()) == ("cancelled", [])
        assert told(appointment) == ["cancelled"]

    # --- onto a time that breaks a rule

    def test_moved_there_outside_the_hours_it_is_accepted_and_flagged(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.move(appointment, scene.at(11))
        scene.poll()
        after = fresh(appointment)
        assert (after.start, after.attention) == (scene.at(11).start, OUTSIDE_RULES)
        assert scene.link(appointment).state == EventLink.State.CLEAN
        scene.move(appointment, scene.at(3))
        scene.poll()
        assert fresh(appointment).attention == ""

    def test_moved_there_onto_another_visit_both_stand_and_it_is_flagged(self, scene: StandInScene) -> None:
        Module.objects.update(capacity=1)
        scene.module.refresh_from_db()
        first, second = scene.booked(0), scene.booked(3, name="Joe")
        scene.move(second, scene.at(0))
        scene.poll()
        assert (fresh(second).start, fresh(second).attention) == (scene.at(0).start, OUTSIDE_RULES)
        assert (fresh(first).start, fresh(first).attention) == (scene.at(0).start, "")
        assert {fresh(first).state, fresh(second).state} == {"confirmed"}

    # --- to another calendar of the account

    def test_moved_to_another_calendar_it_is_followed(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        event_id = scene.link(appointment).remote_id
        scene.owner.to_other_calendar(event_id)
        scene.poll()
        link = scene.link(appointment)
        assert (fresh(appointment).state, link.state) == ("confirmed", EventLink.State.CLEAN)
        assert (link.calendar.remote_id, link.calendar.name) == (scene.private, "Private")
        scene.owner.move(event_id, scene.at(4))
        scene.poll()
        assert fresh(appointment).start == scene.at(4).start, "it is watched there"
        edit(**of(appointment), title="Retitled", now=scene.now)
        scene.drain()
        assert scene.owner.seen(event_id).content.title == "Retitled"
        assert told(appointment) == ["rescheduled"]

    def test_moved_to_another_calendar_beside_a_copy_it_is_followed_all_the_same(
        self, scene: StandInScene
    ) -> None:
        """The moved one keeps its id, so it is known from the copy that bears our key, too."""
        appointment = scene.booked()
        event_id = scene.link(appointment).remote_id
        scene.owner.copy(event_id, scene.at(5))
        scene.owner.to_other_calendar(event_id)
        scene.poll()
        link = scene.link(appointment)
        assert (fresh(appointment).state, link.calendar.remote_id) == ("confirmed", scene.private)
        assert (link.remote_id, fresh(appointment).start) == (event_id, scene.at(0).start)

    def test_and_back_again(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        for calendar in (scene.private, scene.team, scene.private):
            scene.owner.to_other_calendar(scene.link(appointment).remote_id)
            scene.poll()
            assert scene.link(appointment).calendar.remote_id == calendar
        assert (fresh(appointment).revision, told(appointment)) == (1, [])

    def test_cancelled_here_before_the_move_was_seen_it_goes_from_where_it_is(
        self, scene: StandInScene
    ) -> None:
        appointment = scene.booked()
        scene.owner.to_other_calendar(scene.link(appointment).remote_id)
        cancel(**of(appointment), now=scene.now)
        scene.drain()
        assert scene.owner.events() == []

    # --- what the owner makes by hand

    def test_an_event_made_by_hand_takes_its_time_and_is_nothing_more(self, scene: StandInScene) -> None:
        assert scene.offered(2)
        own = scene.owner.add(scene.at(2))
        version = scene.owner.seen(own).version
        scene.poll()
        assert not scene.offered(2)
        assert not Appointment.objects.filter(module=scene.module).exists()
        assert scene.owner.seen(own).version == version
        scene.owner.move(own, scene.at(3))
        scene.poll()
        assert (scene.offered(2), scene.offered(3)) == (True, False)
        scene.owner.delete(own)
        scene.poll()
        assert scene.offered(3)
        assert scene.wrote() == []

    # --- series of the owner's

    def test_each_occurrence_of_a_series_loses_its_slot(self, scene: StandInScene) -> None:
        self._series(scene, weeks=3)
        assert [scene.offered(1 + WEEK * week) for week in range(4)] == [False, False, False, True]
        assert all(scene.offered(2 + WEEK * week) for week in range(4))

    def test_exceptions_of_a_series_count_as_they_are(self, scene: StandInScene) -> None:
        series = self._series(scene, weeks=4)
        starts = [scene.at(1 + WEEK * week).start for week in range(4)]
        moved, gone, off = (scene.owner.occurrence(series, start) for start in starts[1:])
        scene.owner.move(moved, scene.at(WEEK + 6))
        scene.owner.delete(gone)
        scene.owner.cancel(off)
        scene.poll()
        assert [scene.offered(1 + WEEK * week) for week in range(4)] == [False, True, True, True]
        assert not scene.offered(WEEK + 6)

    def test_a_series_that_is_cut_short_or_deleted_gives_its_slots_back(self, scene: StandInScene) -> None:
        series = self._series(scene, weeks=4)
        scene.owner.repeat(series, weeks=2)
        scene.poll()
        weeks = [1 + WEEK * week for week in range(4)]
        assert [scene.offered(week) for week in weeks] == [False, False, True, True]
        scene.owner.delete(series)
        scene.poll()
        assert all(scene.offered(week) for week in weeks)

    def _series(self, scene: StandInScene, weeks: int) -> str:
        series = scene.owner.add(scene.at(1))
        scene.owner.repeat(series, weeks=weeks)
        scene.poll()
        return series

    def test_a_visit_made_a_series_keeps_its_time_and_the_other_occurrences_are_busy(
        self, scene: StandInScene
    ) -> None:
        appointment = scene.booked(1)
        scene.owner.repeat(scene.link(appointment).remote_id)
        scene.asked()
        scene.poll()
        assert scene.link(appointment).state == EventLink.State.PARKED
        after = fresh(appointment)
        assert (after.state, after.start, after.attention) == ("confirmed", scene.at(1).start, A_SERIES)
        assert [scene.busy(1 + WEEK * week) for week in range(3)] == [False, True, True]
        assert (told(appointment), scene.wrote()) == ([], [])
        scene.later(minutes=20)
        scene.drain()
        scene.asked()
        scene.poll()
        assert scene.asked() == [scene.reading], "a series that nobody touches costs nothing"

    def test_what_is_wrong_on_the_calendar_stays_said_when_the_visit_is_put_to_its_own_time(
        self, scene: StandInScene
    ) -> None:
        appointment = scene.booked(1)
        scene.owner.repeat(scene.link(appointment).remote_id)
        scene.poll()
        reschedule(**of(appointment), start=appointment.start, now=scene.now, force=True)
        scene.poll()
        assert scene.link(appointment).state == EventLink.State.PARKED
        assert fresh(appointment).attention == A_SERIES

    def test_a_visit_made_a_series_and_deleted_there_is_cancelled_here(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        event_id = scene.link(appointment).remote_id
        scene.owner.repeat(event_id, weeks=None)
        scene.poll()
        scene.owner.delete(event_id)
        scene.later(minutes=20)
        scene.drain()
        assert fresh(appointment).state == "cancelled"
        assert not scene.busy(WEEK)

    def test_a_touched_series_without_an_end_leaves_the_mirror_small(self, scene: StandInScene) -> None:
        own = scene.owner.add(scene.at(1))
        scene.owner.repeat(own, weeks=None)
        scene.poll()
        taken = BusyTime.objects.filter(calendar=scene.calendar)
        before = taken.count()
        scene.owner.edit(own, title="New")
        scene.poll()
        assert taken.count() == before

    def test_made_a_single_one_again_it_is_in_step_again(self, scene: StandInScene) -> None:
        appointment = scene.booked(1)
        event_id = scene.link(appointment).remote_id
        scene.owner.repeat(event_id)
        scene.poll()
        scene.owner.delete(scene.owner.occurrence(event_id, scene.at(1 + WEEK).start))
        scene.poll()
        assert [scene.busy(1 + WEEK * week) for week in range(3)] == [False, False, True]
        scene.owner.repeat_no_more(event_id)
        scene.later(minutes=20)
        scene.drain()
        assert scene.link(appointment).state == EventLink.State.CLEAN
        assert fresh(appointment).attention == ""
        assert not scene.busy(1 + WEEK * 2)

    def test_a_visit_made_all_day_keeps_its_time_and_is_flagged(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.asked()
        scene.move(appointment, day(scene.nine))
        scene.poll()
        after = fresh(appointment)
        assert (after.start, after.attention) == (scene.at(0).start, NO_TIME)
        assert (told(appointment), scene.wrote()) == ([], [])
        assert not scene.offered(5), "it takes the day, as it stands there"
        scene.move(appointment, scene.at(2))
        scene.poll()
        assert (fresh(appointment).start, fresh(appointment).attention) == (scene.at(2).start, "")
        assert scene.offered(5)

    # --- real-time updates off

    def test_switched_off_nothing_comes_back(self, scene: StandInScene) -> None:
        appointment = scene.booked()
        scene.connection.realtime = False
        scene.connection.save()
        scene.move(appointment, scene.at(3))
        scene.poll()
        assert fresh(appointment).start == scene.at(0).start
        edit(**of(appointment), title="Still sent", now=scene.now)
        scene.drain()
        assert scene.seen(appointment).content.title == "Still sent"

    # --- what was over

    def test_a_visit_that_is_over_costs_no_look_each_night(self, scene: StandInScene) -> None:
        """What is past is in no list any more; nobody deleted it."""
        appointment = scene.booked()
        nights = []
        for _ in range(4):
            scene.later(days=2)
            scene.asked()
            scene.drain()
            nights.append(scene.asked().count("get"))
        assert nights[2:] == [0, 0]
        assert scene.link(appointment).state == EventLink.State.CLEAN
        scene.edit(appointment, title="Was pleasant")
        scene.drain()
        scene.poll()
        assert fresh(appointment).title == "Was pleasant", "a change is noticed all the same"
