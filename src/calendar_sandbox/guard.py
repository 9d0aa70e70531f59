"""Headers every answer carries, and the refusal of posts that another site made the browser send."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calendar_sandbox.faults import Forbidden
from calendar_sandbox.pages import problem

# Only style *attributes* are inline: where an event stands on the grid. Scripts and sheets are our files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a form's own post would come with Origin: null
    "Cache-Control": "no-store",
}
READING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] not in READING and _from_elsewhere(Headers(scope=scope)):
            refusal = Forbidden(
                "This request came from another site.",
                "Nothing was changed.",
                "Make the change on the demo calendar's own page.",
            )
            await problem(Request(scope), refusal)(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)


def _from_elsewhere(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is None:  # not a browser, or one that says so in the other header
        return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    return urlsplit(origin).netloc != headers.get("host")
