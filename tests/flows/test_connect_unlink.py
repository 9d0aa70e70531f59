"""Unlink Token: what is left on the calendar, and that nothing is sent after the answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connections
from tests.connect_scene import NOW, SETTINGS, Scene, scene, woken

from genie.flows.connect_calendar import CannotConnect, connect_calendar
from genie.flows.drain import drain
from genie.flows.unlink import Unlinked, unlink
from genie.store.locks import calendar_lock
from genie.store.models import BusyTime, Connection, EventLink, Message
from genie.store.queries.drains import to_drain


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def linked(acme: Scene) -> Connection:
    key = acme.key()
    acme.listed(key)
    return connect_calendar(module=acme.module, key=key, remote_id="work", user=acme.admin, now=NOW)


def sent(link: EventLink, remote_id: str) -> None:
    EventLink.objects.filter(id=link.id).update(
        state="clean", remote_id=remote_id, pushed_revision=1, asked_at=NOW
    )


def end(connection: Connection, *, keep: bool, **fields: object) -> Unlinked:
    company_id = connection.module.company_id
    values = {"company_id": company_id, "settings": SETTINGS, "now": NOW, "wait_seconds": 0.2} | fields
    return unlink(connection_id=connection.id, keep_copies=keep, **values)  # type: ignore[arg-type]


def states() -> dict[str, str]:
    return {link.remote_id: link.state for link in EventLink.objects.all()}


def test_keeping_the_copies_ends_all_links_and_bumps_the_epoch(acme: Scene) -> None:
    acme.appointment(hours=24)
    acme.appointment(hours=48)
    connection = linked(acme)
    sent(EventLink.objects.get(appointment__start=NOW + timedelta(hours=24)), "a")
    version = EventLink.objects.get(remote_id="a").version
    assert end(connection, keep=True) is Unlinked.DONE
    connection.refresh_from_db()
    assert (connection.state, connection.epoch, connection.ended_at) == ("ended", 2, NOW)
    assert states() == {"a": "ended", "": "ended"}
    assert EventLink.objects.get(remote_id="a").version == version + 1
    assert not Message.objects.exists()


def test_the_mirror_goes_when_nobody_else_reads_the_calendar(acme: Scene) -> None:
    connection = linked(acme)
    BusyTime.objects.create(
        calendar=connection.calendar, remote_id="x", start=NOW, end=NOW + timedelta(hours=1), kind="busy"
    )
    end(connection, keep=True)
    assert not BusyTime.objects.exists()


def test_removing_the_copies_owes_the_deletion_of_those_to_come_only(acme: Scene) -> None:
    for hours in (24, 48, 72):
        acme.appointment(hours=hours)
    connection = linked(acme)
    past, parked, _never_sent = EventLink.objects.order_by("appointment__start")
    sent(past, "past")
    sent(parked, "parked")
    EventLink.objects.filter(id=parked.id).update(state="parked", reason="too large")
    before = len(woken())
    assert end(connection, keep=False, now=NOW + timedelta(hours=30)) is Unlinked.REMOVING
    connection.refresh_from_db()
    assert (connection.state, connection.epoch, connection.ended_at) == ("removing", 2, None)
    assert states() == {"past": "ended", "parked": "owes_push", "": "ended"}
    assert woken()[before:] == [connection.calendar_id]


def test_a_create_of_unknown_outcome_is_still_looked_for(acme: Scene) -> None:
    acme.appointment()
    connection = linked(acme)
    EventLink.objects.update(asked_at=NOW)
    assert end(connection, keep=False) is Unlinked.REMOVING
    assert states() == {"": "owes_push"}


def test_removing_ends_at_once_when_nothing_is_there(acme: Scene) -> None:
    acme.appointment()
    connection = linked(acme)
    assert end(connection, keep=False) is Unlinked.DONE
    connection.refresh_from_db()
    assert connection.state == "ended"


def test_a_removal_whose_worker_died_at_its_very_end_is_ended_by_the_sweep(acme: Scene) -> None:
    acme.appointment()
    connection = linked(acme)
    sent(EventLink.objects.get(), "a")
    end(connection, keep=False)
    EventLink.objects.update(state="ended")  # the last deletion was committed, and nothing after it
    assert connection.calendar_id in to_drain(NOW)
    assert not drain(calendar_id=connection.calendar_id, settings=SETTINGS, now=NOW)
    connection.refresh_from_db()
    assert connection.state == "ended"


def test_a_removal_can_be_stopped_and_then_another_calendar_linked(acme: Scene) -> None:
    acme.appointment()
    connection = linked(acme)
    sent(EventLink.objects.get(), "a")
    end(connection, keep=False)
    with pytest.raises(CannotConnect, match="still being removed"):
        connect_calendar(
            module=acme.module, key=connection.calendar.key, remote_id="work", user=acme.admin, now=NOW
        )
    assert end(connection, keep=True) is Unlinked.DONE
    assert states() == {"a": "ended"}


def test_unlinking_twice_changes_nothing_the_second_time(acme: Scene) -> None:
    connection = linked(acme)
    end(connection, keep=True)
    assert end(connection, keep=False, now=NOW + timedelta(hours=1)) is Unlinked.DONE
    connection.refresh_from_db()
    assert (connection.epoch, connection.ended_at) == (2, NOW)


def test_another_company_cannot_unlink(acme: Scene) -> None:
    connection = linked(acme)
    with pytest.raises(Connection.DoesNotExist):
        end(connection, keep=True, company_id=scene("rival").company.id)


def test_linking_the_same_calendar_again_takes_up_the_same_keys(acme: Scene) -> None:
    visit = acme.appointment()
    first = linked(acme)
    link = EventLink.objects.get()
    sent(link, "a")
    end(first, keep=True)
    second = connect_calendar(
        module=acme.module, key=first.calendar.key, remote_id="work", user=acme.admin, now=NOW
    )
    again = EventLink.objects.get()  # not a second one: the event bears this link's key
    assert (again.id, again.appointment_id, again.connection_id) == (link.id, visit.id, second.id)
    assert (again.state, again.remote_id, again.base, again.pushed_revision) == ("owes_push", "", None, 0)


@pytest.mark.django_db(transaction=True)
def test_the_answer_waits_for_the_request_under_way() -> None:
    connection = linked(scene())
    talking, answered = Event(), Event()
    order: list[str] = []

    def drain() -> None:
        try:
            with calendar_lock(connection.calendar_id, wait_seconds=5):
                talking.set()
                assert not answered.wait(0.3)  # the unlink below is kept waiting meanwhile
                order.append("request ended")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(drain)
        assert talking.wait(5)
        assert end(connection, keep=True, wait_seconds=10) is Unlinked.DONE
        order.append("unlink answered")
        answered.set()
        draining.result()
    assert order == ["request ended", "unlink answered"]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_does_not_end_is_said_honestly() -> None:
    connection = linked(scene())
    talking, done = Event(), Event()

    def drain() -> None:
        try:
            with calendar_lock(connection.calendar_id, wait_seconds=5):
                talking.set()
                assert done.wait(10)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(drain)
        assert talking.wait(5)
        try:
            assert end(connection, keep=True, wait_seconds=0.1) is Unlinked.FINISHING
        finally:
            done.set()
        draining.result()
    connection.refresh_from_db()
    assert connection.state == "ended"
