"""Random scripts: whatever is written, however it goes wrong, a client that syncs has a true copy at the end.

The copy is kept the way Google's guide "Synchronize resources efficiently" says: a full read, then
increments, and from the start again after a 410. The scripts run in process, against the same function the
web server calls; every answer is held to the discovery document.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import discovery
from tests.sandbox.google.conftest import ANA, NOW

from calendar_sandbox.google.faults import Fault
from calendar_sandbox.google.service import Google, Reply, Request
from calendar_sandbox.google.state import CALENDAR, World

ZONES = ["UTC", "America/New_York", "Europe/Madrid", "Asia/Kolkata"]
RULES = [
    ["RRULE:FREQ=DAILY;COUNT=4"],
    ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=5"],
    ["RRULE:FREQ=DAILY;COUNT=6;INTERVAL=2", "EXDATE:20261126T100000Z"],
    ["RDATE:20261130T100000Z,20261201T110000Z"],
]
FAULTS = {
    "reset_before": 0.05,
    "reset_after": 0.05,
    "error_before": 0.1,
    "error_after": 0.05,
    "truncated": 0.05,
    "stale": 0.15,
    "expired": 0.05,
}


class Broken(Exception):
    """The connection broke, or the answer was an error that says nothing about what was done."""


class Caller:
    """A client of the API in process; it judges each answer it gets."""

    def __init__(self, google: Google) -> None:
        self.google = google
        account = google.world.add_account(ANA, time_zone="Europe/Madrid")
        self.token = google.world.issue_access_token(account, "app", [CALENDAR], lifetime=timedelta(days=999))

    def send(self, verb: str, path: str, body: Any = None, **values: Any) -> Reply:
        query = urlencode(
            {name: str(value).lower() if value is True else value for name, value in values.items()}
        )
        headers = {"authorization": f"Bearer {self.token.token}"}
        said = b"" if body is None else json.dumps(body).encode()
        reply = self.google.answer(Request(verb, f"/calendar/v3/{path}", query, headers, said))
        if reply.broken or reply.cut:
            raise Broken(str(reply.status))
        method = discovery.method_of(verb, path)
        assert method is not None
        assert not discovery.faults_of_answer(method, reply.status, reply.body)
        if reply.status >= 500 or reply.reason.endswith("Exceeded"):
            raise Broken(reply.reason)
        return reply

    def events(self, calendar: str, **values: Any) -> tuple[list[dict[str, Any]], str]:
        """All pages of a list."""
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while True:
            more = {"pageToken": page["nextPageToken"]} if page else {}
            reply = self.send("GET", f"calendars/{quote(calendar)}/events", **values, **more)
            if reply.status == 410:
                raise Expired
            page = reply.json()
            assert reply.status == 200, page
            items += page["items"]
            if "nextPageToken" not in page:
                return items, page["nextSyncToken"]


class Expired(Exception):
    """A full sync is required."""


class Copy:
    """What a client knows of a calendar that reads increments."""

    def __init__(self, caller: Caller, calendar: str, *, single: bool) -> None:
        self.caller, self.calendar = caller, calendar
        self.values: dict[str, Any] = {"maxResults": 3} | ({"singleEvents": True} if single else {})
        self.token = ""
        self.known: dict[str, dict[str, Any]] = {}

    def sync(self) -> None:
        """Read on from where it was; a broken answer leaves everything as it was."""
        try:
            values = {"syncToken": self.token} if self.token else {}
            items, token = self.caller.events(self.calendar, **self.values, **values)
        except Broken:
            return
        except Expired:
            self.token = ""
            return
        if not self.token:
            self.known = {}
        for item in items:
            if item["status"] == "cancelled":
                self.known.pop(item["id"], None)
            else:
                self.known[item["id"]] = item
        self.token = token

    def truth(self) -> dict[str, dict[str, Any]]:
        items, _token = self.caller.events(self.calendar, **self.values)
        return {item["id"]: item for item in items if item["status"] != "cancelled"}


@st.composite
def bodies(draw: st.DrawFn, *, partial: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {"summary": draw(st.sampled_from(["a", "b", "Größe", ""]))}
    if partial and draw(st.booleans()):
        return body
    day = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=draw(st.integers(-3, 20)))
    if draw(st.integers(0, 3)) == 0:
        length = timedelta(days=draw(st.integers(1, 3)))
        body["start"] = {"date": f"{day:%Y-%m-%d}", "dateTime": None}
        body["end"] = {"date": f"{day + length:%Y-%m-%d}", "dateTime": None}
    else:
        zone = draw(st.sampled_from(ZONES))
        begin = day + timedelta(minutes=15 * draw(st.integers(0, 95)))
        end = begin + timedelta(minutes=15 * draw(st.integers(0, 120)))
        body["start"] = {"dateTime": f"{begin:%Y-%m-%dT%H:%M:%S}", "timeZone": zone, "date": None}
        body["end"] = {"dateTime": f"{end:%Y-%m-%dT%H:%M:%S}", "timeZone": zone, "date": None}
    if draw(st.booleans()):
        body["recurrence"] = draw(st.sampled_from([None, *RULES]))
    if draw(st.integers(0, 3)) == 0:
        body["transparency"] = "transparent"
    return body


STEP = st.one_of(
    st.tuples(st.just("insert"), bodies(), st.integers(0, 1)),
    st.tuples(st.just("patch"), bodies(partial=True), st.integers(0, 50)),
    st.tuples(st.just("update"), bodies(), st.integers(0, 50)),
    st.tuples(st.just("delete"), st.none(), st.integers(0, 50)),
    st.tuples(st.just("restore"), st.none(), st.integers(0, 50)),
    st.tuples(st.just("move"), st.none(), st.integers(0, 50)),
    st.tuples(st.just("sync"), st.none(), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.none(), st.integers(1, 3)),
)
STEPS = st.lists(STEP, min_size=15, max_size=40)


FIRST: list[dict[str, Any]] = [
    {"start": {"dateTime": "2026-11-25T10:00:00Z"}, "end": {"dateTime": "2026-11-25T11:00:00Z"}},
    {"start": {"date": "2026-11-25"}, "end": {"date": "2026-11-27"}},
    {
        "start": {"dateTime": "2026-11-25T10:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-25T11:00:00Z", "timeZone": "UTC"},
        "recurrence": RULES[0],
    },
]


class Script:
    """A world with two calendars, some events on each, and two copies of each: of events and of instances."""

    def __init__(self, seed: int) -> None:
        self.world = World(clock=lambda: NOW, seed=seed)
        self.google = Google(self.world)
        self.caller = Caller(self.google)
        self.calendars = [ANA, self.world.add_calendar(self.world.account(ANA), "Other").id]
        self.copies = [
            Copy(self.caller, calendar, single=single)
            for calendar in self.calendars
            for single in (True, False)
        ]

    def play(self, verb: str, body: Any, number: int) -> None:
        if verb == "sync":
            self.copies[number].sync()
        elif verb == "wait":
            self.world.advance(timedelta(seconds=number))
        else:
            try:
                reply = self.write(verb, body, number)
            except Broken:
                return
            assert reply is None or reply.status in (200, 204, 400, 403, 404, 409, 410), reply.body

    def write(self, verb: str, body: Any, number: int) -> Reply | None:
        if verb == "insert":
            said = {name: value for name, value in body.items() if value is not None}
            return self.caller.send("POST", f"calendars/{quote(self.calendars[number])}/events", said)
        calendar, event = self.target(number)
        if not event:
            return None
        path = f"calendars/{quote(calendar)}/events/{event}"
        if verb == "delete":
            return self.caller.send("DELETE", path)
        if verb == "restore":
            return self.caller.send("PATCH", path, {"status": "confirmed"})
        if verb == "move":
            other = next(one for one in self.calendars if one != calendar)
            return self.caller.send("POST", f"{path}/move", destination=other)
        return self.caller.send("PATCH" if verb == "patch" else "PUT", path, body)

    def target(self, number: int) -> tuple[str, str]:
        """An event of one of the calendars, or an instance of a series."""
        calendar = self.calendars[number % 2]
        found = self.world.calendars[calendar].events
        names = list(found)
        for stored in found.values():
            if "recurrence" in stored.resource and not stored.deleted:
                names.append(f"{stored.id}_20261125T100000Z")
                names += [
                    f"{stored.id}_{one.suffix}" for one in stored.known.get("instances", (0, []))[1][:3]
                ]
        return calendar, names[number % len(names)] if names else ""

    def check(self) -> None:
        """No faults any more: each copy is brought up to date, and is the truth."""
        self.google.faults.clear()
        for copy in self.copies:
            copy.sync()
            if not copy.token:
                copy.sync()
            truth = copy.truth()
            assert copy.known == truth
            copy.sync()
            assert copy.known == truth


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_syncing_client_has_a_true_copy(steps: list[tuple[str, Any, int]], seed: int):
    script = Script(seed)
    for step in steps:
        script.play(*step)
    script.check()


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_syncing_client_has_a_true_copy_after_faults(steps: list[tuple[str, Any, int]], seed: int):
    script = Script(seed)
    script.google.faults.roll(FAULTS, seed=seed)
    for step in steps:
        script.play(*step)
    script.check()


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_script_runs_the_same_each_time(steps: list[tuple[str, Any, int]], seed: int):
    ends = []
    for _ in range(2):
        script = Script(seed)
        script.google.faults.roll(FAULTS, seed=seed)
        for step in steps:
            script.play(*step)
        known = [copy.known for copy in script.copies]
        ends.append((known, list(script.google.faults.happened), script.world.writes))
    assert ends[0] == ends[1]


def test_a_retry_after_an_unknown_outcome_with_an_own_id_makes_one_event():
    script = Script(1)
    script.google.faults.add(Fault("reset_after"))
    body = {
        "id": "abcde",
        "start": {"dateTime": "2026-11-25T10:00:00Z"},
        "end": {"dateTime": "2026-11-25T11:00:00Z"},
    }
    path = f"calendars/{quote(ANA)}/events"
    try:
        script.caller.send("POST", path, body)
    except Broken:
        assert script.caller.send("POST", path, body).status == 409
    assert list(script.copies[1].truth()).count("abcde") == 1
