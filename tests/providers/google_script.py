"""A server that answers as Google's reference says, one answer after another, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from genie.providers.google.provider import Google
from genie.providers.port import Renew, renew_alone
from genie.providers.registry import ProviderSettings

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SECRET = {
    "refresh_token": "1//lasting",
    "access_token": "ya29.short",
    "expires_at": (NOW + timedelta(hours=1)).isoformat(),
    "scopes": ["https://www.googleapis.com/auth/calendar.events"],
    "sub": "1234567890",
    "email": "ana@example.org",
}
CALENDAR = "team@group.calendar.google.com"
EVENTS = f"/calendar/v3/calendars/{CALENDAR}/events"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body).items()}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None
    """Put into JSON, unless it is bytes."""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection in place of an answer."""
    cut: int = 0
    """So many bytes of the promised ones never come."""


@dataclass
class Script:
    """Answers in order; the last one for ever. An entry may be a function of the request."""

    url: str = ""
    answers: list[Reply | Callable[[Asked], Reply]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def will(self, *answers: Reply | Callable[[Asked], Reply]) -> None:
        self.answers = list(answers)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(asked) if callable(answer) else answer

    def settings(self, **changes: Any) -> ProviderSettings:
        options = {
            "client_id": "ours.apps.googleusercontent.com",
            "client_secret": "s3cret",
            "auth_url": f"{self.url}/o/oauth2/v2/auth",
            "token_url": f"{self.url}/token",
            "revoke_url": f"{self.url}/revoke",
            "userinfo_url": f"{self.url}/v1/userinfo",
            "api_url": f"{self.url}/calendar/v3",
            "units_per_minute": "0",
        }
        given = {"clock": lambda: NOW, "options": {"google": options | changes.pop("options", {})}}
        return ProviderSettings(**(given | changes))

    def provider(
        self, *, secret: dict[str, Any] | None = None, renew: Renew = renew_alone, **changes: Any
    ) -> Google:
        return Google(secret or SECRET, self.settings(**changes), renew)


S = TypeVar("S", bound=Script)


@contextlib.contextmanager
def scripted(sort: type[S] = Script) -> Iterator[S]:  # type: ignore[assignment]
    script = sort(answers=[Reply(500)])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(self.command, unquote(parts.path), query, dict(self.headers), body)
            reply = script.reply(asked)
            if reply.hang_up:
                self.close_connection = True
                return
            raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            raw = b"" if reply.body is None else raw
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw[: len(raw) - reply.cut])
            self.close_connection = reply.cut > 0

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # http.server asks for do_GET and the like
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def refusal(status: int, reason: str, message: str = "No.", domain: str = "global") -> Reply:
    """As the guide to errors shows them."""
    one = {"domain": domain, "reason": reason, "message": message}
    return Reply(status, {"error": {"errors": [one], "code": status, "message": message}})


def event(event_id: str = "foreign1", **changes: Any) -> dict[str, Any]:
    """An event as Google shows one; None takes a key away."""
    whole = {
        "id": event_id,
        "etag": '"3181161784712000"',
        "status": "confirmed",
        "iCalUID": f"{event_id}@google.com",
        "summary": "Dentist",
        "updated": "2026-11-20T10:00:00.000Z",
        "start": {"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-12-01T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "organizer": {"email": CALENDAR, "self": True},
        "eventType": "default",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def page(*items: dict[str, Any], token: str = "next", **more: Any) -> Reply:
    """The last page of a list."""
    return Reply(200, {"timeZone": "Europe/Berlin", "items": list(items), "nextSyncToken": token, **more})
