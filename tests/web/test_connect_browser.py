"""The calendar connection in a real browser: what appears without reloading, and what the switch does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.connect_scene import scene
from tests.outside import CalDavServer

from genie.store.models import Connection, RemoteKey

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_steps_from_remote_auth_config_to_unlink(
    page: Any, live_server: Any, radicale: CalDavServer, settings: Any
) -> None:
    settings.GENIE_PRIVATE_NETWORKS = True
    settings.GENIE_PUBLIC_URL = live_server.url
    radicale.make_calendar("browser-desk", name="Browser desk")
    acme = scene()
    client = Client()
    client.force_login(acme.admin)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )

    page.goto(f"{live_server.url}/company/acme/apps/main-office/calendar")
    page.get_by_role("link", name="Remote Auth Config").click()
    page.get_by_role("heading", name="Remote Authorization").wait_for()
    page.get_by_label("Which calendar does the account use?").select_option(
        label="CalDAV (Apple iCloud, Fastmail, Nextcloud, …)"
    )
    page.get_by_role("button", name="Create a new Remote Auth").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    keys_address = page.url

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Launch").click()
    owner = opened.value
    owner.get_by_text("Application Access").wait_for()
    owner.get_by_label("Server address").fill(radicale.base_url)
    owner.get_by_label("User").fill(radicale.user)
    owner.get_by_label("App password").fill("wrong")
    owner.get_by_role("button", name="Allow access").click()
    owner.get_by_text("does not accept this user and password").wait_for()
    assert owner.get_by_label("App password").input_value() == ""
    assert owner.get_by_label("Server address").input_value() == radicale.base_url
    owner.get_by_label("App password").fill(radicale.password)
    owner.get_by_role("button", name="Allow access").click()
    owner.get_by_text("You may close this window").wait_for()
    owner.close()

    page.get_by_text("CalDAV key").wait_for()  # by itself, within a poll
    assert page.url == keys_address
    page.get_by_role("heading", name="Registration links").wait_for(state="detached")

    page.goto(f"{live_server.url}/company/acme/apps/main-office")
    page.get_by_role("link", name="Configure Calendar").click()
    page.get_by_role("button", name="Use This Key").click()
    page.get_by_role("button", name="Connect Calendar Browser desk").click()
    page.get_by_role("button", name="Get real-time Calendar updates: Off").click()
    on = page.get_by_role("button", name="Get real-time Calendar updates: On")
    on.wait_for()
    assert on.inner_text() == "On"
    assert Connection.objects.get().realtime

    with page.expect_response(lambda answer: "/calendar/state" in answer.url) as polled:
        pass
    assert polled.value.status == 200

    page.get_by_role("button", name="Unlink Token").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it linked").click()
    assert Connection.objects.get().state == "linked"
    page.get_by_role("button", name="Unlink Token").click()
    page.get_by_role("dialog").get_by_label("stay where they are").check()
    page.get_by_role("dialog").get_by_role("button", name="Unlink", exact=True).click()
    page.get_by_text("Nothing is sent to Browser desk or read from it any more").wait_for()
    assert Connection.objects.get().state == "ended"

    page.goto(keys_address)
    page.get_by_role("button", name="Discard CalDAV key").click()
    page.get_by_text("is discarded and its password forgotten").wait_for()
    assert not RemoteKey.objects.exists()


def test_another_window_that_links_a_calendar_is_noticed(page: Any, live_server: Any) -> None:
    acme = scene()
    key = acme.key()
    acme.listed(key)
    client = Client()
    client.force_login(acme.admin)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/company/acme/apps/main-office/calendar")
    page.get_by_text("No calendar is linked yet").wait_for()
    client.post("/company/acme/apps/main-office/calendar/connect", {"key": key.id, "calendar": "work"})
    page.get_by_role("button", name="Unlink Token").wait_for()
