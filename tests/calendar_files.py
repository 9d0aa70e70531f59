"""A real HTTP server that hands out calendar files, and remembers how it was asked."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What one path answers. With `validators` a request that names its version gets a 304."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    validators: bool = True
    packed: bool = False
    pieces: Callable[[], Iterator[bytes]] | None = None
    """In place of `body`: sent without a length, for as long as the other side reads."""


@dataclass
class Files:
    """The server: put a `Served` under a path. `asked` holds (path, headers) of each request."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, text: str, path: str = "/secret-token-1/basic.ics", **more: object) -> str:
        """The address of a file with this text."""
        self.files[path] = Served(text.replace("\n", "\r\n").encode(), **more)  # type: ignore[arg-type]
        return f"{self.url}{path}"

    def serve(self, path: str, **what: object) -> str:
        self.files[path] = Served(**what)  # type: ignore[arg-type]
        return f"{self.url}{path}"


@contextlib.contextmanager
def calendar_files() -> Iterator[Files]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            there.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            served = there.files.get(self.path, Served(status=404))
            if served.pieces is not None:
                self.stream(served)
                return
            etag = f'"{hashlib.sha256(served.body).hexdigest()[:16]}"'
            known = self.headers.get("If-None-Match") == etag and served.validators and served.status == 200
            body = b"" if known else gzip.compress(served.body) if served.packed else served.body
            self.send_response(304 if known else served.status)
            headers = dict(served.headers)
            if served.validators:
                headers["ETag"] = etag
            if served.packed and not known:
                headers["Content-Encoding"] = "gzip"
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def stream(self, served: Served) -> None:
            assert served.pieces is not None
            self.close_connection = True
            self.send_response(200)
            for name, value in {**served.headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in served.pieces():
                    self.wfile.write(piece)
                    self.wfile.flush()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Files(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()


def calendar(*events: str, head: str = "") -> str:
    inner = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n{head}{inner}END:VCALENDAR\n"


def event(uid: str, start: str = "20261201T080000Z", *more: str, lasts: str = "PT1H") -> str:
    """An event in UTC; `start` as iCalendar writes it."""
    return "\n".join(
        (f"UID:{uid}", "DTSTAMP:20261101T000000Z", f"DTSTART:{start}", f"DURATION:{lasts}", *more)
    )
