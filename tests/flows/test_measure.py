"""How long changes took and how many requests were made is counted, by the database's clock alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from tests.sync_scene import stage

from genie.flows import actor
from genie.flows.cancel import cancel
from genie.flows.forget_counts import forget_counts
from genie.flows.nudge import nudge
from genie.flows.owe import owe
from genie.providers.addresses import client
from genie.providers.counting import Requests
from genie.providers.registry import ProviderSettings
from genie.store.counts import quarter_of
from genie.store.models import EventLink, RemoteCalendar, SyncCount, SyncTotal

pytestmark = pytest.mark.django_db


def counted() -> dict[str, dict[int, int]]:
    """What → bucket → so many, over all quarters."""
    found: dict[str, dict[int, int]] = {}
    for what, bucket, count in SyncCount.objects.values_list("what", "bucket", "count"):
        found.setdefault(what, {})[bucket] = found.get(what, {}).get(bucket, 0) + count
    return found


def wait_since(**span: float) -> None:
    """As if what is owed were owed so long already."""
    EventLink.objects.filter(state="owes_push").update(owed_at=Now() - timedelta(**span))


def test_a_change_sent_counts_from_when_it_was_owed() -> None:
    scene = stage()
    scene.book(scene.nine)
    wait_since(seconds=7)
    scene.drain()
    assert counted()["out"] == {4: 1}  # 5 to 10 s
    assert 7000 <= counted()["out_ms"][0] < 10_000
    assert EventLink.objects.get().owed_at is None


def test_a_debt_is_as_old_as_the_first_change_that_waits() -> None:
    scene = stage()
    appointment = scene.booked()
    assert scene.link(appointment).owed_at is None
    with transaction.atomic():
        owe(appointment=appointment, now=scene.now)
    wait_since(hours=2)
    before = scene.link(appointment).owed_at
    with transaction.atomic():
        owe(appointment=appointment, now=scene.now)
    assert scene.link(appointment).owed_at == before


def test_a_deletion_there_is_a_change_sent() -> None:
    scene = stage()
    appointment = scene.booked()
    SyncCount.objects.all().delete()
    cancel(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        actor=actor.customer("Jane"),
        now=scene.now,
    )
    scene.drain()
    assert sum(counted()["out"].values()) == 1


def test_a_change_taken_in_counts_from_the_first_nudge() -> None:
    scene = stage()
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, scene.at(3))
    nudge(calendar_id=scene.calendar.id, now=scene.now)
    RemoteCalendar.objects.update(noticed_at=Now() - timedelta(seconds=45))
    nudge(calendar_id=scene.calendar.id, now=scene.now)
    scene.drain()
    assert counted()["in"] == {6: 1}  # 30 to 60 s
    assert RemoteCalendar.objects.get(id=scene.calendar.id).noticed_at is None


def test_a_change_found_by_a_poll_counts_from_when_the_read_began() -> None:
    """How long it stood there before, nobody can say without comparing two clocks."""
    scene = stage()
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, scene.at(3))
    scene.poll()
    assert sum(counted()["in"].values()) == 1


def test_another_clock_changes_nothing() -> None:
    """The worker's clock is hours off; what is measured is PostgreSQL's."""
    scene = stage()
    scene.book(scene.nine)
    scene.later(hours=5)
    scene.drain()
    assert counted()["out"] == {0: 1}


def test_our_own_changes_and_idle_reads_are_no_changes_taken_in() -> None:
    scene = stage()
    scene.booked()
    scene.poll()
    scene.poll()
    assert "in" not in counted()


def test_a_drain_is_kept_with_one_statement() -> None:
    scene = stage()
    for hours in range(5):
        scene.book(scene.at(hours).start)
    with CaptureQueriesContext(connection) as asked:
        scene.drain()
    written = [one["sql"] for one in asked if "store_synccount" in (one["sql"] or "")]
    assert len(written) == 1
    assert sum(counted()["out"].values()) == 5


def test_counts_that_cannot_be_kept_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = stage()
    appointment = scene.book(scene.nine)

    def broken(**_: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr("genie.store.counts.keep", broken)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN


@pytest.mark.parametrize(
    ("status", "failed", "throttled"), [(200, 0, 0), (404, 0, 0), (429, 0, 1), (503, 1, 0), (None, 1, 0)]
)
def test_requests_are_counted(status: int | None, failed: int, throttled: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("cut", request=request)
        return httpx.Response(status)

    settings = ProviderSettings(wire=lambda: httpx.MockTransport(answer), requests=Requests())
    with client(settings) as http, suppress(httpx.HTTPError):
        http.get("https://calendar.example/")
    requests = settings.requests
    assert (requests.asked, requests.failed, requests.throttled) == (1, failed, throttled)


def test_old_quarters_become_totals_and_sums_never_go_back() -> None:
    scene = stage()
    for day in (0, 3):
        SyncCount.objects.create(
            calendar=scene.calendar,
            kind="memory",
            quarter=quarter_of(scene.now - timedelta(days=day)),
            what="asked",
            count=4,
        )
    for _ in range(2):
        forget_counts(now=scene.now)
        assert SyncCount.objects.get().count == 4
        assert SyncTotal.objects.get().count == 4


def test_what_was_counted_outlives_its_calendar() -> None:
    scene = stage()
    other = RemoteCalendar.objects.create(key=scene.key, remote_id="other", name="Other")
    SyncCount.objects.create(
        calendar=other, kind="memory", quarter=quarter_of(scene.now), what="asked", count=4
    )
    other.delete()
    forget_counts(now=scene.now + timedelta(days=4))
    assert SyncTotal.objects.get().count == 4
