"""Servers that lie, break, throttle or attack: what each costs, and what it is called."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.providers.sides import DECEMBER, HOME, NINE, content, fresh

from genie.core import errors
from genie.providers.caldav.auth import authorize
from genie.providers.caldav.multistatus import Unreadable, multistatus
from genie.providers.port import CalendarProvider
from genie.providers.registry import ProviderSettings, open_provider

CALENDAR = "/cal/work/"
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261202T080000Z\r\nDTEND:20261202T090000Z\r\nSUMMARY:x\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass
class Reply:
    status: int = 207
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection in place of an answer."""


Script = Callable[[str, str, str], Reply]
"""Method, path and body to a reply."""


@contextlib.contextmanager
def scripted(script: Script, *, context: ssl.SSLContext | None = None) -> Iterator[Any]:
    """A server that answers by a script, and keeps what it was asked."""
    asked: list[tuple[str, str, dict[str, str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked.append((self.command, self.path, dict(self.headers), body))
            reply = script(self.command, self.path, body)
            if reply.hang_up:
                self.close_connection = True
                return
            data = reply.body if isinstance(reply.body, bytes) else reply.body.encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side may have read enough
                self.wfile.write(data)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # http.server asks for do_PROPFIND and the like
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        scheme = "https" if context else "http"
        yield Running(f"{scheme}://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Running:
    url: str
    asked: list[tuple[str, str, dict[str, str], str]]


@contextlib.contextmanager
def speaking_to(
    script: Script, settings: ProviderSettings = HOME
) -> Iterator[tuple[CalendarProvider, Running]]:
    with scripted(script) as server:
        secret = {
            "principal": f"{server.url}/me/",
            "homes": [f"{server.url}/cal/"],
            "user": "ana",
            "password": "pass",
            "scheme": "basic",
        }
        provider = open_provider("caldav", secret, settings)
        try:
            yield provider, server
        finally:
            provider.close()


def answer(*responses: str, token: str = "") -> str:
    end = f"<sync-token>{token}</sync-token>" if token else ""
    return (
        '<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        f"{''.join(responses)}{end}</multistatus>"
    )


def entry(name: str, text: str = "", *, etag: str = '"1"', length: int = 0, status: int = 200) -> str:
    data = f"<c:calendar-data>{text}</c:calendar-data>" if text else ""
    size = f"<getcontentlength>{length}</getcontentlength>" if length else ""
    return (
        f"<response><href>{CALENDAR}{name}</href><propstat><prop><getetag>{etag}</getetag>{size}{data}</prop>"
        f"<status>HTTP/1.1 {status} X</status></propstat></response>"
    )


def pages(provider: CalendarProvider, cursor: str | None = None) -> list[Any]:
    return list(provider.changes(CALENDAR, cursor=cursor, window=DECEMBER, known={}))


def found(provider: CalendarProvider) -> dict[str, Any]:
    return {one.id: one for page in pages(provider) for one in page.changed}


# --- objects


def library(objects: dict[str, str], *, lengths: bool = False) -> Script:
    """A calendar of these objects."""

    def script(method: str, path: str, body: str) -> Reply:
        if "sync-collection" in body:
            listed = (entry(name, length=len(text) if lengths else 0) for name, text in objects.items())
            return Reply(body=answer(*listed, token="t1"))
        wanted = [name for name in objects if f"{CALENDAR}{name}<" in body]
        return Reply(body=answer(*(entry(name, objects[name]) for name in wanted)))

    return script


GOOD = EVENT.format(uid="good", more="")


@pytest.mark.parametrize(
    "broken",
    [
        "no calendar at all",
        GOOD[:-40],
        GOOD.replace("20261202T080000Z", "tomorrow"),
        GOOD.replace("VEVENT", "VALARM"),
        EVENT.format(uid="x", more="RRULE:FREQ=SECONDLY\r\n"),
    ],
)
def test_one_broken_object_is_a_problem_and_hides_no_other(broken):
    with speaking_to(library({"a.ics": GOOD, "b.ics": broken, "c.ics": GOOD})) as (provider, _):
        there = found(provider)
        assert there["b.ics"].problem.endswith(".")
        assert [len(there[name].busy) for name in ("a.ics", "c.ics")] == [1, 1]
        if not broken.startswith("BEGIN") or "SECONDLY" not in broken:
            with pytest.raises(errors.Malformed):
                provider.get(CALENDAR, "b.ics")


def test_a_to_do_in_the_calendar_is_nobody_s_problem():
    todo = GOOD.replace("VEVENT", "VTODO")
    with speaking_to(library({"a.ics": todo})) as (provider, _):
        (one,) = found(provider).values()
        assert (one.problem, one.busy) == ("", ())


@pytest.mark.parametrize("lengths", [True, False])
def test_an_event_of_ten_megabytes_is_not_parsed(lengths):
    huge = EVENT.format(uid="huge", more="ATTACH;VALUE=BINARY:" + "A" * 10_000_000 + "\r\n")
    with speaking_to(library({"a.ics": GOOD, "huge.ics": huge}, lengths=lengths)) as (provider, server):
        there = found(provider)
        assert "too large" in there["huge.ics"].problem
        assert len(there["a.ics"].busy) == 1
        asked_for_it = any("huge.ics" in body for *_, body in server.asked)
        assert asked_for_it is not lengths


def test_a_batch_larger_than_we_read_is_asked_for_in_parts():
    some = {f"{n}.ics": EVENT.format(uid=n, more="X-FILL:" + "A" * 40_000 + "\r\n") for n in range(8)}
    some["big.ics"] = EVENT.format(uid="big", more="X-FILL:" + "A" * 200_000 + "\r\n")
    small = replace(HOME, max_answer_bytes=100_000)
    with speaking_to(library(some), small) as (provider, _):
        there = found(provider)
        assert "too large" in there["big.ics"].problem
        assert all(len(there[f"{n}.ics"].busy) == 1 for n in range(8))


def test_a_server_that_fails_over_one_object_still_shows_the_others():
    script = library({"a.ics": GOOD, "bad.ics": GOOD, "c.ics": GOOD})

    def failing(method: str, path: str, body: str) -> Reply:
        return Reply(500) if "bad.ics" in body else script(method, path, body)

    with speaking_to(failing) as (provider, _):
        there = found(provider)
        assert "HTTP 500" in there["bad.ics"].problem
        assert len(there["c.ics"].busy) == 1


def test_a_server_that_fails_over_everything_has_no_free_time_to_show():
    script = library({"a.ics": GOOD, "b.ics": GOOD})

    def failing(method: str, path: str, body: str) -> Reply:
        return script(method, path, body) if "sync-collection" in body else Reply(500)

    with speaking_to(failing) as (provider, _), pytest.raises(errors.Transient):
        pages(provider)


# --- XML

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<multistatus xmlns="DAV:"><sync-token>&b;</sync-token></multistatus>'
)
THIEF = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    '<multistatus xmlns="DAV:"><sync-token>&a;</sync-token></multistatus>'
)


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        THIEF,
        BOMB.encode("utf-16"),
        "<html><body>Please sign in</body></html>",
        '<?xml version="1.0"?><multistatus xmlns="DAV:"><response>',
        "",
        "<a>" * 200_000,
        '<multistatus xmlns="DAV:">&undefined;</multistatus>',
        b"\xff\xfe\x00garbage",
    ],
)
def test_an_answer_that_is_none_is_refused_in_words(body):
    raw = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(Unreadable) as refused:
        multistatus(raw)
    assert str(refused.value).endswith(".")
    with speaking_to(lambda *_: Reply(body=raw)) as (provider, _):
        with pytest.raises(errors.Rejected):
            provider.calendars()
        with pytest.raises(errors.Rejected):
            pages(provider)


