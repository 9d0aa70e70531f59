"""**Remote Calendar Configuration**: the calendar a module is linked to, and how the two keep in step."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from genie.core.errors import ProviderFault
from genie.core.rights import Right
from genie.flows.connect_calendar import CannotConnect, connect_calendar
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.retry_link import retry_calendar, retry_link
from genie.flows.set_inbound_rules import set_inbound_rules
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import Unlinked, unlink
from genie.flows.watch_calendar import watch_calendar
from genie.flows.wired import provider_settings
from genie.store.models import Company, Connection, Module, RemoteCalendar, RemoteKey
from genie.store.queries.remote_calendars import LIVING
from genie.web.dashboard.access import CompanyRequest, for_company, user_of
from genie.web.dashboard.remote.health import Health, health_of
from genie.web.dashboard.remote.noticing import how_noticed
from genie.web.dashboard.remote.words import key_name, not_listed


class RulesForm(forms.Form):
    inbound_rule = forms.ChoiceField(
        label="When an appointment is moved or deleted in the calendar", choices=Module.InboundRule.choices
    )
    conflict_rule = forms.ChoiceField(
        label="When the calendar and the dashboard changed the same thing",
        choices=Module.ConflictRule.choices,
        help_text="The other value is not lost: it is kept in the appointment's history.",
    )

    @classmethod
    def of(cls, module: Module) -> RulesForm:
        return cls(initial={"inbound_rule": module.inbound_rule, "conflict_rule": module.conflict_rule})


@for_company(Right.CONNECT_CALENDARS)
@require_GET
def configuration(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module = module_of(company, module_slug)
    connection = living_connection(module)
    context: dict[str, Any] = {
        "module": module,
        "connection": connection,
        "keys": _keys(company, connection),
        "rules": RulesForm.of(module),
        **_chosen(request, company, connection),
        **_watched(connection),
    }
    return render(request, "dashboard/remote/configuration.html", context)


@for_company(Right.CONNECT_CALENDARS)
@require_GET
def state(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """The part of the page that follows the connection; when that is another one, the page is reloaded."""
    module = module_of(company, module_slug)
    connection = living_connection(module)
    if request.GET.get("as") != rendered_as(connection):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context = {"module": module, "connection": connection, **_watched(connection)}
    return render(request, "dashboard/remote/_state.html", context)


def rendered_as(connection: Connection | None) -> str:
    return f"{connection.id}-{connection.epoch}-{connection.state}" if connection else "none"


def _watched(connection: Connection | None) -> dict[str, Any]:
    """How it is, and the note that somebody is looking."""
    now = timezone.now()
    health: Health | None = None
    noticed = ""
    if connection is not None:
        watch_calendar(calendar_id=connection.calendar_id, now=now)
        health = health_of(connection, now=now)
        noticed = how_noticed(connection, provider_settings(), now=now)
    return {"health": health, "noticed": noticed, "rendered_as": rendered_as(connection), "now": now}


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def use_key(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """**Use This Key**: ask the provider for the account's calendars, then show them."""
    module = module_of(company, module_slug)
    key = key_of(company, request.POST.get("key", ""))
    try:
        listed = list_remote_calendars(key=key, settings=provider_settings(), now=timezone.now())
    except ProviderFault as fault:
        messages.error(request, not_listed(key, fault))
        return _back(company, module)
    if not listed:
        messages.warning(
            request,
            f"{key.label} has no calendar for events. Make one at the provider, "
            "then press Use This Key again.",
        )
    return _back(company, module, key)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def connect(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """**Connect Calendar**."""
    module = module_of(company, module_slug)
    key = key_of(company, request.POST.get("key", ""))
    try:
        connection = connect_calendar(
            module=module,
            key=key,
            remote_id=request.POST.get("calendar", ""),
            user=user_of(request),
            now=timezone.now(),
        )
    except CannotConnect as refusal:
        messages.error(request, str(refusal))
        return _back(company, module, key)
    messages.success(
        request,
        f"Linked to {connection.calendar.name}. Appointments still to come are being sent there; "
        "customers are not told. Turn real-time updates on to have changes in the calendar come back.",
    )
    return _back(company, module, key)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def realtime(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """**Get real-time Calendar updates**, Off or On."""
    module = module_of(company, module_slug)
    connection = linked_or_404(module)
    set_realtime(
        company_id=company.id,
        connection_id=connection.id,
        on=request.POST.get("on") == "1",
        now=timezone.now(),
    )
    return _back(company, module)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def rules(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module = module_of(company, module_slug)
    form = RulesForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("Choose one of the rules that are offered.")
    set_inbound_rules(
        company_id=company.id,
        module_id=module.id,
        conflict_rule=Module.ConflictRule(form.cleaned_data["conflict_rule"]),
        inbound_rule=Module.InboundRule(form.cleaned_data["inbound_rule"]),
    )
    messages.success(request, "The rules are saved. They apply to changes from now on.")
    return _back(company, module)


SAID: dict[Unlinked, str] = {
    Unlinked.DONE: "Unlinked. Nothing is sent to {calendar} or read from it any more.",
    Unlinked.FINISHING: (
        "Unlinked, but one request to {calendar} that had begun before is still finishing. "
        "Nothing new is sent; it ends by itself within a minute or two."
    ),
    Unlinked.REMOVING: (
        "Unlinking. The copies of appointments still to come are being removed from {calendar}; "
        "this page says when it is done."
    ),
}


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def unlink_token(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """**Unlink Token**; answers only when no request is under way any more."""
    module = module_of(company, module_slug)
    connection = living_connection(module)
    if connection is None:
        messages.info(request, f"{module.name} is not linked to a calendar any more.")
        return _back(company, module)
    outcome = unlink(
        company_id=company.id,
        connection_id=connection.id,
        keep_copies=request.POST.get("copies") != "remove",
        settings=provider_settings(),
        now=timezone.now(),
    )
    level = messages.SUCCESS if outcome is Unlinked.DONE else messages.WARNING
    messages.add_message(request, level, SAID[outcome].format(calendar=connection.calendar.name))
    return _back(company, module)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
def retry(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """*Retry*: one appointment's event (`link`), else the whole calendar."""
    module = module_of(company, module_slug)
    connection = linked_or_404(module)
    link = request.POST.get("link", "")
    if link:
        retry_link(company_id=company.id, link_id=_uuid(link), now=timezone.now())
    else:
        retry_calendar(company_id=company.id, connection_id=connection.id, now=timezone.now())
    messages.info(request, "It is being tried again now; this page follows.")
    return _back(company, module)


def module_of(company: Company, slug: str) -> Module:
    return get_object_or_404(Module.objects.select_related("schedule"), company=company, slug=slug)


def key_of(company: Company, number: str) -> RemoteKey:
    if not number.isdecimal() or len(number) > 18:
        raise Http404("There is no such key.")
    return get_object_or_404(RemoteKey, company=company, id=int(number))


def living_connection(module: Module) -> Connection | None:
    return (
        Connection.objects.filter(module=module, state__in=LIVING)
        .select_related("calendar__key", "module__schedule", "linked_by")
        .first()
    )


def linked_or_404(module: Module) -> Connection:
    connection = living_connection(module)
    if connection is None or connection.state != Connection.State.LINKED:
        raise Http404("This module is not linked to a calendar.")
    return connection


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("There is no such event.") from None


def _keys(company: Company, connection: Connection | None) -> list[dict[str, Any]]:
    keys = RemoteKey.objects.filter(company=company).defer("secret").order_by("created_at", "id")
    used = connection.calendar.key_id if connection else None
    return [{"key": key, "name": key_name(key.kind), "here": key.id == used} for key in keys]


def _chosen(request: CompanyRequest, company: Company, connection: Connection | None) -> dict[str, Any]:
    """The key whose calendars are shown (as they were listed when **Use This Key** was pressed)."""
    number = request.GET.get("key", "")
    if not number:
        return {"chosen": None, "calendars": []}
    key = key_of(company, number)
    calendars = RemoteCalendar.objects.filter(key=key).order_by("id")
    return {
        "chosen": key,
        "chosen_name": key_name(key.kind),
        "calendars": [
            {"calendar": c, "linked": bool(connection and connection.calendar_id == c.id)} for c in calendars
        ],
    }


def _back(company: Company, module: Module, key: RemoteKey | None = None) -> HttpResponse:
    address = reverse("remote_calendar", kwargs={"slug": company.slug, "module_slug": module.slug})
    return redirect(f"{address}?key={key.id}#remote-calendars" if key else address)
