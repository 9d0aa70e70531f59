"""Reading an Outlook calendar page by page: deltas, stubs, series, lists in their place, manners."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.contract import ReadingContract
from tests.providers.microsoft_script import (
    CALENDAR,
    DELTA,
    EVENTS,
    GRAPH,
    VIEW,
    Asked,
    Reply,
    Script,
    event,
    gone,
    listed,
    more_to_come,
    page,
    refusal,
    stub,
)
from tests.providers.microsoft_side import ANA, BOB, SCOPES, MicrosoftSide, granted
from tests.providers.sides import DECEMBER, NINE, TEN, at, content, fresh

from genie.core import errors
from genie.core.event import BusyKind
from genie.providers.microsoft.mapping import transaction_of
from genie.providers.microsoft.provider import CURSOR, LIST
from genie.providers.pace import Places

MASTER = "AAkAmaster"
THERE = Reply(200, {"id": CALENDAR})


def read(microsoft: Script, cursor: str | None = None, known: dict[str, str] | None = None) -> list[Any]:
    found = microsoft.provider().changes(CALENDAR, cursor=cursor, window=DECEMBER, known=known or {})
    return list(found)


def changed(pages: list[Any]) -> dict[str, Any]:
    return {one.id: one for page in pages for one in page.changed}


def master(**changes: Any) -> dict[str, Any]:
    return event(MASTER, type="seriesMaster", recurrence={"pattern": {}}, changeKey="m1", **changes)


# --- deltas


def test_what_a_first_read_asks_for(microsoft):
    microsoft.will(page(event()))
    (one,) = read(microsoft)
    (asked,) = microsoft.asked
    assert (asked.method, asked.path) == ("GET", DELTA)
    assert asked.query == {"startDateTime": "2026-12-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}
    assert asked.headers["Prefer"] == 'IdType="ImmutableId", outlook.timezone="UTC", odata.maxpagesize=500'
    assert one.full
    assert one.cursor == f"{CURSOR}me/calendars/{CALENDAR}/calendarView/delta?$deltatoken=next"


def test_the_link_is_followed_as_it_is_and_to_no_other_host(microsoft):
    """Graph's links name its own address; ours may be a proxy's, and another host must get no token."""
    microsoft.will(more_to_come(event("a"), token="s%2B1="), page(event("b"), token="d%2B2="))
    pages = read(microsoft)
    assert [list(changed([one])) for one in pages] == [["a"], ["b"]]
    assert [one.cursor is None for one in pages] == [True, False]
    microsoft.asked.clear()
    microsoft.will(page(token="third"))
    (one,) = read(microsoft, pages[-1].cursor)
    (asked,) = microsoft.asked
    assert (asked.path, asked.query) == (DELTA, {"$deltatoken": "d+2="})
    assert "odata.maxpagesize=500" in asked.headers["Prefer"]
    assert (list(one.changed), list(one.removed), one.full) == ([], [], False)


def test_what_is_gone_is_said_unless_it_came_back(microsoft):
    microsoft.will(page(gone("a"), gone("b", "changed"), gone("c"), event("c")))
    (one,) = read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1")
    assert (list(one.removed), list(changed([one]))) == (["a", "b"], ["c"])


def test_stubs_take_time_as_their_series_does(microsoft):
    microsoft.will(page(stub("o1", 2), master(showAs="oof"), stub("o2", 3)))
    found = changed(read(microsoft))
    assert set(found) == {"o1", "o2"}  # the series itself takes none
    assert [(found[name].busy[0].kind, found[name].version) for name in ("o1", "o2")] == [
        (BusyKind.OUT_OF_OFFICE, "m1")
    ] * 2


def test_a_series_that_no_page_brought_is_asked_for_once(microsoft):
    pages = iter([more_to_come(stub("o1", 2)), page(stub("o2", 3), stub("o3", 4))])
    microsoft.will(lambda asked: next(pages) if asked.path == DELTA else Reply(200, master(showAs="free")))
    found = changed(read(microsoft))
    assert [found[name].busy for name in ("o1", "o2", "o3")] == [(), (), ()]
    assert [asked.path for asked in microsoft.asked] == [DELTA, f"{EVENTS}/{MASTER}", DELTA]


def test_a_stub_whose_series_is_gone_counts_as_busy(microsoft):
    def answer(asked: Asked) -> Reply:
        if asked.path == DELTA:
            return page(stub("o1", 2))
        return THERE if asked.path.endswith(CALENDAR) else refusal(404, "ErrorItemNotFound")

    microsoft.will(answer)
    assert changed(read(microsoft))["o1"].busy[0].kind is BusyKind.BUSY


def test_a_single_event_that_became_a_series_takes_time_only_at_its_occurrences(microsoft):
    microsoft.will(page(master(), stub("o1", 2)))
    found = changed(read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1", {MASTER: "before"}))
    assert found[MASTER].busy == ()
    assert len(found["o1"].busy) == 1


def test_our_series_is_told_as_one(microsoft):
    ours = transaction_of(fresh())
    whole = master(transactionId=ours)
    instance = event("o1", type="occurrence", seriesMasterId=MASTER)
    answers = {
        DELTA: page(whole, stub("o1", 1), stub("o2", 2)),
        f"{EVENTS}/{MASTER}": Reply(200, whole),
        f"{EVENTS}/{MASTER}/instances": listed(instance),
    }
    microsoft.will(lambda asked: answers[asked.path])
    found = changed(read(microsoft))
    assert list(found) == [MASTER]
    assert [busy.start for busy in found[MASTER].busy] == [NINE.start]
    assert found[MASTER].identity is not None
    assert len(microsoft.asked) == 3


def test_an_event_that_cannot_be_read_is_reported_and_hides_no_other(microsoft):
    microsoft.will(page(event("broken", start={"dateTime": "x"}), event("good"), {"no": "id"}, 7))
    found = changed(read(microsoft))
    assert found["broken"].problem.endswith(".")
    assert (found["good"].problem, len(found["good"].busy)) == ("", 1)


# --- cursors


@pytest.mark.parametrize(
    "answer",
    [
        refusal(410, "SyncStateNotFound"),
        refusal(410, "syncStateInvalid"),
        Reply(410, {}, {"Location": f"{GRAPH}/me/calendarView/delta?$deltatoken="}),
        refusal(400, "SyncStateNotFound"),
        refusal(404, "syncstatenotfound"),
        refusal(400, "ErrorInvalidSyncStateData"),
    ],
)
def test_an_expired_cursor(microsoft, answer):
    microsoft.will(answer)
    with pytest.raises(errors.CursorExpired):
        read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1")
    assert len(microsoft.asked) == 1


@pytest.mark.parametrize("answer", [refusal(404, "ErrorItemNotFound"), refusal(400, "BadRequest")])
def test_any_other_refusal_of_a_cursor_is_one_while_the_calendar_answers(microsoft, answer):
    microsoft.will(answer, THERE)
    with pytest.raises(errors.CursorExpired):
        read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1")
    microsoft.will(answer, refusal(404, "ErrorItemNotFound"))
    with pytest.raises(errors.CalendarGone):
        read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1")


def test_an_outage_is_no_expiry(microsoft):
    microsoft.will(refusal(503, "ServiceUnavailable"))
    with pytest.raises(errors.Transient):
        read(microsoft, f"{CURSOR}me/x/calendarView/delta?$deltatoken=1")


@pytest.mark.parametrize(
    "body",
    [
        {"value": []},
        {"value": [], "@odata.nextLink": "https://elsewhere.example/x"},
        {"@odata.deltaLink": "x"},
    ],
)
def test_a_page_that_leads_nowhere_is_no_page(microsoft, body):
    microsoft.will(Reply(200, body))
    with pytest.raises(errors.Transient):
        read(microsoft)


def test_a_list_without_end_is_given_up(microsoft):
    microsoft.will(more_to_come(token="same"))
    with pytest.raises(errors.Transient, match="come to an end"):
        read(microsoft)


# --- where a delta is refused


def refusing(*pages: Reply) -> Any:
    """A calendar that is there and has a view, but no delta."""
    left = iter(pages)

    def answer(asked: Asked) -> Reply:
        if asked.path == DELTA:
            return refusal(400, "ErrorInvalidRequest")
        return next(left) if asked.path == VIEW else THERE

    return answer


def test_the_window_is_listed_where_a_delta_is_refused(microsoft):
    link = {"@odata.nextLink": f"{GRAPH}/me/calendars/{CALENDAR}/calendarView?$skip=1"}
    microsoft.will(refusing(Reply(200, {"value": [event("a")], **link}), listed(event("b"))))
    pages = read(microsoft)
    assert [list(changed([one])) for one in pages] == [["a"], ["b"]]
    assert [(one.full, one.cursor) for one in pages] == [(True, None), (True, f"{CURSOR}{LIST}")]


def test_a_list_is_compared_with_what_was_known_and_is_one_request(microsoft):
    microsoft.will(
        listed(event("same", changeKey="1"), event("other", changeKey="2"), event("new", changeKey="3"))
    )
    (one,) = read(microsoft, f"{CURSOR}{LIST}", {"same": "1", "other": "1", "left": "1"})
    assert (set(changed([one])), list(one.removed), one.full) == ({"other", "new"}, ["left"], False)
    assert one.cursor == f"{CURSOR}{LIST}"
    assert [asked.path for asked in microsoft.asked] == [VIEW]


def test_a_calendar_that_is_gone_is_not_taken_for_one_without_deltas(microsoft):
    microsoft.will(refusal(404, "ErrorItemNotFound"))
    with pytest.raises(errors.CalendarGone):
        read(microsoft)
    microsoft.will(refusal(403, "ErrorAccessDenied"))
    with pytest.raises(errors.CalendarGone, match="may not read"):
        read(microsoft)


class SharedSide(MicrosoftSide):
    """The same work on a calendar of Bob's which Ana may edit."""

    def __init__(self, sandbox: MicrosoftSandbox) -> None:
        super().__init__(sandbox)
        self.team = sandbox.calendar(BOB, "Team of Bob")
        self.calendar = sandbox.share(self.team, ANA, "write")
        self.secret = granted(sandbox, ANA, [*SCOPES, "Calendars.ReadWrite.Shared"])
        self.provider = self.again()


