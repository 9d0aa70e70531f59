"""Kinds of appointment and holidays in a real browser: with script and without, wide and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.booking_scene import Shop
from tests.web.tenants import PASSWORD, Tenant, tenant
from tests.web.test_booking_in_browser import PHONE, SCREEN, acme, fits, visitor
from tests.web.test_shell_browser import let_in

from genie.store.models import Appointment, AppointmentKind, Holiday, PublicHolidays

__all__ = ["acme", "visitor"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kinds(acme: Shop) -> None:
    for place, (name, kind) in enumerate([("Long tour", "address"), ("Call", "phone")]):
        AppointmentKind.objects.create(
            module=acme.module, name=name, slug=name[:4].lower(), duration=30, place_kind=kind, position=place
        )


@pytest.mark.parametrize(("view", "script"), [(SCREEN, True), (PHONE, True), (PHONE, False)])
def test_a_kind_is_chosen_changed_and_booked(
    acme: Shop, kinds: None, visitor: Any, view: Any, script: bool
) -> None:
    window = visitor(viewport=view, java_script_enabled=script)
    assert fits(window)
    window.get_by_role("link", name="Long tour").click()
    if script:
        window.get_by_text("Berlin time").wait_for()  # guessed by script, which loads the page again
    window.get_by_role("heading", name="Long tour").wait_for()
    window.get_by_role("link", name="Another kind").click()
    window.get_by_role("heading", name="What would you like to book?").wait_for()
    window.get_by_role("link", name="Call").press("Enter")
    window.get_by_role("heading", name="Call").wait_for()
    window.locator("#later").click()  # exchanged by script, or a page of its own
    window.get_by_role("heading", name="Call").wait_for()
    assert "kind=call" in window.url and fits(window)
    window.locator(".times a.slot").first.click()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill("ann@customer.example")
    assert window.get_by_text("We call you at this number.").is_visible()
    window.get_by_label("Phone").fill("+1 202 555 0123")
    window.get_by_role("button", name="Book this time").click()
    window.get_by_role("heading", name="You are booked").wait_for()
    assert fits(window)
    assert Appointment.objects.get().title == "Call: Ann Lee"


@pytest.fixture
def company() -> Tenant:
    made = tenant("Acme")
    Holiday.objects.all().delete()
    PublicHolidays.objects.all().delete()
    return made


def test_a_region_is_chosen_and_followed_with_script(page: Any, live_server: Any, company: Tenant) -> None:
    let_in(page.context, company.admin, live_server.url)
    page.goto(f"{live_server.url}/company/{company.slug}/schedules/{company.schedule.pk}")
    page.get_by_role("link", name="Follow public holidays").click()
    page.get_by_label("Country").fill("Germany")
    page.get_by_label("Country").press("Enter")
    page.get_by_label("Region").select_option(label="Bayern")  # shows its days at once
    page.get_by_text("Epiphany").wait_for()
    page.get_by_label("Epiphany").check()
    page.get_by_role("button", name="Follow these holidays").click()
    page.get_by_text("worked all the same: Epiphany.").wait_for()
    followed = PublicHolidays.objects.get()
    assert (followed.country, followed.region, followed.left_out) == ("DE", "BY", ["Epiphany"])


def test_holidays_are_typed_and_followed_without_script(
    browser: Any, live_server: Any, company: Tenant
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    window = context.new_page()
    schedule = f"/company/{company.slug}/schedules/{company.schedule.pk}"
    window.goto(f"{live_server.url}/login?next={schedule}")
    window.get_by_label("E-mail").fill(company.admin.email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()
    window.get_by_role("link", name="Add a holiday").click()
    window.get_by_label("Title").fill("Thanksgiving")
    window.get_by_label("On the").check()
    window.get_by_label("Which").select_option(label="fourth")
    window.get_by_label("Weekday", exact=True).select_option(label="Thursday")
    window.get_by_label("Month of the weekday").select_option(label="November")
    window.get_by_role("button", name="Save").click()
    window.get_by_text("fourth Thursday of November, every year").wait_for()
    window.get_by_role("link", name="Follow public holidays").click()
    window.get_by_label("Country").fill("Switz")
    window.get_by_role("button", name="Show days").click()
    window.get_by_label("Region").select_option(label="Bern")
    window.get_by_role("button", name="Show days").last.click()
    window.get_by_role("button", name="Follow these holidays").click()
    window.get_by_text("The public holidays of Switzerland, Bern are followed").wait_for()
    context.close()
    assert Holiday.objects.get().week == 4
    assert PublicHolidays.objects.get().region == "BE"
