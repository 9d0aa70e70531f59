"""Reading a page of the sandbox as a person's browser does, and the app such a person comes back to."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Page(HTMLParser):
    """A page's forms, and the words on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given["action"], "method": given["method"], "fields": []})
        if tag in ("input", "button") and given.get("name"):
            self.forms[-1]["fields"].append(given | {"tag": tag})

    def handle_data(self, data: str) -> None:
        self.words += f"{data.strip()} " if data.strip() else ""

    def form(self, action: str) -> dict[str, Any]:
        (found,) = [form for form in self.forms if form["action"] == action]
        return found

    def hidden(self, action: str) -> dict[str, str]:
        fields = self.form(action)["fields"]
        return {one["name"]: one["value"] for one in fields if one.get("type") == "hidden"}

    def buttons(self, action: str) -> list[str]:
        """What a form's named buttons send, from top to bottom."""
        return [one["value"] for one in self.form(action)["fields"] if one["tag"] == "button"]


class App(http.server.BaseHTTPRequestHandler):
    """The app a person comes back to; what it is told by a form stands on its page."""

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"Back at the app<pre>{text.replace('&', '&amp;')}</pre>".encode())

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def an_app() -> Iterator[str]:
    """Run the app; yields the address a person comes back to."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/back"
        server.shutdown()


def told(window: Any) -> dict[str, str]:
    """What the app is told, when the person in this window is back."""
    window.get_by_text("Back at the app").wait_for()
    posted = window.locator("pre").inner_text()
    return dict(parse_qsl(posted or urlsplit(window.url).query))
