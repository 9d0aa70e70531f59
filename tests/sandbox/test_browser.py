"""The page in a real browser: drag, resize, create, keyboard, and following changes made elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.sandbox.conftest import Desk
from tests.sandbox.test_owner import DAILY, TEA

pytestmark = pytest.mark.browser
HOUR = 48  # pixels


@pytest.fixture
def week(page: Any, desk: Desk) -> Any:
    """The desk's week, open in the browser, with the tea of Tuesday 16:00 on it."""
    desk.put("tea", TEA)
    page.goto(f"{desk.url}/?{urlencode(desk.here | {'day': '2026-11-24'})}")
    return page


def block(week: Any, title: str) -> Any:
    return week.locator(".block", has_text=title)


def drag(week: Any, target: Any, *, days: int = 0, hours: float = 0, grip: bool = False) -> None:
    """Take the event (or its lower edge) with the mouse and put it elsewhere."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    width = week.locator(".day").first.bounding_box()["width"]
    x, y = box["x"] + box["width"] / 2, box["y"] + (box["height"] - 2 if grip else 10)
    week.mouse.move(x, y)
    week.mouse.down()
    week.mouse.move(x + 5, y + 5)
    week.mouse.move(x + days * width, y + hours * HOUR, steps=5)
    week.mouse.up()


def test_the_owner_drags_an_event_to_another_day_and_hour(week: Any, desk: Desk):
    drag(week, block(week, "Tea"), days=1, hours=-1.25)
    week.get_by_text("Now Wed 25 Nov, 14:45–15:45.").wait_for()
    assert desk.only("Tea")["start"][:16] == "2026-11-25T14:45"
    week.locator('.day[data-day="2026-11-25"] .block', has_text="14:45–15:45").wait_for()


def test_the_lower_edge_changes_the_length(week: Any, desk: Desk):
    drag(week, block(week, "Tea"), hours=0.5, grip=True)
    week.get_by_text("Now Tue 24 Nov, 16:00–17:30.").wait_for()
    assert desk.only("Tea")["end"][:16] == "2026-11-24T17:30"


def test_a_drag_over_a_newer_version_is_told_and_the_new_one_is_shown(week: Any, desk: Desk):
    target = block(week, "Tea")
    week.route("**/version.json*", lambda route: route.abort())  # the page has not noticed yet
    desk.put("tea", TEA.replace("Tea", "Tea with milk"))
    drag(week, target, hours=1)
    week.get_by_text("Somebody else changed this event first.").wait_for()
    block(week, "Tea with milk").wait_for()
    assert desk.only("Tea with milk")["start"][:16] == "2026-11-24T16:00"


def test_an_empty_place_makes_an_event_of_the_dragged_length(week: Any, desk: Desk):
    day = week.locator('.day[data-day="2026-11-26"]')
    box, grid = day.bounding_box(), week.locator(".scroll").bounding_box()
    x, y = box["x"] + 30, grid["y"] + 100
    week.mouse.move(x, y)
    week.mouse.down()
    week.mouse.move(x, y + 1.5 * HOUR, steps=4)
    week.mouse.up()
    week.get_by_label("Title").fill("Visit")
    week.get_by_role("button", name="Add to calendar").click()
    block(week, "Visit").wait_for()
    made = desk.only("Visit")
    minutes = [int(made[end][11:13]) * 60 + int(made[end][14:16]) for end in ("start", "end")]
    assert made["start"].startswith("2026-11-26")
    assert minutes[1] - minutes[0] == 90


def test_everything_goes_by_keyboard(week: Any, desk: Desk):
    block(week, "Tea").focus()
    week.keyboard.press("Shift+ArrowDown")
    week.get_by_text("Now Tue 24 Nov, 16:15–17:15.").wait_for()
    week.locator(".block:focus", has_text="16:15").wait_for()
    week.keyboard.press("Enter")
    week.get_by_label("Title").fill("Coffee")
    week.keyboard.press("Enter")
    block(week, "Coffee").wait_for()
    assert desk.only("Coffee")["start"][:16] == "2026-11-24T16:15"


def test_a_wrong_time_is_said_in_the_dialog_and_nothing_is_lost(week: Any, desk: Desk):
    block(week, "Tea").click()
    week.get_by_label("Title").fill("Typed")
    week.get_by_label("End time").fill("01:00")
    week.get_by_role("button", name="Save").click()
    week.get_by_role("alert").get_by_text("The event would end before it starts.").wait_for()
    assert week.get_by_label("Title").input_value() == "Typed"
    week.get_by_label("End time").fill("18:00")
    week.get_by_role("button", name="Save").click()
    block(week, "Typed").wait_for()
    assert desk.only("Typed")["end"][:16] == "2026-11-24T18:00"


def test_one_of_a_series_is_dragged_alone_and_the_series_deleted(week: Any, desk: Desk):
    desk.put("daily", DAILY)
    week.locator('.day[data-day="2026-11-25"] .block', has_text="Stand-up").wait_for()
    drag(week, week.locator('.day[data-day="2026-11-25"] .block'), hours=2)
    week.get_by_text("Now Wed 25 Nov, 11:00–11:30 (only this one).").wait_for()
    assert len([event for event in desk.week() if event["start"][11:16] == "09:00"]) == 4
    week.locator('.day[data-day="2026-11-26"] .block').click()
    week.get_by_text("Delete…").click()
    week.get_by_role("button", name="Delete the whole series").click()
    block(week, "Stand-up").first.wait_for(state="detached")
    assert [event["title"] for event in desk.week()] == ["Tea"]


def test_a_change_made_elsewhere_appears_by_itself(week: Any, desk: Desk):
    desk.put("other", TEA.replace("tea", "other").replace("Tea", "Booked on the web").replace("T10", "T08"))
    block(week, "Booked on the web").wait_for(timeout=8000)


def test_a_phone_shows_one_day_and_nothing_scrolls_sideways(week: Any, desk: Desk):
    week.set_viewport_size({"width": 390, "height": 844})
    assert week.locator(".day:visible").count() == 1
    assert week.evaluate("document.documentElement.scrollWidth <= innerWidth")
    week.get_by_role("link", name="Wednesday 25 November").click()
    week.locator('.day[data-day="2026-11-25"]:visible').wait_for()


def test_without_a_script_buttons_and_forms_still_serve(browser: Any, desk: Desk):
    desk.put("tea", TEA)
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{desk.url}/?{urlencode(desk.here | {'day': '2026-11-24'})}")
    plain.get_by_role("button", name="Tea, Tue 24 Nov, 16:00–17:00").click()
    plain.get_by_label("Start time").fill("17:00")
    plain.get_by_label("End time").fill("18:00")
    plain.get_by_role("button", name="Save").click()
    plain.get_by_text("The change is saved.").wait_for()
    context.close()
    assert desk.only("Tea")["start"][:16] == "2026-11-24T17:00"
