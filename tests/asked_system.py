"""A company's own software that is asked for free times: a real HTTP server, answering as a test tells it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a secret of two sides"


@dataclass
class AskedSystem:
    """`answer` makes the body of each answer from the question; `questions` is what was asked."""

    url: str
    answer: Callable[[dict[str, Any]], object] = lambda _: {"starts": []}
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[tuple[str, str, bytes]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    """Set: it takes the question and does not answer until the test is over."""

    def offers(self, *starts: str) -> None:
        """Of these starts those that are asked about."""
        self.answer = lambda asked: {"starts": [one for one in starts if asked["from"] <= one < asked["to"]]}

    def is_signed(self) -> bool:
        moment, signature, body = self.signatures[-1]
        digest = hmac.new(SECRET.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        return signature == f"v1={digest}"


@contextlib.contextmanager
def asked_system() -> Iterator[AskedSystem]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.signatures.append((self.headers["Genie-Timestamp"], self.headers["Genie-Signature"], body))
            there.questions.append(json.loads(body))
            if there.silent.is_set():
                over.wait(20)
                return
            said = there.answer(there.questions[-1])
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(there.status)
            for name, value in {**there.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = AskedSystem(f"http://127.0.0.1:{server.server_port}/free-times")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield there
    finally:
        over.set()
        server.shutdown()
        server.server_close()