@pytest.mark.parametrize("what", ["create", "update", "delete", "read", "look", "list"])
def test_a_web_page_in_the_servers_place_is_not_believed(what):
    """Maintenance and hotspots say *200 OK* to everything, to a PUT and a DELETE as well."""
    page = Reply(200, "\n<!DOCTYPE html><html><body>Back soon</body></html>")
    objects = library({"a.ics": GOOD})

    def script(method: str, path: str, body: str) -> Reply:
        return objects(method, path, body) if what == "update" and method == "REPORT" else page

    does = {
        "read": pages,
        "look": lambda provider: provider.get(CALENDAR, "a.ics"),
        "list": lambda provider: provider.calendars(),
    }
    with speaking_to(script) as (provider, _):
        with pytest.raises(errors.Transient, match="A web page answers") as raised:
            does[what](provider) if what in does else write(provider, what)
        assert raised.value.outcome_unknown == (what not in does)


def test_an_endless_answer_is_not_read_to_its_end():
    small = replace(HOME, max_answer_bytes=1_000_000)
    endless = Reply(body=b" " * 30_000_000)
    with (
        speaking_to(lambda *_: endless, small) as (provider, _),
        pytest.raises(errors.Rejected, match="too large"),
    ):
        provider.calendars()


# --- statuses


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, errors.AccessLost),
        (403, errors.CalendarGone),
        (404, errors.CalendarGone),
        (410, errors.CalendarGone),
        (429, errors.Transient),
        (500, errors.Transient),
        (503, errors.Transient),
        (507, errors.Rejected),
    ],
)
def test_what_a_status_means_when_an_event_is_read(status, fault):
    with speaking_to(lambda *_: Reply(status)) as (provider, _):
        with pytest.raises(fault) as raised:
            provider.get(CALENDAR, "a.ics")
        assert str(raised.value).endswith(".")
        assert "pass" not in str(raised.value).split()


