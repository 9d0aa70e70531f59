"""What an owner can do is the same on CalDAV, Google and Microsoft: the same addresses, answers, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.conftest import GoogleDesk, MicrosoftDesk, Week


@pytest.fixture(params=["desk", "google", "microsoft"])
def week(request: pytest.FixtureRequest) -> Week:
    """A fresh calendar on each system."""
    found: Week = request.getfixturevalue(request.param)
    return found


def tea(week: Week, **fields: Any) -> dict[str, Any]:
    usual = {"title": "Tea", "start": "2026-11-24T16:00", "end": "2026-11-24T17:00"}
    week.done("create", **usual | fields)
    return week.only(fields.get("title", "Tea"))


def daily(week: Week) -> list[dict[str, Any]]:
    fields = {"start": "2026-11-23T09:00", "end": "2026-11-23T09:30", "repeat": "daily"}
    week.done("create", title="Stand-up", repeat_until="2026-11-27", **fields)
    return week.week()


def test_a_made_event_has_what_was_typed(week: Week):
    made = tea(week, place="Room 1", notes="two\nlines", shown_as="free")
    assert (made["start"], made["end"]) == ("2026-11-24T16:00:00+01:00", "2026-11-24T17:00:00+01:00")
    assert (made["place"], made["notes"], made["free"]) == ("Room 1", "two\nlines", True)
    assert (made["status"], made["repeats"], made["occurrence"]) == ("CONFIRMED", False, "")
    assert (made["all_day"], made["rule"], made["changed_alone"], made["answer"]) == (False, "", False, "")
    assert made["uid"]


def test_moving_keeps_the_length_and_resizing_the_start(week: Week):
    week.done("move", tea(week), start="2026-11-25T10:15")
    week.done("move", week.only("Tea"), end="2026-11-25T12:00")
    moved = week.only("Tea")
    assert (moved["start"][:16], moved["end"][:16]) == ("2026-11-25T10:15", "2026-11-25T12:00")


def test_an_edit_changes_what_was_sent(week: Week):
    week.done("edit", tea(week, place="Room 1", notes="milk"), title="Coffee", notes="", shown_as="free")
    coffee = week.only("Coffee")
    assert (coffee["place"], coffee["notes"], coffee["free"]) == ("Room 1", "", True)
    assert coffee["start"][:16] == "2026-11-24T16:00"


def test_an_event_turns_all_day_and_back(week: Week):
    week.done("edit", tea(week), start="2026-11-24", end="2026-11-26")
    whole = week.only("Tea")
    assert (whole["all_day"], whole["start"], whole["end"]) == (True, "2026-11-24", "2026-11-26")
    week.done("move", whole, start="2026-11-26")
    assert (week.only("Tea")["start"], week.only("Tea")["end"]) == ("2026-11-26", "2026-11-28")
    week.done("edit", week.only("Tea"), start="2026-11-24T10:00", end="2026-11-24T11:00")
    assert week.only("Tea")["start"] == "2026-11-24T10:00:00+01:00"


def test_a_deleted_event_is_gone(week: Week):
    seen = tea(week)
    week.done("delete", seen)
    assert week.week() == []
    for verb, fields in (("move", {"start": "2026-11-25T10:00"}), ("edit", {"title": "x"}), ("delete", {})):
        assert week.post(verb, seen, **fields).status_code == 404


def test_a_series_shows_its_occurrences_until_its_end(week: Week):
    found = daily(week)
    assert [one["start"][:16] for one in found] == [f"2026-11-{day}T09:00" for day in range(23, 28)]
    assert [one["occurrence"] for one in found] == [f"202611{day}T080000Z" for day in range(23, 28)]
    assert len({one["href"] for one in found}) == 1
    assert all(one["repeats"] for one in found)
    assert {one["rule"] for one in found} == {"FREQ=DAILY;UNTIL=20261127T225959Z"}


def test_one_of_a_series_moves_changes_and_goes_alone(week: Week):
    found = daily(week)
    week.done("move", found[1], start="2026-11-24T14:00")
    week.done("edit", week.week()[2], title="Retro", scope="one")
    week.done("delete", week.week()[4], scope="one")
    assert week.starts("Stand-up") == ["2026-11-23T09:00", "2026-11-24T14:00", "2026-11-26T09:00"]
    assert week.only("Retro")["changed_alone"] is True
    week.done("move", week.week()[1], start="2026-11-24T15:00")
    week.done("delete", week.week()[1], scope="one")
    assert week.starts("Stand-up") == ["2026-11-23T09:00", "2026-11-26T09:00"]
    gone = week.post("move", found[1] | {"etag": ""}, start="2026-11-24T18:00")
    assert gone.status_code == 404


def test_a_whole_series_is_renamed_moved_and_deleted(week: Week):
    found = daily(week)
    week.done("edit", found[2], title="Plan", scope="series")
    week.done("move", week.week()[2], start="2026-11-25T10:15", scope="series")
    assert week.starts("Plan") == [f"2026-11-{day}T10:15" for day in range(23, 28)]
    week.done("move", week.week()[0], end="2026-11-23T11:00", scope="series")
    assert {one["end"][11:16] for one in week.week()} == {"11:00"}
    week.done("delete", week.week()[3], scope="series")
    assert week.week() == []


def test_a_series_keeps_its_hour_when_the_clocks_change(week: Week):
    week.done("create", title="Night", start="2026-10-24T09:00", end="2026-10-24T10:00", repeat="weekly")
    found = week.week("2026-10-19", "2026-11-09")
    week.done("move", found[0], start="2026-10-24T11:30", scope="series")
    assert [one["start"] for one in week.week("2026-10-19", "2026-11-02")] == [
        "2026-10-24T11:30:00+02:00",
        "2026-10-31T11:30:00+01:00",
    ]


def test_a_weekly_series_moves_to_another_day(week: Week):
    week.done("create", title="Weekly", start="2026-11-23T09:00", end="2026-11-23T10:00", repeat="weekly")
    week.done("move", week.only("Weekly"), start="2026-11-25T09:00", scope="series")
    starts = [one["start"][:10] for one in week.week("2026-11-23", "2026-12-07")]
    assert starts == ["2026-11-25", "2026-12-02"]


def test_an_event_is_made_to_repeat_and_to_stop(week: Week):
    week.done("edit", tea(week), repeat="daily", repeat_until="2026-11-26")
    assert [start[8:10] for start in week.starts("Tea")] == ["24", "25", "26"]
    second = week.week()[1]
    week.done("edit", second, repeat="none", scope="series", start="2026-11-25T16:00", end="2026-11-25T17:00")
    assert week.starts("Tea") == ["2026-11-25T16:00"]


def test_an_all_day_series_loses_one_day(week: Week):
    fields = {"start": "2026-11-23", "end": "2026-11-24", "repeat": "daily"}
    week.done("create", title="Shut", repeat_until="2026-11-26", **fields)
    assert week.starts("Shut") == [f"2026-11-{day}" for day in (23, 24, 25, 26)]
    week.done("delete", week.week()[1], scope="one")
    assert week.starts("Shut") == [f"2026-11-{day}" for day in (23, 25, 26)]


def test_an_all_day_series_moves_by_days(week: Week):
    fields = {"start": "2026-11-23", "end": "2026-11-25", "repeat": "weekly"}
    week.done("create", title="Shut", repeat_until="2026-12-01", **fields)
    week.done("move", week.only("Shut"), start="2026-11-25", scope="series")
    found = week.week("2026-11-23", "2026-12-14")
    assert [(one["start"], one["end"]) for one in found] == [
        ("2026-11-25", "2026-11-27"),
        ("2026-12-02", "2026-12-04"),
    ]


def test_a_series_turns_all_day_only_while_nothing_would_be_lost(week: Week):
    week.done("create", title="Weekly", start="2026-11-23T09:00", end="2026-11-23T10:00", repeat="weekly")
    week.done("edit", week.only("Weekly"), start="2026-11-23", end="2026-11-24", scope="series")
    whole = week.week("2026-11-23", "2026-12-07")
    assert [one["start"] for one in whole] == ["2026-11-23", "2026-11-30"]
    week.done("edit", whole[0], start="2026-11-23T08:00", end="2026-11-23T09:00", scope="series")
    week.done("delete", week.week("2026-11-30", "2026-12-07")[0], scope="one")
    refused = week.post("edit", week.only("Weekly"), start="2026-11-23", end="2026-11-24", scope="series")
    assert refused.status_code == 400
    assert week.only("Weekly")["start"][11:16] == "08:00"


def test_whoever_was_slower_is_refused_and_nothing_is_written(week: Week):
    seen = tea(week)
    week.done("edit", seen, title="Tea with milk")
    for verb, fields in (("move", {"start": "2026-11-26T10:00"}), ("edit", {"title": "x"}), ("delete", {})):
        answer = week.post(verb, seen, **fields)
        assert answer.status_code == 412, verb
        assert set(answer.json()["error"]) == {"what", "meaning", "action"}
    assert week.only("Tea with milk")["start"][:16] == "2026-11-24T16:00"
    week.done("move", seen | {"etag": ""}, start="2026-11-26T10:00")
    assert week.only("Tea with milk")["start"][:16] == "2026-11-26T10:00"


def test_an_event_is_moved_to_another_calendar_with_its_series(week: Week):
    daily(week)
    week.done("edit", week.week()[1], title="Retro", scope="one")
    other, first = week.second(), week.calendar
    value = f"{week.week()[0]['occurrence']}|{week.week()[0]['href']}"
    form = week.client.get("/events/edit", params=week.here | {"event": value}).text
    assert f'<option value="{other}">Second</option>' in form
    moved = week.done("transfer", week.week()[0], to=other)
    assert week.week() == []
    week.calendar = other
    assert [one["title"] for one in week.week()] == ["Stand-up", "Retro", "Stand-up", "Stand-up", "Stand-up"]
    assert (moved["href"], moved["etag"]) == (week.week()[0]["href"], week.week()[0]["etag"])
    week.done("transfer", week.week()[0], to=first)
    week.calendar = first
    assert len(week.week()) == 5


def test_an_event_is_not_moved_from_under_somebody_or_to_nowhere(week: Week):
    seen, other = tea(week), week.second()
    week.done("edit", seen, title="Tea with milk")
    assert week.post("transfer", seen, to=other).status_code == 412
    for target in ("", "/nobody/", week.calendar):
        assert week.post("transfer", week.only("Tea with milk"), to=target).status_code == 400
    assert week.only("Tea with milk")


@pytest.mark.parametrize("calendar", ["", "/nobody/", "nobody@example.org"])
def test_another_calendar_cannot_be_reached(week: Week, calendar: str):
    seen = tea(week)
    assert week.post("delete", seen, calendar=calendar).status_code == 404
    assert week.only("Tea")


def test_what_cannot_be_meant_is_said_beside_the_field(week: Week):
    answer = week.post("create", title="x", start="2026-11-24T10:00", end="2026-11-24T09:00")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "end")
    answer = week.post("answer", tea(week), answer="perhaps")
    assert answer.status_code == 400
    answer = week.post("answer", week.only("Tea"), answer="declined")
    assert answer.status_code == 400
    assert "Nobody has asked" in answer.json()["error"]["what"]


def test_the_version_differs_when_the_calendar_does(week: Week):
    def version() -> str:
        found: str = week.client.get("/version.json", params=week.here).json()["version"]
        return found

    first = version()
    assert version() == first
    tea(week)
    assert version() != first
    assert f'data-version="{version()}"' in week.client.get("/week", params=week.here).text


def test_all_kinds_of_owners_are_offered(week: Week, google: GoogleDesk, microsoft: MicrosoftDesk):
    page = week.client.get("/", params=week.here).text
    for system in ("CalDAV", "Google", "Microsoft"):
        assert f'<optgroup label="{system}">' in page
    assert f"<option selected>{week.account}</option>" in page
    assert f">{google.account}</option>" in page
    assert f">{microsoft.account}</option>" in page


def test_a_week_ends_at_midnight_of_the_shown_zone(week: Week):
    week.done("create", title="Before", start="2026-11-22T23:00", end="2026-11-23T00:00")
    week.done("create", title="After", start="2026-11-30T00:00", end="2026-11-30T01:00")
    week.done("create", title="Sunday", start="2026-11-22", end="2026-11-23")
    assert week.week() == []
    assert [one["title"] for one in week.week("2026-11-22", "2026-11-23")] == ["Sunday", "Before"]
