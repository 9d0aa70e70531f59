"""Large answers: what one costs in memory is bounded, whatever it is made of."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.providers.sides import DECEMBER, HOME
from tests.providers.test_caldav_hostile import (
    CALENDAR,
    EVENT,
    Reply,
    Script,
    answer,
    entry,
    pages,
    speaking_to,
)

from genie.core import errors
from genie.providers.caldav.auth import authorize
from genie.providers.caldav.multistatus import Reader, Response, TooLarge

MB = 1_000_000
START = (
    b'<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
    b"<response><href>/cal/work/a.ics</href><propstat><prop>"
)
END = b"</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"


def most(work: Callable[[], Any]) -> float:
    """The most memory, in MB, that Python and its XML parser took at once, beside what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()


def reading(provider: Any, fault: type[Exception]) -> Callable[[], None]:
    def work() -> None:
        with pytest.raises(fault):
            provider.get(CALENDAR, "a.ics")

    return work


def test_sixty_megabytes_in_one_event_are_not_kept():
    event = EVENT.format(uid="a", more="ATTACH;VALUE=BINARY:" + "A" * 60 * MB + "\r\n")
    reply = Reply(body=answer(entry("a.ics", event)).encode())
    with speaking_to(lambda *_: reply) as (provider, _):
        assert most(reading(provider, errors.Malformed)) < 8


def test_sixty_megabytes_that_say_something_else_are_not_read():
    for reply in (
        Reply(200, b"A" * 60 * MB),
        Reply(500, b"A" * 60 * MB),
        Reply(207, b"<html>" + b"A" * 60 * MB),
    ):
        with speaking_to(lambda *_, r=reply: r) as (provider, _):
            assert most(reading(provider, errors.ProviderFault)) < 4


def test_many_events_take_no_more_than_their_own_text():
    some = {f"{n}.ics": EVENT.format(uid=n, more="X-FILL:" + "A" * 300_000 + "\r\n") for n in range(60)}
    body = answer(*(entry(name, text) for name, text in some.items())).encode()
    listed = answer(*(entry(name) for name in some), token="t1")
    script: Script = lambda method, path, asked: Reply(body=listed if "sync-coll" in asked else body)  # noqa: E731
    with speaking_to(script) as (provider, _):
        found: list[Any] = []
        assert most(lambda: found.extend(pages(provider))) < 1.5 * len(body) / MB
        assert len(found[0].changed) == 60


def listing(entries: int) -> bytes:
    return answer(*(entry(f"{n:040x}.ics", etag=f'"{n:032x}"') for n in range(entries)), token="t").encode()


def test_a_long_listing_takes_less_than_twice_its_text():
    body = listing(6_000)

    def script(method: str, path: str, asked: str) -> Reply:
        return Reply(body=body if "sync-collection" in asked else answer())

    with speaking_to(script) as (provider, _):
        looking = provider.changes(CALENDAR, cursor=None, window=DECEMBER, known={})
        first: list[Any] = []
        assert most(lambda: first.append(next(iter(looking)))) < 2 * len(body) / MB
        assert len(first[0].removed) == 80, "the first of them were looked at, and are not there"


def test_a_listing_without_end_is_refused():
    """Each answer is small; only all of them together are too much."""
    small = replace(HOME, max_answer_bytes=MB)
    page = {"number": 0}
    cut = f"<response><href>{CALENDAR}</href><status>HTTP/1.1 507 X</status></response>"

    def script(method: str, path: str, body: str) -> Reply:
        page["number"] += 1
        names = (entry(f"{page['number']}-{n}.ics") for n in range(500))
        return Reply(body=answer(*names, cut, token=f"t{page['number']}"))

    with speaking_to(script, small) as (provider, server):
        with pytest.raises(errors.Rejected, match="more events than can be read"):
            pages(provider)
        assert len(server.asked) < 20


def forever(piece: Callable[[int], bytes]) -> Iterator[bytes]:
    n = 0
    while True:
        yield piece(n)
        n += 1


