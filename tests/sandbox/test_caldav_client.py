"""The client against two real servers of different habits: a write names the version it was made from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.outside import CalDavServer
from tests.sandbox.conftest import numbers

from calendar_sandbox.caldav_client import CalDavClient
from calendar_sandbox.faults import BadInput, Gone, ServerFault, Stale
from calendar_sandbox.settings import Account

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261124T100000Z\r\nDTEND:20261124T110000Z\r\nSUMMARY:{title}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
NAMED = (
    '<propertyupdate xmlns="DAV:"><set><prop><displayname>By name</displayname></prop></set></propertyupdate>'
)
DAY = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalDavServer:
    found: CalDavServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def calendar(server: CalDavServer) -> str:
    url = server.make_calendar(f"client-{next(numbers)}")
    with server.client() as outside:
        headers = {"Content-Type": "application/xml"}
        assert outside.request("PROPPATCH", url, content=NAMED, headers=headers).status_code == 207
    return urlsplit(url).path


def in_a_thread(conversation: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end; not in this thread, where a browser's own loop may run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, conversation).result()


def play(server: CalDavServer, script: Callable[[CalDavClient], Awaitable[Any]]) -> Any:
    """Run one conversation with the server."""

    async def run() -> Any:
        async with httpx.AsyncClient(timeout=20) as http:
            return await script(
                CalDavClient(http, server.base_url, Account(server.user, server.password), {})
            )

    return in_a_thread(run())


def test_a_calendar_is_found_from_the_servers_address(server: CalDavServer, calendar: str):
    found = {one.href: one for one in play(server, lambda client: client.calendars())}
    assert found[calendar].name == "By name"
    assert found[calendar].writable


def test_an_object_lives_from_creation_to_deletion(server: CalDavServer, calendar: str):
    href = f"{calendar}a.ics"

    async def script(client: CalDavClient) -> None:
        versions = [await client.version(calendar)]
        first = await client.create(href, EVENT.format(uid="a", title="One"))
        versions.append(await client.version(calendar))
        second = await client.update(href, EVENT.format(uid="a", title="Two"), etag=first)
        versions.append(await client.version(calendar))
        (stored,) = await client.objects(calendar, *DAY)
        assert (stored.href, stored.etag) == (href, second)
        assert "SUMMARY:Two" in stored.text
        await client.delete(href, etag=second)
        versions.append(await client.version(calendar))
        assert await client.objects(calendar, *DAY) == []
        assert all(one != other for one, other in pairwise(versions))
        with pytest.raises(Gone):
            await client.get(href)

    play(server, script)


def test_a_version_that_is_no_longer_there_is_never_overwritten(server: CalDavServer, calendar: str):
    href = f"{calendar}b.ics"

    async def script(client: CalDavClient) -> str:
        old = await client.create(href, EVENT.format(uid="b", title="One"))
        await client.update(href, EVENT.format(uid="b", title="Theirs"), etag=old)
        with pytest.raises(Stale):
            await client.update(href, EVENT.format(uid="b", title="Mine"), etag=old)
        with pytest.raises(Stale):
            await client.delete(href, etag=old)
        with pytest.raises(Stale):
            await client.create(href, EVENT.format(uid="b", title="Mine"))
        return (await client.get(href)).text

    assert "SUMMARY:Theirs" in play(server, script)


def test_the_password_stays_with_the_server(server: CalDavServer):
    for elsewhere in ("https://evil.example/x.ics", "//evil.example/x.ics", "http://127.0.0.1:9/x.ics"):
        with pytest.raises(BadInput):
            play(server, lambda client, href=elsewhere: client.get(href))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (301, b""),
        (207, b"<not xml"),
        (200, b"<html></html>"),
        (207, b"<multistatus xmlns='DAV:'/>"),
    ],
)
def test_a_server_that_talks_nonsense_is_a_fault_with_words(status: int, body: bytes):
    answer = httpx.MockTransport(lambda _request: httpx.Response(status, content=body))

    async def run() -> None:
        async with httpx.AsyncClient(transport=answer) as http:
            await CalDavClient(http, "http://caldav.example", Account("a", "b"), {}).calendars()

    with pytest.raises(ServerFault) as caught:
        in_a_thread(run())
    assert caught.value.what
    assert caught.value.action
