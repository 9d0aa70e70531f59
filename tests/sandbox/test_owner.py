"""The owner's changes, over a real CalDAV server: what is on it afterwards."""

from __future__ import annotations

import pytest
from tests.sandbox.conftest import Desk

TEA = """
UID:tea
DTSTAMP:20261101T000000Z
DTSTART;TZID=America/New_York:20261124T100000
DTEND;TZID=America/New_York:20261124T110000
SUMMARY;LANGUAGE=en:Tea
DESCRIPTION:two\\nlines
X-GENIE-KEY;X-PART="a;b":keep,this;too
CATEGORIES:RED,BLUE
SEQUENCE:4
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Ring
TRIGGER:-PT15M
END:VALARM
"""
DAILY = """
UID:daily
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Berlin:20261123T090000
DTEND;TZID=Europe/Berlin:20261123T093000
RRULE:FREQ=DAILY;COUNT=5
SUMMARY:Stand-up
X-ROOM:blue
"""


def starts(desk: Desk, title: str) -> list[str]:
    return [event["start"][:16] for event in desk.week() if event["title"] == title]


def test_the_calendars_of_the_account_are_listed(desk: Desk):
    found = desk.client.get("/calendars.json", params={"account": desk.server.user}).json()["calendars"]
    (mine,) = [one for one in found if one["href"] == desk.calendar]
    assert (mine["name"], mine["writable"]) == ("Front desk", True)


def test_the_week_is_told_in_the_shown_zone(desk: Desk):
    desk.put("tea", TEA)
    tea = desk.only("Tea")
    assert tea["start"] == "2026-11-24T16:00:00+01:00"
    assert (tea["occurrence"], tea["repeats"], tea["free"], tea["notes"]) == ("", False, False, "two\nlines")


def test_a_created_event_is_a_whole_object_with_its_zone(desk: Desk):
    made = desk.done(
        "create", title="Visit; Jo, Ann", start="2026-11-25T10:00", end="2026-11-25T11:00", place="Room 1"
    )
    text = desk.text(made["href"])
    assert "SUMMARY:Visit\\; Jo\\, Ann\n" in text
    assert "DTSTART;TZID=Europe/Berlin:20261125T100000\n" in text
    assert "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n" in text
    assert desk.only("Visit; Jo, Ann")["place"] == "Room 1"


