"""**Remote Authorization**: the company's keys, and the links that make new ones."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from genie.core.errors import ProviderFault
from genie.core.rights import Right
from genie.flows.check_key import check_key
from genie.flows.create_registration_link import NotOffered, create_registration_link, token_of
from genie.flows.delete_key import KeyInUse, delete_key
from genie.flows.open_registration_link import why_closed
from genie.flows.revoke_registration_link import revoke_registration_link
from genie.flows.wired import provider_settings
from genie.store.models import Company, RegistrationLink, RemoteKey
from genie.store.queries.remote_calendars import connections_by_key, schedules_by_key, where_used
from genie.store.sealed import Unreadable
from genie.web.dashboard.access import CompanyRequest, for_company, user_of
from genie.web.dashboard.remote.accounts import account_keys
from genie.web.dashboard.remote.whose import Whose, calendar_address, whose_or_404
from genie.web.dashboard.remote.words import discarded, key_name, kinds, not_checked


@for_company(Right.CONNECT_CALENDARS)
@require_GET
def keys(request: CompanyRequest, company: Company) -> HttpResponse:
    context = {
        "kinds": kinds(provider_settings()),
        "hours": settings.GENIE_LINK_HOURS,
        "made": request.GET.get("made", ""),
        "asker": _asker(company, request.GET),
        **_listed(company),
    }
    return render(request, "dashboard/remote/keys.html", context)


@for_company(Right.CONNECT_CALENDARS)
@require_GET
def key_list(request: CompanyRequest, company: Company) -> HttpResponse:
    """The part of the page in which a new key appears without reloading."""
    context = {"made": request.GET.get("made", ""), **_listed(company)}
    return render(request, "dashboard/remote/_keys.html", context)


def _listed(company: Company) -> dict[str, Any]:
    linked, read = connections_by_key(company.id), schedules_by_key(company.id)
    found = list(account_keys(company.id).select_related("created_by").order_by("-created_at", "-id"))
    rows = [
        {
            "key": key,
            "name": key_name(key.kind),
            "connections": [
                {"of": one, "page": calendar_address(company, one.module, one.staff_id)}
                for one in linked.get(key.id, [])
            ],
            "schedules": read.get(key.id, []),
            "used": key.id in linked or key.id in read,
        }
        for key in found
    ]
    broken = sum(key.state != RemoteKey.State.ACTIVE for key in found)
    return {"rows": rows, "links": _open_links(company), "broken": broken}


def _open_links(company: Company) -> list[dict[str, Any]]:
    now = timezone.now()
    links = RegistrationLink.objects.filter(
        company=company, used_at=None, revoked_at=None, expires_at__gt=now
    ).select_related("key", "created_by")
    return [
        {"link": link, "name": key_name(link.kind), "address": _address(link)}
        for link in links.order_by("-created_at", "-id")
        if why_closed(link, now=now) is None
    ]


def _address(link: RegistrationLink) -> str:
    """The whole address to hand on; empty if it was sealed under a key this installation lost."""
    try:
        return settings.GENIE_PUBLIC_URL + reverse("registration", kwargs={"token": token_of(link)})
    except Unreadable:
        return ""


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def create_link(request: CompanyRequest, company: Company) -> HttpResponse:
    """**Create a new Remote Auth**."""
    try:
        made = create_registration_link(
            company=company,
            kind=request.POST.get("kind", ""),
            user=user_of(request),
            hours=settings.GENIE_LINK_HOURS,
            settings=provider_settings(),
            now=timezone.now(),
        )
    except NotOffered:
        messages.error(
            request,
            "No link was made: this calendar system cannot be connected on this installation. "
            "Choose another one, or ask whoever runs the installation to set it up.",
        )
        return _back(request, company)
    return _back(request, company, made=made.link)


@for_company(Right.CONNECT_CALENDARS)
@require_http_methods(["GET", "HEAD", "POST"])
def reauthorize(request: CompanyRequest, company: Company, key_id: int) -> HttpResponse:
    """A link that only the key's own account can answer. Letters about a lost access lead here."""
    key = get_object_or_404(account_keys(company.id), id=key_id)
    if request.method != "POST":
        context = {"key": key, "name": key_name(key.kind), "places": where_used(key)}
        return render(request, "dashboard/remote/reauthorize.html", context)
    try:
        made = create_registration_link(
            company=company,
            kind=key.kind,
            user=user_of(request),
            hours=settings.GENIE_LINK_HOURS,
            settings=provider_settings(),
            now=timezone.now(),
            reauthorizes=key,
        )
    except NotOffered:
        messages.error(request, "No link was made: keys of this kind cannot be renewed in this version.")
        return _back(request, company)
    return _back(request, company, made=made.link)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def revoke_link(request: CompanyRequest, company: Company, link_id: int) -> HttpResponse:
    get_object_or_404(RegistrationLink, company=company, id=link_id)
    if revoke_registration_link(company_id=company.id, link_id=link_id, now=timezone.now()):
        messages.success(request, "The link is revoked: it opens for nobody any more.")
    else:
        messages.info(request, "That link was used or revoked already.")
    return _back(request, company)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def discard_key(request: CompanyRequest, company: Company, key_id: int) -> HttpResponse:
    key = get_object_or_404(account_keys(company.id), id=key_id)
    try:
        taken_back = delete_key(
            company_id=company.id, key_id=key.id, settings=provider_settings(), now=timezone.now()
        )
    except KeyInUse as used:
        messages.error(
            request,
            f"The key of {key.label} was kept, because it is used by {', '.join(used.places)}. "
            "Unlink the calendar or remove it from the schedule first, then discard the key.",
        )
    except RemoteKey.DoesNotExist:
        messages.info(request, "That key was discarded already.")
    else:
        level = messages.SUCCESS if taken_back else messages.WARNING
        messages.add_message(request, level, discarded(key, taken_back=taken_back))
    return _back(request, company)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def check(request: CompanyRequest, company: Company, key_id: int) -> HttpResponse:
    key = get_object_or_404(account_keys(company.id), id=key_id)
    try:
        works = check_key(key=key, settings=provider_settings(), now=timezone.now())
    except ProviderFault as fault:
        messages.error(request, not_checked(key, fault))
        return _back(request, company)
    if works:
        messages.success(request, f"The key of {key.label} works.")
    else:
        messages.error(
            request,
            f"The key of {key.label} does not open its account any more, so nothing is sent or read with it. "
            "Press Re-authorize and have the account's owner sign in again.",
        )
    return _back(request, company)


def _asker(company: Company, given: QueryDict) -> Whose | None:
    """The linked calendar for whose sake somebody came here: `for` its module, `staff` its person."""
    slug, number = given.get("for", ""), given.get("staff", "")
    staff_id = int(number) if number.isdecimal() and len(number) < 19 else None
    try:
        return whose_or_404(company, slug, staff_id) if slug else None
    except Http404:
        return None


def _back(request: CompanyRequest, company: Company, *, made: RegistrationLink | None = None) -> HttpResponse:
    address = reverse("remote_keys", kwargs={"slug": company.slug})
    asker = _asker(company, request.POST)
    asked = [f"made={made.id}"] if made else []
    if asker is not None:
        asked.append(f"for={asker.module.slug}")
        if asker.staff is not None:
            asked.append(f"staff={asker.staff.pk}")
    query = f"?{'&'.join(asked)}" if asked else ""
    return redirect(f"{address}{query}{'#registration-links' if made else ''}")
