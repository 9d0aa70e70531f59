"""Servers that take their time: a registration ends within its budget, a request within its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.providers.sides import HOME
from tests.providers.test_caldav_hostile import CALENDAR, Reply, scripted

from genie.core import errors
from genie.providers.addresses import resolve
from genie.providers.caldav.auth import authorize
from genie.providers.deadline import Deadline
from genie.providers.registry import ProviderSettings, open_provider

UNAUTHORIZED = Reply(401, headers={"WWW-Authenticate": "Basic"})


class Clock:
    """Seconds that pass when a server says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def settings(self, **more: float) -> ProviderSettings:
        return replace(HOME, ticks=lambda: self.now, **more)


def sign_in(url: str, settings: ProviderSettings) -> str:
    """Why it failed."""
    with pytest.raises(errors.Unreachable) as refused:
        authorize(address=url, user="ana", password="p", settings=settings)
    return str(refused.value)


@pytest.mark.parametrize("redirects", [False, True])
def test_many_slow_answers_do_not_add_up(redirects):
    clock = Clock()

    def script(method: str, path: str, body: str) -> Reply:
        clock.now += 4
        on = redirects and path.count("x") < 3
        return Reply(302, headers={"Location": f"{path}x"}) if on else Reply(404)

    with scripted(script) as server:
        said = sign_in(server.url, clock.settings())
        assert len(server.asked) == 8, "30 seconds, and not a request more"
    assert "within 30 seconds" in said and "Nothing was saved." in said and said.count(". ") >= 2


def test_the_budget_is_for_all_steps_together():
    """The sign-in's first question and what comes after it, not 30 seconds each."""
    clock = Clock()

    def script(method: str, path: str, body: str) -> Reply:
        clock.now += 12
        return UNAUTHORIZED if len(server.asked) == 1 else Reply(404)

    with scripted(script) as server:
        assert "within 30 seconds" in sign_in(server.url, clock.settings())
        assert len(server.asked) == 3


@contextlib.contextmanager
def trickling(pieces: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """A server that answers its one visitor with these pieces, and then keeps the line open."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = threading.Event()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(65_536)
                for piece in pieces():
                    connection.sendall(piece)
                done.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            done.set()
            thread.join(5)


HEAD = b"HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: 9000\r\n"


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 207 Multi-Status\r\n", HEAD, HEAD + b"\r\n<multistatus"])
def test_an_answer_that_drips_is_not_waited_for(start):
    """A byte now and then keeps every wait short; they count together, in the head of the answer too."""
    clock = Clock()

    def pieces() -> Iterator[bytes]:
        yield start
        for _ in range(40):
            clock.now += 1
            yield b"x"

    with trickling(pieces) as url:
        began = time.monotonic()
        assert "within 30 seconds" in sign_in(url, clock.settings())
        assert time.monotonic() - began < 10, "the real wait for the next byte would be 20 seconds"


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_the_budget():
    with trickling(lambda: iter(())) as url:
        began = time.monotonic()
        sign_in(url, replace(HOME, sign_in_seconds=0.2))
        assert time.monotonic() - began < 5


def test_a_drip_ends_a_single_request_of_the_sync_as_well():
    clock = Clock()

    def pieces() -> Iterator[bytes]:
        for _ in range(200):
            clock.now += 1
            yield b"x"

    with trickling(pieces) as url:
        secret = {"principal": f"{url}/me/", "homes": [f"{url}/cal/"], "user": "a", "password": "b"}
        provider = open_provider("caldav", secret, clock.settings())
        with pytest.raises(errors.Transient, match="in time"):
            provider.get(CALENDAR, "a.ics")
        provider.close()


def test_a_name_that_is_looked_up_for_ever_is_left(monkeypatch):
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(30))
    began = time.monotonic()
    said = sign_in("https://slow.example", replace(HOME, sign_in_seconds=0.2))
    found.set()
    assert time.monotonic() - began < 5
    assert "within 0.2 seconds" in said


def test_a_budget_that_is_spent_asks_nobody():
    with pytest.raises(TimeoutError):
        resolve("localhost", 80, Deadline(lambda: 5.0, at=5.0).left(8))
