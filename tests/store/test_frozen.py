"""Questions worded once give what the querysets they come from give, at whatever moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from tests.sync_scene import CUSTOMER, Scene, at, stage

from genie.flows.cancel import cancel
from genie.store import frozen
from genie.store.frozen import asked
from genie.store.models import Connection, EventLink, RemoteCalendar, RemoteKey
from genie.store.queries import drains
from genie.store.queries.channels import is_to_tend, to_tend

pytestmark = pytest.mark.django_db
ADDRESSES = {"memory": "https://genie.example.com/hooks/memory"}


@pytest.fixture
def scene() -> Scene:
    """Three visits, in step."""
    scene = stage()
    for hour in (0, 2, 4):
        scene.book(at(hour).start, name=f"Guest {hour}")
    scene.drain()
    return scene


def plainly(now: datetime, *, thorough: bool, addresses: dict[str, str]) -> set[int]:
    """`to_drain` as its words say, query by query."""
    debts = [drains.owing(now), drains.missing(now)]
    if thorough:
        debts += [drains.put_aside(now), drains.to_look_at(now)]
    owed = {link.calendar_id for links in debts for link in links}
    if thorough:
        owed |= {calendar.id for calendar in to_tend(addresses, now)}
    due = {calendar.id for calendar in drains.reachable(now) if calendar.id in owed}
    due |= {calendar.id for calendar in drains.to_read(now)}
    return due | ({gone.calendar_id for gone in drains.removed()} if thorough else set())


def everything_agrees(scene: Scene) -> None:
    moments = [scene.now + timedelta(seconds=s) for s in (0, 20, 46, 1000, 3700, 90_000)]
    for now, thorough, addresses in product(moments, (True, False), ({}, ADDRESSES)):
        due = plainly(now, thorough=thorough, addresses=addresses)
        assert drains.to_drain(now, thorough=thorough, addresses=addresses) == due
    for now, addresses in product(moments, ({}, ADDRESSES)):
        due = plainly(now, thorough=True, addresses=addresses) - {c.calendar_id for c in drains.removed()}
        assert drains.is_due(scene.calendar.id, now, addresses) == (scene.calendar.id in due)
        tended = to_tend(addresses, now).filter(id=scene.calendar.id).exists()
        assert is_to_tend(scene.calendar.id, addresses, now) == tended
    for now in moments:
        assert drains.is_stale(scene.calendar.id, now) == drains.to_read(now).exists()
        for step, links in {
            drains.Step.OWING: drains.owing(now),
            drains.Step.PUT_ASIDE: drains.put_aside(now),
            drains.Step.MISSING: drains.missing(now),
            drains.Step.TO_LOOK_AT: drains.to_look_at(now),
        }.items():
            assert drains.due_links(step, scene.calendar.id, now) == [link.id for link in links]


def test_what_is_due_is_the_same_however_it_is_asked(scene: Scene) -> None:
    everything_agrees(scene)
    first, second, _third = EventLink.objects.order_by("appointment__start")
    EventLink.objects.filter(id=first.id).update(state="owes_push", next_attempt=scene.now)
    everything_agrees(scene)
    EventLink.objects.filter(id=second.id).update(
        state="parked", pushed_revision=0, next_attempt=scene.now + timedelta(minutes=15)
    )
    everything_agrees(scene)
    EventLink.objects.filter(id=first.id).update(
        state="missing", next_attempt=scene.now + timedelta(minutes=2)
    )
    everything_agrees(scene)
    EventLink.objects.filter(id=first.id).update(state="clean", etag="another", next_attempt=None)
    everything_agrees(scene)
    RemoteCalendar.objects.update(next_attempt=scene.now + timedelta(seconds=30))
    everything_agrees(scene)
    RemoteCalendar.objects.update(next_attempt=None, nudged_at=scene.now)
    everything_agrees(scene)
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    everything_agrees(scene)
    RemoteKey.objects.update(state=RemoteKey.State.ACTIVE)
    EventLink.objects.update(state="ended")
    Connection.objects.update(state=Connection.State.REMOVING)
    everything_agrees(scene)


def test_a_cancelled_one_is_due_here_and_nowhere_else(scene: Scene) -> None:
    other = stage()
    link = EventLink.objects.order_by("appointment__start").first()
    assert link
    cancel(
        company_id=scene.module.company_id, appointment_id=link.appointment_id, actor=CUSTOMER, now=scene.now
    )
    assert drains.is_due(scene.calendar.id, scene.now)
    other.poll()
    assert not drains.is_due(other.calendar.id, other.now)


def test_what_django_knows_to_be_empty_is_not_asked() -> None:
    def nothing(_now: datetime, _number: int) -> QuerySet[RemoteCalendar, int]:
        return RemoteCalendar.objects.none().values_list("id", flat=True)

    assert asked(nothing, now=at(0).start) == []


def test_a_sweep_is_one_statement(
    scene: Scene, django_assert_num_queries: type[CaptureQueriesContext]
) -> None:
    with django_assert_num_queries(1):
        drains.to_drain(scene.now, addresses=ADDRESSES)


# --- rows


def _link(link_id: UUID) -> QuerySet[EventLink]:
    whole = EventLink.objects.select_related("connection__staff", "calendar", "appointment__module__company")
    return whole.filter(id=link_id)


def _locked_link(link_id: UUID) -> QuerySet[EventLink]:
    return _link(link_id).select_for_update(of=("self",), no_key=True)


def _calendars(key_id: int) -> QuerySet[RemoteCalendar]:
    return RemoteCalendar.objects.filter(key_id=key_id).order_by("id")


def everything_of(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_is_read_as_django_reads_it_with_what_belongs_to_it(
    scene: Scene, django_assert_num_queries: type[CaptureQueriesContext]
) -> None:
    EventLink.objects.update(asked=[{"title": "Tour"}], next_attempt=scene.now)
    for link in EventLink.objects.all():
        with django_assert_num_queries(1):
            read = frozen.get(_link, link.id)
            company = read.appointment.module.company
        assert everything_of(read) == everything_of(link)
        assert everything_of(read.appointment) == everything_of(link.appointment)
        assert everything_of(company) == everything_of(scene.company)
        assert read.connection.staff is None
        read.reason = "written back"
        read.save()
        link.refresh_from_db()
        assert link.reason == "written back"


def test_several_rows_and_none(scene: Scene) -> None:
    expected = list(RemoteCalendar.objects.filter(key=scene.key).order_by("id"))
    assert expected and frozen.rows(_calendars, scene.key.id) == expected
    assert frozen.rows(_calendars, scene.key.id + 1) == []
    with pytest.raises(EventLink.DoesNotExist):
        frozen.get(_link, uuid4())


@pytest.mark.django_db(transaction=True)
def test_a_row_is_locked_in_a_transaction_only() -> None:
    scene = stage()
    link_id = scene.link(scene.book(at(0).start)).id
    for _ in range(2):  # worded, and worded before
        with pytest.raises(TransactionManagementError):
            frozen.get(_locked_link, link_id)
        with transaction.atomic():
            assert frozen.get(_locked_link, link_id).id == link_id
