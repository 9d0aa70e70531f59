"""The main job with a Microsoft account: signed in at the stand-in, followed by push, let go at the end.

As with Google (`test_google_job.py`): the stand-in is built from Microsoft's public reference, its traffic
is held to Graph's metadata, and the account's owner works there by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.e2e import journey
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.outside import SmtpSink
from tests.serving import GenieServer

from genie.store.models import Appointment, Company, EventLink, RemoteKey
from run import demo

pytestmark = pytest.mark.browser

ACCOUNT = "ana@contoso.example"
LABEL = "Microsoft Outlook Calendar"


@pytest.fixture
def company(transactional_db: None) -> Company:
    return journey.open_for_business()


@pytest.fixture
def serving_environment(microsoft_sandbox: MicrosoftSandbox) -> dict[str, str]:
    return {**demo.microsoft_settings(microsoft_sandbox.base_url), "GENIE_PUSH": "on"}


@pytest.fixture
def ana(microsoft_sandbox: MicrosoftSandbox) -> Iterator[httpx.Client]:
    """The account's owner, at work; she has a calendar that shall show the appointments."""
    microsoft_sandbox.account(ACCOUNT, name="Ana", time_zone="Eastern Standard Time")
    microsoft_sandbox.account("ben@contoso.example", name="Ben")
    desk = microsoft_sandbox.calendar_id(ACCOUNT, microsoft_sandbox.calendar(ACCOUNT, "Front desk"))
    with microsoft_sandbox.owner(ACCOUNT) as client:
        client.base_url = client.base_url.join(f"me/calendars/{desk}/")
        yield client


def signs_in(owner: Any) -> None:
    """Steps 10 to 13, in whatever browser the registration page is open."""
    owner.get_by_text("Application Access").wait_for()
    owner.get_by_text("Acme Dental").first.wait_for()
    owner.get_by_role("button", name="Continue to Microsoft").click()
    owner.get_by_role("button", name=ACCOUNT).click()
    owner.get_by_role("button", name="Accept").click()
    owner.get_by_text("You may close this window").wait_for()
    owner.get_by_text(ACCOUNT).first.wait_for()


def test_the_whole_journey_by_launch(
    company: Company,
    genie_server: GenieServer,
    microsoft_sandbox: MicrosoftSandbox,
    ana: httpx.Client,
    smtp_sink: SmtpSink,
    page: Any,
    browser: Any,
) -> None:
    base = genie_server.base_url
    page.set_default_timeout(journey.SOON)
    journey.to_new_key(page, base, LABEL)
    owner = journey.launched(page)
    signs_in(owner)
    owner.close()
    journey.use_key(page, "Azure key", "Front desk")

    appointment = journey.book(browser, base)
    journey.wait_until_in_step(page, base, appointment)
    event = only_event(ana)
    assert "Ann Lee" in event["subject"] and "ann@customer.example" in event["body"]["content"]
    assert moment(event["start"]) == appointment.start

    moves(ana, event, timedelta(hours=1))
    page.get_by_text("by Front desk").filter(visible=True).first.wait_for()
    assert journey.fresh(appointment).start == appointment.start + timedelta(hours=1)

    changes(ana, event, subject="Ann Lee (brings her dog)")
    page.get_by_text("Ann Lee (brings her dog)").filter(visible=True).first.wait_for()

    ana.delete(f"events/{event['id']}").raise_for_status()
    page.get_by_text("Cancelled").filter(visible=True).first.wait_for()
    assert journey.fresh(appointment).state == "cancelled"
    assert smtp_sink.to("ann@customer.example"), "the confirmation"

    _switched_off_nothing_flows_back(page, browser, base, ana)
    _unlinked_nothing_flows(page, browser, base, microsoft_sandbox, ana)


def test_the_link_is_copied_to_the_account_s_owner(
    company: Company,
    genie_server: GenieServer,
    microsoft_sandbox: MicrosoftSandbox,
    ana: httpx.Client,
    page: Any,
    browser: Any,
) -> None:
    """**Copy**: the owner opens the link in a browser of their own, without any login here."""
    base = genie_server.base_url
    page.set_default_timeout(journey.SOON)
    journey.to_new_key(page, base, LABEL)
    link = page.get_by_label("Link for the account's owner").input_value()
    theirs = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        owner = theirs.new_page()
        owner.set_default_timeout(journey.SOON)
        owner.goto(link)
        signs_in(owner)
        owner.goto(link)
        owner.get_by_role("heading", name="This link has been used").wait_for()
    finally:
        theirs.close()
    key = RemoteKey.objects.get()
    assert (key.kind, key.label) == ("microsoft", ACCOUNT)
    journey.use_key(page, "Azure key", "Front desk")

    appointment = journey.book(browser, base)
    journey.wait_until_in_step(page, base, appointment)
    moves(ana, only_event(ana), timedelta(hours=2))
    page.get_by_text("by Front desk").filter(visible=True).first.wait_for()
    assert journey.fresh(appointment).start == appointment.start + timedelta(hours=2)
    assert microsoft_sandbox.requests("subscriptions.create"), "it is told by push"


def _switched_off_nothing_flows_back(page: Any, browser: Any, base: str, ana: httpx.Client) -> None:
    page.goto(f"{base}{journey.MODULE}/calendar")
    journey.set_realtime(page, on=False)
    appointment = journey.book(browser, base)
    journey.until(lambda: events(ana), page)  # still pushed
    moves(ana, only_event(ana), timedelta(hours=3))
    page.wait_for_timeout(4_000)  # other processes do nothing: two sweeps of theirs, whose clock is not ours
    assert journey.fresh(appointment).start == appointment.start
    page.goto(f"{base}{journey.MODULE}/calendar")
    journey.set_realtime(page, on=True)
    journey.until(lambda: journey.fresh(appointment).start != appointment.start, page)


def _unlinked_nothing_flows(
    page: Any, browser: Any, base: str, microsoft_sandbox: MicrosoftSandbox, ana: httpx.Client
) -> None:
    last = Appointment.objects.order_by("created_at").last()
    assert last is not None
    journey.unlink(page, base, "Front desk")
    with microsoft_sandbox.world.lock:
        left = [one for one in microsoft_sandbox.world.subscriptions.values() if not one.removed]
    assert not left, "no push is left open"
    asked = len(microsoft_sandbox.requests())
    after = journey.book(browser, base)
    moves(ana, only_event(ana), timedelta(hours=-1))
    page.wait_for_timeout(4_000)
    assert len(microsoft_sandbox.requests()) == asked
    assert journey.fresh(last).start == last.start
    assert not EventLink.objects.filter(appointment=after).exists()


def events(ana: httpx.Client) -> list[dict[str, Any]]:
    return list(ana.get("events").raise_for_status().json()["value"])


def only_event(ana: httpx.Client) -> dict[str, Any]:
    (event,) = events(ana)
    return event


def changes(ana: httpx.Client, event: dict[str, Any], **fields: Any) -> None:
    ana.patch(f"events/{event['id']}", json=fields).raise_for_status()


def moment(edge: dict[str, str]) -> datetime:
    """Graph says wall time without an offset, in UTC where nothing else was asked for."""
    assert edge["timeZone"] == "UTC"
    return datetime.fromisoformat(edge["dateTime"][:19]).replace(tzinfo=UTC)


def moves(ana: httpx.Client, event: dict[str, Any], by: timedelta) -> None:
    times = {
        edge: {"dateTime": f"{moment(event[edge]) + by:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for edge in ("start", "end")
    }
    changes(ana, event, **times)
