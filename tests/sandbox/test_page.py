"""The page without a script: what a browser that only knows links and forms can do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from tests.sandbox.conftest import NOW, Desk, serving
from tests.sandbox.test_owner import DAILY, TEA

from calendar_sandbox.app import create_app
from calendar_sandbox.settings import Account, Settings


class Form(HTMLParser):
    """The fields of the first form that posts to an address, as a browser would send them."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.action, self.inside, self.fields = action, False, {}
        self.select = self.area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("action") == self.action
        if not self.inside:
            return
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.fields[given["name"]] = given.get("value", "on")
        if tag == "select":
            self.select = given["name"]
        if tag == "option" and (self.select not in self.fields or "selected" in given):
            self.fields[self.select] = given.get("value", "")
        if tag == "textarea":
            self.area = given["name"]
            self.fields[self.area] = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.area:
            self.fields[self.area] = self.fields[self.area].removeprefix("\n")
            self.area = ""


def opened(desk: Desk, event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Press the event's button; return the page and its form's fields."""
    value = f"{event['occurrence']}|{event['href']}"
    page = desk.client.get("/events/edit", params=desk.here | {"event": value, "day": "2026-11-24"})
    assert page.status_code == 200
    return page.text, Form(page.text, "/events/edit").fields


def submitted(desk: Desk, verb: str, fields: dict[str, str]) -> httpx.Response:
    return desk.client.post(f"/events/{verb}", data=fields, follow_redirects=True)


def test_the_week_shows_the_event_with_its_words(desk: Desk):
    desk.put("tea", TEA)
    page = desk.client.get("/", params=desk.here).text
    assert 'aria-label="Tea, Tue 24 Nov, 16:00–17:00"' in page
    assert "23 – 29 November 2026" in page
    assert 'aria-current="date"' in page


def test_a_time_is_typed_and_saved_and_the_week_says_so(desk: Desk):
    href = desk.put("tea", TEA)
    _page, fields = opened(desk, desk.only("Tea"))
    after = submitted(desk, "edit", fields | {"start_time": "17:00", "end_time": "18:30"})
    assert "The change is saved." in after.text
    assert "Tea, Tue 24 Nov, 17:00–18:30" in after.text
    assert "DESCRIPTION:two\\nlines\n" in desk.text(href)


def test_a_form_saved_as_it_is_changes_no_field(desk: Desk):
    href = desk.put("tea", TEA.replace("SUMMARY", "LOCATION:Home\\nStreet 1\nSUMMARY"))
    before = desk.text(href)
    _page, fields = opened(desk, desk.only("Tea"))
    submitted(desk, "edit", fields)
    stamps = re.compile(r"^(DTSTAMP|LAST-MODIFIED):.*\n", re.MULTILINE)
    assert sorted(stamps.sub("", desk.text(href)).split("\n")) == sorted(stamps.sub("", before).split("\n"))


def test_the_last_day_of_an_all_day_event_is_typed_inclusive(desk: Desk):
    _page, fields = opened(desk, desk.only("Fair")) if desk.week() else ("", {})
    new = Form(desk.client.get("/events/new", params=desk.here).text, "/events/create").fields
    typed = {"title": "Fair", "all_day": "on", "start_date": "2026-11-25", "end_date": "2026-11-26"}
    after = submitted(desk, "create", new | typed)
    assert "The event is on the calendar." in after.text
    assert (desk.only("Fair")["start"], desk.only("Fair")["end"]) == ("2026-11-25", "2026-11-27")
    _page, fields = opened(desk, desk.only("Fair"))
    assert (fields["all_day"], fields["end_date"]) == ("on", "2026-11-26")


def test_one_occurrence_or_the_series_is_chosen_in_the_form(desk: Desk):
    desk.put("daily", DAILY)
    first = desk.week()[0]
    _page, fields = opened(desk, first)
    assert (fields["scope"], fields["repeat"]) == ("one", "keep")
    submitted(desk, "edit", fields | {"title": "Retro"})
    assert [event["title"] for event in desk.week()] == ["Retro", *["Stand-up"] * 4]
    _page, fields = opened(desk, desk.week()[1])
    submitted(desk, "edit", fields | {"title": "Plan", "scope": "series"})
    assert [event["title"] for event in desk.week()] == ["Retro", *["Plan"] * 4]


def test_deleting_asks_and_then_deletes(desk: Desk):
    href = desk.put("tea", TEA)
    page, _fields = opened(desk, desk.only("Tea"))
    assert "Delete this event" in page
    after = submitted(desk, "delete", Form(page, "/events/delete").fields | {"scope": "series"})
    assert "The event was deleted." in after.text
    assert desk.gone(href)


def test_a_wrong_form_comes_back_with_what_was_typed(desk: Desk):
    href = desk.put("tea", TEA)
    before = desk.text(href)
    _page, fields = opened(desk, desk.only("Tea"))
    after = submitted(desk, "edit", fields | {"title": "Typed", "end_time": "03:00"})
    assert after.status_code == 400
    assert "The event would end before it starts." in after.text
    again = Form(after.text, "/events/edit").fields
    assert (again["title"], again["end_time"], again["etag"]) == ("Typed", "03:00", fields["etag"])
    assert desk.text(href) == before


def test_whoever_was_slower_is_told_and_sees_the_new_version(desk: Desk):
    desk.put("tea", TEA)
    _page, fields = opened(desk, desk.only("Tea"))
    desk.put("tea", TEA.replace("Tea", "Tea with milk"))
    after = submitted(desk, "edit", fields | {"title": "Mine"})
    assert "Somebody else changed this event first" in after.text
    assert "Tea with milk" in after.text
    assert "Mine" not in after.text


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_titles_are_text_and_never_markup(desk: Desk):
    desk.done(
        "create",
        title=EVIL,
        place=EVIL,
        notes=f"</textarea>{EVIL}",
        start="2026-11-24T10:00",
        end="2026-11-24T11:00",
    )
    event = desk.only(EVIL)
    form, _fields = opened(desk, event)
    for page in (desk.client.get("/", params=desk.here).text, form):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_the_version_changes_with_the_calendar_and_only_then(desk: Desk):
    def version() -> str:
        found: str = desk.client.get("/version.json", params=desk.here).json()["version"]
        return found

    first = version()
    assert version() == first
    desk.put("tea", TEA)
    second = version()
    assert second != first
    grid = desk.client.get("/week", params=desk.here).text
    assert f'data-version="{second}"' in grid


def test_every_answer_forbids_foreign_scripts(desk: Desk):
    for path in ("/", "/mail", "/healthz", "/static/week.js", "/nothing"):
        answer = desk.client.get(path)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_post_that_another_site_caused_is_refused(desk: Desk):
    href = desk.put("tea", TEA)
    body = desk.here | {"href": href, "scope": "series"}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert desk.client.post("/events/delete", data=body, headers=headers).status_code == 403
    assert not desk.gone(href)
    assert desk.client.post("/events/delete", data=body, headers={"Origin": desk.url}).status_code == 303
    assert desk.gone(href)


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("account=nobody", 404, "There is no account “nobody” here."),
        ("account=locked-out", 502, "does not accept the password of locked-out"),
        ("calendar=/alice/none/", 404, "This account has no such calendar."),
    ],
)
def test_what_cannot_be_shown_is_said_in_words(desk: Desk, query: str, status: int, says: str):
    answer = desk.client.get(f"/?{query}")
    assert answer.status_code == status
    assert says in answer.text
    as_json = desk.client.get(f"/events.json?{query}")
    assert (as_json.status_code, says in as_json.json()["error"]["what"]) == (status, True)


def test_a_nonsense_zone_or_day_falls_back(desk: Desk):
    page = desk.client.get("/", params=desk.here | {"zone": "Mars/Base", "day": "tomorrow"})
    assert page.status_code == 200
    assert "23 – 29 November 2026" in page.text


def test_an_account_without_a_calendar_teaches(desk: Desk):
    assert "bob has no calendar for events" in desk.client.get("/?account=bob").text


def test_a_server_that_is_away_is_said_and_health_is_still_good():
    settings = Settings(caldav_url="http://127.0.0.1:9", accounts=(Account("a", "b"),), clock=lambda: NOW)
    with serving(settings) as (url, _app), httpx.Client(base_url=url) as client:
        answer = client.get("/")
        assert answer.status_code == 502
        assert "does not answer" in answer.text
        assert client.get("/healthz").json() == {"ok": True, "letters": 0}


def test_without_an_account_the_page_says_how_to_start():
    with serving(Settings(caldav_url="http://127.0.0.1:9")) as (url, _app):
        assert "--account name:password" in httpx.get(url).text


def test_the_application_holds_no_password_in_its_pages(desk: Desk):
    desk.put("tea", TEA)
    form, _fields = opened(desk, desk.only("Tea"))
    for page in (desk.client.get("/", params=desk.here).text, form):
        assert desk.server.password not in page
    assert "pass" not in repr(create_app(Settings("http://x", (Account("a", "pass-word"),))).state.settings)