SHAPES: dict[str, Callable[[int], bytes]] = {
    "elements": lambda n: b"<a/>" * 10_000,
    "nested and closed": lambda n: b"<a><b><c>x</c></b></a>" * 2_000,
    "attributes": lambda n: b"<a " + b" ".join(b'b%d="%0500d"' % (m, m) for m in range(100)) + b"/>",
    "one attribute": lambda n: b'<a b="' if n == 0 else b"A" * 65_000,
    "one comment": lambda n: b"<!--" if n == 0 else b"A" * 65_000,
    "one name": lambda n: b"<" if n == 0 else b"A" * 65_000,
    "new names": lambda n: b"".join(b"<a%d/>" % m for m in range(n * 5_000, n * 5_000 + 5_000)),
    "new prefixes": lambda n: b"".join(
        b'<p%d:a xmlns:p%d="u"/>' % (m, m) for m in range(n * 2_000, n * 2_000 + 2_000)
    ),
    "texts": lambda n: b"<a>" + b"x" * 60_000 + b"</a>",
    "wide texts": lambda n: b"<a>" + "🌍".encode() + b"x" * 60_000 + b"</a>",
    "blanks": lambda n: b"<a> \n\t</a>" * 5_000,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("each", [None, lambda _: None], ids=["kept", "taken"])
def test_within_one_entry_nothing_grows_without_end(shape, each):
    """What never ends is refused early; no answer of any shape takes more than the room there is."""
    reader = Reader(room=8 * MB, longest=MB, each=each)

    def work() -> None:
        reader.feed(START)
        with pytest.raises(errors.Rejected):
            for piece in forever(SHAPES[shape]):
                reader.feed(piece)

    assert most(work) < 20


def test_what_is_taken_at_once_weighs_nothing_and_what_stands_between_does():
    one = START.split(b">", 2)[2] + END.removesuffix(b"</multistatus>")
    taken: list[Response] = []
    reader = Reader(room=200_000, longest=MB, each=lambda response: taken.append(response) or taken.clear())
    reader.feed(START + END.removesuffix(b"</multistatus>"))
    for _ in range(2_000):
        reader.feed(one)
    with pytest.raises(TooLarge):
        for _ in range(2_000):
            reader.feed(one + b"<x/>")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_a_compressed_answer_is_understood_though_nobody_asked_for_it(coding):
    plain = answer(entry("a.ics", EVENT.format(uid="a", more=""))).encode()
    packed = zlib.compress(plain) if coding == "deflate" else gzip.compress(plain)
    reply = Reply(body=packed, headers={"Content-Encoding": coding})
    with speaking_to(lambda *_: reply) as (provider, _):
        assert provider.get(CALENDAR, "a.ics").content.title == "x"


BOMB = zlib.compress(START + b"<a>" + b"A" * 100 * MB, level=1)


@pytest.mark.parametrize("status", [207, 200, 401])
def test_a_little_that_unpacks_to_very_much_is_not_unpacked(status):
    headers = {"Content-Encoding": "deflate", "WWW-Authenticate": 'Digest realm="x", nonce="abc", qop="auth"'}
    with speaking_to(lambda *_: Reply(status, BOMB, headers)) as (provider, _):
        assert most(reading(provider, errors.ProviderFault)) < 8


def test_a_damaged_compressed_answer_is_said():
    reply = Reply(body=b"not packed at all", headers={"Content-Encoding": "gzip"})
    with speaking_to(lambda *_: reply) as (provider, _), pytest.raises(errors.Rejected, match="unpacked"):
        provider.calendars()


def test_a_refusal_of_sixty_megabytes_is_not_read_before_the_challenge_is_answered():
    challenge = {"WWW-Authenticate": 'Digest realm="x", nonce="abc", qop="auth", algorithm=SHA-256'}
    reply = Reply(401, b"A" * 60 * MB, challenge)

    def work() -> None:
        with pytest.raises(errors.WrongPassword):
            authorize(address=url, user="ana", password="p", settings=HOME)

    with speaking_to(lambda *_: reply) as (_, server):
        url = server.url
        assert most(work) < 8


def test_a_sign_in_reads_little():
    """Whoever has a link can have the web server ask any server, in several threads at once."""
    much = Reply(body=listing(100) + b" " * 9 * MB)
    with (
        speaking_to(lambda *_: much) as (_, server),
        pytest.raises(errors.NotACalendarServer, match="too large"),
    ):
        authorize(address=server.url, user="ana", password="p", settings=HOME)
