"""A client that follows deltas ends with what a calendar view shows, whatever was done and went wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import graph_metadata
from tests.sandbox.microsoft.conftest import ANA, NOW, Json

from calendar_sandbox.microsoft.faults import Fault
from calendar_sandbox.microsoft.service import Graph, Reply, Request
from calendar_sandbox.microsoft.state import SCOPES, Calendar, World

WINDOW = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-12-07T00:00:00Z"
FAULTS = {
    "reset_before": 0.05,
    "reset_after": 0.08,
    "error_before": 0.08,
    "error_after": 0.05,
    "conflict": 0.05,
    "saved_error": 0.05,
    "truncated": 0.03,
    "stale": 0.1,
    "expired": 0.1,
}
ZONES = ["UTC", "Eastern Standard Time", "Tokyo Standard Time", "Europe/Berlin"]


class Broken(Exception):
    """No answer, or half of one."""


class Caller:
    """Graph in process; every answer is judged, and a broken one is an error."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        account = graph.world.add_account(ANA)
        self.token = graph.world.issue_access_token(account, "app", SCOPES, lifetime=timedelta(days=99)).token

    def send(self, verb: str, path: str, body: Any = None, prefer: str = "") -> Reply:
        place, _, query = path.removeprefix("http://localhost/v1.0/").partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "prefer": prefer}
        reply = self.graph.answer(Request(verb, f"/v1.0/{place}", query, headers, raw))
        if reply.broken or reply.cut:
            raise Broken
        found = graph_metadata.faults_of_answer(verb, place, query, reply.status, reply.body, raw)
        assert not found, found
        return reply


class Copy:
    """What a client knows of a window by deltas alone: occurrences, exceptions, single events by id."""

    def __init__(self, caller: Caller, calendar_id: str, *, immutable: bool) -> None:
        self.caller = caller
        self.path = f"me/calendars/{calendar_id}/calendarView"
        ids = 'IdType="ImmutableId", ' if immutable else ""
        self.prefer = f"{ids}odata.maxpagesize=3"
        self.known: dict[str, Json] = {}
        self.fresh: dict[str, Json] | None = None  # while a first round is read
        self.link = ""

    def sync(self) -> None:
        """One round, until an answer fails; what was read of it is kept, and the link it ended at."""
        if not self.link:
            self.fresh, self.link = {}, f"{self.path}/delta?{WINDOW}"
        while True:
            try:
                reply = self.caller.send("GET", self.link, prefer=self.prefer)
            except Broken:
                return
            if reply.status == 410:
                self.fresh, self.link = {}, reply.headers["Location"]
                return
            if reply.status != 200:
                return
            page = reply.json()
            self.take(page["value"])
            self.link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
            if "@odata.deltaLink" in page:
                if self.fresh is not None:
                    self.known, self.fresh = self.fresh, None
                return

    def take(self, told: list[Json]) -> None:
        known = self.known if self.fresh is None else self.fresh
        for one in told:
            if "@removed" in one or one["type"] == "seriesMaster":
                known.pop(one["id"], None)
            else:
                known[one["id"]] = seen(one)

    def truth(self) -> dict[str, Json]:
        reply = self.caller.send("GET", f"{self.path}?{WINDOW}&$top=1000", prefer=self.prefer)
        return {one["id"]: seen(one) for one in reply.json()["value"]}


def seen(one: Json) -> Json:
    """What is compared: of an occurrence only what its stub has."""
    names = ["type", "start", "end", "seriesMasterId"]
    if one["type"] != "occurrence":
        names += ["subject", "showAs", "isAllDay", "body"]
    return {name: one[name] for name in names}


@st.composite
def bodies(draw: st.DrawFn, *, partial: bool = False) -> Json:
    body: Json = {"subject": draw(st.sampled_from(["a", "b", "Größe", ""]))}
    if partial and draw(st.booleans()):
        return body
    day = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=draw(st.integers(-3, 20)))
    if draw(st.integers(0, 3)) == 0:
        length = timedelta(days=draw(st.integers(1, 3)))
        begin, end, zone = day, day + length, "UTC"
        body["isAllDay"] = True
    else:
        zone = draw(st.sampled_from(ZONES))
        begin = day + timedelta(minutes=15 * draw(st.integers(0, 95)))
        end = begin + timedelta(minutes=15 * draw(st.integers(0, 120)))
        body["isAllDay"] = False
    for name, moment in (("start", begin), ("end", end)):
        body[name] = {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": zone}
    if draw(st.booleans()):
        body["recurrence"] = draw(st.sampled_from([None, *rules(begin)]))
    if draw(st.integers(0, 3)) == 0:
        body["showAs"] = "free"
    return body


def rules(begin: datetime) -> list[Json]:
    first = f"{begin:%Y-%m-%d}"
    return [
        {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["wednesday", "friday"]},
            "range": {"type": "noEnd", "startDate": first},
        },
        {
            "pattern": {"type": "daily", "interval": 2},
            "range": {"type": "numbered", "numberOfOccurrences": 4, "startDate": first},
        },
    ]


