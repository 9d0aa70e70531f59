"""The way to a provider's own sign-in pages, and back.

What ties the two ends together is known to one browser alone, in a cookie of its own for each sign-in. The
address it comes back with holds a code: it is answered with a redirect to a clean one, always.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from genie.core.errors import (
    ConnectFault,
    Denied,
    NoCalendars,
    NotAllowedThere,
    PermissionMissing,
    SignInExpired,
    Unreachable,
)
from genie.flows.begin_sign_in import LIVES, begin_sign_in
from genie.flows.complete_registration import WrongAccount
from genie.flows.create_registration_link import NotOffered, hash_of, token_of
from genie.flows.finish_sign_in import CameBack, NotFinished, Refusal, SignInRefused, finish_sign_in
from genie.flows.open_registration_link import LinkClosed, why_closed
from genie.flows.wired import provider_settings
from genie.providers.port import SignIn
from genie.providers.registry import FOLDERS, kind_of
from genie.store.models import RegistrationLink, RemoteKey
from genie.store.sealed import Unreadable
from genie.web.connect.frame import CLOSED, GONE, done, in_private
from genie.web.security import policy

FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE, UNAVAILABLE = 403, 404, 409, 422, 503
MINUTES = int(LIVES.total_seconds() // 60)
OUTCOME = "sign_in_ended"
"""The cookie that takes what is to be said to the clean address. Signed; read by that page alone."""

Said = tuple[int, str, str]
"""Status, what happened, and what it means and what to do."""

REFUSED: dict[Refusal, Said] = {
    Refusal.UNKNOWN: (
        400,
        "This sign-in is not known here",
        "The address you came back with was changed on its way, or belongs to a sign-in that is long over. "
        "Nothing was connected. Open the link once more from the message you got it in.",
    ),
    Refusal.ANOTHER_BROWSER: (
        FORBIDDEN,
        "This sign-in was begun in another browser",
        "To protect the account it can only be finished in the browser in which it was begun, with cookies "
        "allowed. Nothing was connected. Open the link from the message you got it in, and go on from there "
        "in the same window.",
    ),
    Refusal.FINISHED_BEFORE: (
        CONFLICT,
        "This sign-in was finished before",
        "Each one works once, and this one is done. If you have seen “Access granted”, all is well: you may "
        "close this window. If not, nothing was connected: begin again with the link.",
    ),
    Refusal.TOO_LATE: (
        GONE,
        "The sign-in took too long",
        f"More than {MINUTES} minutes have passed since it was begun, so to protect the account it counts no "
        "more. Nothing was connected. Try again, as long as the link lives.",
    ),
}

FAULTS: list[tuple[type[ConnectFault], int, str]] = [
    (Denied, FORBIDDEN, "The access was not allowed"),
    (PermissionMissing, FORBIDDEN, "A permission is missing"),
    (NotAllowedThere, FORBIDDEN, "This account may not allow it"),
    (NoCalendars, UNPROCESSABLE, "This account has no calendar"),
    (SignInExpired, GONE, "The sign-in does not count any more"),
    (Unreachable, UNAVAILABLE, "The calendar system does not answer"),
]
"""Each fault's own words follow as they are: they are meant for the owner."""

APPROVED: Said = (
    200,
    "The approval was given",
    "This installation is approved at {signs_in_at} for everybody of the organisation. Nothing was connected "
    "by that: whoever wants to connect a calendar opens the link they were sent once more. You may close "
    "this window.",
)
NOT_APPROVED: Said = (
    FORBIDDEN,
    "The approval was not given",
    "It was declined at {signs_in_at}, so nothing has changed: people of the organisation still cannot "
    "connect their calendars here. To approve it after all, open the address you came from once more.",
)
NOT_OFFERED: Said = (
    UNAVAILABLE,
    "This calendar system cannot be connected at the moment",
    "The installation that sent you here is not set up for it, or not any more. Nothing was connected. Tell "
    "the company that sent you the link; it keeps until the day that stands in the message.",
)
NOTHING_HERE: Said = (
    NOT_FOUND,
    "There is nothing to show here any more",
    "What a sign-in came to is shown right after it, in the same browser. If you have seen “Access granted”, "
    "all is well: you may close this window. If not, open the link once more from the message you got it in.",
)


# --- there


def registration(request: HttpRequest, link: RegistrationLink, token: str, pages: SignIn) -> HttpResponse:
    """The stranger's page, and its one button. Raises LinkClosed and NotOffered."""
    if request.method != "POST":
        return _page(request, link, pages)
    if _from_elsewhere(request):
        return _page(request, link, pages, status=FORBIDDEN)
    return _begun(link, token)


def _from_elsewhere(request: HttpRequest) -> bool:
    """Another site pressed the button, so that the owner never saw who asks (Fetch Metadata, W3C)."""
    return request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")


def _page(request: HttpRequest, link: RegistrationLink, pages: SignIn, *, status: int = 200) -> HttpResponse:
    context = {
        "link": link,
        "company": link.company,
        "kind": kind_of(link.kind),
        "access": pages.access,
        "host": request.get_host(),
        "renews": link.key,
        "pressed_elsewhere": status == FORBIDDEN,
    }
    response = render(request, "connect/pages.html", context, status=status)
    nonce: str = request.csp_nonce  # type: ignore[attr-defined]
    response.headers["Content-Security-Policy"] = policy(nonce, forms_lead_to=_origin(pages))
    return response


