"""calendarView/delta: rounds, pages, what is told as removed, tokens that end."""

from __future__ import annotations

import httpx
import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import (
    ANA,
    IMMUTABLE,
    Json,
    days,
    got,
    made,
    refused,
    timed,
    viewed,
    weekly,
)

WINDOW = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-12-07T00:00:00Z"
START = f"me/calendarView/delta?{WINDOW}"
VISIT = timed("2026-11-25T10:00", "2026-11-25T11:00")


def followed(client: httpx.Client, link: str, **headers: str) -> tuple[list[Json], str]:
    """All pages from a link on: what they tell, and the link for the next round."""
    told: list[Json] = []
    while True:
        page = got(client, link, **headers)
        told += page["value"]
        if "@odata.deltaLink" in page:
            return told, page["@odata.deltaLink"]
        link = page["@odata.nextLink"]


def removed(told: list[Json]) -> list[str]:
    return [one["id"] for one in told if "@removed" in one]


def test_the_first_round_tells_everything_and_the_next_what_changed(ana: httpx.Client):
    first, second = made(ana, VISIT), made(ana, VISIT | {"subject": "Other"})
    told, link = followed(ana, START)
    assert [one["subject"] for one in told] == ["Visit", "Other"]
    assert "$deltatoken=" in link
    assert followed(ana, link)[0] == []
    ana.patch(f"me/events/{first['id']}", json={"subject": "Changed"})
    ana.delete(f"me/events/{second['id']}")
    told, link = followed(ana, link)
    assert (told[0]["subject"], removed(told)) == ("Changed", [second["id"]])
    assert told[1]["@removed"] == {"reason": "deleted"}
    assert followed(ana, link)[0] == []


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()"])
def test_clients_spell_it_in_several_ways(microsoft: MicrosoftSandbox, ana: httpx.Client, spelling: str):
    made(ana, VISIT)
    for place in ("me", "me/calendar", f"me/calendars/{microsoft.calendar_id(ANA)}", f"users/{ANA}"):
        told, link = followed(ana, f"{place}/calendarView/{spelling}?{WINDOW}")
        assert (len(told), followed(ana, link)[0]) == (1, [])


def test_pages_are_as_large_as_preferred_and_a_round_is_a_moment(ana: httpx.Client):
    events = [made(ana, VISIT | {"subject": str(number)}) for number in range(5)]
    small = {"Prefer": "odata.maxpagesize=2"}
    page = got(ana, START, **small)
    assert len(page["value"]) == 2
    assert "$skiptoken=" in page["@odata.nextLink"]
    ana.patch(f"me/events/{events[4]['id']}", json={"subject": "late"})
    ana.delete(f"me/events/{events[0]['id']}")
    rest, link = followed(ana, page["@odata.nextLink"], **small)
    assert [one["subject"] for one in rest] == ["2", "3"]
    told, _ = followed(ana, link)
    assert ([one.get("subject") for one in told], removed(told)) == (["late", None], [events[0]["id"]])


def test_preferences_count_on_each_page(ana: httpx.Client):
    event = made(ana, VISIT)
    zone = {"Prefer": 'outlook.timezone="Tokyo Standard Time", IdType="ImmutableId"'}
    told, link = followed(ana, START, **zone)
    assert told[0]["start"] == {"dateTime": "2026-11-25T19:00:00.0000000", "timeZone": "Tokyo Standard Time"}
    assert told[0]["id"] == got(ana, f"me/events/{event['id']}", **IMMUTABLE)["id"]
    ana.delete(f"me/events/{event['id']}")
    assert removed(followed(ana, link)[0]) == [event["id"]]
    assert removed(followed(ana, link, **IMMUTABLE)[0]) == [told[0]["id"]]


def test_what_leaves_the_window_or_never_was_in_it_is_removed(ana: httpx.Client):
    event = made(ana, VISIT)
    _told, link = followed(ana, START)
    away = timed("2027-01-05T10:00", "2027-01-05T11:00")
    ana.patch(f"me/events/{event['id']}", json={"start": away["start"], "end": away["end"]})
    never = made(ana, away)
    told, _ = followed(ana, link)
    assert sorted(removed(told)) == sorted([event["id"], never["id"]])


