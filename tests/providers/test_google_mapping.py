"""Google's events to ours and back, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.google_script import event
from tests.providers.sides import DECEMBER, NINE, TEN, at, content, fresh

from genie.core.errors import Malformed
from genie.core.event import BusyKind, EventContent, When
from genie.providers.google import mapping
from genie.providers.google.mapping import (
    busy_kind,
    calendar_of,
    content_of,
    edited,
    hint_of,
    id_of,
    identity_of,
    remote_of,
    when_of,
    written,
)
from genie.providers.port import EventIdentity

BERLIN = "Europe/Berlin"


def stored(body: dict[str, Any]) -> dict[str, Any]:
    """A new event as Google answers with it."""
    more = {"etag": '"1"', "status": "confirmed", "organizer": {"email": "me@example.org", "self": True}}
    return {**body, **more, "iCalUID": f"{body.get('id')}@google.com"}


def patched(there: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Patch semantics: a key set to null is taken away, within objects too."""
    result = dict(there)
    for name, value in patch.items():
        if isinstance(value, dict):
            result[name] = patched(there.get(name, {}), value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


# --- writing what is read


def test_a_new_event_names_nobody_and_has_an_id_of_ours():
    identity = fresh()
    body = written(identity, content())
    assert body["id"] == f"genie{identity.key}g1"
    assert set(body["id"]) <= set("abcdefghijklmnopqrstuv0123456789")
    assert body["start"] == {"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": BERLIN}
    assert body["end"] == {"dateTime": "2026-12-01T10:00:00+01:00", "timeZone": BERLIN}
    assert not {"attendees", "organizer", "iCalUID", "status", "reminders"} & set(body)


def test_the_limits_of_extended_properties_are_kept():
    body = written(EventIdentity("f" * 32, 999_999_999), content())
    private = body["extendedProperties"]["private"]
    assert all(len(name) <= 44 and len(value) <= 1024 for name, value in private.items())
    assert identity_of(body) == EventIdentity("f" * 32, 999_999_999)


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300)
texts = st.lists(words, max_size=4).map("\n".join)
zones = st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", ""])
moments = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def contents(draw: st.DrawFn) -> EventContent:
    zone, lasts = draw(zones), draw(st.integers(0, 3_000))
    if draw(st.integers(0, 4)) == 0:
        day = draw(st.dates(datetime(2001, 1, 1).date(), datetime(2099, 1, 1).date()))
        rules = ZoneInfo(BERLIN)
        start = datetime.combine(day, datetime.min.time(), rules)
        end = datetime.combine(day + timedelta(days=1 + lasts % 5), datetime.min.time(), rules)
        return EventContent(When(start, end, BERLIN, all_day=True), draw(words), draw(words), draw(texts))
    start = draw(moments)
    when = When(start, start + timedelta(minutes=lasts), zone)
    return EventContent(when, draw(words), draw(words), draw(texts))


@settings(max_examples=200, deadline=None)
@given(contents())
def test_whatever_is_written_is_read_the_same(wanted):
    identity = EventIdentity("0f" * 16, 3)
    there = stored(written(identity, wanted))
    read = remote_of(there, BERLIN)
    assert read.content == wanted
    assert read.identity == identity
    assert edited(there, wanted, BERLIN) == {}


@settings(max_examples=200, deadline=None)
@given(contents(), contents())
def test_a_patch_makes_any_event_into_any_other_and_then_there_is_nothing_to_patch(before, wanted):
    there = stored(written(EventIdentity("0f" * 16, 3), before))
    after = patched(there, edited(there, wanted, BERLIN))
    read = content_of(after, BERLIN)
    assert (read.title, read.place, read.description) == (wanted.title, wanted.place, wanted.description)
    assert read.when.same_instants(wanted.when)
    assert wanted.when.zone in ("", read.when.zone)
    assert edited(after, wanted, BERLIN) == {}


# --- times


@pytest.mark.parametrize(
    ("wall", "offset"),
    [("2026-10-25T02:30:00+02:00", 2), ("2026-10-25T02:30:00+01:00", 1)],
)
def test_of_two_equal_hours_the_right_one_is_meant(wall, offset):
    start = datetime.fromisoformat(wall)
    body = written(fresh(), content(When(start, start + timedelta(hours=1), BERLIN)))
    assert body["start"]["dateTime"] == wall
    assert when_of(body, "").start == datetime(2026, 10, 25, 2 - offset, 30, tzinfo=UTC)