def test_retry_after_is_passed_on_in_seconds():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    settings = replace(HOME, clock=lambda: now)
    later = f"{now + timedelta(minutes=2):%a, %d %b %Y %H:%M:%S GMT}"
    for value, seconds in (("7", 7), (later, 120), ("soon", None), ("9999999", 86_400)):
        reply = Reply(503, headers={"Retry-After": value})
        with speaking_to(lambda *_, r=reply: r, settings) as (provider, _):
            with pytest.raises(errors.Transient) as raised:
                pages(provider)
            assert raised.value.retry_after == seconds


@pytest.mark.parametrize("status", [400, 403, 405, 409, 412, 415, 418, 500, 501])
def test_any_refusal_of_a_cursor_means_it_is_not_known(status):
    with speaking_to(lambda *_: Reply(status)) as (provider, _), pytest.raises(errors.CursorExpired):
        pages(provider, "sync:t0")


def test_a_truncated_answer_is_continued_with_the_new_token():
    cut = f"<response><href>{CALENDAR}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
    gone = f"<response><href>{CALENDAR}b.ics</href><status>HTTP/1.1 404 Not Found</status></response>"

    def script(method: str, path: str, body: str) -> Reply:
        if "multiget" in body:
            return Reply(body=answer(entry("a.ics", GOOD), entry("c.ics", GOOD)))
        if ">t0<" in body:
            return Reply(body=answer(entry("a.ics"), entry("b.ics"), cut, token="t1"))
        return Reply(body=answer(gone, entry("c.ics"), token="t2"))

    with speaking_to(script) as (provider, _):
        (page,) = pages(provider, "sync:t0")
        assert {one.id for one in page.changed} == {"a.ics", "c.ics"}
        assert (list(page.removed), page.cursor) == (["b.ics"], "sync:t2")


def test_a_server_that_truncates_in_circles_is_left():
    cut = f"<response><href>{CALENDAR}</href><status>HTTP/1.1 507 X</status></response>"
    circle = Reply(body=answer(cut, token="t1"))
    with speaking_to(lambda *_: circle) as (provider, _), pytest.raises(errors.CursorExpired):
        pages(provider, "sync:t1")


