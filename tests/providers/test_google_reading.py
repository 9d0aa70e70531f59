"""Reading a Google calendar page by page: windows, tokens, series, and what each request costs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.providers.google_script import CALENDAR, EVENTS, SECRET, Reply, Script, event, page, refusal
from tests.providers.sides import DECEMBER, NINE, at, content, fresh

from genie.core import errors
from genie.providers.google.api import USUAL
from genie.providers.google.mapping import id_of
from genie.providers.google.provider import CURSOR, READING
from genie.providers.pace import Pace, number

SERIES = id_of(fresh())


def read(google: Script, cursor: str | None = None, known: dict[str, str] | None = None) -> list[Any]:
    return list(google.provider().changes(CALENDAR, cursor=cursor, window=DECEMBER, known=known or {}))


def timed(start: str, end: str) -> dict[str, Any]:
    return {"start": {"dateTime": start}, "end": {"dateTime": end}}


def instance(day: int, **changes: Any) -> dict[str, Any]:
    times = timed(f"2026-12-{day:02}T08:00:00Z", f"2026-12-{day:02}T09:00:00Z")
    name = f"{SERIES}_202612{day:02}T080000Z"
    return event(name, **{"recurringEventId": SERIES, **times, **changes})


def test_a_full_read_asks_for_the_window_in_large_pages_with_few_fields(google):
    google.will(Reply(200, {"items": [event("a")], "nextPageToken": "p2"}), page(event("b"), token="after"))
    first, last = read(google)
    one, two = (asked.query for asked in google.asked)
    assert one == READING | {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2027-01-01T00:00:00Z"}
    assert two == one | {"pageToken": "p2"}
    assert one["maxResults"] == "2500"
    assert ([c.id for c in first.changed], first.cursor, first.full) == (["a"], None, True)
    assert ([c.id for c in last.changed], last.cursor, last.full) == (["b"], f"{CURSOR}after", True)


def test_with_a_token_everything_else_stays_the_same(google):
    """Reference, `syncToken`: what may not come with it, and that the rest has to be as on the first call."""
    google.will(page())
    (only,) = read(google, f"{CURSOR}tok")
    assert google.asked[0].query == READING | {"syncToken": "tok"}
    assert (only.changed, only.removed, only.full, only.cursor) == ([], (), False, f"{CURSOR}next")
    assert len(google.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        refusal(
            410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", "calendar"
        ),
        refusal(400, "invalid", "Invalid sync token value."),
    ],
)
def test_a_token_that_is_not_known_any_more_is_expired_on_any_page(google, answer):
    google.will(answer)
    with pytest.raises(errors.CursorExpired):
        read(google, f"{CURSOR}tok")
    google.will(Reply(200, {"items": [], "nextPageToken": "p2"}), answer)
    with pytest.raises(errors.CursorExpired):
        read(google, f"{CURSOR}tok")


@pytest.mark.parametrize("cursor", ["", "tok", CURSOR, "sync:tok", "google0:tok"])
def test_a_cursor_of_another_way_of_reading_is_expired_without_a_request(google, cursor):
    with pytest.raises(errors.CursorExpired):
        read(google, cursor)
    assert google.asked == []


@pytest.mark.parametrize(
    "answers",
    [
        [Reply(200, {"items": []})],
        [Reply(200, {"items": [], "nextPageToken": "same"})] * 2,
    ],
)
def test_a_read_that_comes_to_no_end_is_put_off(google, answers):
    google.will(*answers)
    with pytest.raises(errors.Transient):
        read(google)


def test_a_bad_first_call_is_not_taken_for_an_expired_token(google):
    google.will(refusal(400, "timeRangeEmpty"))
    with pytest.raises(errors.Rejected):
        read(google)


def test_the_token_does_not_keep_the_window_so_strangers_outside_are_left_out(google):
    far = timed("2040-01-01T08:00:00Z", "2040-01-01T09:00:00Z")
    ours = id_of(fresh())
    google.will(
        page(
            *(event(f"m_2040010{day}", recurringEventId="m", **far) for day in range(1, 8)),
            event("known", **far),
            event(ours, **far),
            event("inside"),
        )
    )
    (only,) = read(google, f"{CURSOR}tok", known={"known": "1"})
    found = {one.id: one.busy for one in only.changed}
    assert set(found) == {"known", ours, "inside"}
    assert (found["known"], found[ours]) == ((), ())
    assert [busy.start for busy in found["inside"]] == [NINE.start]


def test_deleted_instances_and_events_are_removed(google):
    stub = {"id": "m_20261201", "status": "cancelled", "recurringEventId": "m"}
    google.will(page({"id": "gone", "status": "cancelled"}, stub))
    (only,) = read(google, f"{CURSOR}tok")
    assert (only.changed, only.removed) == ([], ("gone", "m_20261201"))


def test_an_id_that_comes_twice_on_a_page_is_one(google):
    google.will(page(event("a", summary="old"), event("a", etag='"2"')))
    (only,) = read(google)
    assert [(one.id, one.version) for one in only.changed] == [("a", "2")]


def test_an_event_that_cannot_be_read_is_reported_and_hides_no_other(google):
    google.will(page(event("bad", start={"dateTime": "soon"}), event("good")))
    found = {one.id: one for one in read(google)[0].changed}
    assert found["bad"].problem.endswith(".")
    assert (found["good"].problem, len(found["good"].busy)) == ("", 1)


def test_all_day_events_last_a_day_of_the_calendar(google):
    google.will(page(event("a", start={"date": "2026-12-05"}, end={"date": "2026-12-06"})))
    (busy,) = read(google)[0].changed[0].busy
    assert (busy.start, busy.all_day) == (at("2026-12-05 00:00").start, True)


# --- a series that the owner made of our event


def master(**changes: Any) -> dict[str, Any]:
    return event(SERIES, **{"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"], "etag": '"m2"', **changes})


def by_path(google: Script, listed: Reply, there: Reply, instances: Reply | None = None) -> None:
    answers = {EVENTS: listed, f"{EVENTS}/{SERIES}": there, f"{EVENTS}/{SERIES}/instances": instances}
    google.will(lambda asked: answers[asked.path])


def test_its_occurrences_are_told_together_under_the_id_that_its_link_knows(google):
    """Else the link would wait for an id that no page mentions any more."""
    days = [instance(1), instance(2, etag='"moved"'), instance(3)]
    by_path(google, page(*days, event("other")), Reply(200, master()), page(*days))
    (only,) = read(google)
    found = {one.id: one for one in only.changed}
    assert set(found) == {SERIES, "other"}
    assert (found[SERIES].version, found[SERIES].uid) == ("m2", f"{SERIES}@google.com")
    assert [busy.start.day for busy in found[SERIES].busy] == [1, 2, 3]


def test_one_occurrence_changed_tells_all_of_them_anew(google):
    gone = {"id": f"{SERIES}_20261202T080000Z", "status": "cancelled", "recurringEventId": SERIES}
    by_path(google, page(gone), Reply(200, master()), page(instance(1), instance(3)))
    (only,) = read(google, f"{CURSOR}tok")
    assert [busy.start.day for one in only.changed for busy in one.busy] == [1, 3]
    assert only.removed == ()


def test_deleted_it_is_removed_under_that_id(google):
    gone = [
        {"id": f"{SERIES}_2026120{day}T080000Z", "status": "cancelled", "recurringEventId": SERIES}
        for day in (1, 2, 3)
    ]
    by_path(google, page(*gone), Reply(200, master(status="cancelled")))
    (only,) = read(google, f"{CURSOR}tok")
    assert (only.changed, only.removed) == ([], (SERIES,))
    assert len(google.asked) == 2


def test_it_is_not_taken_for_deleted_as_the_single_event_it_was(google):
    """Google tells of the single event's end and of the occurrences on one page."""
    by_path(google, page({"id": SERIES, "status": "cancelled"}, instance(1)), Reply(200, master()), page())
    (only,) = read(google, f"{CURSOR}tok")
    assert ([one.id for one in only.changed], only.removed) == ([SERIES], ())


