"""The small parts by themselves: masks, times, expanded rules, the demo, and what it all costs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.google.conftest import ANA, BEN, NOW

from calendar_sandbox.google import demo, recurrence, shapes, times
from calendar_sandbox.google.api import bookmarks
from calendar_sandbox.google.errors import Refusal
from calendar_sandbox.google.service import Google, Request
from calendar_sandbox.google.state import CALENDAR, World

# --- partial answers -------------------------------------------------------------------------------------

WHOLE = {
    "kind": "k",
    "items": [
        {
            "id": "a",
            "start": {"dateTime": "x", "timeZone": "y"},
            "extendedProperties": {"private": {"p": "1", "q": "2"}},
        }
    ],
}


@pytest.mark.parametrize(
    ("mask", "part"),
    [
        ("*", WHOLE),
        ("kind", {"kind": "k"}),
        ("kind, items/id", {"kind": "k", "items": [{"id": "a"}]}),
        ("items(id,start/dateTime)", {"items": [{"id": "a", "start": {"dateTime": "x"}}]}),
        ("items(start(timeZone),id)", {"items": [{"id": "a", "start": {"timeZone": "y"}}]}),
        ("items/extendedProperties/private/p", {"items": [{"extendedProperties": {"private": {"p": "1"}}}]}),
        ("items/start/*", {"items": [{"start": {"dateTime": "x", "timeZone": "y"}}]}),
        ("items/*/dateTime", {"items": [{"start": {"dateTime": "x"}, "id": "a", "extendedProperties": {}}]}),
        ("nextPageToken", {}),
    ],
)
def test_a_mask_leaves_what_it_names(mask: str, part: Any):
    assert shapes.masked(WHOLE, shapes.mask_of(mask, "Events")) == part


@pytest.mark.parametrize(
    "mask",
    [
        ",",
        "items(",
        "items)",
        "items(id",
        "items()",
        "a/",
        "items//id",
        "colour",
        "items(id)(x)",
        "items/id/x",
    ],
)
def test_a_mask_that_cannot_be_is_refused(mask: str):
    with pytest.raises(Refusal, match="Invalid field selection") as caught:
        shapes.mask_of(mask, "Events")
    assert caught.value.reason == "invalidParameter"


# --- tokens ----------------------------------------------------------------------------------------------


def test_tokens_cannot_be_made_up():
    world, other = (World(clock=lambda: NOW, seed=seed) for seed in (1, 2))
    token = bookmarks.write(world, "sync", until=5)
    assert bookmarks.read(world, "sync", token) == {"until": 5}
    assert bookmarks.read(world, "page", token) is None
    assert bookmarks.read(other, "sync", token) is None
    for wrong in (token[:-4], f"A{token[1:]}", "", "äöü", token + "AAAA"):
        assert bookmarks.read(world, "sync", wrong) is None


# --- times and rules -------------------------------------------------------------------------------------


def test_times_are_written_with_the_offset_of_their_day():
    assert times.in_zone(datetime(2026, 7, 1, 12, tzinfo=UTC), "Europe/Madrid") == "2026-07-01T14:00:00+02:00"
    assert (
        times.in_zone(datetime(2026, 12, 1, 12, tzinfo=UTC), "Europe/Madrid") == "2026-12-01T13:00:00+01:00"
    )
    assert times.in_zone(datetime(2026, 12, 1, 12, tzinfo=UTC), "Europe/London") == "2026-12-01T12:00:00Z"


def master(start: str, zone: str, *lines: str) -> dict[str, Any]:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return {
        "start": {"dateTime": times.stamp(begin), "timeZone": zone},
        "end": {"dateTime": times.stamp(begin + timedelta(hours=1)), "timeZone": zone},
        "recurrence": list(lines),
    }


def test_an_instance_in_a_skipped_hour_moves_on_and_one_in_a_doubled_hour_is_the_first():
    spring = master("2026-03-07T07:30", "America/New_York", "RRULE:FREQ=DAILY;COUNT=3")
    found = [one.suffix for one in recurrence.instances(spring, now=NOW)]
    assert found == ["20260307T073000Z", "20260308T073000Z", "20260309T063000Z"]
    autumn = master("2026-10-31T05:30", "America/New_York", "RRULE:FREQ=DAILY;COUNT=3")
    found = [one.suffix for one in recurrence.instances(autumn, now=NOW)]
    assert found == ["20261031T053000Z", "20261101T053000Z", "20261102T063000Z"]


def test_a_rule_that_gives_very_much_comes_to_an_end():
    minutely = master("2026-11-24T10:00", "UTC", "RRULE:FREQ=MINUTELY")
    found = list(recurrence.instances(minutely, now=NOW))
    assert len(found) == 121 + recurrence.FAR
    past = master("1990-11-24T10:00", "UTC", "RRULE:FREQ=HOURLY")
    assert len(list(recurrence.instances(past, now=NOW))) == recurrence.MOST


def test_an_id_is_split_where_an_instance_begins():
    assert recurrence.split_id("abc_20261124T090000Z") == ("abc", "20261124T090000Z")
    assert recurrence.split_id("abc_20261124") == ("abc", "20261124")
    assert recurrence.split_id("_abc") == ("_abc", "")
    assert recurrence.split_id("abc_R20261124T090000") == ("abc_R20261124T090000", "")


# --- the demo --------------------------------------------------------------------------------------------


def furnished() -> World:
    world = World(clock=lambda: NOW, seed=1)
    demo.furnish(world)
    return world


def test_the_demo_has_an_own_a_team_and_a_holiday_calendar_each():
    world = furnished()
    for email, roles in ((ANA, ["owner", "owner", "reader"]), (BEN, ["owner", "writer", "reader"])):
        account = world.account(email)
        calendars = [world.calendars[name] for name in account.entries]
        assert sorted(world.role(account, one) for one in calendars) == sorted(roles)
        assert sum(one.refuses_push for one in calendars) == 1
        assert len(world.calendars[email].events) == len(demo.OWN) + 1
    demo.furnish(world)
    assert len(world.accounts) == 2
    demo.furnish(world, ("cleo@example.org",))
    assert len(world.calendars) == 5


def test_the_demo_is_the_same_each_time(tmp_path: Path):
    for name in ("one", "two"):
        furnished().save(tmp_path / name)
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()


def test_a_loaded_world_answers_as_the_saved_one(tmp_path: Path):
    world = furnished()
    token = world.issue_access_token(world.account(ANA), "app", [CALENDAR]).token
    world.save(tmp_path / "state")
    other = World(clock=lambda: NOW)
    other.load(tmp_path / "state")
    headers = {"authorization": f"Bearer {token}"}
    for path in ("users/me/calendarList", "calendars/primary/events", "calendars/primary"):
        asked = Request("GET", f"/calendar/v3/{path}", "", headers)
        assert Google(other).answer(asked).body == Google(world).answer(asked).body


# --- speed: processor time, so that a busy machine does not matter ------------------------------------------


def test_it_is_no_bottleneck():
    """Inserting costs less than 3 ms, reading 5,000 events in two pages less than a second."""
    google = Google(World(clock=lambda: NOW, seed=1))
    account = google.world.add_account(ANA)
    headers = {"authorization": f"Bearer {google.world.issue_access_token(account, 'app', [CALENDAR]).token}"}
    body = {"start": {"dateTime": "2026-11-25T10:00:00Z"}, "end": {"dateTime": "2026-11-25T11:00:00Z"}}
    said = json.dumps(body | {"summary": "Visit", "description": "x" * 300}).encode()
    began = time.process_time()
    for _ in range(5000):
        google.answer(Request("POST", "/calendar/v3/calendars/primary/events", "", headers, said))
    assert (time.process_time() - began) / 5000 < 0.003
    began = time.process_time()
    query, found = "maxResults=2500&singleEvents=true", 0
    first = google.answer(Request("GET", "/calendar/v3/calendars/primary/events", query, headers)).json()
    more = f"{query}&pageToken={first['nextPageToken']}"
    second = google.answer(Request("GET", "/calendar/v3/calendars/primary/events", more, headers)).json()
    found = len(first["items"]) + len(second["items"])
    assert found == 5000
    assert "nextSyncToken" in second
    assert time.process_time() - began < 1