STEP = st.one_of(
    st.tuples(st.just("create"), bodies(), st.integers(0, 1)),
    st.tuples(st.just("patch"), bodies(partial=True), st.integers(0, 50)),
    st.tuples(st.just("delete"), st.none(), st.integers(0, 50)),
    st.tuples(st.just("move"), st.none(), st.integers(0, 50)),
    st.tuples(st.just("sync"), st.none(), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.none(), st.integers(1, 3)),
)
STEPS = st.lists(STEP, min_size=15, max_size=40)
FINE = (200, 201, 204, 400, 403, 404, 412, 429, 500, 502, 503, 504)


class Script:
    """A mailbox with two calendars, some events, and two copies of each: by default and immutable ids."""

    def __init__(self, seed: int) -> None:
        self.world = World(clock=lambda: NOW, seed=seed)
        self.graph = Graph(self.world)
        self.caller = Caller(self.graph)
        account = self.world.account(ANA)
        self.calendars = [self.world.default_calendar(account), self.world.add_calendar(account, "Other")]
        self.copies = [
            Copy(self.caller, self.world.entry(account, calendar).id, immutable=immutable)
            for calendar in self.calendars
            for immutable in (True, False)
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
            assert reply is None or reply.status in FINE, reply.body

    def write(self, verb: str, body: Any, number: int) -> Reply | None:
        if verb == "create":
            entry = self.world.entry(self.world.account(ANA), self.calendars[number])
            return self.caller.send("POST", f"me/calendars/{entry.id}/events", body)
        calendar = self.calendars[number % 2]
        if verb == "move":
            self.move(calendar, number)
            return None
        event = self.target(calendar, number)
        if not event:
            return None
        if verb == "delete":
            return self.caller.send("DELETE", f"me/events/{event}")
        return self.caller.send("PATCH", f"me/events/{event}", body)

    def move(self, calendar: Calendar, number: int) -> None:
        alive = [one for one in calendar.events.values() if not one.deleted and not one.series]
        if alive:
            other = next(one for one in self.calendars if one is not calendar)
            self.world.move(alive[number % len(alive)], calendar, other)

    def target(self, calendar: Calendar, number: int) -> str:
        """An event of the calendar, or an occurrence of a series."""
        names = [stored.id for stored in calendar.events.values()]
        entry = self.world.entry(self.world.account(ANA), calendar)
        owner = self.world.account(ANA)
        view = Request("GET", f"/v1.0/me/calendars/{entry.id}/calendarView", f"{WINDOW}&$top=1000")
        names += [one["id"] for one in self.graph.answer_owner(view, owner).json()["value"]]
        return names[number % len(names)] if names else ""

    def check(self) -> None:
        """No faults any more: each copy is brought up to date, and is the truth."""
        self.graph.faults.clear()
        for copy in self.copies:
            copy.sync()
            copy.sync()
            truth = copy.truth()
            assert copy.known == truth
            copy.sync()
            assert copy.known == truth


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_following_client_has_a_true_copy(steps: list[tuple[str, Any, int]], seed: int):
    script = Script(seed)
    for step in steps:
        script.play(*step)
    script.check()


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_following_client_has_a_true_copy_after_faults(steps: list[tuple[str, Any, int]], seed: int):
    script = Script(seed)
    script.graph.faults.roll(FAULTS, seed=seed)
    for step in steps:
        script.play(*step)
    script.check()


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_script_runs_the_same_each_time(steps: list[tuple[str, Any, int]], seed: int):
    ends = []
    for _ in range(2):
        script = Script(seed)
        script.graph.faults.roll(FAULTS, seed=seed)
        for step in steps:
            script.play(*step)
        known = [copy.known for copy in script.copies]
        ends.append((known, list(script.graph.faults.happened), script.world.writes))
    assert ends[0] == ends[1]


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_a_world_from_a_file_goes_on_as_the_one_that_was_written(
    steps: list[tuple[str, Any, int]], seed: int
):
    script = Script(seed)
    for step in steps:
        script.play(*step)
    written = json.loads(json.dumps(script.world.as_saved()))
    script.world.restore(written)
    assert script.world.as_saved() == written
    account = script.world.account(ANA)
    script.calendars = script.world.calendars_of(account)
    script.check()


def test_a_retry_with_the_same_transaction_makes_one_event():
    script = Script(1)
    script.graph.faults.add(Fault("reset_after"))
    body = {
        "transactionId": "t-1",
        "start": {"dateTime": "2026-11-25T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-25T11:00:00", "timeZone": "UTC"},
    }
    for _ in range(2):
        try:
            reply = script.caller.send("POST", "me/events", body)
        except Broken:
            continue
        assert reply.status == 201
    assert len(script.copies[0].truth()) == 1


def test_links_name_the_place_that_was_asked():
    script = Script(1)
    page = script.caller.send("GET", f"me/calendarView/delta?{WINDOW}").json()
    assert urlsplit(page["@odata.deltaLink"]).path == "/v1.0/me/calendarView/delta"
