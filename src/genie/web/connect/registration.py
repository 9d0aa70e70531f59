"""The registration page: an account's owner, a stranger here, grants a company access to its calendars."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from genie.core.errors import ConnectFault
from genie.flows.begin_sign_in import sign_in_pages
from genie.flows.complete_registration import WrongAccount
from genie.flows.create_registration_link import NotOffered
from genie.flows.open_registration_link import LinkClosed, open_registration_link
from genie.flows.register_typed import register_typed
from genie.flows.wired import provider_settings
from genie.providers.port import TypedField, TypedSignIn
from genie.providers.registry import kind_of, typed_sign_in
from genie.store.models import RegistrationLink
from genie.web.connect import sign_in
from genie.web.connect.frame import closed, done, in_private

UNPROCESSABLE = 422
WIDE = "w-full"


def form_of(sign_in: TypedSignIn) -> type[forms.Form]:
    """The form that asks for what is to be typed. A secret is never sent back, not even after an error."""
    fields = {one.name: _field_of(one) for one in sign_in.fields}
    return type("TypedForm", (forms.Form,), fields)


def _field_of(asked: TypedField) -> forms.CharField:
    attributes = {"class": WIDE, **asked.attributes}
    return forms.CharField(
        label=asked.label,
        max_length=asked.longest,
        strip=not asked.secret,
        help_text=asked.help,
        widget=forms.PasswordInput(render_value=False, attrs=attributes)
        if asked.secret
        else forms.TextInput(attrs=attributes),
        error_messages={"required": asked.missing},
    )


# No session or cookie gives a right here, only the token in the address does; whoever knows it needs no
# forged request. And without a referrer browsers say `Origin: null`, which Django's check would refuse.
@csrf_exempt
@in_private
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables("token")
def registration(request: HttpRequest, token: str) -> HttpResponse:
    try:
        link = open_registration_link(token=token, now=timezone.now())
        pages = sign_in_pages(link.kind, provider_settings())
        if pages is not None:
            return sign_in.registration(request, link, token, pages)
        typed = typed_sign_in(link.kind, provider_settings())
        if typed is None:
            raise NotOffered(link.kind)
        if request.method == "POST":
            return _submitted(request, link, token, typed)
        return _page(request, link, typed, form_of(typed)())
    except LinkClosed as end:
        return closed(request, end.reason)
    except NotOffered:
        return sign_in.not_offered(request)


@sensitive_variables("token", "form")
def _submitted(request: HttpRequest, link: RegistrationLink, token: str, typed: TypedSignIn) -> HttpResponse:
    form = form_of(typed)(request.POST)
    if not form.is_valid():
        return _page(request, link, typed, form)
    try:
        key = register_typed(
            token=token, typed=form.cleaned_data, settings=provider_settings(), now=timezone.now()
        )
    except ConnectFault as fault:
        beside = (name for kind, name in typed.beside.items() if isinstance(fault, kind))
        form.add_error(next(beside, None), str(fault))
        return _page(request, link, typed, form)
    except WrongAccount as other:
        form.add_error(
            typed.who,
            f"{other.signed_in} signed in, but this link renews the access of {other.wanted}. Nothing was "
            f"changed. Sign in as {other.wanted}, or ask the company for a link for a new account.",
        )
        return _page(request, link, typed, form)
    return done(request, key)


def _page(request: HttpRequest, link: RegistrationLink, typed: TypedSignIn, form: forms.Form) -> HttpResponse:
    context = {
        "link": link,
        "company": link.company,
        "kind": kind_of(link.kind),
        "access": typed.access,
        "title": typed.title,
        "form": form,
        "parts": [(form[one.name], one) for one in typed.fields],
        "again": next((one.label for one in typed.fields if one.secret), ""),
        "host": request.get_host(),
        "renews": link.key,
    }
    return render(request, "connect/typed.html", context, status=UNPROCESSABLE if form.errors else 200)