def test_a_series_under_a_strange_id_is_ours_if_the_mirror_knows_it(google):
    """A copy that took the place of our event: deleted, its occurrences show nothing of our key."""
    gone = {"id": "copy_20261202T080000Z", "status": "cancelled", "recurringEventId": "copy"}
    there = {EVENTS: page(gone), f"{EVENTS}/copy": Reply(200, event("copy", status="cancelled"))}
    google.will(lambda asked: there[asked.path])
    assert read(google, f"{CURSOR}tok", known={"copy": "1"})[0].removed == ("copy",)
    assert read(google, f"{CURSOR}tok")[0].removed == ("copy_20261202T080000Z",)


def test_made_a_single_event_again_it_is_one(google):
    gone = {"id": f"{SERIES}_20261202T080000Z", "status": "cancelled", "recurringEventId": SERIES}
    by_path(google, page(event(SERIES), gone), Reply(200, event(SERIES)))
    (only,) = read(google, f"{CURSOR}tok")
    assert [(one.id, len(one.busy)) for one in only.changed] == [(SERIES, 1)]
    assert only.removed == ()


def test_it_is_looked_at_once_however_many_pages_mention_it(google):
    listed = iter([Reply(200, {"items": [instance(1)], "nextPageToken": "p2"}), page(instance(2))])
    there = {f"{EVENTS}/{SERIES}": Reply(200, master()), f"{EVENTS}/{SERIES}/instances": page(instance(1))}
    google.will(lambda asked: next(listed) if asked.path == EVENTS else there[asked.path])
    pages = read(google)
    assert [[one.id for one in each.changed] for each in pages] == [[SERIES], []]