def test_across_a_change_of_the_clocks_each_end_has_its_own_offset():
    body = written(fresh(), content(at("2026-10-25 01:00", 180)))
    assert body["start"]["dateTime"] == "2026-10-25T01:00:00+02:00"
    assert body["end"]["dateTime"] == "2026-10-25T03:00:00+01:00"


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ({"dateTime": "2026-12-01T08:00:00Z", "timeZone": "UTC"}, "UTC"),
        ({"dateTime": "2026-12-01T08:00:00Z"}, ""),
        ({"dateTime": "2026-12-01T03:00:00-05:00", "timeZone": "America/New_York"}, "America/New_York"),
        ({"dateTime": "2026-12-01T08:00:00Z", "timeZone": "Nowhere/At_All"}, ""),
        ({"dateTime": "2026-12-01T09:00:00", "timeZone": BERLIN}, BERLIN),
    ],
)
def test_a_time_is_an_instant_and_a_zone(start, zone):
    when = when_of(event(start=start), "Asia/Tokyo")
    assert (when.start, when.zone) == (NINE.start, zone)


def test_all_day_lasts_from_midnight_to_midnight_in_the_calendar_s_zone():
    days = event(start={"date": "2026-12-05"}, end={"date": "2026-12-07"})
    when = when_of(days, "America/New_York")
    assert when.all_day
    assert when.start == datetime(2026, 12, 5, 5, tzinfo=UTC)
    assert when.end == datetime(2026, 12, 7, 5, tzinfo=UTC)
    assert when_of(days, "").start == datetime(2026, 12, 5, tzinfo=UTC)
    assert mapping.needs_zone(days)
    assert not mapping.needs_zone(event())


def test_from_all_day_to_timed_the_date_is_taken_away_and_back():
    days = event(start={"date": "2026-12-05"}, end={"date": "2026-12-06"})
    assert edited(days, content(), BERLIN)["start"] == {
        "dateTime": "2026-12-01T09:00:00+01:00",
        "timeZone": BERLIN,
        "date": None,
    }
    midnight = at("2026-12-05 00:00").start
    all_day = content(When(midnight, midnight + timedelta(days=1), BERLIN, all_day=True))
    assert edited(event(), all_day, BERLIN)["end"] == {
        "date": "2026-12-06",
        "dateTime": None,
        "timeZone": None,
    }


def test_a_time_without_a_zone_leaves_the_event_s_zone():
    wanted = content(When(TEN.start, TEN.end))
    assert edited(event(), wanted, "")["start"]["timeZone"] == BERLIN


@pytest.mark.parametrize(
    "times",
    [
        {"start": None},
        {"end": None},
        {"start": {}},
        {"start": {"dateTime": "soon"}},
        {"start": {"dateTime": 7}},
        {"start": {"dateTime": "9999-12-31T23:59:59-14:00"}},
        {"start": {"date": "2026-02-30"}, "end": {"date": "2026-03-01"}},
        {"start": "2026-12-01"},
    ],
)
def test_what_has_no_time_is_malformed_in_a_sentence(times):
    with pytest.raises(Malformed, match=r"^This event.*\.$"):
        when_of(event(**times), "")
    hint = hint_of(event("broken", **times), DECEMBER, "")
    assert (hint.id, hint.busy) == ("broken", ())
    assert hint.problem.endswith(".")


# --- how it takes time


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, BusyKind.BUSY),
        ({"transparency": "opaque"}, BusyKind.BUSY),
        ({"transparency": "transparent"}, None),
        ({"status": "tentative"}, BusyKind.TENTATIVE),
        ({"status": "cancelled"}, None),
        ({"eventType": "focusTime"}, BusyKind.BUSY),
        ({"eventType": "fromGmail"}, BusyKind.BUSY),
        ({"eventType": "outOfOffice"}, BusyKind.OUT_OF_OFFICE),
        ({"eventType": "outOfOffice", "transparency": "transparent"}, None),
        ({"eventType": "workingLocation"}, None),
        ({"eventType": "birthday"}, None),
        ({"eventType": None}, BusyKind.BUSY),
        ({"attendees": [{"self": True, "responseStatus": "accepted"}]}, BusyKind.BUSY),
        ({"attendees": [{"self": True, "responseStatus": "declined"}]}, None),
        ({"attendees": [{"self": True, "responseStatus": "tentative"}]}, BusyKind.TENTATIVE),
        ({"attendees": [{"self": True, "responseStatus": "needsAction"}]}, BusyKind.UNANSWERED),
        (
            {"attendees": [{"responseStatus": "declined"}, {"self": True, "responseStatus": "accepted"}]},
            "busy",
        ),
        ({"attendees": [{"responseStatus": "declined"}]}, BusyKind.BUSY),
    ],
)
def test_busy_or_not(changes, kind):
    assert busy_kind(event(**changes)) == kind