def test_occurrences_are_stubs_and_masters_and_exceptions_whole(ana: httpx.Client):
    master = made(ana, VISIT | {"recurrence": weekly("2026-11-25", "wednesday")})
    told, link = followed(ana, START)
    kinds = {one["type"]: one for one in reversed(told)}
    assert set(kinds) == {"seriesMaster", "occurrence"}
    stub = kinds["occurrence"]
    assert {name for name in stub if "@" not in name} == {"id", "type", "seriesMasterId", "start", "end"}
    assert stub["seriesMasterId"] == master["id"]
    second = viewed(ana, "2026-12-01", "2026-12-07")[0]
    ana.patch(f"me/events/{second['id']}", json={"subject": "Alone"})
    told, link = followed(ana, link)
    assert [(one["type"], one["id"], one["subject"]) for one in told] == [
        ("exception", second["id"], "Alone")
    ]
    ana.delete(f"me/events/{second['id']}")
    told, link = followed(ana, link)
    assert removed(told) == [second["id"]]
    ana.delete(f"me/events/{master['id']}")
    told, _ = followed(ana, link)
    assert set(removed(told)) >= {master["id"], stub["id"]}


def test_a_shorter_series_tells_which_occurrences_are_gone(ana: httpx.Client):
    master = made(ana, days("2026-11-23", "2026-11-24", recurrence=weekly("2026-11-23", "monday", "friday")))
    told, link = followed(ana, START)
    before = {one["id"] for one in told if one["type"] == "occurrence"}
    ana.patch(f"me/events/{master['id']}", json={"recurrence": weekly("2026-11-23", "monday")})
    told, _ = followed(ana, link)
    kept = {one["id"] for one in told if one.get("type") == "occurrence"}
    assert (len(before), len(kept)) == (4, 2)
    assert set(removed(told)) == before - kept


def test_an_event_that_moves_leaves_one_calendar_and_comes_to_the_other(
    microsoft: MicrosoftSandbox, ana: httpx.Client
):
    other = microsoft.calendar(ANA, "Other")
    there = f"me/calendars/{microsoft.calendar_id(ANA, other)}/calendarView/delta?{WINDOW}"
    event = made(ana, VISIT)
    _told, left = followed(ana, START, **IMMUTABLE)
    _told, came = followed(ana, there, **IMMUTABLE)
    with microsoft.world.lock:
        calendar, stored = microsoft.world.find_event(event["id"]) or pytest.fail("not there")
        moved = microsoft.world.move(stored, calendar, other)
    assert removed(followed(ana, left)[0]) == [event["id"]]
    assert removed(followed(ana, left, **IMMUTABLE)[0]) == [moved.immutable_id]
    assert [one["id"] for one in followed(ana, came, **IMMUTABLE)[0]] == [moved.immutable_id]


@pytest.mark.parametrize("forgets", [False, True])
def test_an_event_that_moves_away_and_back(microsoft: MicrosoftSandbox, ana: httpx.Client, forgets: bool):
    other = microsoft.calendar(ANA, "Other")
    event = made(ana, VISIT)
    (told,), link = followed(ana, START, **IMMUTABLE)
    microsoft.world.forgets_returned = forgets
    with microsoft.world.lock:
        calendar, stored = microsoft.world.find_event(event["id"]) or pytest.fail("not there")
        microsoft.world.move(microsoft.world.move(stored, calendar, other), other, calendar)
    again, link = followed(ana, link, **IMMUTABLE)
    assert [one["id"] for one in again] == [told["id"]]
    assert removed(again) == ([told["id"]] if forgets else [])
    assert followed(ana, link, **IMMUTABLE)[0] == []
    assert got(ana, f"me/events/{told['id']}")["subject"] == "Visit"


def test_an_expired_token_is_answered_410_with_where_to_start(microsoft: MicrosoftSandbox, ana: httpx.Client):
    made(ana, VISIT)
    _told, link = followed(ana, START)
    with microsoft.world.lock:
        microsoft.world.default_calendar(microsoft.account(ANA)).epoch += 1
    answer = ana.get(link)
    assert refused(answer) == (410, "SyncStateNotFound")
    told, _link = followed(ana, answer.headers["Location"])
    assert [one["subject"] for one in told] == ["Visit"]


def test_the_fault_expires_one_token(microsoft: MicrosoftSandbox, ana: httpx.Client):
    _told, link = followed(ana, START)
    microsoft.fault("expired")
    assert refused(ana.get(link)) == (410, "SyncStateNotFound")
    assert followed(ana, link)[0] == []


def test_what_a_delta_does_not_take_is_refused(ana: httpx.Client):
    for option in ("$select=subject", "$filter=isAllDay eq true", "$top=5", "$expand=calendar"):
        answer = ana.get(f"{START}&{option}")
        assert refused(answer) == (400, "ErrorInvalidUrlQuery")
    assert refused(ana.get("me/calendarView/delta?$deltatoken=nonsense")) == (400, "SyncStateInvalid")
    assert refused(ana.get("me/calendarView/delta")) == (400, "ErrorInvalidParameter")
    assert refused(ana.get("me/events/delta"))[0] == 400
