"""Public calendar files over a real HTTP server: what is read, how often, and what is taken for an outage."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.calendar_files import Files, calendar, calendar_files, event
from tests.providers.sides import DECEMBER, HOME

from genie.core.errors import (
    AddressRefused,
    CalendarGone,
    CursorExpired,
    NoSuchHost,
    NotACalendarServer,
    ProviderFault,
    Rejected,
    Transient,
    Unreachable,
)
from genie.core.event import BusyKind
from genie.providers.ics import file, reading
from genie.providers.ics.file import address_of, onward
from genie.providers.port import CalendarProvider, ChangePage
from genie.providers.registry import (
    ProviderSettings,
    choices,
    open_provider,
    public_calendar,
    public_kinds,
    typed_sign_in,
)

OUTSIDE = ProviderSettings()


@pytest.fixture
def files() -> Iterator[Files]:
    with calendar_files() as there:
        yield there


def provider_of(url: str, settings: ProviderSettings = HOME) -> CalendarProvider:
    return open_provider("ics", {"url": url}, settings)


def read(
    provider: CalendarProvider, cursor: str | None = None, known: dict[str, str] | None = None
) -> list[ChangePage]:
    return list(provider.changes("calendar", cursor=cursor, window=DECEMBER, known=known or {}))


def changed(pages: list[ChangePage]) -> dict[str, object]:
    return {one.id: one for page in pages for one in page.changed}


def versions(pages: list[ChangePage]) -> dict[str, str]:
    return {one.id: one.version for page in pages for one in page.changed}


def starts(pages: list[ChangePage]) -> list[str]:
    return sorted(f"{busy.start:%m-%d %H:%M}" for page in pages for one in page.changed for busy in one.busy)


# --- reading


def test_a_first_read_lists_everything_once(files: Files) -> None:
    url = files.put(calendar(event("a"), event("b", "20261202T080000Z"), event("c", "20270202T080000Z")))
    (page,) = read(provider_of(url))
    assert page.full
    assert page.cursor
    assert sorted(changed([page])) == ["a", "b", "c"]
    assert starts([page]) == ["12-01 08:00", "12-02 08:00"]
    assert [one.uid for one in page.changed] == ["a", "b", "c"]


def test_a_large_file_comes_in_pages_and_the_last_has_the_cursor(files: Files) -> None:
    url = files.put(calendar(*(event(f"{number}") for number in range(1_200))))
    pages = read(provider_of(url))
    assert [len(page.changed) for page in pages] == [500, 500, 200]
    assert [page.cursor is not None for page in pages] == [False, False, True]


def test_a_read_without_a_change_is_one_conditional_request_and_one_small_answer(files: Files) -> None:
    provider = provider_of(files.put(calendar(event("a"))))
    first = read(provider)
    (page,) = read(provider, first[-1].cursor, versions(first))
    assert (list(page.changed), list(page.removed), page.full) == ([], [], False)
    assert page.cursor == first[-1].cursor
    assert files.asked[-1][1]["if-none-match"].startswith('"')


def test_a_server_without_versions_is_compared_by_what_it_sends(files: Files) -> None:
    url = files.put(calendar(event("a")), validators=False)
    provider = provider_of(url)
    first = read(provider)
    (page,) = read(provider, first[-1].cursor, versions(first))
    assert (list(page.changed), list(page.removed)) == ([], [])


def test_last_modified_is_named_as_well(files: Files) -> None:
    since = "Tue, 01 Dec 2026 08:00:00 GMT"
    provider = provider_of(
        files.put(calendar(event("a")), validators=False, headers={"Last-Modified": since})
    )
    read(provider, read(provider)[-1].cursor)
    assert files.asked[-1][1]["if-modified-since"] == since


def test_what_was_added_changed_and_removed_comes_once(files: Files) -> None:
    path = files.put(calendar(event("kept"), event("moved"), event("deleted")))
    provider = provider_of(path)
    first = read(provider)
    files.put(calendar(event("kept"), event("moved", "20261203T080000Z"), event("added", "20261204T080000Z")))
    second = read(provider, first[-1].cursor, versions(first))
    assert set(changed(second)) == {"moved", "added"}
    assert [name for page in second for name in page.removed] == ["deleted"]
    assert starts(second) == ["12-03 08:00", "12-04 08:00"]


def test_a_stamp_that_is_new_at_each_request_changes_nothing(files: Files) -> None:
    provider = provider_of(files.put(calendar(event("a"), event("b"))))
    first = read(provider)
    files.put(calendar(event("a"), event("b")).replace("DTSTAMP:20261101", "DTSTAMP:20261102"))
    (page,) = read(provider, first[-1].cursor, versions(first))
    assert (list(page.changed), list(page.removed)) == ([], [])


def test_a_series_with_its_exceptions_is_one_event(files: Files) -> None:
    series = event("s", "20261201T080000Z", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261202T080000Z")
    moved = event("s", "20261203T150000Z", "RECURRENCE-ID:20261203T080000Z")
    pages = read(provider_of(files.put(calendar(series, moved))))
    assert starts(pages) == ["12-01 08:00", "12-03 15:00", "12-04 08:00"]
    assert list(changed(pages)) == ["s"]


def test_free_tentative_cancelled_and_all_day(files: Files) -> None:
    url = files.put(
        calendar(
            event("free", "20261201T080000Z", "TRANSP:TRANSPARENT"),
            event("off", "20261201T080000Z", "STATUS:CANCELLED"),
            event("maybe", "20261201T080000Z", "STATUS:TENTATIVE"),
            "UID:day\nDTSTART;VALUE=DATE:20261205",
            head="X-WR-TIMEZONE:America/New_York\n",
        )
    )
    found = changed(read(provider_of(url)))
    assert (found["free"].busy, found["off"].busy) == ((), ())
    assert found["maybe"].busy[0].kind is BusyKind.TENTATIVE
    (day,) = found["day"].busy
    assert (day.start, day.all_day) == (datetime(2026, 12, 5, 5, tzinfo=UTC), True)


def test_times_without_a_zone_are_the_files_own_or_else_the_schedules(files: Files) -> None:
    url = files.put(calendar(event("a", "20261201T090000")))
    berlin = replace(HOME, zone="Europe/Berlin")
    assert starts(read(provider_of(url, berlin))) == ["12-01 08:00"]
    files.put(calendar(event("a", "20261201T090000"), head="X-WR-TIMEZONE:America/New_York\n"))
    assert starts(read(provider_of(url, berlin))) == ["12-01 14:00"]


def test_a_zone_that_the_file_defines_itself(files: Files) -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\n"
        "TZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    one = "UID:a\nDTSTART;TZID=Office:20261201T090000\nDURATION:PT1H"
    other = "UID:b\nDTSTART;TZID=Nowhere:20261201T090000\nDURATION:PT1H"
    found = changed(read(provider_of(files.put(calendar(one, other, head=zone)))))
    assert found["a"].busy[0].start == datetime(2026, 12, 1, 6, tzinfo=UTC)
    assert found["a"].problem == ""
    assert "Nowhere" in found["b"].problem
    assert found["b"].busy


def test_events_that_share_a_uid_or_have_none_all_count(files: Files) -> None:
    bare = "DTSTART:2026120{}T080000Z\nDURATION:PT1H"
    url = files.put(
        calendar(event("x"), event("x", "20261202T080000Z"), bare.format(3), bare.format(4), bare.format(4))
    )
    provider = provider_of(url)
    first = read(provider)
    assert starts(first) == ["12-01 08:00", "12-02 08:00", "12-03 08:00", "12-04 08:00", "12-04 08:00"]
    files.put(
        calendar(bare.format(4), bare.format(4), event("x"), event("x", "20261202T080000Z"), bare.format(3))
    )
    (page,) = read(provider, first[-1].cursor, versions(first))
    assert (list(page.changed), list(page.removed)) == ([], [])


def test_a_packed_file_is_unpacked(files: Files) -> None:
    url = files.put(calendar(event("a")), packed=True)
    assert starts(read(provider_of(url))) == ["12-01 08:00"]
    assert "gzip" in files.asked[-1][1]["accept-encoding"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '["a"]', "sync:1", "9:x", "[" * 5_000])
def test_a_cursor_that_is_not_known_is_expired(files: Files, cursor: str) -> None:
    provider = provider_of(files.put(calendar(event("a"))))
    with pytest.raises(CursorExpired):
        read(provider, cursor)


def test_nothing_is_ever_written(files: Files) -> None:
    provider = provider_of(files.put(calendar(event("a"))))
    (info,) = provider.calendars()
    assert not info.may_write
    assert info.why_not.endswith(".")
    for ask in (
        lambda: provider.create(info.id, None, None),  # type: ignore[arg-type]
        lambda: provider.update(info.id, "a", None, version="1"),  # type: ignore[arg-type]
        lambda: provider.delete(info.id, "a", version="1"),
        lambda: provider.get(info.id, "a"),
    ):
        with pytest.raises(Rejected):
            ask()
    assert provider.find(info.id, "0" * 32) == []
    assert files.asked == []


# --- what is taken for an outage


def test_a_file_that_shrinks_to_nothing_is_an_outage(files: Files) -> None:
    provider = provider_of(files.put(calendar(event("a", "20261220T080000Z"))))
    first = read(provider)
    files.put(calendar())
    for cursor in (first[-1].cursor, None):
        with pytest.raises(Transient, match="suddenly empty"):
            read(provider, cursor, versions(first))


def test_a_new_calendar_may_be_empty_and_one_whose_events_are_over_may_become_so(files: Files) -> None:
    provider = provider_of(files.put(calendar()))
    (page,) = read(provider)
    assert (list(page.changed), page.full, bool(page.cursor)) == ([], True, True)
    files.put(calendar(event("past", "20261130T230000Z", lasts="PT2H")))
    before = read(provider)
    files.put(calendar())
    (page,) = read(provider, before[-1].cursor, versions(before))
    assert list(page.removed) == ["past"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!DOCTYPE html><html>Sign in</html>",
        "BEGIN:VCARD\nEND:VCARD\n",
        calendar(event("a")).replace("END:VCALENDAR\n", ""),
        calendar(event("a"), event("b"))[:-60],
    ],
)
def test_what_is_no_whole_calendar_file_is_an_outage(files: Files, body: str) -> None:
    provider = provider_of(files.put(calendar(event("a"), event("b"))))
    first = read(provider)
    files.put(body)
    with pytest.raises(Transient, match=r"\.$"):
        read(provider, first[-1].cursor, versions(first))


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (404, CalendarGone),
        (410, CalendarGone),
        (401, CalendarGone),
        (403, CalendarGone),
        (429, Transient),
        (500, Transient),
        (503, Transient),
        (400, Transient),
        (204, Transient),
    ],
)
def test_what_a_refusal_means(files: Files, status: int, fault: type[ProviderFault]) -> None:
    url = files.put(calendar(), status=status, headers={"Retry-After": "600"})
    with pytest.raises(fault) as refused:
        read(provider_of(url))
    assert "secret-token-1" not in str(refused.value)
    if status == 503:
        assert refused.value.retry_after == 600


def test_an_event_that_is_broken_is_named_and_hides_no_other(files: Files) -> None:
    nested = event("nested") + "\nBEGIN:VALARM\nTRIGGER:-PT5M"
    no_end = calendar(event("good"), event("late", "20261209T080000Z")).replace(
        "UID:late", "UID:broken\nBEGIN:VEVENT\nUID:late"
    )
    provider = provider_of(files.put(no_end))
    found = changed(read(provider))
    assert found["broken"].problem.endswith(".")
    assert (found["good"].problem, found["late"].problem) == ("", "")
    assert len(found["good"].busy) == len(found["late"].busy) == 1
    files.put(
        calendar(
            event("good"), nested, event("bad", "tomorrow"), event("rule", "20261201T080000Z", "RRULE:x")
        )
    )
    found = changed(read(provider))
    assert [name for name, one in found.items() if one.problem] == ["bad", "rule", "nested"]
    assert len(found["good"].busy) == len(found["rule"].busy) == 1


# --- hostile files and servers


def refused_within(seconds: float, work: Callable[[], object]) -> None:
    begun = time.process_time()
    with pytest.raises(Rejected):
        work()
    assert time.process_time() - begun < seconds


def test_a_file_that_never_ends_is_left_at_the_limit(files: Files) -> None:
    url = files.serve("/endless", pieces=lambda: itertools.repeat(b"X" * 65_536))
    with pytest.raises(Rejected, match="10 MB"):
        read(provider_of(url))


def test_a_length_beyond_the_limit_is_not_begun(files: Files) -> None:
    url = files.serve("/large", pieces=lambda: iter(()), headers={"Content-Length": "10000001"})
    with pytest.raises(Rejected, match="10 MB"):
        read(provider_of(url))


def test_a_bomb_is_unpacked_no_further_than_the_limit(files: Files) -> None:
    bomb = gzip.compress(b"BEGIN:VCALENDAR\r\n" + b" " * 300_000_000)
    url = files.serve("/bomb", pieces=lambda: iter([bomb]), headers={"Content-Encoding": "gzip"})
    refused_within(3, lambda: read(provider_of(url)))


def test_a_packed_file_that_is_damaged_or_cut_off_is_an_outage(files: Files) -> None:
    packed = gzip.compress(calendar(event("a")).encode())
    for body in (b"not packed", packed[:-20]):
        url = files.serve(
            "/damaged", pieces=lambda body=body: iter([body]), headers={"Content-Encoding": "gzip"}
        )
        with pytest.raises(Transient):
            read(provider_of(url))


def test_a_server_that_drips_is_left_when_the_time_is_over(files: Files) -> None:
    ticking = itertools.count(step=7.0)
    slow = replace(HOME, ticks=lambda: next(ticking))
    url = files.serve("/drip", pieces=lambda: itertools.repeat(b"BEGIN:VCALENDAR\r\n"))
    with pytest.raises(Transient):
        read(provider_of(url, slow))


def test_more_events_than_any_calendar_holds(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 1_000)
    url = files.put(calendar(*(event(str(number)) for number in range(1_001))))
    with pytest.raises(Rejected, match=r"more than .* events"):
        read(provider_of(url))


def test_as_many_events_as_the_largest_file_holds_cost_seconds_only() -> None:
    tiny = "BEGIN:VEVENT\nDTSTART:20261201T080000Z\nEND:VEVENT\n"
    body = f"BEGIN:VCALENDAR\n{tiny * 190_000}END:VCALENDAR\n".encode()
    assert len(body) < file.LARGEST
    refused_within(5, lambda: reading.taken_apart(body))


def test_series_that_occur_without_measure_are_refused(files: Files) -> None:
    daily = [
        event(str(n), "20200101T080000Z", "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))))
        for n in range(200)
    ]
    url = files.put(calendar(*daily))
    refused_within(10, lambda: read(provider_of(url)))


def test_work_without_measure_has_an_end(files: Files) -> None:
    ticking = itertools.count(step=3.0)
    url = files.put(calendar(*(event(str(n), "20200101T080000Z", "RRULE:FREQ=DAILY") for n in range(60))))
    body = files.files["/secret-token-1/basic.ics"].body
    contents = reading.taken_apart(body)
    over = iter([False] * 20 + [True])
    with pytest.raises(Rejected):
        list(reading.changes_of(contents, DECEMBER, zone="UTC", over=lambda: next(over)))
    with pytest.raises(ProviderFault):
        read(provider_of(url, replace(HOME, ticks=lambda: next(ticking))))


@pytest.mark.parametrize(
    "event_text",
    [
        event("x", "20261201T080000Z", "RRULE:FREQ=SECONDLY"),
        event("x", "20261201T080000Z", "RRULE:FREQ=DAILY;COUNT=99999999999999999999999999"),
        event("x", "20261201T080000Z", "EXDATE:" + ",".join(["20261201T080000Z"] * 50_000)),
        event("x", "20261201T080000Z", "RDATE:" + ",".join(["20261201T080000Z"] * 50_000)),
        event("x", "20261201T080000Z", 'X-A;B="' + "c" * 500_000),
        event("x", "20261201T080000Z", lasts="P99999999999D"),
        event("x", "99991231T235959Z", "RRULE:FREQ=YEARLY"),
        event("x", "00010101T000000Z", "RRULE:FREQ=DAILY;COUNT=5000000;BYMONTH=2;BYMONTHDAY=30"),
        "\n".join(["BEGIN:X"] * 5),
    ],
)
def test_one_hostile_event_costs_little_and_hides_no_other(files: Files, event_text: str) -> None:
    provider = provider_of(files.put(calendar(event("good"), event_text)))
    begun = time.process_time()
    assert len(changed(read(provider))["good"].busy) == 1
    assert time.process_time() - begun < 2


def test_parts_nested_without_end_are_refused_at_once() -> None:
    body = b"BEGIN:VCALENDAR\n" + b"".join(b"BEGIN:A%d\n" % number for number in range(500_000))
    refused_within(3, lambda: reading.taken_apart(body))


# --- addresses


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://example.org/a.ics", "https://example.org/a.ics"),
        ("  webcal://example.org/a.ics?x=1#top ", "https://example.org/a.ics?x=1"),
        ("WEBCAL://example.org/a", "https://example.org/a"),
        ("webcal:example.org/a", "https://example.org/a"),
        ("http://example.org/a", "https://example.org/a"),
        ("feed://example.org/a", "https://example.org/a"),
        ("example.org/a", "https://example.org/a"),
    ],
)
def test_addresses_as_people_paste_them(typed: str, address: str) -> None:
    assert address_of(typed, OUTSIDE) == address


@pytest.mark.parametrize(
    "typed",
    ["", "https://", "ftp://example.org/a", "file:///etc/passwd", "https://a b/c", "https://[::1", "ja\nva"],
)
def test_addresses_that_cannot_be_used(typed: str) -> None:
    with pytest.raises(AddressRefused, match=r"\.$"):
        address_of(typed, OUTSIDE)


def test_http_stays_where_private_networks_are_allowed() -> None:
    assert address_of("http://nas/a.ics", HOME) == "http://nas/a.ics"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "[::1]", "localhost", "[::ffff:10.0.0.1]"]
)
def test_private_networks_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="private network"):
        public_calendar("ics", OUTSIDE).authorize({"address": f"https://{host}/a.ics"})
    with pytest.raises(CalendarGone, match="private network"):
        read(provider_of(f"https://{host}/a.ics", OUTSIDE))


def test_link_local_addresses_are_refused_even_where_private_networks_are_allowed() -> None:
    with pytest.raises(AddressRefused):
        public_calendar("ics", HOME).authorize({"address": "http://169.254.169.254/latest/meta-data"})


def test_each_redirect_is_checked_as_the_address_was(files: Files) -> None:
    good = files.put(calendar(event("a")))
    for status in (301, 302, 303, 307, 308):
        hop = files.serve(f"/hop{status}", status=status, headers={"Location": good})
        assert starts(read(provider_of(hop))) == ["12-01 08:00"]
    away = files.serve("/away", status=302, headers={"Location": "http://169.254.169.254/latest"})
    with pytest.raises(CalendarGone):
        read(provider_of(away))
    round_and_round = files.serve("/round", status=302, headers={"Location": "/round"})
    with pytest.raises(CalendarGone, match="without end"):
        read(provider_of(round_and_round))
    elsewhere = files.serve("/file", status=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(CalendarGone):
        read(provider_of(elsewhere))
    for odd in ("https://xn--/", "http://[::1", "http://a b/", "http://"):
        with pytest.raises(ProviderFault):
            read(provider_of(files.serve("/odd", status=302, headers={"Location": odd})))


def test_a_redirect_never_leads_from_a_protected_address_to_an_open_one() -> None:
    with pytest.raises(AddressRefused):
        onward("https://example.org/a", "http://example.org/a")
    assert onward("https://example.org/a", "/b") == "https://example.org/b"


# --- adding one


def test_adding_says_whose_file_it_is_and_keeps_the_address_secret(files: Files) -> None:
    url = files.put(calendar(event("a"), head="X-WR-CALNAME:Hall\\, upstairs\nX-WR-TIMEZONE:Europe/Berlin\n"))
    grant = public_calendar("ics", HOME).authorize({"address": url})
    (info,) = grant.calendars
    assert (info.name, info.zone, info.may_write) == ("Hall, upstairs", "Europe/Berlin", False)
    assert grant.account.label == "127.0.0.1"
    assert grant.secret == {"url": url}
    assert "secret-token-1" not in repr(grant)
    assert grant.account == provider_of(url).account()


@pytest.mark.parametrize(
    ("serve", "fault"),
    [
        ({"status": 404}, NotACalendarServer),
        ({"status": 401}, NotACalendarServer),
        ({"status": 503}, Unreachable),
        ({"body": b"<html>A calendar</html>"}, NotACalendarServer),
        ({"body": b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"}, NotACalendarServer),
    ],
)
def test_an_address_that_leads_to_no_calendar_file_is_told_in_three_parts(files: Files, serve, fault) -> None:
    url = files.serve("/secret-token-2", **serve)
    with pytest.raises(fault) as refused:
        public_calendar("ics", HOME).authorize({"address": url})
    words = str(refused.value)
    assert "Nothing was saved." in words
    assert words.count(".") >= 3
    assert "secret-token-2" not in words


def test_a_host_that_does_not_answer_or_does_not_exist(files: Files) -> None:
    quick = replace(HOME, timeout=1.0, connect_timeout=1.0)
    with pytest.raises(Unreachable):
        public_calendar("ics", quick).authorize({"address": "http://127.0.0.1:9/a.ics"})
    with pytest.raises(NoSuchHost):
        public_calendar("ics", quick).authorize({"address": "http://no-such-host.invalid/a.ics"})


def test_it_is_no_kind_of_key() -> None:
    assert public_kinds() == ("ics",)
    assert "ics" not in choices()
    assert typed_sign_in("ics", HOME) is None
    assert public_calendar("caldav", HOME) is None
