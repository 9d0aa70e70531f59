"""The steps of the main job that are the same whatever calendar is connected (PRODUCT.md, steps 1 to 21)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from genie.store.models import (
    Access,
    Agency,
    Appointment,
    Company,
    Module,
    OpeningHours,
    Role,
    Schedule,
    User,
)

PASSWORD = "a long enough password"
SOON = 20_000
"""Milliseconds: a page that is open follows within five seconds; a loaded machine gets some more."""

MODULE = "/company/acme/apps/main-office"


def open_for_business() -> Company:
    """A company with one module, open all day."""
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


def to_new_key(page: Any, base: str, label: str) -> None:
    """Steps 1 to 9: from the login to the registration link."""
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
    page.get_by_label("Which calendar does the account use?").select_option(label=label)
    page.get_by_role("button", name="Create a new Remote Auth").click()
    page.get_by_role("button", name="Copy").wait_for()


def launched(page: Any) -> Any:
    """**Launch**: the registration page in a tab of its own."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Launch").click()
    opened.value.set_default_timeout(SOON)
    return opened.value


def use_key(page: Any, key_name: str, calendar: str) -> None:
    """Steps 14 to 20: the new key appears by itself, its calendar is connected, real-time updates are on."""
    page.get_by_text("1 key, and it works.").wait_for()  # without reloading
    assert page.get_by_text(key_name).first.is_visible()
    page.get_by_role("link", name="Apps", exact=True).first.click()
    page.get_by_role("link", name="Main office").first.click()
    page.get_by_role("link", name="Configure Calendar").first.click()
    page.get_by_role("heading", name="Remote Calendar Configuration: Schedule Genie™").wait_for()
    page.get_by_role("button", name="Use This Key").click()
    page.get_by_text("Remote Calendars").first.wait_for()
    page.get_by_role("button", name=f"Connect Calendar {calendar}").click()
    page.get_by_text("Remote Calendar Options").wait_for()
    set_realtime(page, on=True)


def set_realtime(page: Any, *, on: bool) -> None:
    before, after = ("Off", "On") if on else ("On", "Off")
    page.get_by_role("button", name=f"Get real-time Calendar updates: {before}").click()
    page.get_by_role("button", name=f"Get real-time Calendar updates: {after}").wait_for()


def book(browser: Any, base: str) -> Appointment:
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


def wait_until_in_step(page: Any, base: str, appointment: Appointment) -> None:
    """The appointment's page, open all the time, says so by itself."""
    page.goto(f"{base}/company/acme/appointments/{appointment.id}")
    page.get_by_text("in step with", exact=False).first.wait_for()


def unlink(page: Any, base: str, calendar: str) -> None:
    page.goto(f"{base}{MODULE}/calendar")
    page.get_by_role("button", name="Unlink Token").click()
    page.get_by_role("dialog").get_by_label("stay where they are").check()
    page.get_by_role("dialog").get_by_role("button", name="Unlink", exact=True).click()
    page.get_by_text(f"Nothing is sent to {calendar} or read from it any more").wait_for()


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def until(holds: Callable[[], object], page: Any) -> None:
    """Wait for something the other processes do; the page's own timer is the clock."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(200)
    raise AssertionError("it did not happen within twenty seconds")
