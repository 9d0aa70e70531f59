"""The public pages in a real browser: with script and without, wide and on a phone, by keyboard."""

from __future__ import annotations

import pytest
from tests.booking_scene import Shop, shop
from tests.web.test_booking import open_daily

from genie.core.limits import limits_of
from genie.store.models import Appointment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 860}


@pytest.fixture
def acme(transactional_db: None) -> Shop:
    return open_daily(shop(horizon_days=40))


@pytest.fixture
def visitor(browser, live_server):
    """Open the booking page in a window of one's own; a script error fails the test."""
    contexts, errors = [], []

    def open_page(path="/book/acme/tour", **settings):
        context = browser.new_context(timezone_id="Europe/Berlin", **settings)
        context.set_default_timeout(20_000)
        contexts.append(context)
        window = context.new_page()
        window.on("pageerror", lambda error: errors.append(str(error)))
        window.goto(live_server.url + path)
        return window

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


def fits(window) -> bool:
    """Nothing scrolls sideways."""
    return window.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_booking_by_keyboard_in_the_visitors_own_zone(acme, visitor):
    window = visitor(viewport=SCREEN)
    window.get_by_text("Berlin time").wait_for()
    window.locator("[data-day]").nth(1).press("Enter")
    window.locator("#times-title:focus").wait_for()
    assert "times free" in window.locator("#said").text_content()
    assert "day=" in window.url
    window.locator("#later").press("Enter")
    window.wait_for_url("**month=**")
    window.locator("#later:focus, #times-title:focus").wait_for()
    assert fits(window)
    window.keyboard.press("Tab")
    window.locator(".slot").first.press("Enter")
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_role("button", name="Book this time").press("Enter")
    window.get_by_text("Not booked yet").wait_for()
    assert fits(window)
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").press("Enter")
    window.get_by_role("heading", name="You are booked").wait_for()
    assert Appointment.objects.get().visitor_zone == "Europe/Berlin"


def test_a_double_click_books_once(acme, visitor):
    window = visitor(viewport=SCREEN)
    window.get_by_text("Berlin time").wait_for()
    window.locator(".slot").last.click()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").dblclick()
    window.get_by_role("heading", name="You are booked").wait_for()
    assert Appointment.objects.count() == 1


def test_without_script_on_a_phone_one_books_changes_and_cancels(acme, visitor):
    window = visitor(viewport=PHONE, java_script_enabled=False)
    window.get_by_text("change", exact=True).click()
    window.get_by_label("Show times as in").select_option("Asia/Tokyo")
    window.get_by_role("button", name="Show").click()
    assert window.get_by_text("Tokyo time").is_visible()
    assert window.locator("body").bounding_box()["width"] <= PHONE["width"]
    window.get_by_role("link", name="Later month").click()
    window.locator(".slot").first.click()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").click()
    assert window.get_by_role("heading", name="You are booked").is_visible()
    window.get_by_role("link", name="Change").click()
    window.locator(".slot").last.click()
    window.get_by_role("button", name="Move it").click()
    assert window.get_by_role("heading", name="Your appointment was moved").is_visible()
    window.get_by_role("link", name="Cancel").click()
    window.get_by_role("button", name="Cancel the appointment").click()
    assert window.get_by_role("heading", name="Cancelled").is_visible()
    made = Appointment.objects.get()
    assert (made.state, made.revision, made.visitor_zone) == ("cancelled", 3, "Asia/Tokyo")


def test_whoever_is_turned_away_keeps_the_form_and_can_send_it_again(acme, visitor, settings):
    settings.GENIE_LIMITS_PER_ADDRESS = limits_of(["1/10m"])
    first = visitor(viewport=PHONE)
    fill_in(first, "ann@customer.example")
    first.get_by_role("heading", name="You are booked").wait_for()
    window = visitor(viewport=PHONE)
    fill_in(window, "bob@customer.example")
    notice = window.get_by_role("alert")
    notice.wait_for()
    assert "too many bookings from your network" in notice.text_content()
    assert notice.evaluate("element => element === document.activeElement")
    assert window.get_by_label("Notes").input_value() == "By bike"
    assert fits(window)
    settings.GENIE_LIMITS_PER_ADDRESS = ()
    window.get_by_role("button", name="Book this time").click()
    window.get_by_role("heading", name="You are booked").wait_for()
    assert Appointment.objects.count() == 2


def fill_in(window, email: str) -> None:
    window.locator(".slot").first.click()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill(email)
    window.get_by_label("Notes").fill("By bike")
    window.get_by_role("button", name="Book this time").click()
