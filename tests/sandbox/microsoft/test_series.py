"""Recurring events: rules, occurrences, exceptions, and what becomes of them when the series changes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.sandbox.microsoft.conftest import Json, days, got, made, refused, timed, viewed, weekly

MORNING = timed("2026-11-23T09:00", "2026-11-23T10:00", "W. Europe Standard Time", subject="Series")


def rule(kind: str, first: str = "2026-11-23", span: Json | None = None, **pattern: Any) -> Json:
    return {
        "pattern": {"type": kind, "interval": 1, **pattern},
        "range": {"type": "numbered", "numberOfOccurrences": 3, "startDate": first, **(span or {})},
    }


def starts(client: httpx.Client, since: str = "2026-11-01", until: str = "2027-12-31") -> list[str]:
    return [one["start"]["dateTime"][:16] for one in viewed(client, since, until)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (rule("daily", interval=2), ["2026-11-23", "2026-11-25", "2026-11-27"]),
        (rule("weekly", daysOfWeek=["Monday", "wednesday"]), ["2026-11-23", "2026-11-25", "2026-11-30"]),
        (rule("absoluteMonthly", dayOfMonth=23), ["2026-11-23", "2026-12-23", "2027-01-23"]),
        (rule("absoluteMonthly", dayOfMonth=31), ["2026-11-30", "2026-12-31", "2027-01-31"]),
        (
            rule("relativeMonthly", daysOfWeek=["monday"], index="last"),
            ["2026-11-30", "2026-12-28", "2027-01-25"],
        ),
        (
            rule("absoluteYearly", dayOfMonth=24, month=11, span={"numberOfOccurrences": 2}),
            ["2026-11-24", "2027-11-24"],
        ),
        (
            rule(
                "relativeYearly",
                daysOfWeek=["thursday"],
                index="fourth",
                month=11,
                span={"numberOfOccurrences": 1},
            ),
            ["2026-11-26"],
        ),
        (
            rule("daily", span={"type": "endDate", "endDate": "2026-11-24"}),
            ["2026-11-23", "2026-11-24"],
        ),
    ],
)
def test_rules(ana: httpx.Client, pattern: Json, expected: list[str]):
    master = made(ana, MORNING | {"recurrence": pattern})
    assert [one[:10] for one in starts(ana)] == expected
    assert (master["type"], master["start"]["dateTime"][:10]) == ("seriesMaster", expected[0])
    assert master["recurrence"]["range"]["recurrenceTimeZone"] == "W. Europe Standard Time"


@pytest.mark.parametrize(
    "pattern",
    [
        rule("weekly"),
        rule("hourly"),
        rule("daily", interval=0),
        rule("absoluteMonthly"),
        rule("daily", span={"numberOfOccurrences": 0}),
        rule("daily", span={"type": "endDate", "endDate": "2026-11-01"}),
        {"pattern": None, "range": None},
    ],
)
def test_what_is_no_rule_is_refused(ana: httpx.Client, pattern: Json):
    answer = ana.post("me/events", json=MORNING | {"recurrence": pattern})
    assert refused(answer) == (400, "ErrorPropertyValidationFailure")


def test_nine_o_clock_stays_nine_o_clock(ana: httpx.Client):
    made(ana, MORNING | {"recurrence": rule("absoluteMonthly", dayOfMonth=23, span={"type": "noEnd"})})
    assert starts(ana, "2027-03-01", "2027-05-01") == ["2027-03-23T08:00", "2027-04-23T07:00"]


def test_lists_have_masters_and_views_occurrences(ana: httpx.Client):
    master = made(ana, MORNING | {"recurrence": weekly("2026-11-23", "monday")})
    assert [one["id"] for one in got(ana, "me/events")["value"]] == [master["id"]]
    first, second = viewed(ana, "2026-11-23", "2026-12-01")
    assert (first["type"], first["seriesMasterId"]) == ("occurrence", master["id"])
    assert second["originalStart"] == "2026-11-30T08:00:00Z"
    assert first["iCalUId"] != master["iCalUId"] != second["iCalUId"]
    assert got(ana, f"me/events/{second['id']}")["start"] == second["start"]
    path = f"me/events/{master['id']}/instances"
    assert refused(ana.get(path)) == (400, "ErrorInvalidParameter")
    window = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"
    assert [one["id"] for one in got(ana, f"{path}?{window}")["value"]] == [first["id"], second["id"]]


def test_a_changed_occurrence_is_an_exception_and_inherits(ana: httpx.Client):
    master = made(ana, MORNING | {"recurrence": weekly("2026-11-23", "monday")})
    second = viewed(ana, "2026-11-24", "2026-12-01")[0]
    moved = timed("2026-12-01T15:00", "2026-12-01T16:00")
    changed = ana.patch(
        f"me/events/{second['id']}", json={name: moved[name] for name in ("start", "end")}
    ).json()
    assert (changed["type"], changed["id"], changed["subject"]) == ("exception", second["id"], "Series")
    assert changed["originalStart"] == "2026-11-30T08:00:00Z"
    ana.patch(f"me/events/{master['id']}", json={"subject": "Renamed"})
    read = got(ana, f"me/events/{second['id']}")
    assert (read["subject"], read["start"]["dateTime"][:16]) == ("Renamed", "2026-12-01T15:00")
    assert starts(ana, "2026-11-23", "2026-12-08") == [
        "2026-11-23T08:00",
        "2026-12-01T15:00",
        "2026-12-07T08:00",
    ]


def test_an_occurrence_stays_between_its_neighbours(ana: httpx.Client):
    made(ana, MORNING | {"recurrence": weekly("2026-11-23", "monday")})
    second = viewed(ana, "2026-11-24", "2026-12-01")[0]
    for day in ("2026-11-23", "2026-12-07"):
        body = timed(f"{day}T15:00", f"{day}T16:00")
        answer = ana.patch(f"me/events/{second['id']}", json={"start": body["start"], "end": body["end"]})
        assert refused(answer) == (400, "ErrorOccurrenceCrossingBoundary")


def test_a_deleted_occurrence_is_gone_and_the_rest_stays(ana: httpx.Client):
    made(ana, MORNING | {"recurrence": weekly("2026-11-23", "monday")})
    second = viewed(ana, "2026-11-24", "2026-12-01")[0]
    assert ana.delete(f"me/events/{second['id']}").status_code == 204
    assert refused(ana.get(f"me/events/{second['id']}")) == (404, "ErrorItemNotFound")
    assert starts(ana, "2026-11-23", "2026-12-08") == ["2026-11-23T08:00", "2026-12-07T08:00"]


def test_a_series_at_another_time_forgets_its_exceptions(ana: httpx.Client):
    master = made(ana, MORNING | {"recurrence": weekly("2026-11-23", "monday")})
    second, third = viewed(ana, "2026-11-24", "2026-12-08")
    ana.delete(f"me/events/{second['id']}")
    ana.patch(f"me/events/{third['id']}", json={"subject": "Alone"})
    later = timed("2026-11-23T11:00", "2026-11-23T12:00")
    ana.patch(f"me/events/{master['id']}", json={"start": later["start"], "end": later["end"]})
    found = viewed(ana, "2026-11-23", "2026-12-08")
    assert [one["start"]["dateTime"][:16] for one in found] == [
        "2026-11-23T11:00",
        "2026-11-30T11:00",
        "2026-12-07T11:00",
    ]
    assert {one["subject"] for one in found} == {"Series"}


def test_a_single_event_becomes_a_series_and_back(ana: httpx.Client):
    event = made(ana, MORNING)
    changed = ana.patch(
        f"me/events/{event['id']}", json={"recurrence": weekly("2026-11-23", "monday")}
    ).json()
    assert (changed["id"], changed["type"]) == (event["id"], "seriesMaster")
    back = ana.patch(f"me/events/{event['id']}", json={"recurrence": None}).json()
    assert (back["type"], len(starts(ana))) == ("singleInstance", 1)


def test_a_deleted_series_takes_everything_along(ana: httpx.Client):
    master = made(ana, days("2026-11-23", "2026-11-24", recurrence=weekly("2026-11-23", "monday")))
    second = viewed(ana, "2026-11-24", "2026-12-01")[0]
    ana.patch(f"me/events/{second['id']}", json={"subject": "Alone"})
    ana.delete(f"me/events/{master['id']}")
    assert starts(ana) == []
    assert refused(ana.get(f"me/events/{second['id']}"))[0] == 404