class TestSharedCalendar(ReadingContract):
    @pytest.fixture
    def side(self, microsoft_sandbox):
        side = SharedSide(microsoft_sandbox)
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None

    def test_it_is_written_there_too(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        there = side.provider.update(side.calendar, made.id, content(TEN, title="New"), version=made.version)
        assert side.provider.get(side.calendar, made.id) == there
        assert side.provider.delete(side.calendar, made.id, version=there.version)
        with pytest.raises(errors.Gone):
            side.provider.get(side.calendar, made.id)


class TestListedInPlaceOfADelta(ReadingContract):
    """What the contract asks of a calendar whose delta is refused."""

    @pytest.fixture
    def side(self, microsoft_sandbox, monkeypatch):
        from genie.providers.microsoft import provider

        monkeypatch.setattr(provider, "DELTA", "/not-delta")
        side = MicrosoftSide(microsoft_sandbox)
        microsoft_sandbox.check_traffic = False  # that is no path of Graph's
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None


# --- moved, copied


@pytest.fixture
def side(microsoft_sandbox: MicrosoftSandbox) -> Iterator[MicrosoftSide]:
    side = MicrosoftSide(microsoft_sandbox)
    yield side
    side.close()


def test_an_event_moved_to_another_calendar_is_gone_here_and_found_there(side):
    """Its id stays, and Graph finds it by that id under any calendar's address."""
    identity = fresh()
    made = side.provider.create(side.calendar, identity, content())
    first = list(side.provider.changes(side.calendar, cursor=None, window=DECEMBER, known={}))
    with side.sandbox.world.lock:
        calendar, stored = side.sandbox.world.find_event(made.id)
        side.sandbox.world.move(stored, calendar, side.second)
    with pytest.raises(errors.Gone):
        side.provider.get(side.calendar, made.id)
    assert [one.id for one in side.provider.find(side.other, identity.key)] == [made.id]
    assert side.provider.get(side.other, made.id).identity == identity
    (one,) = side.provider.changes(
        side.calendar, cursor=first[-1].cursor, window=DECEMBER, known={made.id: made.version}
    )
    assert list(one.removed) == [made.id]


@pytest.mark.parametrize(
    ("calendar", "shown"),
    [
        ({"canEdit": True, "canViewPrivateItems": True}, ("Private appointment", "")),
        ({"canEdit": True, "canViewPrivateItems": False}, (None, None)),
        ({"canEdit": False, "canViewPrivateItems": False}, (None, None)),
    ],
)
def test_an_empty_body_of_a_private_event_is_doubted(microsoft, calendar, shown):
    there = event(sensitivity="private", subject="Private appointment")
    microsoft.will(Reply(200, there), Reply(200, {"id": CALENDAR}), Reply(200, {"id": CALENDAR, **calendar}))
    content = microsoft.provider().get(CALENDAR, there["id"]).content
    assert (content.title, content.description) == shown
    assert microsoft.asked[-1].path == f"/v1.0/me/calendars/{CALENDAR}"


def test_on_a_calendar_shown_without_details_the_body_alone_is_unknown(microsoft):
    microsoft.will(Reply(200, event()), Reply(200, {"id": CALENDAR}), Reply(200, {"canEdit": False}))
    content = microsoft.provider().get(CALENDAR, "AAkAforeign").content
    assert (content.title, content.place, content.description) == ("Dentist", "", None)


@pytest.mark.parametrize("listed", [True, False])
def test_an_event_that_names_another_calendar_of_the_account_is_gone_from_here(microsoft, listed):
    """One that is not on the account's list may be this one, under its owner's id: then its events tell."""
    there = event(body={"contentType": "html", "content": "text"})
    calendars = [{"id": "AAMkOther="} if listed else {"id": CALENDAR}]
    answers = (there, {"id": "AAMkOther="}, {"value": calendars}, {"value": [{"id": there["id"]}]})
    microsoft.will(*(Reply(200, answer) for answer in answers))
    if listed:
        with pytest.raises(errors.Gone):
            microsoft.provider().get(CALENDAR, there["id"])
    else:
        assert microsoft.provider().get(CALENDAR, there["id"]).id == there["id"]


def test_an_appointment_far_outside_the_window_can_be_read_by_its_id(side):
    far = at("2028-06-01 09:00")
    made = side.provider.create(side.calendar, fresh(), content(far))
    assert side.provider.get(side.calendar, made.id).content.when.same_instants(far)


# --- manners


def test_no_more_than_four_requests_at_once_for_one_mailbox(microsoft):
    under_way, most, gate, lock = 0, 0, threading.Semaphore(0), threading.Lock()

    def answer(_asked: Asked) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        gate.acquire(timeout=10)
        with lock:
            under_way -= 1
        return Reply(200, {"value": []})

    microsoft.will(answer)
    threads = [threading.Thread(target=lambda: microsoft.provider().calendars()) for _ in range(9)]
    for thread in threads:
        thread.start()
    for _ in threads:
        gate.release()
    for thread in threads:
        thread.join(20)
    assert len(microsoft.asked) == 9
    assert most <= 4


def test_whoever_finds_no_place_in_time_comes_back_later():
    places = Places()
    held = places.place("ana", most=1, patience=0)
    with held, places.place("bob", most=1, patience=0):
        again = places.place("ana", most=1, patience=0)
        with pytest.raises(errors.Transient, match="only 1 request at once"):
            again.__enter__()
    with places.place("ana", most=1, patience=0):
        pass


def test_the_allowance_is_the_mailbox_s(microsoft):
    microsoft.will(Reply(200, {"value": []}))
    provider = microsoft.provider(options={"requests_per_minute": "4"})
    provider.calendars()
    provider.calendars()
    with pytest.raises(errors.Transient, match="Microsoft allows only so many") as caught:
        provider.calendars()
    assert caught.value.retry_after
    assert len(microsoft.asked) == 2
