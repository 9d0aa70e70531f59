"""python-o365, a client of Graph that others wrote, pointed at the stand-in: only the endpoint is changed.

It knows calendars, events, series, views, guests, free/busy and subscriptions. It has no deltas; the loop
that every client of Graph has for them is in test_scripts.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from O365 import Account, MSGraphProtocol
from O365.calendar import EventSensitivity, EventShowAs
from requests import HTTPError
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, BEN

NEW_YORK = ZoneInfo("America/New_York")
Client = Any


@pytest.fixture
def library(microsoft: MicrosoftSandbox) -> Iterator[Client]:
    """Ana's account in the library, its clock in New York."""

    class HereProtocol(MSGraphProtocol):  # type: ignore[misc]
        _protocol_url = f"{microsoft.base_url}/"

    protocol = HereProtocol(timezone=NEW_YORK)
    account = Account(("app", "secret"), protocol=protocol)
    session = account.con.get_naive_session()
    session.headers["Authorization"] = f"Bearer {microsoft.token(ANA, client_id='app', lifetime=10**8)}"
    account.con.session = session
    yield account
    session.close()


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=NEW_YORK)


def test_it_makes_reads_changes_and_deletes_events(library: Client):
    calendar = library.schedule().get_default_calendar()
    event = calendar.new_event("Visit")
    event.start, event.end = at(25, 10), at(25, 11)
    event.body = "<p>Please <b>ring</b></p>"
    event.location = "Hall"
    event.show_as, event.sensitivity = EventShowAs.Oof, EventSensitivity.Private
    event.categories = ["Blue"]
    assert event.save()
    read = calendar.get_event(event.object_id)
    assert (read.subject, read.start, read.end) == ("Visit", at(25, 10), at(25, 11))
    assert read.get_body_soup().body.text == "Please ring"
    assert (read.location["displayName"], read.show_as, read.categories) == (
        "Hall",
        EventShowAs.Oof,
        ["Blue"],
    )
    read.subject, read.start = "Later", at(25, 12)
    read.end = at(25, 13)
    assert read.save()
    again = calendar.get_event(event.object_id)
    assert (again.subject, again.start, again.body) == ("Later", at(25, 12), read.body)
    assert again.delete()
    with pytest.raises(HTTPError):
        calendar.get_event(event.object_id)


def test_it_knows_whole_days(library: Client):
    calendar = library.schedule().get_default_calendar()
    event = calendar.new_event("Fair")
    event.start, event.end = at(26, 0), at(28, 0)
    event.is_all_day = True
    assert event.save()
    read = calendar.get_event(event.object_id)
    assert read.is_all_day
    assert (read.start, read.end) == (at(26, 0), at(28, 0))


def test_it_makes_calendars(library: Client):
    schedule = library.schedule()
    desk = schedule.new_calendar("Desk")
    desk.name = "Counter"
    assert desk.update()
    assert [one.name for one in schedule.list_calendars()] == ["Calendar", "Counter"]
    event = desk.new_event("There")
    event.start, event.end = at(25, 10), at(25, 11)
    assert event.save()
    found = desk.get_events(include_recurring=False)
    assert [one.subject for one in found] == ["There"]
    assert desk.delete()
    assert [one.name for one in schedule.list_calendars()] == ["Calendar"]


def test_it_expands_series_over_several_pages(library: Client):
    calendar = library.schedule().get_default_calendar()
    event = calendar.new_event("Daily")
    event.start, event.end = at(2, 9), at(2, 10)
    event.recurrence.set_daily(1, start=at(2, 0).date(), occurrences=20)
    assert event.save()
    found = list(calendar.get_events(limit=100, batch=6, start_recurring=at(1, 0), end_recurring=at(30, 0)))
    assert len(found) == 20
    assert {one.start.hour for one in found} == {9}  # wall time, although clocks changed on the first
    moved = found[3]
    moved.start, moved.end = at(5, 14), at(5, 15)
    assert moved.save()
    assert found[4].delete()
    series = calendar.get_event(event.object_id)
    left = list(series.get_occurrences(at(1, 0), at(30, 0), limit=50))
    assert [(one.start.day, one.start.hour) for one in left][:5] == [(2, 9), (3, 9), (4, 9), (5, 14), (7, 9)]


def test_it_filters(library: Client):
    calendar = library.schedule().get_default_calendar()
    for name in ("One", "Two"):
        event = calendar.new_event(name)
        event.start, event.end = at(25, 10), at(25, 11)
        assert event.save()
    found = calendar.get_events(query="subject eq 'Two'", include_recurring=False)
    assert [one.subject for one in found] == ["Two"]


def test_it_invites_and_cancels(microsoft: MicrosoftSandbox, library: Client):
    calendar = library.schedule().get_default_calendar()
    event = calendar.new_event("Talk")
    event.start, event.end = at(25, 10), at(25, 11)
    event.attendees.add("sam@elsewhere.example")
    assert event.save()
    assert [one.address for one in calendar.get_event(event.object_id).attendees] == ["sam@elsewhere.example"]
    assert event.cancel_event("Sorry")
    assert [why for why, _to, _subject in microsoft.world.mailed] == ["invited", "cancelled"]


def test_it_asks_who_is_free(microsoft: MicrosoftSandbox, library: Client):
    microsoft.account(BEN)
    (answer,) = library.schedule().get_availability([BEN], at(25, 9), at(25, 12))
    assert answer["availabilityView"] == ["free"] * 3


def test_it_subscribes(microsoft: MicrosoftSandbox, library: Client):
    microsoft.graph.handshake = lambda address, token: ""
    subscriptions = library.subscriptions()
    made = subscriptions.create_subscription(
        "http://127.0.0.1:1/notify",
        resource="/me/events",
        change_type=["created", "updated"],
        expiration_datetime=at(26, 12),
        client_state="secret",
    )
    assert made["changeType"] == "created,updated"
    renewed = subscriptions.renew_subscription(made["id"], expiration_datetime=at(27, 12))
    assert renewed["expirationDateTime"] == "2026-11-27T17:00:00Z"
    assert [one["id"] for one in subscriptions.list_subscriptions()] == [made["id"]]
    assert subscriptions.delete_subscription(made["id"])
    assert subscriptions.list_subscriptions() == []