def test_read_by_id_it_has_its_occurrences(google):
    by_path(google, page(), Reply(200, master()), page(instance(3), instance(1)))
    there = google.provider().get(CALENDAR, SERIES)
    assert there.recurring
    assert [busy.start.day for busy in there.occurrences] == [1, 3]
    assert google.asked[1].query["timeMin"] == "2026-11-30T08:00:00Z"


# --- find, calendars, account


def test_find_is_one_request_by_our_property_and_skips_exceptions(google):
    key = "0" * 32
    exception = event("x_20261201T080000Z", recurringEventId="x")
    google.will(page(event("copy"), exception, event("gone", status="cancelled"), event("bad", start=None)))
    assert [one.id for one in google.provider().find(CALENDAR, key)] == ["copy"]
    (asked,) = google.asked
    assert asked.query["privateExtendedProperty"] == f"scheduleGenieKey={key}"
    assert "singleEvents" not in asked.query


def test_an_event_moved_without_its_properties_is_found_by_its_uid(google):
    """Whether Google moves private properties along is not said anywhere."""
    identity = fresh()
    google.will(page(), page(event(id_of(identity))))
    (found,) = google.provider().find(CALENDAR, identity.key)
    assert found.identity == identity
    assert google.asked[1].query["iCalUID"] == f"{id_of(identity)}@google.com"


def test_calendars_come_from_all_pages_with_the_account_s_own_first(google):
    team = {"id": "team", "summary": "Team", "accessRole": "writer", "hidden": True}
    old = {"id": "old", "summary": "Old", "accessRole": "owner", "deleted": True}
    own = {"id": "ana@example.org", "summary": "Ana", "accessRole": "owner", "primary": True}
    google.will(Reply(200, {"items": [team, old], "nextPageToken": "2"}), Reply(200, {"items": [own]}))
    assert [info.id for info in google.provider().calendars()] == ["ana@example.org", "team"]
    assert google.asked[0].query["showHidden"] == "true"


def test_an_account_without_a_calendar_has_none(google):
    google.will(refusal(403, "notACalendarUser", domain="calendar"))
    assert google.provider().calendars() == []


def test_an_account_is_known_by_its_number_not_its_address(google):
    google.will(Reply(200, {"sub": "12", "email": "ana@example.org"}))
    account = google.provider().account()
    assert (account.identity, account.label) == ("12", "ana@example.org")


def test_ids_with_signs_in_them_stay_one_part_of_the_path(google):
    google.will(page())
    list(google.provider().changes("en.uk#holiday@x/y?z", cursor=None, window=DECEMBER, known={}))
    assert google.asked[0].path == "/calendar/v3/calendars/en.uk#holiday@x/y?z/events"


# --- pace


def test_a_burst_waits_and_the_allowance_fills_again():
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(300):
        pace.take("ana", 1, per_minute=600)
    with pytest.raises(errors.Transient) as caught:
        pace.take("ana", 3, per_minute=600)
    assert caught.value.retry_after == pytest.approx(0.3)
    assert not caught.value.outcome_unknown
    pace.take("bob", 1, per_minute=600)
    now[0] = 0.31
    pace.take("ana", 3, per_minute=600)
    now[0] = 3_600.0
    for _ in range(300):
        pace.take("ana", 1, per_minute=600)
    with pytest.raises(errors.Transient):
        pace.take("ana", 1, per_minute=600)


def test_an_operator_may_set_no_limit():
    pace = Pace(lambda: 0.0)
    for _ in range(1_000):
        pace.take("ana", 3, per_minute=0)


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("60", 60), ("12.5", 12.5), ("many", 600), ("", 600)])
def test_an_allowance_that_is_no_number_is_the_usual_one(text, limit):
    assert number(text, USUAL) == limit


def test_the_allowance_is_the_account_s(google):
    google.will(Reply(200, event()))
    provider = google.provider(secret={**SECRET, "sub": "paced"}, options={"units_per_minute": "4"})
    provider.get(CALENDAR, "a")
    provider.get(CALENDAR, "a")
    with pytest.raises(errors.Transient, match="so many requests a minute"):
        provider.get(CALENDAR, "a")
    assert len(google.asked) == 2


def test_a_patch_counts_three_times(google):
    google.will(Reply(200, event("a")))
    provider = google.provider(secret={**SECRET, "sub": "patching"}, options={"units_per_minute": "8"})
    provider.update(CALENDAR, "a", content(), version="3181161784712000")
    with pytest.raises(errors.Transient, match="so many requests a minute"):
        provider.get(CALENDAR, "a")
    assert [one.method for one in google.asked] == ["GET", "PATCH"]
