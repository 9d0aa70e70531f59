"""Graph's events to ours and back, without a server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.microsoft_script import event, stub
from tests.providers.sides import DECEMBER, NINE, TEN, at, content, fresh

from genie.core.errors import Malformed
from genie.core.event import BusyKind, EventContent, When
from genie.providers.microsoft.mapping import (
    PROPERTY,
    busy_kind,
    calendar_of,
    completed,
    content_of,
    edited,
    hint_of,
    identity_of,
    is_off_by_zone_rules,
    remote_of,
    times,
    when_of,
    written,
)
from genie.providers.port import EventIdentity
from genie.providers.zone_names import iana

BERLIN = "Europe/Berlin"


def stored(body: dict[str, Any]) -> dict[str, Any]:
    """An event as Graph answers with it, asked for in UTC."""
    shown = dict(body)
    for name in ("start", "end"):
        if name in body:
            shown[name] = in_utc(body[name], whole_day=bool(body.get("isAllDay")))
    if "start" in body:
        shown["originalStartTimeZone"] = body["start"]["timeZone"]
    return event(**shown)


def in_utc(moment: dict[str, str], *, whole_day: bool) -> dict[str, str]:
    wall = datetime.fromisoformat(moment["dateTime"])
    if not whole_day:
        wall = wall.replace(tzinfo=ZoneInfo(iana(moment["timeZone"]))).astimezone(UTC)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def day(when: When) -> date:
    return when.start.astimezone(ZoneInfo(when.zone or "UTC")).date()


def instants(when: When) -> tuple[datetime, datetime, bool]:
    return when.start, when.end, when.all_day


# --- writing what is read


def test_a_new_event_names_nobody_and_carries_our_key_twice():
    identity = EventIdentity("f" * 32, 12)
    body = written(identity, content())
    assert body["transactionId"] == f"genie-{'f' * 32}-12"
    assert body["singleValueExtendedProperties"] == [{"id": PROPERTY, "value": f"{'f' * 32}.12."}]
    assert body["start"] == {"dateTime": "2026-12-01T09:00:00", "timeZone": "W. Europe Standard Time"}
    assert body["end"] == {"dateTime": "2026-12-01T10:00:00", "timeZone": "W. Europe Standard Time"}
    assert (body["isAllDay"], body["showAs"]) == (False, "busy")
    assert body["location"] == {"displayName": "Room 1"}
    assert not {"attendees", "organizer", "responseRequested", "id"} & set(body)
    assert identity_of(body) == identity


def test_the_key_is_found_in_either_place_and_nowhere_else():
    identity = fresh(3)
    own = {"id": PROPERTY.upper(), "value": f"{identity.key}.3"}
    other = {"id": "String {00000000-0000-0000-0000-000000000000} Name x", "value": f"{'0' * 32}.1"}
    assert identity_of(event(singleValueExtendedProperties=[other, own])) == identity
    assert identity_of(event(transactionId=f"genie-{identity.key}-3")) == identity
    for nonsense in ("", "genie-1-1", f"genie-{identity.key}-0", f"localevent:{identity.key}", None, 7):
        assert identity_of(event(transactionId=nonsense)) is None
    assert identity_of(event(singleValueExtendedProperties=[other])) is None


words = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs"), include_characters=" "), max_size=200
)
texts = st.lists(words.map(str.strip), max_size=4).map(lambda lines: "\n".join(lines).strip())
zones = st.sampled_from(
    [
        BERLIN,
        "Europe/Vienna",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "UTC",
        "",
        "Antarctica/Troll",
    ]
)
moments = st.datetimes(datetime(2022, 1, 1), datetime(2036, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def whens(draw: st.DrawFn) -> When:
    zone, start = draw(zones), draw(moments)
    if draw(st.booleans()):
        return When(start, start + timedelta(minutes=draw(st.integers(5, 3_000))), zone)
    midnight = datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone or "UTC"))
    days = timedelta(days=draw(st.integers(1, 5)))
    return When(midnight, midnight + days, zone, all_day=True)


@settings(max_examples=300, deadline=None)
@given(whens(), words.map(str.strip), texts)
def test_what_is_written_is_read_back(when, title, description):
    wanted = EventContent(when, title, title, description)
    back = content_of(stored(written(fresh(), wanted)))
    if not when.all_day:
        assert instants(back.when) == instants(when)
        assert back.when.zone == ""
    else:
        assert day(back.when) == day(when)
    assert (back.title, back.place, back.description) == (title, title, description)


@settings(max_examples=200, deadline=None)
@given(whens(), whens(), texts, texts)
def test_an_edit_says_what_differs_and_then_nothing_more(first, second, before, after):
    there = stored(written(fresh(), EventContent(first, "a", "b", before)))
    wanted = EventContent(second, "a", "c", after)
    patch = edited(there, wanted)
    assert "subject" not in patch and patch["location"] == {"displayName": "c"}
    now = stored({**there, **patch})
    assert content_of(now).description == after
    if not second.all_day:
        assert instants(when_of(now)) == instants(second)
        assert edited(now, wanted) == {}


def test_an_edit_of_nothing_is_nothing():
    there = stored(written(fresh(), content()))
    assert edited(there, content()) == {}
    assert edited(there, content(at("2026-12-01 03:00", zone="America/New_York"))) == {}  # the same instants
    assert edited(there, content(title=None, place=None, description=None)) == {}


def test_a_series_keeps_its_time_and_hidden_texts_stay():
    assert edited(event(type="seriesMaster"), content(TEN, title="New", place="", description="")) == {
        "subject": "New"
    }
    hidden = event(sensitivity="private", body=None, subject=None, location=None)
    assert set(edited(hidden, content(TEN))) == {"isAllDay", "start", "end"}


def test_a_plain_text_body_stays_plain():
    there = event(body={"contentType": "text", "content": "a < b"})
    assert content_of(there).description == "a < b"
    assert edited(there, content(description="c"))["body"] == {"contentType": "text", "content": "c"}


# --- times


@pytest.mark.parametrize(
    ("start", "zone", "sent"),
    [
        ("2026-10-25 00:30", BERLIN, "W. Europe Standard Time"),  # ends before the hour that comes twice
        ("2026-10-25 01:30", BERLIN, "UTC"),
        ("2026-10-25 03:30", BERLIN, "W. Europe Standard Time"),
        ("2026-03-29 01:30", BERLIN, "W. Europe Standard Time"),
        ("2026-07-01 09:00", "Antarctica/Troll", "UTC"),
        ("2026-07-01 09:00", "UTC", "UTC"),
    ],
)
def test_an_hour_that_comes_twice_and_a_nameless_zone_are_sent_in_utc(start, zone, sent):
    when = at(start, 60, zone)
    said = times(when)
    assert said["start"]["timeZone"] == said["end"]["timeZone"] == sent
    assert when_of(stored(said)).same_instants(when)


def test_exact_times_are_in_utc():
    assert times(NINE, exact=True)["start"] == {"dateTime": "2026-12-01T08:00:00", "timeZone": "UTC"}


@pytest.mark.parametrize(
    ("made_in", "usual", "zone", "start"),
    [
        ("W. Europe Standard Time", "", BERLIN, "2026-12-04T23:00"),
        ("Pacific Standard Time", "Asia/Tokyo", "America/Los_Angeles", "2026-12-05T08:00"),
        ("UTC", "Asia/Tokyo", "Asia/Tokyo", "2026-12-04T15:00"),
        ("tzone://Microsoft/Custom", "", "UTC", "2026-12-05T00:00"),
        ("", "", "UTC", "2026-12-05T00:00"),
    ],
)
def test_whole_days_are_days_where_they_were_made(made_in, usual, zone, start):
    there = event(
        isAllDay=True,
        originalStartTimeZone=made_in,
        start={"dateTime": "2026-12-05T00:00:00.0000000", "timeZone": "UTC"},
        end={"dateTime": "2026-12-06T00:00:00.0000000", "timeZone": "UTC"},
    )
    when = when_of(there, usual)
    assert (when.zone, when.all_day) == (zone, True)
    assert when.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert when.end - when.start == timedelta(days=1)


@pytest.mark.parametrize(
    "start",
    [None, {}, {"dateTime": "soon", "timeZone": "UTC"}, {"dateTime": None}, "2026-12-01", {"dateTime": 7}],
)
def test_a_time_that_makes_no_sense_is_malformed_and_a_hint_says_so(start):
    broken = event() | {"start": start}
    with pytest.raises(Malformed):
        when_of(broken)
    hint = hint_of(broken, DECEMBER)
    assert (hint.problem.endswith("."), hint.busy) == (True, ())


def test_a_time_in_another_zone_than_was_asked_for_is_understood():
    said = {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "W. Europe Standard Time"}
    assert when_of(event(start=said)).start == NINE.start


@pytest.mark.parametrize(
    ("wanted", "off"),
    [
        (TEN, True),
        (at("2026-12-01 08:30"), True),
        (NINE, False),
        (at("2026-12-01 15:00"), False),
        (at("2026-12-01 09:07"), False),
        (at("2026-12-01 10:00", 30), False),
    ],
)
def test_other_zone_rules_at_the_service_are_seen(wanted, off):
    assert is_off_by_zone_rules(event(), wanted) is off


# --- busy time


def answered(response: str, **changes: Any) -> dict[str, Any]:
    return event(responseStatus={"response": response, "time": "0001-01-01T00:00:00Z"}, **changes)


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        (event(), BusyKind.BUSY),
        (event(showAs="free"), None),
        (event(showAs="workingElsewhere"), None),
        (event(showAs="tentative"), BusyKind.TENTATIVE),
        (event(showAs="oof"), BusyKind.OUT_OF_OFFICE),
        (event(showAs="unknown"), BusyKind.BUSY),
        (event(showAs="somethingNew"), BusyKind.BUSY),
        (event(isCancelled=True), None),
        (answered("declined"), None),
        (answered("accepted"), BusyKind.BUSY),
        (answered("none"), BusyKind.BUSY),
        (answered("tentativelyAccepted", showAs="busy"), BusyKind.TENTATIVE),
        (answered("notResponded", showAs="tentative"), BusyKind.UNANSWERED),
        (answered("notResponded", showAs="free"), None),
        (event(responseStatus=None), BusyKind.BUSY),
    ],
)
def test_what_takes_time(there, kind):
    assert busy_kind(there) is kind


def test_an_occurrence_of_which_only_times_are_told_is_as_its_series():
    master = event("AAkAmaster", type="seriesMaster", showAs="oof", changeKey="v7")
    hint = hint_of(completed(stub("AAkAone", 3), master), DECEMBER)
    assert (hint.id, hint.version, hint.uid, hint.identity) == ("AAkAone", "v7", "", None)
    assert [(busy.start.day, busy.kind) for busy in hint.busy] == [(3, BusyKind.OUT_OF_OFFICE)]


def test_an_occurrence_of_our_series_is_not_taken_for_our_event():
    identity = fresh()
    there = event(type="exception", seriesMasterId="m", transactionId=f"genie-{identity.key}-1")
    assert (hint_of(there, DECEMBER).identity, hint_of(there, DECEMBER).uid) == (None, "")


# --- read by id


def test_an_event_read_by_id():
    remote = remote_of(
        event(location={"displayName": "Room 2"}, body={"contentType": "html", "content": "<p>a<p>b"})
    )
    assert (remote.id, remote.version) == ("AAkAforeign", "ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw==")
    assert (remote.content.title, remote.content.place, remote.content.description) == (
        "Dentist",
        "Room 2",
        "a\nb",
    )
    assert instants(remote.content.when) == instants(NINE)
    assert remote.stamp == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (remote.identity, remote.recurring, remote.read_only_why, remote.content.cancelled) == (
        None,
        False,
        "",
        False,
    )


def test_the_etag_tells_the_version_where_nothing_else_does():
    assert remote_of(event(changeKey=None)).version == "ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw=="


@pytest.mark.parametrize("there", [event(isCancelled=True), answered("declined")])
def test_cancelled_and_declined_are_cancelled(there):
    assert remote_of(there).content.cancelled


def test_another_organizer_makes_it_read_only():
    assert "organises" in remote_of(event(isOrganizer=False)).read_only_why


def test_texts_that_may_not_be_seen_are_unknown():
    there = event(sensitivity="private", body=None, subject="Private appointment", location=None)
    hidden = remote_of(there).content
    assert (hidden.title, hidden.place, hidden.description) == (None, None, None)
    assert remote_of(event(sensitivity="private")).content.title == "Dentist"


# --- calendars


def test_calendars_say_whose_they_are_and_why_one_cannot_be_written():
    own = {"ana@contoso.example"}
    entry = {"id": "A", "name": "Calendar", "canEdit": True, "hexColor": "#a6d1f5", "isDefaultCalendar": True}
    mine = calendar_of({**entry, "owner": {"name": "Ana", "address": "Ana@contoso.example"}}, own)
    assert (mine.name, mine.may_write, mine.primary, mine.color, mine.why_not) == (
        "Calendar",
        True,
        True,
        "#a6d1f5",
        "",
    )
    theirs = calendar_of(
        {
            "id": "B",
            "name": "Calendar",
            "canEdit": False,
            "owner": {"name": "Bob", "address": "bob@contoso.example"},
        },
        own,
    )
    assert (theirs.name, theirs.may_write, theirs.why_not) == (
        "Calendar (Bob)",
        False,
        "This account may only read this calendar.",
    )
    assert calendar_of({"id": "C"}, own).name == "C"