def test_what_touches_the_window_is_busy_there():
    inside, before = event(), event(start={"date": "2026-11-30"}, end={"date": "2026-12-01"})
    (busy,) = hint_of(inside, DECEMBER, BERLIN).busy
    assert (busy.start, busy.end, busy.kind, busy.all_day) == (NINE.start, NINE.end, BusyKind.BUSY, False)
    assert hint_of(before, DECEMBER, "UTC").busy == ()
    assert hint_of(before, DECEMBER, "America/New_York").busy != ()
    zero = event(end={"dateTime": "2026-12-01T09:00:00+01:00"})
    assert hint_of(zero, DECEMBER, "").busy == ()


# --- identity and the rest


def test_our_key_is_found_by_its_property_else_by_the_id():
    identity = fresh(generation=2)
    private = written(identity, content())["extendedProperties"]
    assert identity_of(event("copy", extendedProperties=private)) == identity
    assert identity_of(event(id_of(identity))) == identity
    assert identity_of(event("foreign")) is None


@pytest.mark.parametrize(
    "private",
    [
        {mapping.KEY: "not a key", mapping.GENERATION: "1"},
        {mapping.KEY: "0" * 32},
        {mapping.KEY: "0" * 32, mapping.GENERATION: "first"},
        {mapping.KEY: "0" * 32, mapping.GENERATION: "9" * 40},
    ],
)
def test_what_is_no_key_of_ours_is_none(private):
    assert identity_of(event(extendedProperties={"private": private})) is None


def test_an_event_as_it_is_read_by_id():
    read = remote_of(event(), "")
    assert (read.id, read.version, read.uid) == ("foreign1", "3181161784712000", "foreign1@google.com")
    assert read.content == EventContent(NINE, "Dentist", "", "")
    assert read.stamp == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert not read.recurring
    assert read.read_only_why == ""


def test_declined_by_its_owner_is_cancelled():
    declined = event(attendees=[{"self": True, "responseStatus": "declined"}])
    assert content_of(declined, "").cancelled
    others = event(attendees=[{"responseStatus": "declined"}])
    assert not content_of(others, "").cancelled


def test_an_event_of_another_organizer_is_read_only():
    assert remote_of(event(organizer={"email": "bob@example.org"}), "").read_only_why.endswith(".")
    assert remote_of(event(locked=True), "").read_only_why.endswith(".")
    assert remote_of(event(organizer=None), "").read_only_why == ""


def test_hidden_details_are_unknown_and_never_written():
    hidden = event(id_of(fresh()), visibility="private", summary=None)
    read = content_of(hidden, "")
    assert (read.title, read.place, read.description) == (None, None, None)
    assert edited(hidden, content(), "") == {}
    shown = event(id_of(fresh()), visibility="private")
    assert content_of(shown, "").title == "Dentist"


def test_a_series_keeps_its_time():
    series = event(recurrence=["RRULE:FREQ=DAILY"])
    assert remote_of(series, "").recurring
    assert edited(series, content(TEN, title="New"), "") == {
        "summary": "New",
        "location": "Room 1",
        "description": "Bring papers",
    }


def test_an_instance_goes_without_the_uid_of_its_series():
    assert hint_of(event("m_20261201T080000Z", recurringEventId="m"), DECEMBER, "").uid == ""
    assert hint_of(event("m"), DECEMBER, "").uid == "m@google.com"


# --- calendars


@pytest.mark.parametrize(
    ("role", "may_write"),
    [
        ("owner", True),
        ("writer", True),
        ("writerWithoutPrivateAccess", True),
        ("reader", False),
        ("freeBusyReader", False),
    ],
)
def test_who_may_write_a_calendar(role, may_write):
    info = calendar_of({"id": "c", "summary": "Team", "accessRole": role})
    assert info.may_write is may_write
    assert info.why_not == "" if may_write else info.why_not.endswith(".")


def test_a_calendar_is_shown_as_its_owner_named_it():
    entry = {
        "id": "ana@example.org",
        "summary": "ana@example.org",
        "summaryOverride": "Mine",
        "accessRole": "owner",
        "backgroundColor": "#9fe1e7",
        "timeZone": BERLIN,
        "primary": True,
    }
    info = calendar_of(entry)
    assert (info.id, info.name, info.color, info.zone, info.primary) == (
        "ana@example.org",
        "Mine",
        "#9fe1e7",
        BERLIN,
        True,
    )
