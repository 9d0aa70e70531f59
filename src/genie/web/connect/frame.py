"""What the pages for an account's owner have in common: privacy, and the ends a link can come to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from genie.flows.open_registration_link import TRIES, Closed
from genie.providers.registry import kind_of
from genie.store.models import RemoteKey

GONE, NOT_FOUND = 410, 404

CLOSED: dict[Closed, tuple[str, str]] = {
    Closed.UNKNOWN: (
        "This link does not exist",
        "It may have been cut off on its way to you. Open it once more from the message you got it in, or "
        "ask the company that sent it for a new one.",
    ),
    Closed.EXPIRED: (
        "This link has expired",
        "Nothing was connected with it. Ask the company that sent it for a new one.",
    ),
    Closed.USED: (
        "This link has been used",
        "It worked once, and that is done: you may close this window. If it was not you who used it, tell "
        "the company that sent it.",
    ),
    Closed.REVOKED: (
        "This link was withdrawn",
        "The company that sent it does not want it used any more. Nothing was connected. If you still mean "
        "to connect your calendar, ask the company for a new link.",
    ),
    Closed.TOO_MANY_TRIES: (
        "This link is locked",
        f"Somebody tried to sign in with it {TRIES} times without success, so it was locked to protect the "
        "account. Nothing was connected. Ask the company that sent it for a new one.",
    ),
}

View = Callable[..., HttpResponse]


def in_private(view: View) -> View:
    """The token in the address opens the link: it must not be kept, indexed or told to another site."""

    @wraps(view)
    def private(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return private


def done(request: HttpRequest, key: RemoteKey) -> HttpResponse:
    """Nothing of the company's data: only what the owner granted, and that the window may be closed."""
    return render(request, "connect/done.html", {"key": key, "kind": kind_of(key.kind)})


def closed(request: HttpRequest, reason: Closed) -> HttpResponse:
    title, text = CLOSED[reason]
    status = NOT_FOUND if reason is Closed.UNKNOWN else GONE
    return render(request, "connect/closed.html", {"title": title, "text": text}, status=status)
