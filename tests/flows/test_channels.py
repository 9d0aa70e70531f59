"""Channels: a change is told at once, one that is not is found all the same, and the end is an end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection
from tests.push_scene import HOOKS, PUSH, asked, channel, deliver, push_stage, watched
from tests.sync_crash import WRITES, Crash, dying_at
from tests.sync_scene import MONDAY, SETTINGS, Scene, at

from genie.core.errors import AccessLost, ProviderFault, Rejected, Transient
from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.complete_registration import wake_calendars_of
from genie.flows.connect_calendar import connect_calendar
from genie.flows.delete_key import delete_key
from genie.flows.delete_schedule import delete_schedule
from genie.flows.drain import drain
from genie.flows.hear import hear
from genie.flows.keep_channels import AT_LEAST
from genie.flows.remove_availability_calendar import remove_availability_calendar
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import Unlinked, unlink
from genie.providers.port import Notification
from genie.providers.registry import pushing
from genie.store.locks import calendar_lock
from genie.store.models import (
    Appointment,
    BusyTime,
    Channel,
    Connection,
    Module,
    RemoteCalendar,
    RemoteKey,
    Schedule,
)
from genie.store.queries.channels import LATE_FOR, to_tend
from genie.store.queries.drains import PUSHED_EVERY
from genie.store.queries.remote_calendars import in_use

pytestmark = pytest.mark.django_db(transaction=True)


# --- opening


def test_a_linked_calendar_gets_a_channel_and_is_read_after_it_opened() -> None:
    scene = push_stage()
    scene.drain()
    names = [name for name, _ in scene.world.requests]
    assert names == ["changes", "watch", "changes"], "what changed in between, nobody would tell"
    made = channel(scene)
    (there,) = scene.world.watches()
    assert (made.channel_id, made.remote_id, made.resource) == (there.id, there.id, there.resource)
    assert (made.address, made.expires_at) == (f"{HOOKS}/memory", scene.now + timedelta(days=7))
    assert made.renew_at == scene.now + timedelta(days=3.5)


def test_the_token_itself_is_not_kept() -> None:
    scene = watched()
    (there,) = scene.world.watches()
    columns = Channel.objects.values().get()
    assert len(there.token) >= 32 and there.token not in str(columns)


def test_a_change_is_told_at_once() -> None:
    scene = watched()
    appointment = scene.book(MONDAY)
    scene.drain()
    deliver(scene)
    scene.drain()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.later(seconds=1)
    scene.drain()
    appointment.refresh_from_db()
    assert appointment.start == MONDAY, "nobody looked"
    assert deliver(scene) == [True]
    scene.drain()
    appointment.refresh_from_db()
    assert appointment.start == at(3).start


def test_the_first_messages_may_be_quicker_than_the_answer() -> None:
    scene = push_stage()
    told = []

    def at_once(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch":
            scene.owner.add("work", at(1))
            told.extend(deliver(scene))

    scene.world.after = at_once
    scene.drain()
    assert told == [True, True]
    assert channel(scene).heard_at == scene.now
    assert asked(scene, "watch") == 1 and scene.calendar.busy_times.count() == 1


@pytest.mark.parametrize("early", [True, False])
def test_a_channel_whose_name_is_the_provider_s(early: bool) -> None:
    """Its first message names what we cannot know yet: then the token alone decides, and only then."""
    scene = push_stage()
    scene.drain()
    (there,) = scene.world.watches()
    Channel.objects.update(
        channel_id="0" * 32, remote_id="" if early else "theirs", state="asked" if early else "open"
    )

    def say(name: str, token: str) -> bool:
        return hear(kind="memory", notifications=[Notification(name, token)], now=scene.now)

    assert say("theirs", there.token)
    assert not say("theirs", "forged") and not say("", there.token)
    assert say("another", there.token) is early


def test_nothing_is_asked_where_no_message_could_reach_us() -> None:
    scene = push_stage()
    scene.settings = SETTINGS
    scene.drain()
    scene.poll()
    assert asked(scene, "watch") == 0 and not Channel.objects.exists()


def test_only_what_flows_back_is_watched() -> None:
    scene = push_stage(realtime=False)
    scene.drain()
    assert asked(scene, "watch") == 0
    add_availability_calendar(schedule=scene.module.schedule, key=scene.key, remote_id="work", now=scene.now)
    scene.drain()
    assert asked(scene, "watch") == 1


# --- the poll floor


def test_with_a_channel_it_is_read_once_an_hour() -> None:
    scene = watched()
    RemoteCalendar.objects.update(watched_at=scene.now)
    scene.later(minutes=59)
    RemoteCalendar.objects.update(watched_at=scene.now)
    scene.drain()
    assert asked(scene, "changes") == 0, "neither the time nor a person who watches makes it stale"
    scene.later(minutes=2)
    scene.drain()
    assert asked(scene, "changes") == 1


def test_a_handshake_is_as_good_as_a_first_message() -> None:
    scene = push_stage()
    scene.world.handshakes = True
    scene.drain()
    assert scene.world.posts == []
    scene.poll()
    assert asked(scene, "changes") == 2, "none since the one after it opened"


def test_the_nightly_full_read_stays() -> None:
    scene = watched()
    before = RemoteCalendar.objects.get().full_read_at
    for _ in range(22):
        scene.later(hours=1, seconds=1)
        scene.drain()
    after = RemoteCalendar.objects.get().full_read_at
    assert before and after and after - before > timedelta(hours=20)
    assert asked(scene, "changes") == 22


@pytest.mark.parametrize(
    "spoilt",
    [
        {"heard_at": None},
        {"expires_at": MONDAY - timedelta(days=4)},
        {"state": "closing"},
    ],
    ids=["never heard of", "over", "superseded"],
)
def test_a_channel_that_may_not_work_is_not_relied_on(spoilt: dict[str, Any]) -> None:
    scene = watched()
    RemoteCalendar.objects.update(push_next_attempt=scene.now + timedelta(days=1))  # no other one meanwhile
    Channel.objects.update(**spoilt)
    scene.poll()
    assert asked(scene, "changes") == 1


def test_a_lost_message_costs_an_hour_and_then_trust() -> None:
    scene = watched()
    first = channel(scene)
    scene.owner.add("work", at(2))
    scene.world.delivered()  # lost
    scene.later(hours=1, seconds=1)
    scene.drain()
    assert RemoteCalendar.objects.get().push_late_at == scene.now
    for _ in range(5):
        scene.poll()
    assert asked(scene, "changes") == 6, "asked as often as without a channel"
    assert asked(scene, "watch") == 0
    scene.now += LATE_FOR
    scene.drain()
    assert asked(scene, "watch") == asked(scene, "unwatch") == 1, "one that is silent is replaced, once"
    assert channel(scene).id != first.id
    deliver(scene)
    scene.later(minutes=10)
    scene.drain()
    assert asked(scene, "watch") == 1 and RemoteCalendar.objects.get().push_late_at, "hello is no proof"
    scene.owner.add("work", at(4))
    deliver(scene)
    scene.drain()
    assert RemoteCalendar.objects.get().push_late_at is None
    reads = asked(scene, "changes")
    scene.later(minutes=30)
    scene.drain()
    assert asked(scene, "changes") == reads


def test_a_message_that_comes_while_the_hourly_read_runs_is_not_late() -> None:
    scene = watched()
    scene.owner.add("work", at(2))
    scene.later(hours=1, seconds=1)
    scene.world.after = lambda name, _: deliver(scene) and None
    scene.drain()
    assert RemoteCalendar.objects.get().push_late_at is None


def test_our_own_writes_are_no_news() -> None:
    scene = watched()
    scene.book(MONDAY)
    scene.drain()
    scene.world.delivered()  # lost
    scene.later(hours=1, seconds=1)
    scene.drain()
    assert RemoteCalendar.objects.get().push_late_at is None


# --- renewal


def test_renewed_at_half_life_new_before_old() -> None:
    scene = watched()
    first = channel(scene)
    alive: list[int] = []
    scene.world.after = lambda name, _: alive.append(len(scene.world.watches()))
    scene.later(days=3.4)
    scene.drain()
    assert asked(scene, "watch") == 0
    scene.later(days=0.2)
    scene.drain()
    second = channel(scene)
    assert second.id != first.id and second.renew_at == scene.now + timedelta(days=3.5)
    order = [name for name, _ in scene.world.requests if name != "changes"]
    assert order == ["watch", "unwatch"] and 2 in alive
    assert [there.id for there in scene.world.watches()] == [second.channel_id]
    assert Channel.objects.count() == 1


def test_both_are_heard_while_they_overlap() -> None:
    scene = watched()
    scene.later(days=3.6)

    def change(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "unwatch":
            scene.owner.add("work", at(1))
            scene.world.before = None

    scene.world.before = change
    scene.drain()
    posts = [post for post in scene.world.delivered() if post.sort == "changed"]
    assert len(posts) == 2
    assert deliver(scene, posts) == [False, True], "the old one is forgotten by now; unknown is harmless"
    scene.drain()
    assert scene.calendar.busy_times.count() == 1


def test_a_provider_may_ask_for_another_one() -> None:
    scene = watched()
    first = channel(scene)
    scene.owner.ask_for_renewal("work")
    deliver(scene)
    scene.drain()
    assert channel(scene).id != first.id and asked(scene, "unwatch") == 1


def prolonging() -> Scene:
    """As `watched`, where channels are prolonged."""
    scene = watched()
    scene.world.prolongs = True
    return scene


def test_where_it_can_be_prolonged_no_other_is_opened() -> None:
    scene = prolonging()
    first = channel(scene)
    scene.now += timedelta(days=4)
    scene.drain()
    after = channel(scene)
    assert (after.id, asked(scene, "prolong"), asked(scene, "watch")) == (first.id, 1, 0)
    assert after.expires_at == scene.now + timedelta(days=7)
    assert after.renew_at == scene.now + timedelta(days=3.5)
    assert after.heard_at == first.heard_at
    scene.now += timedelta(days=3)
    scene.drain()
    assert asked(scene, "prolong") == 1


def test_what_was_not_told_before_it_was_prolonged_is_read() -> None:
    """A provider that waits to be asked may hold its messages back."""
    scene = prolonging()
    scene.owner.ask_for_renewal("work")
    assert deliver(scene) == [True]
    scene.owner.add("work", at(3))
    scene.world.posts.clear()
    scene.drain()
    assert asked(scene, "prolong") == 1
    scene.drain()
    assert BusyTime.objects.filter(calendar=scene.calendar).count() >= 1
    assert RemoteCalendar.objects.get().push_late_at is None


def test_one_the_provider_gave_up_is_replaced_at_once_and_nothing_is_lost() -> None:
    scene = prolonging()
    first = channel(scene)
    scene.owner.end_channels("work")
    assert deliver(scene) == [True]
    scene.owner.add("work", at(3))
    scene.drain()
    assert (asked(scene, "prolong"), asked(scene, "watch")) == (1, 1)
    assert channel(scene).id != first.id
    scene.drain()
    assert BusyTime.objects.filter(calendar=scene.calendar).count() >= 1
    assert len(scene.world.watches()) == 1


def test_one_that_seems_not_to_work_is_replaced_and_not_prolonged() -> None:
    scene = prolonging()
    first = channel(scene)
    RemoteCalendar.objects.filter(id=scene.calendar.id).update(push_late_at=scene.now)
    scene.now += timedelta(minutes=11)
    scene.drain()
    assert (asked(scene, "prolong"), asked(scene, "watch")) == (0, 1)
    assert channel(scene).id != first.id


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_a_fault_while_prolonging_is_put_off_and_the_channel_goes_on(effect: bool) -> None:
    scene = prolonging()
    first = channel(scene)
    scene.now += timedelta(days=4)

    def failing(method: str, _args: object) -> None:
        if method == "prolong":
            raise Transient("The calendar server is busy.", retry_after=120.0)

    scene.world.before, scene.world.after = (None, failing) if effect else (failing, None)
    scene.drain()
    scene.world.before = scene.world.after = None
    assert channel(scene).id == first.id
    assert asked(scene, "watch") == 0
    assert RemoteCalendar.objects.get().push_trouble == "The calendar server is busy."
    scene.now += timedelta(minutes=5)
    scene.drain()
    assert channel(scene).expires_at == scene.now + timedelta(days=7)
    assert RemoteCalendar.objects.get().push_trouble == ""


def test_one_that_was_forgotten_while_it_was_prolonged_stays_forgotten() -> None:
    scene = prolonging()
    first = channel(scene)
    scene.now += timedelta(days=4)

    def unlinked(method: str, _args: object) -> None:
        if method == "prolong":
            Channel.objects.all().delete()

    scene.world.after = unlinked
    scene.drain()
    assert not Channel.objects.filter(id=first.id).exists()


def test_another_address_of_the_installation_is_told() -> None:
    scene = watched()
    scene.settings = replace(PUSH, webhooks="https://moved.example.com/hooks")
    scene.drain()
    assert channel(scene).address == "https://moved.example.com/hooks/memory"
    assert len(scene.world.watches()) == 1


@pytest.mark.parametrize("skew", [timedelta(days=30), timedelta(days=-30)], ids=["ahead", "behind"])
def test_a_clock_that_differs_from_the_provider_s_makes_no_storm(skew: timedelta) -> None:
    scene = push_stage()
    scene.world.clock = lambda: scene.now - skew  # ours is ahead (behind) by so much
    scene.drain()
    scene.now += AT_LEAST * 3.5
    scene.drain()
    assert asked(scene, "watch") == (2 if skew > timedelta(0) else 1)
    assert asked(scene, "changes") >= 2


def test_an_expired_one_is_replaced_when_the_worker_was_away() -> None:
    scene = watched()
    scene.later(days=9)
    scene.drain()
    assert [there.id for there in scene.world.watches()] == [channel(scene).channel_id]
    assert asked(scene, "watch") == 1


# --- refusals and faults


def test_a_calendar_that_cannot_be_watched_is_polled_and_asked_again_after_a_day() -> None:
    scene = push_stage()
    scene.owner.refuse_push("work")
    scene.drain()
    calendar = RemoteCalendar.objects.get()
    assert calendar.push_refused_at == scene.now and "does not tell" in calendar.push_trouble
    assert not Channel.objects.exists()
    for _ in range(5):
        scene.poll()
    assert asked(scene, "watch") == 1 and asked(scene, "changes") == 6
    scene.owner.refuse_push("work", False)
    scene.later(days=1)
    scene.drain()
    calendar.refresh_from_db()
    assert (calendar.push_refused_at, calendar.push_trouble) == (None, "") and channel(scene)


FAULTS: list[Exception] = [
    Transient("Busy."),
    Transient("Cut.", outcome_unknown=True),
    Rejected("No."),
    ZeroDivisionError("ours"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_a_fault_of_watch_holds_up_nothing(fault: Exception, effect: bool) -> None:
    scene = push_stage()

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch":
            raise fault

    setattr(scene.world, "after" if effect else "before", fail)
    appointment = scene.book(MONDAY)
    scene.drain()
    calendar = RemoteCalendar.objects.get()
    assert scene.link(appointment).state == "clean"
    assert (calendar.next_attempt, calendar.attempts, calendar.trouble) == (None, 0, "")
    assert calendar.push_attempts == 1 and calendar.push_next_attempt and calendar.push_trouble
    assert not Channel.objects.exists()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    appointment.refresh_from_db()
    assert appointment.start == at(3).start
    scene.heal()
    scene.later(hours=1)
    scene.drain()
    assert channel(scene)
    calendar.refresh_from_db()
    assert (calendar.push_attempts, calendar.push_trouble, calendar.push_next_attempt) == (0, "", None)


def test_the_provider_says_when() -> None:
    scene = push_stage()

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch":
            raise Transient("Too many.", retry_after=600)

    scene.world.before = fail
    scene.drain()
    calendar = RemoteCalendar.objects.get()
    assert calendar.push_next_attempt and calendar.push_next_attempt >= scene.now + timedelta(minutes=10)


def test_access_lost_while_watching_is_access_lost() -> None:
    scene = push_stage()

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch":
            raise AccessLost("Revoked.")

    scene.world.before = fail
    scene.drain()
    assert RemoteKey.objects.get().state == "needs_reauthorization"
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("fault", "left"),
    [(Transient("Busy."), 2), (Rejected("Never heard of it."), 1), (AccessLost("Of another grant."), 1)],
)
def test_one_that_cannot_be_stopped(fault: ProviderFault, left: int) -> None:
    scene = watched()

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "unwatch":
            raise fault

    scene.world.before = fail
    scene.later(days=3.6)
    scene.drain()
    assert Channel.objects.count() == left and channel(scene)
    assert RemoteKey.objects.get().state == "active"
    scene.heal()
    scene.later(hours=1)
    scene.drain()
    assert Channel.objects.count() == 1


# --- the end


def test_after_unlink_has_answered_no_request_comes() -> None:
    scene = watched()
    assert end(scene) is Unlinked.DONE
    assert [name for name, _ in scene.world.requests] == ["unwatch"]
    assert not Channel.objects.exists() and scene.world.watches() == []
    scene.owner.add("work", at(1))
    assert deliver(scene) == []
    assert quiet(scene)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_provider_that_does_not_answer_holds_up_no_unlink(fault: Exception) -> None:
    scene = watched()

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        raise fault

    scene.world.before = fail
    assert end(scene) is Unlinked.DONE
    assert asked(scene, "unwatch") == 1
    scene.heal()
    assert not Channel.objects.exists()
    scene.owner.add("work", at(1))
    assert deliver(scene) == [False], "it still posts, to nobody"
    assert quiet(scene)


def test_unlink_while_a_channel_is_being_opened() -> None:
    """The drain holds the calendar and waits for the answer; when it comes, nobody wants it any more."""
    scene = push_stage()
    asking, answered = Event(), Event()

    def wait(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch":
            asking.set()
            answered.wait(10)

    scene.world.after = wait

    def work() -> None:
        try:
            scene.drain()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as worker:
        working = worker.submit(work)
        asking.wait(10)
        assert end(scene, wait_seconds=0.1) is Unlinked.FINISHING
        before = len(scene.world.requests)
        answered.set()
        working.result()
    assert len(scene.world.requests) == before
    assert not Channel.objects.exists()
    assert quiet(scene)


def test_another_module_goes_on_with_the_channel() -> None:
    scene = watched()
    other = Module.objects.create(
        company=scene.module.company,
        name="Branch",
        slug="b",
        schedule=scene.module.schedule,
        created_at=scene.now,
    )
    link = connect_calendar(module=other, key=scene.key, remote_id="work", user=None, now=scene.now)
    set_realtime(company_id=other.company_id, connection_id=link.id, on=True, now=scene.now)
    scene.drain()
    end(scene)
    scene.drain()
    assert asked(scene, "unwatch") == 0 and channel(scene)
    unlink(company_id=other.company_id, connection_id=link.id, keep_copies=True, settings=PUSH, now=scene.now)
    assert asked(scene, "unwatch") == 1 and not Channel.objects.exists()


def test_a_removal_of_copies_stops_it_on_the_way() -> None:
    scene = watched()
    scene.book(MONDAY)
    scene.drain()
    assert end(scene, keep=False) is Unlinked.REMOVING
    scene.drain()
    drain(calendar_id=scene.calendar.id, settings=PUSH, now=scene.now)
    assert Connection.objects.get().state == "ended"
    assert asked(scene, "unwatch") == 1 and not Channel.objects.exists() and scene.world.watches() == []
    assert quiet(scene)


def test_switching_real_time_updates_off_stops_it_and_on_opens_another() -> None:
    scene = watched()
    company, link = scene.module.company_id, scene.connection.id
    set_realtime(company_id=company, connection_id=link, on=False, now=scene.now)
    scene.drain()
    assert scene.world.watches() == [] and not Channel.objects.exists()
    set_realtime(company_id=company, connection_id=link, on=True, now=scene.now)
    scene.drain()
    assert len(scene.world.watches()) == 1 and channel(scene)


def test_an_operator_who_switches_push_off() -> None:
    scene = watched()
    scene.settings = SETTINGS
    scene.drain()
    assert scene.world.watches() == [] and not Channel.objects.exists()
    scene.poll()
    assert asked(scene, "changes") == 1


def test_removing_an_availability_calendar_stops_it() -> None:
    scene = push_stage(realtime=False)
    end(scene)
    entry = add_availability_calendar(
        schedule=scene.module.schedule, key=scene.key, remote_id="work", now=scene.now
    )
    scene.drain()
    assert len(scene.world.watches()) == 1
    before = len(scene.world.requests)
    remove_availability_calendar(company_id=scene.module.company_id, entry_id=entry.id, settings=PUSH)
    assert [name for name, _ in scene.world.requests[before:]] == ["unwatch"]
    assert scene.world.watches() == [] and not Channel.objects.exists()
    assert quiet(scene)


def test_deleting_a_schedule_stops_what_only_it_had_read() -> None:
    scene = push_stage(realtime=False)
    other = Schedule.objects.create(company=scene.module.company, name="Summer", zone="UTC")
    add_availability_calendar(schedule=other, key=scene.key, remote_id="work", now=scene.now)
    scene.drain()
    assert len(scene.world.watches()) == 1
    delete_schedule(company_id=other.company_id, schedule_id=other.id, settings=PUSH)
    assert scene.world.watches() == [] and not Channel.objects.exists()


def test_an_availability_calendar_that_is_being_read_is_removed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genie.flows.close_channels.WAIT", 0.1)
    scene = push_stage(realtime=False)
    end(scene)
    entry = add_availability_calendar(
        schedule=scene.module.schedule, key=scene.key, remote_id="work", now=scene.now
    )
    scene.drain()
    scene.world.requests.clear()

    def remove() -> None:
        try:
            remove_availability_calendar(company_id=scene.module.company_id, entry_id=entry.id, settings=PUSH)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as person, calendar_lock(scene.calendar.id):
        person.submit(remove).result()
    assert scene.world.requests == [] and not Channel.objects.exists()


def test_a_key_that_needs_re_authorization_gets_new_channels_and_a_full_read() -> None:
    scene = watched()
    first = channel(scene)
    scene.owner.change_password("another")  # its channels end with it
    scene.later(hours=1, seconds=1)
    scene.drain()
    key = RemoteKey.objects.get()
    assert key.state == "needs_reauthorization"
    scene.owner.change_password("open sesame")
    RemoteKey.objects.update(state="active")
    wake_calendars_of(key=key, now=scene.now)
    scene.world.requests.clear()
    scene.drain()
    assert channel(scene).id != first.id and Channel.objects.count() == 1
    assert [there.id for there in scene.world.watches()] == [channel(scene).channel_id]
    calendar = RemoteCalendar.objects.get()
    assert calendar.full_read_at == scene.now
    reads = [arguments for name, arguments in scene.world.requests if name == "changes"]
    assert reads[0] == ("work", None)


def test_no_request_for_the_channels_of_a_key_that_does_not_work() -> None:
    scene = watched()
    RemoteKey.objects.update(state="needs_reauthorization")
    scene.later(days=4)
    scene.drain()
    end(scene)
    assert scene.world.requests == [] and not Channel.objects.exists()


def test_a_discarded_key_leaves_no_channel() -> None:
    scene = watched()
    end(scene)
    delete_key(company_id=scene.module.company_id, key_id=scene.key.id, settings=SETTINGS, now=scene.now)
    assert not Channel.objects.exists()


# --- crashes


def to_open() -> Scene:
    return push_stage()


def to_renew() -> Scene:
    scene = watched()
    scene.later(days=3.6)
    return scene


def to_stop() -> Scene:
    scene = watched()
    Connection.objects.update(realtime=False)
    return scene


def with_a_change() -> Scene:
    scene = watched()
    appointment = scene.book(MONDAY)
    scene.drain()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    deliver(scene)
    scene.now += PUSHED_EVERY
    return scene


SITUATIONS: list[Callable[[], Scene]] = [to_open, to_renew, to_stop, with_a_change]


@pytest.mark.parametrize("prepare", SITUATIONS)
def test_dying_before_any_write(prepare: Callable[[], Scene]) -> None:
    for statement in range(1, 400):
        scene = prepare()
        died = _dies(scene, statement)
        _assert_in_order(scene, wanted=prepare is not to_stop)
        if not died:
            assert statement > 2
            return
    raise AssertionError("a drain should be over by now")


@pytest.mark.parametrize("prepare", SITUATIONS)
@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_dying_around_any_request(prepare: Callable[[], Scene], effect: bool) -> None:
    for request in range(1, 30):
        scene = prepare()
        left = request

        def die(name: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash

        setattr(scene.world, "after" if effect else "before", die)
        try:
            scene.drain()
        except Crash:
            connection.close()
        scene.heal()
        _assert_in_order(scene, wanted=prepare is not to_stop)
        if left > 0:
            assert request > 1
            return
    raise AssertionError("a drain should be over by now")


def to_unlink() -> tuple[Scene, Callable[[], object]]:
    scene = watched()
    return scene, partial(end, scene)


def to_remove() -> tuple[Scene, Callable[[], object]]:
    scene = push_stage(realtime=False)
    end(scene)
    entry = add_availability_calendar(
        schedule=scene.module.schedule, key=scene.key, remote_id="work", now=scene.now
    )
    scene.drain()
    return scene, partial(
        remove_availability_calendar, company_id=scene.module.company_id, entry_id=entry.id, settings=PUSH
    )


@pytest.mark.parametrize("prepare", [to_unlink, to_remove])
def test_dying_while_it_ends_leaves_nothing_that_asks(
    prepare: Callable[[], tuple[Scene, Callable[[], object]]],
) -> None:
    for statement in range(1, 100):
        scene, act = prepare()
        died = False
        try:
            with dying_at(statement, of=WRITES):
                act()
        except Crash:
            connection.close()
            died = True
        if not in_use().filter(id=scene.calendar.id).exists():  # else nothing was committed
            assert quiet(scene)
        if not died:
            assert not scene.calendar.channels.exists() and statement > 2
            return
    raise AssertionError("it should be over by now")


def test_four_workers_open_one() -> None:
    scene = push_stage()

    def work(_: int) -> None:
        try:
            while drain(calendar_id=scene.calendar.id, settings=PUSH, now=scene.now):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(8)))
    scene.drain()
    assert asked(scene, "watch") == 1 and Channel.objects.count() == 1


def test_a_worker_that_lost_the_calendar_keeps_the_newest_one() -> None:
    """Without its lock (the connection was cut) two may ask at once; the later answer supersedes."""
    scene = push_stage()
    nested = []

    def another(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "watch" and not nested:
            nested.append(True)
            Channel.objects.update(state=Channel.State.OPEN, expires_at=scene.now, renew_at=scene.now)

    scene.world.after = another
    scene.drain()
    assert Channel.objects.filter(state="open").count() == 1
    assert channel(scene).channel_id in [there.id for there in scene.world.watches()]


def _dies(scene: Scene, statement: int) -> bool:
    try:
        with dying_at(statement, of=WRITES):
            scene.drain()
    except Crash:
        connection.close()
        return True
    return False


def _assert_in_order(scene: Scene, *, wanted: bool) -> None:
    """Started again: one channel that works, at most one nobody knows, and no change was lost."""
    scene.later(seconds=20)
    scene.drain()
    assert not to_tend(pushing(PUSH), scene.now).filter(key=scene.key).exists()
    rows = Channel.objects.filter(calendar=scene.calendar)
    there = {watch.id for watch in scene.world.watches()}
    if not wanted:
        assert not rows.exists() and there == set()
        return
    assert rows.count() == 1 and channel(scene).channel_id in there
    assert len(there) <= 2
    deliver(scene)
    scene.drain()
    event = scene.owner.add("work", at(30))
    assert sorted(deliver(scene))[-1] is True
    scene.drain()
    assert scene.calendar.busy_times.filter(remote_id=event).exists()
    for appointment in Appointment.objects.filter(module=scene.module):
        kept = scene.owner.event("work", scene.link(appointment).remote_id)
        assert kept and appointment.start == kept.content.when.start


def end(scene: Scene, *, keep: bool = True, wait_seconds: float = 5) -> Unlinked:
    return unlink(
        company_id=scene.module.company_id,
        connection_id=scene.connection.id,
        keep_copies=keep,
        settings=PUSH,
        now=scene.now,
        wait_seconds=wait_seconds,
    )


def quiet(scene: Scene) -> bool:
    """Whatever time passes and whoever wakes it, the calendar system hears nothing."""
    before = len(scene.world.requests)
    for hours in (0, 2, 30, 200):
        scene.later(hours=hours)
        scene.drain()
        drain(calendar_id=scene.calendar.id, settings=PUSH, now=scene.now)
    return len(scene.world.requests) == before