# --- writes


@pytest.mark.parametrize("what", ["create", "update", "delete"])
@pytest.mark.parametrize("reply", [Reply(hang_up=True), Reply(500), Reply(504)])
def test_a_write_without_an_answer_may_have_happened(what, reply):
    objects = library({"a.ics": GOOD})

    def script(method: str, path: str, body: str) -> Reply:
        return reply if method in ("PUT", "DELETE") else objects(method, path, body)

    with speaking_to(script) as (provider, server):
        with pytest.raises(errors.Transient) as raised:
            write(provider, what)
        assert raised.value.outcome_unknown
        assert sum(method in ("PUT", "DELETE") for method, *_ in server.asked) == 1


def write(provider: CalendarProvider, what: str) -> None:
    if what == "create":
        provider.create(CALENDAR, fresh(), content())
    elif what == "update":
        provider.update(CALENDAR, "a.ics", content(), version="1")
    else:
        provider.delete(CALENDAR, "a.ics", version="1")


def test_a_server_that_is_not_there_has_not_done_anything():
    with scripted(lambda *_: Reply()) as server:
        url = server.url
    secret = {"principal": f"{url}/", "homes": [f"{url}/cal/"], "user": "a", "password": "b"}
    provider = open_provider("caldav", secret, HOME)
    with pytest.raises(errors.Transient) as raised:
        provider.create(CALENDAR, fresh(), content())
    assert not raised.value.outcome_unknown
    provider.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, ""),
        (403, '<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav"/></error>'),
        (400, "Calendar object with uid already exists in this calendar collection."),
    ],
)
def test_a_uid_that_is_not_taken_again_asks_for_the_next_generation(status, body):
    def script(method: str, path: str, asked: str) -> Reply:
        return Reply(status, body) if method == "PUT" else Reply(body=answer(entry("")))

    with speaking_to(script) as (provider, _), pytest.raises(errors.IdentityTaken):
        provider.create(CALENDAR, fresh(), content())


def test_a_server_that_renames_what_it_is_given_is_understood():
    identity = fresh()
    kept: dict[str, str] = {}

    def script(method: str, path: str, asked: str) -> Reply:
        if method == "PUT":
            kept["renamed.ics"] = asked
            return Reply(409, "a uid conflict: it exists")
        return Reply(body=answer(*(entry(name, text) for name, text in kept.items())))

    with speaking_to(script) as (provider, _):
        made = provider.create(CALENDAR, identity, content())
        assert (made.id, made.identity) == ("renamed.ics", identity)


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', '"1-gzip"', "1", 'W/"1-gzip"'])
def test_etags_are_compared_bare_and_sent_quoted(etag):
    def script(method: str, path: str, body: str) -> Reply:
        if method == "PUT":
            return Reply(204)
        return Reply(body=answer(entry("a.ics", GOOD, etag=etag)))

    with speaking_to(script) as (provider, server):
        there = provider.get(CALENDAR, "a.ics")
        assert there.version == "1"
        provider.update(CALENDAR, "a.ics", replace(there.content, title="y"), version="1")
        (put,) = [headers for method, _, headers, _ in server.asked if method == "PUT"]
        assert put["If-Match"] == '"1"'


def test_a_change_between_our_write_and_reading_it_back_is_not_taken_for_ours():
    moved = GOOD.replace("T080000Z", "T100000Z").replace("T090000Z", "T110000Z")
    state = {"text": GOOD, "etag": '"1"'}

    def script(method: str, path: str, body: str) -> Reply:
        if method == "PUT":
            state.update(text=moved, etag='"3"')  # the owner is quicker than our second look
            return Reply(204, headers={"ETag": '"2"'})
        return Reply(body=answer(entry("a.ics", state["text"], etag=state["etag"])))

    with speaking_to(script) as (provider, _):
        before = provider.get(CALENDAR, "a.ics")
        written = provider.update(CALENDAR, "a.ics", replace(before.content, title="y"), version="1")
        assert written.content.when == before.content.when
        assert written.version == "2"
        assert provider.get(CALENDAR, "a.ics").content.when != before.content.when