def _origin(pages: SignIn) -> str:
    parts = urlsplit(pages.address(state="", challenge="", redirect_uri=""))
    return f"{parts.scheme}://{parts.netloc}"


@sensitive_variables("token", "begun")
def _begun(link: RegistrationLink, token: str) -> HttpResponse:
    way_back = reverse("sign_in_return", kwargs={"kind": link.kind})
    begun = begin_sign_in(
        token=token,
        redirect_uri=settings.GENIE_PUBLIC_URL + way_back,
        settings=provider_settings(),
        now=timezone.now(),
    )
    response = redirect(begun.address)
    _set(response, _cookie_of(begun.state), begun.browser, path=way_back)
    return response


def _cookie_of(state: str) -> str:
    """One for each sign-in: two windows do not disturb each other."""
    return f"sign_in_{hash_of(state)[:16]}"


def _set(response: HttpResponse, name: str, value: str, *, path: str) -> None:
    # Lax: it comes along when the provider's page leads back here, and with nothing else from elsewhere
    response.set_cookie(
        name,
        value,
        max_age=LIVES,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


# --- and back


@in_private
@require_GET
@sensitive_variables("back", "browser")
def came_back(request: HttpRequest, kind: str) -> HttpResponse:
    """Where the provider sends the browser. Whatever it came to is said at a clean address."""
    if approval := _approval(request, kind):
        return _on_to_the_end({"said": approval, "link": None})
    back = CameBack(
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        error=request.GET.get("error", "")[:100],
        description=request.GET.get("error_description", "")[:300],
    )
    cookie = _cookie_of(back.state)
    try:
        browser = request.COOKIES.get(cookie, "")
        key = finish_sign_in(
            kind=kind, back=back, browser=browser, settings=provider_settings(), now=timezone.now()
        )
        outcome: dict[str, Any] = {"key": key.id}
    except NotFinished as failed:
        outcome = {"said": _said(failed), "link": failed.link.id if failed.link else None}
    response = _on_to_the_end(outcome)
    response.delete_cookie(cookie, path=request.path, samesite="Lax")
    return response


def _approval(request: HttpRequest, kind: str) -> Said | None:
    """What to say to an administrator who was asked to approve this installation there; None to others.

    Where the provider's address names none, they are sent to this one. No sign-in of ours has to do with it.
    """
    there = kind_of(kind) if kind in FOLDERS else None
    if there is None or not there.approval or there.approval not in request.GET or "state" in request.GET:
        return None
    status, title, text = NOT_APPROVED if "error" in request.GET else APPROVED
    return status, title, text.format(signs_in_at=there.signs_in_at)


def _on_to_the_end(outcome: dict[str, Any]) -> HttpResponse:
    response = redirect("sign_in_ended")
    sealed = signing.dumps(outcome, salt=OUTCOME, compress=True)
    _set(response, OUTCOME, sealed, path=reverse("sign_in_ended"))
    return response


def _said(failed: NotFinished) -> Said:
    status, title, text = _words(failed.why)
    if failed.left and failed.link:
        kind = kind_of(failed.link.kind)
        text += (
            f" What was granted just now is still open at {kind.signs_in_at}; to close it, {kind.take_back}."
        )
    return status, title, text


def _words(why: Exception) -> Said:
    match why:
        case SignInRefused():
            return REFUSED[why.reason]
        case LinkClosed():
            return GONE, *CLOSED[why.reason]
        case WrongAccount():
            return (
                CONFLICT,
                "This was another account",
                f"{why.signed_in} signed in, but this link renews the access of {why.wanted}. Nothing was "
                f"changed. Try again and choose {why.wanted} there (be signed out of other accounts first), "
                "or ask the company for a link for a new account.",
            )
        case NotOffered():
            return NOT_OFFERED
    title, status = next(
        ((title, status) for kind, status, title in FAULTS if isinstance(why, kind)),
        ("The calendar was not connected", UNPROCESSABLE),
    )
    return status, title, str(why)[:1000]


@in_private
@require_GET
def ended(request: HttpRequest) -> HttpResponse:
    """What the last sign-in of this browser came to; shown again on reload, for as long as it might be."""
    try:
        outcome = signing.loads(request.COOKIES.get(OUTCOME, ""), salt=OUTCOME, max_age=LIVES)
    except signing.BadSignature:
        return _end(request, NOTHING_HERE)
    if "key" not in outcome:
        return _end(request, outcome["said"], again=_again(outcome["link"]))
    key = RemoteKey.objects.filter(id=outcome["key"]).defer("secret").first()
    return done(request, key) if key else _end(request, NOTHING_HERE)


def _again(link_id: int | None) -> str:
    """The link's own address, for whoever has come by it, while it is open."""
    link = RegistrationLink.objects.filter(id=link_id).first() if link_id else None
    if link is None or why_closed(link, now=timezone.now()) is not None:
        return ""
    try:
        return reverse("registration", kwargs={"token": token_of(link)})
    except Unreadable:
        return ""


def not_offered(request: HttpRequest) -> HttpResponse:
    return _end(request, NOT_OFFERED)


def _end(request: HttpRequest, said: Said, *, again: str = "") -> HttpResponse:
    status, title, text = said
    context = {"title": title, "text": text, "again": again}
    return render(request, "connect/closed.html", context, status=status)
