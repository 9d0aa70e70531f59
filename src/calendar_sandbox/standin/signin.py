"""What the sign-in pages of the stand-ins do alike: who is offered, what a browser remembers, the policy.

There are no passwords. A browser remembers the accounts it chose in one cookie of each stand-in.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from calendar_sandbox.guard import POLICY
from calendar_sandbox.pages import page
from calendar_sandbox.standin.clients import origin_of


@dataclass(frozen=True)
class Face:
    """An account as it is offered."""

    address: str
    name: str
    signed_in: bool = False


def signin_page(
    name: str, system: str, *, redirect_uri: str = "", status: int = 200, **values: Any
) -> Response:
    """Render a page below `templates/signin/`, in the frame that says whose stand-in it is.

    With `redirect_uri` its forms may end at the app: browsers hold a form's redirects to the policy too.
    """
    answer = page(f"signin/{name}", status=status, system=system, **values)
    if redirect_uri:
        allowed = f"form-action 'self' {origin_of(redirect_uri)}"
        answer.headers["Content-Security-Policy"] = POLICY.replace("form-action 'self'", allowed)
    return answer


def remembered(request: Request, cookie: str) -> list[str]:
    """The accounts this browser chose; nothing for a cookie that is not one of ours."""
    try:
        named = json.loads(base64.urlsafe_b64decode(request.cookies.get(cookie, "")))
        return [str(one) for one in named]
    except (ValueError, TypeError, binascii.Error):
        return []


def remember(answer: Response, cookie: str, accounts: Iterable[str]) -> None:
    named = json.dumps(list(accounts)).encode()
    answer.set_cookie(cookie, base64.urlsafe_b64encode(named).decode(), httponly=True, samesite="lax")


def basic_of(request: Request) -> tuple[str, str] | None:
    """Read the client's id and secret from HTTP Basic, RFC 6749 2.3.1 (form-encoded inside).

    None when there is nothing of the kind; raise ValueError when it cannot be read.
    """
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    id_, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    if not colon:
        raise ValueError("no colon")
    return unquote_plus(id_), unquote_plus(secret)


def text_of(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
