"""Clients that ask one address again and again over connections that stay open, from one cheap loop.

A request is sent as soon as the answer to the one before is there. One thread watches all sockets, so that
the asking takes little of the machine that answers.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field

CHUNK = 1 << 18


@dataclass
class Client:
    """One connection. `took`: seconds of each answer."""

    port: int
    request: bytes
    took: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask()

    def ask(self) -> None:
        self._received, self._length = b"", 0
        self._begun = time.perf_counter()
        self.socket.sendall(self.request)

    def hear(self) -> bool:
        """Is the whole answer there? Raises AssertionError for anything but 200."""
        self._received += self.socket.recv(CHUNK)
        if not self._length and b"\r\n\r\n" in self._received:
            head = self._received.partition(b"\r\n\r\n")[0].lower()
            if b" 200 " not in head[:16]:
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
    with selectors.DefaultSelector() as watched:
        everybody = [Client(port, request) for _ in range(clients)]
        for client in everybody:
            watched.register(client.socket, selectors.EVENT_READ, client)
        begun = time.perf_counter()
        while (now := time.perf_counter()) < begun + seconds:
            for key, _ in watched.select(1):
                client = key.data
                if client.hear():
                    client.ask()
        for client in everybody:
            client.socket.close()
    took = [one for client in everybody for one in client.took]
    return len(took) / (now - begun), took