def test_moving_keeps_length_zone_and_everything_foreign(desk: Desk):
    href = desk.put("tea", TEA)
    before = desk.text(href)
    desk.done("move", desk.only("Tea"), start="2026-11-26T15:15")
    after = desk.text(href)
    assert "DTSTART;TZID=America/New_York:20261126T091500\n" in after
    assert "DTEND;TZID=America/New_York:20261126T101500\n" in after
    changed = {"DTSTART", "DTEND", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE"}
    kept = [line for line in before.split("\n") if line.split(":")[0].split(";")[0] not in changed]
    assert [line for line in kept if line not in after.split("\n")] == []
    assert "SEQUENCE:5\n" in after


def test_resizing_keeps_the_start(desk: Desk):
    desk.put("tea", TEA)
    desk.done("move", desk.only("Tea"), end="2026-11-24T17:45")
    tea = desk.only("Tea")
    assert (tea["start"][:16], tea["end"][:16]) == ("2026-11-24T16:00", "2026-11-24T17:45")


def test_a_duration_becomes_an_end(desk: Desk):
    href = desk.put("tea", TEA.replace("DTEND;TZID=America/New_York:20261124T110000", "DURATION:PT1H"))
    desk.done("move", desk.only("Tea"), start="2026-11-24T18:00")
    text = desk.text(href)
    assert "DURATION:PT1H" not in text
    assert desk.only("Tea")["end"][:16] == "2026-11-24T19:00"


def test_a_utc_event_stays_utc_and_a_floating_one_floating(desk: Desk):
    utc = desk.put(
        "utc", "UID:u\nDTSTAMP:20261101T000000Z\nDTSTART:20261124T100000Z\nDTEND:20261124T110000Z\nSUMMARY:U"
    )
    floating = desk.put(
        "fl", "UID:f\nDTSTAMP:20261101T000000Z\nDTSTART:20261124T100000\nDTEND:20261124T110000\nSUMMARY:F"
    )
    assert starts(desk, "F") == ["2026-11-24T10:00"]
    desk.done("move", desk.only("U"), start="2026-11-24T15:00")
    desk.done("move", desk.only("F"), start="2026-11-24T15:00")
    assert "DTSTART:20261124T140000Z\n" in desk.text(utc)
    assert "DTSTART:20261124T150000\n" in desk.text(floating)


def test_a_windows_named_zone_is_kept(desk: Desk):
    href = desk.put("win", TEA.replace("America/New_York", "Eastern Standard Time"))
    desk.done("move", desk.only("Tea"), start="2026-11-24T17:00")
    assert "DTSTART;TZID=Eastern Standard Time:20261124T110000\n" in desk.text(href)


def test_editing_changes_only_what_was_sent(desk: Desk):
    href = desk.put("tea", TEA)
    desk.done("edit", desk.only("Tea"), title="Coffee", shown_as="free", notes="")
    text = desk.text(href)
    assert "SUMMARY;LANGUAGE=en:Coffee\n" in text
    assert "TRANSP:TRANSPARENT\n" in text
    assert "two\\nlines" not in text
    assert "DTSTART;TZID=America/New_York:20261124T100000\n" in text
    assert "SEQUENCE:4\n" in text  # no reschedule, so no new revision


def test_an_edit_that_changes_nothing_leaves_the_time_lines(desk: Desk):
    href = desk.put("tea", TEA.replace("DTEND;TZID=America/New_York:20261124T110000", "DURATION:PT1H"))
    desk.done("edit", desk.only("Tea"), title="Tea", start="2026-11-24T16:00", end="2026-11-24T17:00")
    assert "DURATION:PT1H\n" in desk.text(href)
    assert "SEQUENCE:4\n" in desk.text(href)


def test_a_timed_event_becomes_all_day_and_back(desk: Desk):
    href = desk.put("tea", TEA)
    desk.done("edit", desk.only("Tea"), start="2026-11-24", end="2026-11-26")
    assert "DTSTART;VALUE=DATE:20261124\n" in desk.text(href)
    assert "DTEND;VALUE=DATE:20261126\n" in desk.text(href)
    assert desk.only("Tea")["all_day"] is True
    desk.done("edit", desk.only("Tea"), start="2026-11-24T10:00", end="2026-11-24T11:00")
    assert "DTSTART;TZID=Europe/Berlin:20261124T100000\n" in desk.text(href)
    assert desk.only("Tea")["all_day"] is False


def test_an_all_day_event_moves_by_days_and_keeps_its_length(desk: Desk):
    made = desk.done("create", title="Fair", start="2026-11-24", end="2026-11-26")
    desk.done("move", desk.only("Fair"), start="2026-11-26")
    assert (desk.only("Fair")["start"], desk.only("Fair")["end"]) == ("2026-11-26", "2026-11-28")
    assert "VALUE=DATE:20261126" in desk.text(made["href"])


def test_deleting_removes_the_object(desk: Desk):
    href = desk.put("tea", TEA)
    desk.done("delete", desk.only("Tea"))
    assert desk.gone(href)


# --- series


def occurrence(desk: Desk, day: int) -> dict:
    (found,) = [event for event in desk.week() if event["occurrence"] == f"202611{day}T080000Z"]
    return found


def test_moving_one_of_a_series_writes_an_override_with_everything_the_series_has(desk: Desk):
    href = desk.put("daily", DAILY)
    desk.done("move", occurrence(desk, 25), start="2026-11-25T14:00")
    text = desk.text(href)
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20261125T090000\n" in text
    assert text.count("X-ROOM:blue\n") == 2
    assert text.count("RRULE:FREQ=DAILY") == 1
    assert starts(desk, "Stand-up") == [
        f"2026-11-{day}" for day in ("23T09:00", "24T09:00", "25T14:00", "26T09:00", "27T09:00")
    ]


def test_a_moved_occurrence_can_be_moved_again_and_deleted(desk: Desk):
    href = desk.put("daily", DAILY)
    desk.done("move", occurrence(desk, 25), start="2026-11-25T14:00")
    desk.done("move", occurrence(desk, 25), start="2026-11-26T07:30")
    assert desk.text(href).count("RECURRENCE-ID") == 1
    assert "2026-11-26T07:30" in starts(desk, "Stand-up")
    desk.done("delete", occurrence(desk, 25), scope="one")
    text = desk.text(href)
    assert "RECURRENCE-ID" not in text
    assert "EXDATE;TZID=Europe/Berlin:20261125T090000\n" in text
    assert len(starts(desk, "Stand-up")) == 4


def test_editing_one_of_a_series_leaves_the_others(desk: Desk):
    desk.put("daily", DAILY)
    desk.done("edit", occurrence(desk, 24), title="Retro", scope="one")
    assert len(starts(desk, "Stand-up")) == 4
    assert desk.only("Retro")["changed_alone"] is True


def test_deleting_every_occurrence_one_by_one_ends_with_nothing(desk: Desk):
    href = desk.put("daily", DAILY.replace("COUNT=5", "COUNT=2"))
    desk.done("delete", occurrence(desk, 23))
    assert starts(desk, "Stand-up") == ["2026-11-24T09:00"]
    desk.done("delete", occurrence(desk, 24))
    assert desk.gone(href)


def test_deleting_the_series_removes_it_whole(desk: Desk):
    href = desk.put("daily", DAILY)
    desk.done("delete", occurrence(desk, 25), scope="series")
    assert desk.gone(href)


def test_moving_the_whole_series_takes_its_exceptions_along(desk: Desk):
    href = desk.put("daily", DAILY)
    desk.done("delete", occurrence(desk, 24))
    desk.done("edit", occurrence(desk, 25), title="Retro", scope="one")
    desk.done("move", occurrence(desk, 26), start="2026-11-26T10:15", scope="series")
    assert starts(desk, "Stand-up") == [f"2026-11-{day}T10:15" for day in (23, 26, 27)]
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20261125T101500\n" in desk.text(href)
    assert len(starts(desk, "Retro")) == 1


def test_a_weekly_series_moved_to_another_day_repeats_there(desk: Desk):
    weekly = DAILY.replace("FREQ=DAILY;COUNT=5", "FREQ=WEEKLY;BYDAY=MO,TH")
    href = desk.put("daily", weekly)
    desk.done("move", occurrence(desk, 26), start="2026-11-27T09:00", scope="series")
    assert "RRULE:FREQ=WEEKLY;BYDAY=TU,FR\n" in desk.text(href)
    assert starts(desk, "Stand-up") == ["2026-11-24T09:00", "2026-11-27T09:00"]


def test_a_monthly_rule_is_not_bent(desk: Desk):
    href = desk.put("daily", DAILY.replace("FREQ=DAILY;COUNT=5", "FREQ=MONTHLY;BYDAY=4MO"))
    answer = desk.post("move", occurrence(desk, 23), start="2026-11-24T09:00", scope="series")
    assert answer.status_code == 400
    assert "rule" in answer.json()["error"]["what"]
    assert "BYDAY=4MO" in desk.text(href)


def test_an_all_day_series_loses_one_day(desk: Desk):
    desk.done(
        "create",
        title="Shut",
        start="2026-11-23",
        end="2026-11-24",
        repeat="daily",
        repeat_until="2026-11-26",
    )
    events = [event for event in desk.week() if event["title"] == "Shut"]
    assert [event["start"] for event in events] == [f"2026-11-{day}" for day in (23, 24, 25, 26)]
    desk.done("delete", events[1])
    desk.done("move", events[2] | {"etag": ""}, start="2026-11-28")
    assert starts(desk, "Shut") == ["2026-11-23", "2026-11-26", "2026-11-28"]


def test_an_event_is_made_to_repeat_and_to_stop(desk: Desk):
    href = desk.put("tea", TEA)
    desk.done("edit", desk.only("Tea"), repeat="daily", repeat_until="2026-11-26")
    assert [start[8:10] for start in starts(desk, "Tea")] == ["24", "25", "26"]
    (second,) = [event for event in desk.week() if event["start"].startswith("2026-11-25")]
    desk.done("edit", second, repeat="none", scope="series", start="2026-11-25T16:00", end="2026-11-25T17:00")
    assert starts(desk, "Tea") == ["2026-11-25T16:00"]
    assert "RRULE:FREQ=DAILY" not in desk.text(href)


# --- quarrels and nonsense


def test_a_change_over_a_newer_version_is_refused_and_nothing_is_written(desk: Desk):
    href = desk.put("tea", TEA)
    seen = desk.only("Tea")
    desk.put("tea", TEA.replace("Tea", "Tea with milk"))
    for verb, fields in (("move", {"start": "2026-11-26T10:00"}), ("edit", {"title": "x"}), ("delete", {})):
        answer = desk.post(verb, seen, **fields)
        assert answer.status_code == 412, verb
        assert set(answer.json()["error"]) == {"what", "meaning", "action"}
    assert "SUMMARY;LANGUAGE=en:Tea with milk\n" in desk.text(href)


def test_a_change_to_a_deleted_event_says_so(desk: Desk):
    href = desk.put("tea", TEA)
    seen = desk.only("Tea")
    desk.server.delete(desk.address(href))
    assert desk.post("move", seen, start="2026-11-26T10:00").status_code == 404
    assert desk.gone(href)


def test_an_occurrence_deleted_elsewhere_is_gone(desk: Desk):
    desk.put("daily", DAILY)
    seen = occurrence(desk, 25)
    desk.put("daily", DAILY + "EXDATE;TZID=Europe/Berlin:20261125T090000\n")
    assert desk.post("move", seen | {"etag": ""}, start="2026-11-26T10:00").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": "2026-11-24T10:00", "end": "2026-11-24T09:00"}, "end"),
        ({"start": "yesterday", "end": "2026-11-24T09:00"}, "start"),
        ({"start": "2026-11-24", "end": "2026-11-24T09:00"}, "end"),
        ({"start": "2026-11-24", "end": "2026-11-24"}, "end"),
        ({"start": "2026-11-24T10:00"}, "end"),
        ({"start": "2026-11-24T10:00", "end": "2026-11-24T11:00", "shown_as": "maybe"}, "shown_as"),
        ({"start": "2026-11-24T10:00", "end": "2026-11-24T11:00", "repeat": "hourly"}, "repeat"),
        (
            {
                "start": "2026-11-24T10:00",
                "end": "2026-11-24T11:00",
                "repeat": "daily",
                "repeat_until": "2026-11-01",
            },
            "repeat_until",
        ),
        ({"start_date": "2026-11-24", "start_time": "25:00", "end_time": "10:00"}, "start_time"),
        ({"start": "2026-11-24T10:00", "end": "2026-11-24T11:00", "notes": "x" * 30000}, "notes"),
    ],
)
def test_what_cannot_be_meant_is_said_beside_the_field(desk: Desk, fields: dict[str, str], field: str):
    answer = desk.post("create", title="x", **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert desk.week() == []


def test_another_calendars_object_cannot_be_reached(desk: Desk):
    other = desk.put("tea", TEA)
    seen = desk.only("Tea")
    for calendar in ("/bob/", "", f"{desk.calendar}x/"):
        assert desk.post("delete", seen, calendar=calendar).status_code == 404
    for href in ("https://evil.example/x.ics", f"{desk.calendar}../tea.ics", "//evil.example/"):
        assert desk.post("delete", seen | {"href": href}).status_code == 404
    assert not desk.gone(other)


def test_an_unreadable_object_does_not_hide_the_week(desk: Desk):
    desk.put("tea", TEA)
    desk.done("create", title="Fine", start="2026-11-25T10:00", end="2026-11-25T11:00")
    path = next(desk.server.storage.rglob(f"{desk.calendar.strip('/')}/tea.ics"))
    path.write_text(path.read_text().replace("20261124T100000", "whenever"))
    assert [event["title"] for event in desk.week() if event["title"] == "Fine"] == ["Fine"]


def test_a_wall_time_that_the_clock_skips_becomes_the_one_after(desk: Desk):
    desk.done("create", title="Night", start="2027-03-28T02:30", end="2027-03-28T04:00")
    (night,) = desk.week("2027-03-22", "2027-03-29")
    assert (night["start"], night["end"]) == ("2027-03-28T03:30:00+02:00", "2027-03-28T04:00:00+02:00")


def test_a_move_across_the_change_of_the_clock_keeps_the_length(desk: Desk):
    desk.done("create", title="Night", start="2027-03-27T01:00", end="2027-03-27T04:00")
    (night,) = desk.week("2027-03-22", "2027-03-29")
    desk.done("move", night, start="2027-03-28T01:00")
    (night,) = desk.week("2027-03-22", "2027-03-29")
    assert (night["start"], night["end"]) == ("2027-03-28T01:00:00+01:00", "2027-03-28T05:00:00+02:00")
