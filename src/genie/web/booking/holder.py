"""Who holds a slot: a random name that only this visitor's browser knows, kept by us as a keyed hash.

It travels in a cookie of our own and in the form itself, so that a hold is known again where cookies are not.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from genie.store.keyed import keyed

NAME = "visitor"
AN_HOUR = 3600
"""Seconds. Longer than any hold; nobody is to be recognised the next day."""


@dataclass(frozen=True, slots=True)
class Holder:
    """`value` is what the tables know (`Hold.visitor`), `signed` what cookie and form carry; both "" for
    somebody who has held nothing."""

    value: str = ""
    signed: str = ""


NOBODY = Holder()


def holder_of(request: HttpRequest) -> Holder:
    """By the sent form first: it belongs to this page."""
    for signed in filter(None, (request.POST.get(NAME), request.COOKIES.get(NAME))):
        try:
            return _holder(_signer().unsign(signed), signed)
        except BadSignature:
            continue
    return NOBODY


def new_holder() -> Holder:
    name = secrets.token_urlsafe(18)
    return _holder(name, _signer().sign(name))


def remember_holder(response: HttpResponse, holder: Holder) -> None:
    response.set_cookie(
        NAME,
        holder.signed,
        max_age=AN_HOUR,
        path="/book",
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _holder(name: str, signed: str) -> Holder:
    return Holder(keyed("visitor", name), signed)


def _signer() -> Signer:
    return Signer(salt="visitor who holds a slot")
