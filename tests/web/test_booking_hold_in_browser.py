"""The hold in a real browser: it comes with the form, stands beside the time, goes when the page is left."""

from __future__ import annotations

import pytest
from tests.booking_scene import Shop
from tests.web.test_booking_in_browser import PHONE, SCREEN, acme, fits, visitor  # noqa: F401 -- fixtures

from genie.store.models import Appointment, Hold

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEPT, OVER = "Kept for you until", "No longer kept for you"


def open_form(window) -> None:
    window.locator(".slot").last.click()
    window.get_by_label("Your name").wait_for()


def answer(window) -> None:
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").click()


@pytest.mark.parametrize("size", [SCREEN, PHONE])
def test_the_time_is_kept_while_the_form_is_filled_in(acme: Shop, visitor, size):  # noqa: F811
    window = visitor(viewport=size)
    window.get_by_text("Berlin time").wait_for()
    assert not Hold.objects.exists()
    open_form(window)
    window.get_by_text(KEPT).wait_for()
    assert Hold.objects.count() == 1
    assert fits(window)
    window.reload()
    window.get_by_text(KEPT).wait_for()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_role("button", name="Book this time").click()
    window.get_by_text("Not booked yet").wait_for()
    window.get_by_text(KEPT).wait_for()
    assert Hold.objects.count() == 1, "a form that comes back is not left"
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").click()
    window.get_by_role("heading", name="You are booked").wait_for()
    assert (Appointment.objects.count(), Hold.objects.count()) == (1, 0)


def test_another_time_gives_the_first_one_back(acme: Shop, visitor):  # noqa: F811
    window = visitor(viewport=SCREEN)
    window.get_by_text("Berlin time").wait_for()
    open_form(window)
    window.get_by_text(KEPT).wait_for()
    before = window.locator(".when time").get_attribute("datetime")
    window.get_by_role("link", name="Another time").click()
    window.locator(".slot").first.wait_for()
    for _ in range(50):  # what a page says as it goes arrives on a way of its own
        if not Hold.objects.exists():
            break
        window.reload()
    assert not Hold.objects.exists()
    window.reload()
    assert window.locator(f'.slot time[datetime="{before}"]').count() == 1
    window.locator(".slot").first.click()
    window.get_by_text(KEPT).wait_for()
    (held,) = Hold.objects.all()
    assert f"{held.start:%Y-%m-%dT%H:%M:%SZ}" != before


def test_what_is_over_is_said_and_the_form_still_books(acme: Shop, visitor):  # noqa: F811
    window = visitor(viewport=PHONE)
    window.get_by_text("Berlin time").wait_for()
    window.clock.install()
    open_form(window)
    window.get_by_text(KEPT).wait_for()
    assert window.get_by_text(OVER).is_hidden()
    Hold.objects.all().delete()
    window.clock.fast_forward("10:01")
    window.get_by_text(OVER).wait_for()
    assert window.get_by_text(KEPT).is_hidden()
    answer(window)
    window.get_by_role("heading", name="You are booked").wait_for()


def test_a_time_that_somebody_else_holds_is_said(acme: Shop, visitor):  # noqa: F811
    first, second = visitor(viewport=SCREEN), visitor(viewport=PHONE)
    for window in (first, second):
        window.get_by_text("Berlin time").wait_for()
    open_form(first)
    first.get_by_text(KEPT).wait_for()
    second.locator(".slot").last.click()
    second.get_by_text("not free any more").wait_for()


def test_without_script_nothing_is_held_and_the_form_books(acme: Shop, visitor):  # noqa: F811
    window = visitor(viewport=PHONE, java_script_enabled=False)
    open_form(window)
    assert not Hold.objects.exists()
    answer(window)
    assert window.get_by_role("heading", name="You are booked").is_visible()
