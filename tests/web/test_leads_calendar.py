"""Leads calendar: the page, the plain week, the feed, and a drag in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.leads_scene import ZONE, Leads, leads, soon
from tests.staff_scene import team

from genie.store.models import Appointment, BusyTime, Change, Hold, Module, OpeningHours

LONDON = ZoneInfo(ZONE)


@pytest.fixture
def acme(db: None) -> Leads:
    return leads()


def feed(acme: Leads, start: object, end: object, client: Client | None = None, **asked: Any) -> Any:
    wanted = {"start": str(start), "end": str(end)} | asked
    return (client or acme.client).get(acme.url("leads/calendar.json"), wanted)


def week(acme: Leads, **asked: Any) -> dict[str, Any]:
    """The feed of today to a week from now."""
    today = timezone.now().astimezone(LONDON).date()
    answer = feed(acme, today, today + timedelta(days=7), **asked)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_the_feed_tells_time_customer_and_kind_as_wall_time(acme: Leads) -> None:
    Module.objects.update(title="Tour")
    visit = acme.visit(soon(hour=10))
    (block,) = week(acme)["appointments"]
    assert block["start"] == f"{soon(hour=10):%Y-%m-%d}T10:00:00"
    assert block["end"] == f"{soon(hour=10):%Y-%m-%d}T11:00:00"
    assert (block["customer"], block["kind"], block["said"]) == ("Ann Lee", "Tour", "10:00–11:00")
    assert block["url"] == acme.page(visit)
    assert block["movable"] is True


def test_the_module_is_named_where_there_are_several(acme: Leads) -> None:
    acme.base.another_module("Branch")
    acme.visit(soon())
    assert week(acme)["appointments"][0]["kind"] == "Appointment · Main office"


def test_a_visit_in_the_night_the_clocks_go_back_keeps_its_length(acme: Leads) -> None:
    # 25 October 2026, London: 01:30 comes twice; this visit runs from the first 01:30 to the second
    acme.visit(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    (block,) = feed(acme, "2026-10-25", "2026-10-26").json()["appointments"]
    assert (block["start"], block["end"]) == ("2026-10-25T01:30:00", "2026-10-25T02:30:00")
    assert block["said"] == "01:30–01:30"


def test_cancelled_visits_are_hidden_unless_asked_for(acme: Leads) -> None:
    acme.visit(soon(hour=9), name="Live")
    acme.visit(soon(hour=11), name="Off", state="cancelled")
    acme.visit(soon(hour=13), name="Odd", attention="Look at this.")

    def names(**asked: Any) -> list[str]:
        return [block["customer"] for block in week(acme, **asked)["appointments"]]

    assert names() == ["Live", "Odd"]
    assert names(state="cancelled") == ["Off"]
    assert names(state="attention") == ["Odd"]
    assert names(state="all") == ["Live", "Off", "Odd"]


def test_the_module_filter_takes_only_modules_of_the_company(acme: Leads) -> None:
    branch = acme.base.another_module("Branch")
    acme.visit(soon(hour=9), name="Main")
    acme.visit(soon(hour=9), name="Branch", module=branch)
    assert [b["customer"] for b in week(acme, module=branch.pk)["appointments"]] == ["Branch"]
    foreign = leads("other").base.module
    assert feed(acme, "2026-03-02", "2026-03-09", module=foreign.pk).status_code == 400


def test_busy_time_is_told_merged_without_titles_and_not_for_our_own_events(acme: Leads) -> None:
    calendar = acme.calendar()
    linked = acme.connect(calendar)
    visit = acme.visit(soon(hour=10))
    own = acme.link(visit, linked)
    for remote_id, start in ((own.remote_id, visit.start), ("a", soon(hour=14)), ("b", soon(hour=15))):
        end = start + timedelta(hours=1)
        BusyTime.objects.create(calendar=calendar, remote_id=remote_id, start=start, end=end, kind="busy")
    day = f"{soon():%Y-%m-%d}"
    assert week(acme)["busy"] == [{"start": f"{day}T14:00:00", "end": f"{day}T16:00:00"}]


def held(acme: Leads, start: datetime, *, minutes_left: float = 8, **fields: Any) -> Hold:
    """A visitor fills in the form of an hour from `start`."""
    return Hold.objects.create(
        **{
            "module": acme.base.module,
            "start": start,
            "end": start + timedelta(hours=1),
            "visitor": f"visitor of {start}",
            "address": "of an address",
            "expires_at": timezone.now() + timedelta(minutes=minutes_left),
        }
        | fields
    )


def test_a_slot_that_is_being_filled_in_is_told_without_anybody_s_data(acme: Leads) -> None:
    hold = held(acme, soon(hour=10))
    held(acme, soon(hour=12), minutes_left=-0.1)
    held(leads("other"), soon(hour=14))
    (told,) = week(acme)["holds"]
    assert 470 < told.pop("seconds_left") <= 480
    assert told == {
        "id": str(hold.pk),
        "start": f"{soon():%Y-%m-%d}T10:00:00",
        "end": f"{soon():%Y-%m-%d}T11:00:00",
        "said": "10:00–11:00",
        "kind": "Appointment",
        "until": f"{hold.expires_at.astimezone(LONDON):%H:%M}",
    }


def test_held_slots_follow_the_filters(acme: Leads) -> None:
    branch = acme.base.another_module("Branch")
    held(acme, soon(hour=10))
    (maria,) = team(branch, "Maria")
    held(acme, soon(hour=11), module=branch, staff=maria)

    def kinds(**asked: Any) -> list[str]:
        return [hold["kind"] for hold in week(acme, **asked)["holds"]]

    assert kinds() == ["Appointment · Main office", "Maria · Appointment · Branch"]
    assert kinds(module=branch.pk) == kinds(staff=maria.pk) == ["Maria · Appointment · Branch"]
    assert len(kinds(state="all")) == 2
    assert kinds(state="cancelled") == kinds(state="attention") == []


def test_another_company_s_visits_and_busy_time_never_show(acme: Leads) -> None:
    other = leads("other")
    theirs = other.visit(soon())
    calendar = other.calendar()
    other.connect(calendar)
    BusyTime.objects.create(calendar=calendar, remote_id="x", start=soon(), end=soon(hour=12), kind="busy")
    found = week(acme)
    assert found["appointments"] == []
    assert found["busy"] == []
    assert acme.client.get(other.url("leads/calendar")).status_code == 404
    assert (
        acme.client.get(other.url("leads/calendar.json?start=2026-03-02&end=2026-03-09")).status_code == 404
    )
    assert acme.client.get(acme.page(theirs)).status_code == 404


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("", ""),
        ("2026-03-02", ""),
        ("yesterday", "2026-03-09"),
        ("2026-03-09", "2026-03-02"),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02", "2026-06-12"),
        ("0001-01-01", "0001-02-01"),
        ("9999-12-30", "9999-12-31"),
        ("2026-03-02T25:00", "2026-03-09"),
        ("2026-03-02\x00", "2026-03-09"),
        ("x" * 5000, "2026-03-09"),
    ],
)
def test_a_span_that_is_none_is_refused_in_words(acme: Leads, start: str, end: str) -> None:
    answer = feed(acme, start, end)
    assert answer.status_code == 400
    said = answer.json()
    assert said["what"]
    assert said["now"]
    assert set(said["problems"]) <= {"start", "end"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-02", "2026-06-10"),  # 100 days, an hour short of it by the clocks
        ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("2026-03-02T00:00:00+05:30", "2026-03-09T00:00:00+05:30"),
        ("2026-03-02T00:00:00", "2026-03-09T00:00:00"),
    ],
)
def test_dates_wall_times_and_instants_are_understood(acme: Leads, start: str, end: str) -> None:
    assert feed(acme, start, end).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_visits(acme: Leads) -> None:
    calendar = acme.calendar()
    acme.connect(calendar)

    def count(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert acme.client.get(address).status_code == 200
        return len(queries)

    page = acme.url("leads/calendar")
    data = acme.url(f"leads/calendar.json?start={soon(days=0):%Y-%m-%d}&end={soon(days=7):%Y-%m-%d}")
    acme.visit(soon(hour=8))
    count(page)  # the session is written at the first visit
    few = count(page), count(data)
    for hour in range(9, 17):
        acme.visit(soon(hour=hour))
        BusyTime.objects.create(
            calendar=calendar,
            remote_id=str(hour),
            start=soon(hour=hour),
            end=soon(hour=hour + 1),
            kind="busy",
        )
    assert (count(page), count(data)) == few


def test_without_script_the_week_is_a_list_with_its_neighbours(acme: Leads) -> None:
    monday = datetime(2026, 3, 2, 10, tzinfo=LONDON)
    acme.visit(monday, name="<script>alert(1)</script>")
    acme.visit(monday + timedelta(days=7), name="Next week")
    page = acme.client.get(acme.url("leads/calendar?date=2026-03-04")).content.decode()
    assert "<title>Leads calendar" in page
    assert "All times are London time." in page
    assert "Mon 2 Mar, 10:00–11:00</time>: &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "Next week" not in page
    assert "?date=2026-02-23&amp;" in page
    assert "?date=2026-03-09&amp;" in page


@pytest.mark.parametrize(
    "asked", ["date=2026-99-01", "date=9999-12-31", "module=x", "state=odd", "view=x", "date=%00"]
)
def test_a_wrong_filter_shows_the_present_week(acme: Leads, asked: str) -> None:
    acme.visit(soon(days=0))
    answer = acme.client.get(acme.url(f"leads/calendar?{asked}"))
    assert answer.status_code == 200
    assert "Ann Lee" in answer.content.decode()


def test_turning_to_the_calendar_has_the_linked_calendars_asked_more_often_for_a_while(acme: Leads) -> None:
    """Not merely having it open, which on a reception is all day."""
    branch, other = acme.base.another_module("Branch"), leads("other")
    ours, theirs, unlinked = acme.calendar(), other.calendar(), acme.calendar("Not linked")
    acme.connect(ours)
    other.connect(theirs)

    def watched() -> list[bool]:
        rows = [ours, theirs, unlinked]
        for row in rows:
            row.refresh_from_db()
        return [row.watched_at is not None for row in rows]

    week(acme)
    assert watched() == [False, False, False]
    week(acme, look="1", module=branch.pk)
    assert watched() == [False, False, False]
    with CaptureQueriesContext(connection) as queries:
        week(acme, look="1")
    assert watched() == [True, False, False]
    assert len([q for q in queries if q["sql"].startswith("UPDATE")]) == 1


def test_without_a_module_it_says_that_nobody_can_book_yet(acme: Leads) -> None:
    assert "Nobody can book yet" not in acme.client.get(acme.url("leads/calendar")).content.decode()
    Module.objects.all().delete()
    page = acme.client.get(acme.url("leads/calendar")).content.decode()
    assert "Nobody can book yet" in page and "To the apps" in page
    light = acme.light().get(acme.url("leads/calendar")).content.decode()
    assert "Nobody can book yet" in light and "To the apps" not in light


def test_light_users_see_the_calendar_and_may_not_drag(acme: Leads) -> None:
    acme.visit(soon())
    light = acme.light()
    page = light.get(acme.url("leads/calendar")).content.decode()
    assert "data-movable" not in page
    today = timezone.now().date()
    answer = feed(acme, today, today + timedelta(days=7), client=light)
    assert [block["movable"] for block in answer.json()["appointments"]] == [False]


def test_strangers_are_sent_to_the_login(acme: Leads) -> None:
    answer = Client().get(acme.url("leads/calendar"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")


@pytest.fixture
def shown(transactional_db: None, live_server: Any, page: Any) -> Any:
    """A company, and a real browser logged in to it at `open(address)`."""

    class Shown:
        acme = leads()
        window = page

        def open(self, rest: str, client: Client | None = None) -> None:
            session = (client or self.acme.client).cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
            page.goto(live_server.url + self.acme.url(rest))

    return Shown()


def drag(window: Any, block: Any, *, down: float) -> None:
    """Take a block in its middle and let it go `down` pixels lower."""
    block.scroll_into_view_if_needed()
    box = block.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 10
    window.mouse.move(x, y)
    window.mouse.down()
    window.mouse.move(x, y + down / 2, steps=4)
    window.mouse.move(x, y + down, steps=4)
    window.mouse.up()


@pytest.mark.browser
def test_a_visit_dragged_in_the_week_is_asked_about_and_moves(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    visit = acme.visit(soon(days=0, hour=10) + timedelta(days=7), name="Ann <i>Lee</i>")
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}&view=week")
    block = window.locator(".visit-block")
    block.wait_for()
    assert "Ann <i>Lee</i>" in block.inner_text()
    hour = block.bounding_box()["height"]

    drag(window, block, down=2 * hour)
    dialog = window.locator("#move-dialog")
    dialog.wait_for()
    assert "12:00–13:00 (London)" in dialog.inner_text()
    assert "is told by e-mail" in dialog.inner_text()
    dialog.get_by_role("button", name="Leave it where it was").click()
    block.get_by_text("10:00–11:00").wait_for()
    assert Appointment.objects.get().start == visit.start

    drag(window, block, down=2 * hour)
    dialog.get_by_role("button", name="Move", exact=True).click()
    dialog.wait_for(state="hidden")
    window.reload()
    window.get_by_text("12:00–13:00").wait_for()
    moved = Appointment.objects.get()
    assert moved.start == visit.start + timedelta(hours=2)
    assert Change.objects.filter(field="when", by="Ada Admin").count() == 1


@pytest.mark.browser
def test_a_drag_that_breaks_a_rule_says_which_before_it_is_done(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    OpeningHours.objects.update(closes=time(12))
    visit = acme.visit(soon(days=7, hour=10))
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}&view=day")
    block = window.locator(".visit-block")
    block.wait_for()
    drag(window, block, down=2 * block.bounding_box()["height"])
    dialog = window.locator("#move-dialog")
    dialog.get_by_text("It is outside the opening hours").wait_for()
    dialog.get_by_role("button", name="Move all the same").click()
    dialog.wait_for(state="hidden")
    window.locator(".visit-block.attention").wait_for()
    assert "do not offer" in Appointment.objects.get().attention


@pytest.mark.browser
def test_the_panel_opens_by_keyboard_and_gives_the_focus_back(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    visit = acme.visit(soon(days=0))
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}")
    block = window.locator(".visit-block")
    block.wait_for()
    block.focus()
    window.keyboard.press("Enter")
    panel = window.locator("#leads-panel")
    panel.get_by_role("heading", name="Ann Lee").wait_for()
    assert "/leads/calendar" in window.url
    window.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert window.evaluate("document.activeElement.classList.contains('visit-block')")


@pytest.mark.browser
def test_a_light_user_s_blocks_do_not_move(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    visit = acme.visit(soon(days=0))
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}", client=acme.light())
    block = window.locator(".visit-block")
    block.wait_for()
    assert "fc-event-draggable" not in block.get_attribute("class")


@pytest.mark.browser
def test_the_agenda_on_a_phone_opens_a_visit_by_finger_and_by_keyboard(shown: Any) -> None:
    """On a phone the agenda is what one sees first."""
    acme, window = shown.acme, shown.window
    window.set_viewport_size({"width": 390, "height": 780})
    visit = acme.visit(soon(days=0), name="Ann <i>Lee</i>")
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}")
    row = window.locator(".fc-list-event")
    row.wait_for()
    assert "Ann <i>Lee</i>" in row.inner_text()
    assert "10:00–11:00" in row.inner_text()
    panel = window.locator("#leads-panel")
    row.locator("td").first.click()
    panel.get_by_role("heading", name="Ann <i>Lee</i>").wait_for()
    window.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    link = window.get_by_role("link", name="Ann <i>Lee</i>")
    assert link.evaluate("link => link === document.activeElement")
    window.keyboard.press("Enter")
    panel.get_by_role("heading", name="Ann <i>Lee</i>").wait_for()
    panel.get_by_role("button", name="Close").click()
    panel.wait_for(state="hidden")


@pytest.mark.browser
def test_a_drag_is_put_back_when_the_server_cannot_be_asked(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    visit = acme.visit(soon(days=7, hour=10))
    shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}&view=day")
    block = window.locator(".visit-block")
    block.wait_for()
    top = block.bounding_box()["y"]
    window.route("**/move?*", lambda route: route.abort())
    drag(window, block, down=2 * block.bounding_box()["height"])
    window.locator("#leads-trouble").wait_for()
    assert block.bounding_box()["y"] == top
    assert not window.locator("#move-dialog").is_visible()


@pytest.mark.browser
def test_who_turns_to_the_page_sees_soon_what_changed(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    window.clock.install()
    visit = acme.visit(soon(days=0), name="Early")

    def next_reading(seconds: int = 0) -> str:
        """The address that is read when so much time went by."""
        with window.expect_response(lambda answer: "calendar.json" in answer.url) as read:
            window.clock.run_for(seconds * 1000)
        return str(read.value.url)

    with window.expect_response(lambda answer: "calendar.json" in answer.url) as first:
        shown.open(f"leads/calendar?date={visit.start:%Y-%m-%d}&view=day")
    assert "look=1" in first.value.url
    window.get_by_text("Early").wait_for()
    acme.visit(soon(days=0, hour=13), name="Late")
    assert "look=1" in next_reading(4)
    window.get_by_text("Late").wait_for()
    window.clock.run_for(60_000)
    window.wait_for_load_state("networkidle")
    assert "look=1" not in next_reading(15)
    with window.expect_response(lambda answer: "look=1" in answer.url):
        window.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.browser
def test_a_held_slot_is_dashed_and_goes_by_itself(shown: Any) -> None:
    """Also when nothing can be read any more: the hold has ended all the same."""
    acme, window = shown.acme, shown.window
    window.clock.install()
    held(acme, soon(days=0))
    shown.open(f"leads/calendar?date={soon(days=0):%Y-%m-%d}&view=day")
    block = window.locator(".visit-block")
    block.get_by_text("being booked").wait_for()
    assert "kept until" in block.inner_text()
    assert block.evaluate("block => getComputedStyle(block).borderTopStyle") == "dashed"
    assert window.locator(".legend").get_by_text("being booked").is_visible()
    block.click()  # there is nothing to open
    assert not window.locator("#leads-panel").is_visible()
    window.route("**/calendar.json*", lambda route: route.abort())
    window.clock.run_for(7 * 60_000)
    assert block.is_visible()
    window.clock.run_for(2 * 60_000)
    block.wait_for(state="detached")
