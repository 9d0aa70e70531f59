"""Remote Calendar Configuration says how changes are noticed, and why not at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.push_scene import HOOKS, PUSH, watched
from tests.sync_scene import SETTINGS, Scene
from tests.web.tenants import client_of, person

from genie.store.models import Channel, Connection, RemoteCalendar, RemoteKey, Role
from genie.web.dashboard.remote.health import health_of
from genie.web.dashboard.remote.noticing import how_noticed

pytestmark = pytest.mark.django_db
ASKED = "Changes there are noticed by asking every 45 s, because "


@pytest.fixture
def scene() -> Scene:
    return watched()


def said(scene: Scene, settings: Any = PUSH) -> str:
    connection = Connection.objects.select_related("calendar__key", "module__schedule").get()
    return how_noticed(connection, settings, now=scene.now)


def test_at_once(scene: Scene) -> None:
    assert (
        said(scene) == "Changes there are noticed at once, by push; the channel is renewed before Fri 6 Mar."
    )


@pytest.mark.parametrize(
    ("channel", "calendar", "why"),
    [
        ({"heard_at": None}, {}, "no message has come through by push yet."),
        ({"state": "closing"}, {}, "push is being set up."),
        (
            {},
            {"push_late_at": timedelta(0)},
            "push seems late: on Fri 27 Feb, 09:00 a change was found that had not been told.",
        ),
        (
            {"state": "closing"},
            {"push_trouble": "Holidays cannot be watched.", "push_next_attempt": timedelta(days=1)},
            "push could not be set up: Holidays cannot be watched. It is tried again on Sat 28 Feb, 09:00.",
        ),
        (
            {"state": "closing"},
            {"push_trouble": "No answer.", "push_next_attempt": timedelta(0)},
            "push could not be set up: No answer.",
        ),
    ],
)
def test_not_at_once(scene: Scene, channel: dict[str, Any], calendar: dict[str, Any], why: str) -> None:
    moments = {
        name: scene.now + value if isinstance(value, timedelta) else value for name, value in calendar.items()
    }
    Channel.objects.update(**channel)
    RemoteCalendar.objects.update(**moments)
    assert said(scene) == ASKED + why


def test_where_nobody_can_call(scene: Scene) -> None:
    Channel.objects.all().delete()
    assert said(scene, SETTINGS) == ASKED + "this installation is not set up to be told of them."
    RemoteKey.objects.update(kind="caldav")
    assert said(scene) == ASKED + "this calendar system does not tell of them by itself."


@pytest.mark.parametrize("fields", [{"realtime": False}, {"state": "removing"}])
def test_where_nothing_flows_back_nothing_is_said(scene: Scene, fields: dict[str, Any]) -> None:
    Connection.objects.update(**fields)
    assert said(scene) == ""


def test_with_a_channel_an_hour_without_a_read_is_well(scene: Scene) -> None:
    connection = Connection.objects.select_related("calendar__key", "module__schedule").get()
    assert health_of(connection, now=scene.now + timedelta(minutes=70)).back.level == "good"
    assert health_of(connection, now=scene.now + timedelta(hours=2.1)).back.level == "warn"
    Channel.objects.update(heard_at=None)
    assert health_of(connection, now=scene.now + timedelta(minutes=11)).back.level == "warn"


def test_the_page_says_it(scene: Scene, settings: Any) -> None:
    settings.GENIE_WEBHOOKS = HOOKS
    Channel.objects.update(expires_at=timezone.now() + timedelta(days=3))
    admin: Client = client_of(
        person(Role.AGENCY_SUPER_ADMIN, scene.module.company.agency, email="a@acme.example")
    )
    module = {"slug": scene.module.company.slug, "module_slug": "main"}
    state = reverse("remote_calendar_state", kwargs=module)
    for path in (reverse("remote_calendar", kwargs=module), f"{state}?as={scene.connection.id}-1-linked"):
        assert "noticed at once, by push" in admin.get(path).content.decode()
