"""The main job as people do it: connect a calendar in 21 steps, book, move it there, see it here, unlink.

Everything is real: a browser, the product as it is run, a Radicale, an SMTP sink; and the calendar's owner
works with a CalDAV client that is not ours.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import caldav
import pytest
from tests.outside import CalDavServer, SmtpSink
from tests.serving import GenieServer

from genie.store.models import (
    Access,
    Agency,
    Appointment,
    Company,
    EventLink,
    Module,
    OpeningHours,
    Role,
    Schedule,
    User,
)

pytestmark = pytest.mark.browser

PASSWORD = "a long enough password"
SOON = 20_000
"""Milliseconds: a page that is open follows within five seconds; a loaded machine gets some more."""


@pytest.fixture
def company(transactional_db: None) -> Company:
    now = datetime.now(UTC)
    agency = Agency.objects.create(name="Bright")
    company = Company.objects.create(
        agency=agency, name="Acme Dental", slug="acme", zone="America/New_York", created_at=now
    )
    admin = User.objects.create_user(
        "admin@acme.example",
        PASSWORD,
        name="Morgan",
        role=Role.COMPANY_ADMIN,
        agency=agency,
        created_at=now,
    )
    Access.objects.create(user=admin, company=company)
    schedule = Schedule.objects.create(company=company, name="Opening hours", zone="America/New_York")
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(8), closes=time(20)) for day in range(7)
    )
    Module.objects.create(
        company=company,
        name="Main office",
        slug="main-office",
        schedule=schedule,
        title="Check-up",
        recipients=["desk@acme.example"],
        created_at=now,
    )
    return company


def test_the_whole_journey(
    company: Company,
    genie_server: GenieServer,
    radicale: CalDavServer,
    smtp_sink: SmtpSink,
    page: Any,
    browser: Any,
) -> None:
    radicale.make_calendar("front-desk", name="Front desk")
    page.set_default_timeout(SOON)
    _connect(page, genie_server.base_url, radicale)

    appointment = _book(browser, genie_server.base_url)
    _wait_until_in_step(page, genie_server.base_url, appointment)
    calendar = _owners_calendar(radicale)
    (event,) = calendar.events()
    shown = event.icalendar_component
    assert "Ann Lee" in str(shown["summary"]) and "ann@customer.example" in str(shown["description"])
    assert shown["dtstart"].dt.astimezone(UTC) == appointment.start

    _the_owner_moves_it(event, timedelta(hours=1))
    page.get_by_text("by Front desk").filter(visible=True).first.wait_for()
    assert _fresh(appointment).start == appointment.start + timedelta(hours=1)
    assert _fresh(appointment).history.get(field="when").by == "Front desk"

    event.load()
    event.icalendar_component["summary"] = "Ann Lee (brings her dog)"
    event.save()
    page.get_by_text("Ann Lee (brings her dog)").filter(visible=True).first.wait_for()

    event.delete()
    page.get_by_text("Cancelled").filter(visible=True).first.wait_for()
    assert _fresh(appointment).state == "cancelled"
    assert smtp_sink.to("ann@customer.example"), "the confirmation"

    second = _book(browser, genie_server.base_url)
    _wait_until_in_step(page, genie_server.base_url, second)
    _unlink(page, genie_server.base_url)
    asked = radicale.log.read_text().count("\n")
    third = _book(browser, genie_server.base_url)
    _the_owner_moves_it(_owners_calendar(radicale).events()[0], timedelta(hours=2))
    owners_own = radicale.log.read_text().count("\n")
    assert owners_own > asked, "the log of the server does count requests"
    # the worker is awake: it sends the third booking's letter, and sweeps on
    _until(lambda: len(smtp_sink.to("desk@acme.example")) >= 3, page)
    page.goto(f"{genie_server.base_url}/company/acme/apps/main-office/calendar")
    page.wait_for_timeout(4_000)  # two sweeps of a worker in another process, whose clock is not ours
    assert radicale.log.read_text().count("\n") == owners_own
    assert _fresh(second).start == second.start
    assert not EventLink.objects.filter(appointment=third).exists()


def _connect(page: Any, base: str, server: CalDavServer) -> None:
    """Steps 1 to 21."""
    page.goto(base)
    page.get_by_label("E-mail").fill("admin@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Apps", exact=True).first.click()
    page.get_by_role("link", name="Main office").first.click()
    for section in ("Availability", "Scheduling Settings", "Duration", "Notification Settings"):
        page.get_by_role("heading", name=section, exact=True).first.wait_for()
    page.get_by_role("heading", name="Calendar Integration").wait_for()
    page.get_by_role("link", name="Edit Schedules").wait_for()
    page.get_by_role("button", name="Save").first.wait_for()
    page.get_by_role("link", name="Configure Calendar").first.click()
    page.get_by_role("heading", name="Remote Calendar Configuration: Schedule Genie™").wait_for()
    page.get_by_role("link", name="Remote Auth Config").click()
    page.get_by_role("heading", name="Remote Authorization").wait_for()
    page.get_by_label("Which calendar does the account use?").select_option(
        label="CalDAV (Apple iCloud, Fastmail, Nextcloud, …)"
    )
    page.get_by_role("button", name="Create a new Remote Auth").click()
    page.get_by_role("button", name="Copy").wait_for()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Launch").click()
    owner = opened.value
    owner.get_by_text("Application Access").wait_for()
    owner.get_by_text("Acme Dental").first.wait_for()
    owner.get_by_label("Server address").fill(server.base_url)
    owner.get_by_label("User").fill(server.user)
    owner.get_by_label("App password").fill(server.password)
    owner.get_by_role("button", name="Allow access").click()
    owner.get_by_text("You may close this window").wait_for()
    owner.close()
    page.get_by_text("CalDAV key").first.wait_for()  # without reloading
    page.get_by_role("link", name="Apps", exact=True).first.click()
    page.get_by_role("link", name="Main office").first.click()
    page.get_by_role("link", name="Configure Calendar").first.click()
    page.get_by_role("heading", name="Remote Calendar Configuration: Schedule Genie™").wait_for()
    page.get_by_role("button", name="Use This Key").click()
    page.get_by_text("Remote Calendars").first.wait_for()
    page.get_by_role("button", name="Connect Calendar Front desk").click()
    page.get_by_text("Remote Calendar Options").wait_for()
    page.get_by_role("button", name="Get real-time Calendar updates: Off").click()
    page.get_by_role("button", name="Get real-time Calendar updates: On").wait_for()


def _book(browser: Any, base: str) -> Appointment:
    """A prospect on a phone, without a login and without JavaScript."""
    before = set(Appointment.objects.values_list("id", flat=True))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    try:
        phone = context.new_page()
        phone.set_default_timeout(SOON)
        phone.goto(f"{base}/book/acme/main-office")
        phone.locator("a.day").nth(1).click()
        phone.locator("a.slot").nth(3).click()
        phone.get_by_label("Your name").fill("Ann Lee")
        phone.get_by_label("E-mail").fill("ann@customer.example")
        phone.get_by_label("Phone").fill("+1 212 555 0123")
        phone.get_by_role("button", name="Book this time").click()
        phone.get_by_role("heading", name="You are booked").wait_for()
    finally:
        context.close()
    return Appointment.objects.exclude(id__in=before).get()


def _wait_until_in_step(page: Any, base: str, appointment: Appointment) -> None:
    """The appointment's page, open all the time, says so by itself."""
    page.goto(f"{base}/company/acme/appointments/{appointment.id}")
    page.get_by_text("in step with", exact=False).first.wait_for()


def _unlink(page: Any, base: str) -> None:
    page.goto(f"{base}/company/acme/apps/main-office/calendar")
    page.get_by_role("button", name="Unlink Token").click()
    page.get_by_role("dialog").get_by_label("stay where they are").check()
    page.get_by_role("dialog").get_by_role("button", name="Unlink", exact=True).click()
    page.get_by_text("Nothing is sent to Front desk or read from it any more").wait_for()


def _owners_calendar(server: CalDavServer) -> Any:
    client = caldav.DAVClient(url=server.base_url, username=server.user, password=server.password)
    return next(c for c in client.principal().calendars() if "front-desk" in str(c.url))


def _the_owner_moves_it(event: Any, by: timedelta) -> None:
    event.load()
    component = event.icalendar_component
    for name in ("dtstart", "dtend"):
        component[name].dt += by
    event.save()


def _fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def _until(holds: Any, page: Any) -> None:
    """Wait for something the other processes do; the page's own timer is the clock."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(200)
    raise AssertionError("it did not happen within twenty seconds")
