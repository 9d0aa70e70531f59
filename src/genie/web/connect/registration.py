"""The registration page: an account's owner, a stranger here, grants a company access to its calendars."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from genie.core.errors import (
    AddressRefused,
    ConnectFault,
    NoSuchHost,
    NotACalendarServer,
    Unreachable,
    WrongPassword,
)
from genie.flows.complete_registration import WrongAccount
from genie.flows.open_registration_link import TRIES, Closed, LinkClosed, open_registration_link
from genie.flows.register_caldav import register_caldav
from genie.flows.wired import provider_settings
from genie.store.models import RegistrationLink, RemoteKey

GONE, NOT_FOUND, UNPROCESSABLE = 410, 404, 422
WIDE = "w-full"


class CalDavForm(forms.Form):
    """What a CalDAV server wants to know. The password is never sent back, not even after an error."""

    address = forms.CharField(
        label="Server address",
        max_length=500,
        help_text="As your calendar provider says it, for example caldav.fastmail.com.",
        widget=forms.TextInput(
            attrs={
                "class": WIDE,
                "autocomplete": "url",
                "inputmode": "url",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": "caldav.example.com",
            }
        ),
        error_messages={"required": "Type the address of your calendar server."},
    )
    user = forms.CharField(
        label="User",
        max_length=254,
        help_text="Mostly your e-mail address there.",
        widget=forms.TextInput(
            attrs={
                "class": WIDE,
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": "Type the user name you sign in with there."},
    )
    password = forms.CharField(
        label="App password",
        max_length=1000,
        strip=False,
        help_text="Not your usual password, where your provider offers app passwords.",
        widget=forms.PasswordInput(render_value=False, attrs={"class": WIDE, "autocomplete": "off"}),
        error_messages={"required": "Type the app password."},
    )


BESIDE: list[tuple[type[ConnectFault], str]] = [
    (WrongPassword, "password"),
    (NoSuchHost, "address"),
    (Unreachable, "address"),
    (AddressRefused, "address"),
    (NotACalendarServer, "address"),
]
"""The field each fault is said beside; the rest is said above the form."""

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


# No session or cookie gives a right here, only the token in the address does; whoever knows it needs no
# forged request. And without a referrer browsers say `Origin: null`, which Django's check would refuse.
@csrf_exempt
@in_private
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@sensitive_variables("token")
def registration(request: HttpRequest, token: str) -> HttpResponse:
    try:
        link = open_registration_link(token=token, now=timezone.now())
        if request.method != "POST":
            return _page(request, link, CalDavForm())
        return _submitted(request, link, token)
    except LinkClosed as closed:
        return _closed(request, closed.reason)


@sensitive_variables("token", "form")
def _submitted(request: HttpRequest, link: RegistrationLink, token: str) -> HttpResponse:
    form = CalDavForm(request.POST)
    if not form.is_valid():
        return _page(request, link, form)
    try:
        key = register_caldav(
            token=token,
            address=form.cleaned_data["address"],
            user=form.cleaned_data["user"],
            password=form.cleaned_data["password"],
            settings=provider_settings(),
            now=timezone.now(),
        )
    except ConnectFault as fault:
        form.add_error(next((field for kind, field in BESIDE if isinstance(fault, kind)), None), str(fault))
        return _page(request, link, form)
    except WrongAccount as other:
        form.add_error(
            "user",
            f"{other.signed_in} signed in, but this link renews the access of {other.wanted}. Nothing was "
            f"changed. Sign in as {other.wanted}, or ask the company for a link for a new account.",
        )
        return _page(request, link, form)
    return _done(request, key)


def _page(request: HttpRequest, link: RegistrationLink, form: CalDavForm) -> HttpResponse:
    context = {
        "link": link,
        "company": link.company,
        "form": form,
        "host": request.get_host(),
        "renews": link.key,
    }
    return render(request, "connect/registration.html", context, status=UNPROCESSABLE if form.errors else 200)


def _done(request: HttpRequest, key: RemoteKey) -> HttpResponse:
    """Nothing of the company's data: only what the owner granted, and that the window may be closed."""
    return render(request, "connect/done.html", {"label": key.label, "granted": key.granted})


def _closed(request: HttpRequest, reason: Closed) -> HttpResponse:
    title, text = CLOSED[reason]
    status = NOT_FOUND if reason is Closed.UNKNOWN else GONE
    return render(request, "connect/closed.html", {"title": title, "text": text}, status=status)
