"""Clients that ask one address again and again, or send forms, over connections that stay open.

A request is sent as soon as the answer to the one before is there. One thread watches all sockets, so that
the asking takes little of the machine that answers.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from urllib.parse import urlencode

CHUNK = 1 << 18


@dataclass
class Client:
    """One connection. `wanted`: the status of each answer. `took`: seconds of each."""

    port: int
    requests: Iterator[bytes]
    wanted: int = 200
    took: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> bool:
        """Send the next request, if there is one."""
        request = next(self.requests, None)
        if request is None:
            return False
        self._received, self._length = b"", 0
        self._begun = time.perf_counter()
        self.socket.sendall(request)
        return True

    def hear(self) -> bool:
        """Is the whole answer there? Raises AssertionError for another status."""
        self._received += self.socket.recv(CHUNK)
        if not self._length and b"\r\n\r\n" in self._received:
            head = self._received.partition(b"\r\n\r\n")[0].lower()
            if f" {self.wanted} ".encode() not in head[:16]:
                raise AssertionError(head.decode())
            said = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._length = len(head) + 4 + int(said)
        if not self._length or len(self._received) < self._length:
            return False
        self.took.append(time.perf_counter() - self._begun)
        return True


def ask(port: int, path: str, *, clients: int, seconds: float) -> tuple[float, list[float]]:
    """Answers a second, and the seconds of each, of so many clients that ask for so long."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()
    return _played([Client(port, repeat(request)) for _ in range(clients)], seconds=seconds)


def send(port: int, forms: Iterable[tuple[str, Mapping[str, str]]], *, clients: int) -> float:
    """Forms taken a second, each (path, fields) once, by whichever client is free; all lead to a new page."""
    rest = iter([_form(port, path, fields) for path, fields in forms])
    return _played([Client(port, rest, wanted=302) for _ in range(clients)])[0]


def _form(port: int, path: str, fields: Mapping[str, str]) -> bytes:
    token = "x" * 32
    body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: csrftoken={token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _played(everybody: list[Client], *, seconds: float = 3600) -> tuple[float, list[float]]:
    with _watched(everybody) as watched:
        now = begun = time.perf_counter()
        asking = sum(client.ask() for client in everybody)
        while asking and (now := time.perf_counter()) < begun + seconds:
            for key, _ in watched.select(1):
                client = key.data
                if client.hear() and not client.ask():
                    asking -= 1
    took = [one for client in everybody for one in client.took]
    return len(took) / (now - begun), took


@contextmanager
def _watched(everybody: list[Client]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as watched:
        for client in everybody:
            watched.register(client.socket, selectors.EVENT_READ, client)
        yield watched
        for client in everybody:
            client.socket.close()
