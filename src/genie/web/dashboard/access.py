"""The gate of every dashboard page: a login, a company the user may reach, and a right."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import patch_cache_control

from genie.core.rights import Right, may
from genie.store.models import Company, Role, User
from genie.store.queries.tenancy import company_for

LAST_COMPANY = "last_company"
"""Session key: slug of the company the user looked at last."""

View = Callable[..., HttpResponseBase]
READING = ("GET", "HEAD", "OPTIONS")


class CompanyRequest(HttpRequest):
    """A request that passed the gate (an annotation only; requests stay Django's)."""

    user: User
    company: Company


def for_company(right: Right, *, to_change: Right | None = None) -> Callable[[View], View]:
    """Let a view be called as `view(request, company, …)` for people who may.

    The address must have a `slug` argument. Anonymous people are sent to the login; a company out of the
    user's reach is 404, as if it did not exist; a missing right is 403. `right` is asked for every
    request, `to_change` in addition for requests that are not GET.
    """

    def gate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            passed = cast(CompanyRequest, request)
            company = company_for(user=passed.user, slug=slug)
            if company is None:
                raise Http404("There is no such company, or it is not one of yours.")
            passed.company = company
            if request.session.get(LAST_COMPANY) != slug:
                request.session[LAST_COMPANY] = slug
            demand(passed.user, right)
            if to_change and request.method not in READING:
                demand(passed.user, to_change)
            response = view(passed, company, *args, **kwargs)
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, private=True, no_cache=True)
            return response

        guarded.right, guarded.to_change = right, to_change  # type: ignore[attr-defined]
        return guarded

    return gate


def for_user(view: View) -> View:
    """Let a view be called by whoever is logged in; others are sent to the login."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_login(request)
        return view(request, *args, **kwargs)

    return guarded


def user_of(request: HttpRequest) -> User:
    """The user of a request that passed `for_user` or `for_company`."""
    return cast(User, request.user)


def demand(user: User, right: Right) -> None:
    """Raise PermissionDenied, in words for the user, unless the user's role has the right."""
    if not may(user.role, right):
        raise PermissionDenied(
            f"Your role, {user.get_role_display()}, does not include this. {who_may(right)}."
        )


def who_may(right: Right) -> str:
    """Who helps somebody without a right: whoever has the least role that includes it."""
    if may(Role.COMPANY_ADMIN, right):
        return "A Company Admin of your company can do it, or an Agency Admin can change your role"
    least = Role.AGENCY_ADMIN if may(Role.AGENCY_ADMIN, right) else Role.AGENCY_SUPER_ADMIN
    return f"An {least.label} of your agency can do it"


def to_login(request: HttpRequest) -> HttpResponseBase:
    """The login, with the way back. A part of a page loaded by htmx sends the whole page there."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": resolve_url("login")})
    return redirect_to_login(request.get_full_path())
