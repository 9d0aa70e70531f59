"""The registration page: an account's owner, a stranger here, grants a company access to its calendars."""

from __future__ import annotations

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
from genie.flows.begin_sign_in import sign_in_pages
from genie.flows.complete_registration import WrongAccount
from genie.flows.create_registration_link import NotOffered
from genie.flows.open_registration_link import LinkClosed, open_registration_link
from genie.flows.register_caldav import register_caldav
from genie.flows.wired import provider_settings
from genie.providers.registry import kind_of
from genie.store.models import RegistrationLink
from genie.web.connect import sign_in
from genie.web.connect.frame import closed, done, in_private

UNPROCESSABLE = 422
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

ACCESS = (
    "See which account this is (who granted)",
    "See the list of your calendars",
    "View and edit events on your calendars",
)
"""What a password opens; systems with sign-in pages say it in their own words."""


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
        pages = sign_in_pages(link.kind, provider_settings())
        if pages is not None:
            return sign_in.registration(request, link, token, pages)
        return _submitted(request, link, token) if request.method == "POST" else _page(request, link)
    except LinkClosed as end:
        return closed(request, end.reason)
    except NotOffered:
        return sign_in.not_offered(request)


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
    return done(request, key)


def _page(request: HttpRequest, link: RegistrationLink, form: CalDavForm | None = None) -> HttpResponse:
    form = form or CalDavForm()
    context = {
        "link": link,
        "company": link.company,
        "kind": kind_of(link.kind),
        "access": ACCESS,
        "form": form,
        "host": request.get_host(),
        "renews": link.key,
    }
    return render(request, "connect/typed.html", context, status=UNPROCESSABLE if form.errors else 200)