def test_a_put_for_an_event_that_vanished_meanwhile_does_not_make_it_anew():
    state = {"there": True}

    def script(method: str, path: str, body: str) -> Reply:
        if method == "PUT":
            state["there"] = False
            return Reply(412)
        if method == "PROPFIND":
            return Reply(404)
        return Reply(body=answer(*([entry("a.ics", GOOD)] if state["there"] else [])))

    with speaking_to(script) as (provider, _), pytest.raises(errors.Gone):
        provider.update(CALENDAR, "a.ics", content(NINE), version="1")


# --- ways out of the network


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "https://elsewhere.example.net/dav/",
        "file:///etc/passwd",
        "http://127.0.0.2:1/",
        "http://127.0.0.1:1/",
        "https://xn--/",
        "http://[::1",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(target):
    reply = Reply(302, headers={"Location": target})
    with speaking_to(lambda *_: reply) as (provider, server):
        with pytest.raises(errors.CalendarGone) as raised:
            provider.get(CALENDAR, "a.ics")
        assert str(raised.value).endswith(".")
        assert len(server.asked) == 1
    with scripted(lambda *_: reply) as server:
        with pytest.raises(errors.AddressRefused):
            authorize(address=server.url, user="ana", password="p", settings=HOME)
        assert not any("Authorization" in headers for *_, headers, _ in server.asked)


def test_a_redirect_within_the_server_is_followed_with_method_body_and_password():
    def script(method: str, path: str, body: str) -> Reply:
        if path.startswith("/cal/"):
            return Reply(301, headers={"Location": path.replace("/cal/", "/moved/")})
        return Reply(body=answer(entry("a.ics", GOOD).replace("/cal/", "/cal/")))

    with speaking_to(script) as (provider, server):
        assert provider.get(CALENDAR, "a.ics").content.title == "x"
        first, second = server.asked
        assert (first[0], first[3]) == (second[0], second[3])
        assert second[2]["Authorization"].startswith("Basic ")


def test_redirects_without_end_are_left():
    with speaking_to(lambda *_: Reply(301, headers={"Location": "/again/"})) as (provider, server):
        with pytest.raises(errors.Rejected):
            provider.get(CALENDAR, "a.ics")
        assert len(server.asked) == 6


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    wanted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        ["openssl", *wanted.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain],
        check=True,
        capture_output=True,
    )
    return key, chain


def test_a_certificate_nobody_vouches_for_stops_everything(certificate):
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with scripted(lambda *_: Reply(401, headers={"WWW-Authenticate": "Basic"}), context=context) as server:
        with pytest.raises(errors.Unreachable, match="certificate"):
            authorize(address=server.url, user="ana", password="p", settings=HOME)
        assert server.asked == []
        trusting = replace(HOME, ca_file=str(chain))
        with pytest.raises(errors.WrongPassword):
            authorize(address=server.url, user="ana", password="p", settings=trusting)


def test_a_server_that_forgets_its_own_tls_is_asked_safely_all_the_same(certificate):
    """Behind a proxy many servers redirect to http://; the password must not follow there."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    def script(method: str, path: str, body: str) -> Reply:
        if path == "/dav/":
            return Reply(401, headers={"WWW-Authenticate": "Basic"})
        return Reply(301, headers={"Location": "http://127.0.0.1/dav/"})

    with scripted(script, context=context) as server:
        with pytest.raises(errors.WrongPassword):
            authorize(address=server.url, user="a", password="p", settings=replace(HOME, ca_file=str(chain)))
        assert any(path == "/dav/" and "Authorization" in headers for _, path, headers, _ in server.asked)
