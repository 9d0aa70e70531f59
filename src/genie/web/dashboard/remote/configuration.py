"""**Remote Calendar Configuration**: the calendar linked to a module or one of its team, and how it fares."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Max, Min
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
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
from genie.store.queries.connections import to_send
from genie.web.dashboard.access import CompanyRequest, for_company, user_of
from genie.web.dashboard.remote.accounts import account_keys
from genie.web.dashboard.remote.health import Health, health_of
from genie.web.dashboard.remote.noticing import how_noticed
from genie.web.dashboard.remote.whose import Whose, about_a_calendar
from genie.web.dashboard.remote.words import key_name, not_listed

LISTED = 100
"""Of more appointments that **Connect Calendar** would send the first are listed; all are counted."""


class RulesForm(forms.Form):
    inbound_rule = forms.ChoiceField(
        label="When an appointment is moved or deleted in the calendar",
        choices=Module.InboundRule.choices,
        help_text=(
            "A customer who is asked answers on a page of their own; until then both times are taken. "
            "Deletions are applied and told. Where messages to customers are off, nobody can be asked, and "
            "moves are applied."
        ),
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
@about_a_calendar
def configuration(request: CompanyRequest, whose: Whose) -> HttpResponse:
    context: dict[str, Any] = {
        "keys": _keys(whose),
        "rules": RulesForm.of(whose.module),
        **_chosen(request, whose),
        **_watched(whose),
    }
    return render(request, "dashboard/remote/configuration.html", context)


@for_company(Right.CONNECT_CALENDARS)
@require_GET
@about_a_calendar
def state(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """The part of the page that follows the connection; when that is another one, the page is reloaded."""
    if request.GET.get("as") != rendered_as(whose.connection):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "dashboard/remote/_state.html", _watched(whose))


def rendered_as(connection: Connection | None) -> str:
    return f"{connection.id}-{connection.epoch}-{connection.state}" if connection else "none"


def _watched(whose: Whose) -> dict[str, Any]:
    """How it is, and the note that somebody is looking."""
    now, connection = timezone.now(), whose.connection
    health: Health | None = None
    noticed = ""
    if connection is not None:
        watch_calendar(calendar_id=connection.calendar_id, now=now)
        health = health_of(connection, now=now)
        noticed = how_noticed(connection, provider_settings(), now=now)
    return {
        "whose": whose,
        "module": whose.module,
        "connection": connection,
        "health": health,
        "noticed": noticed,
        "rendered_as": rendered_as(connection),
        "now": now,
    }


@for_company(Right.CONNECT_CALENDARS)
@require_POST
@about_a_calendar
def use_key(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """**Use This Key**: ask the provider for the account's calendars, then show them."""
    key = key_of(whose.company, request.POST.get("key", ""))
    try:
        listed = list_remote_calendars(key=key, settings=provider_settings(), now=timezone.now())
    except ProviderFault as fault:
        messages.error(request, not_listed(key, fault))
        return _back(whose)
    if not listed:
        messages.warning(
            request,
            f"{key.label} has no calendar for events. Make one at the provider, "
            "then press Use This Key again.",
        )
    return _back(whose, key)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
@about_a_calendar
def connect(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """**Connect Calendar**."""
    key = key_of(whose.company, request.POST.get("key", ""))
    try:
        connection = connect_calendar(
            module=whose.module,
            staff=whose.staff,
            key=key,
            remote_id=request.POST.get("calendar", ""),
            user=user_of(request),
            now=timezone.now(),
        )
    except CannotConnect as refusal:
        messages.error(request, str(refusal))
        return _back(whose, key)
    to_come = "Appointments still to come" + (" that are on no calendar yet" if whose.instead else "")
    messages.success(
        request,
        f"Linked to {connection.calendar.name}. {to_come} are being sent there; "
        "customers are not told. Turn real-time updates on to have changes in the calendar come back.",
    )
    return _back(whose, key)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
@about_a_calendar
def realtime(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """**Get real-time Calendar updates**, Off or On."""
    set_realtime(
        company_id=whose.company.id,
        connection_id=whose.linked.id,
        on=request.POST.get("on") == "1",
        now=timezone.now(),
    )
    return _back(whose)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
@about_a_calendar
def rules(request: CompanyRequest, whose: Whose) -> HttpResponse:
    form = RulesForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("Choose one of the rules that are offered.")
    set_inbound_rules(
        company_id=whose.company.id,
        module_id=whose.module.id,
        conflict_rule=Module.ConflictRule(form.cleaned_data["conflict_rule"]),
        inbound_rule=Module.InboundRule(form.cleaned_data["inbound_rule"]),
    )
    messages.success(request, "The rules are saved. They apply to changes from now on.")
    return _back(whose)


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
@about_a_calendar
def unlink_token(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """**Unlink Token**; answers only when no request is under way any more."""
    connection = whose.connection
    if connection is None:
        messages.info(request, f"{whose} is not linked to a calendar any more.")
        return _back(whose)
    outcome = unlink(
        company_id=whose.company.id,
        connection_id=connection.id,
        keep_copies=request.POST.get("copies") != "remove",
        settings=provider_settings(),
        now=timezone.now(),
    )
    level = messages.SUCCESS if outcome is Unlinked.DONE else messages.WARNING
    messages.add_message(request, level, SAID[outcome].format(calendar=connection.calendar.name))
    return _back(whose)


@for_company(Right.CONNECT_CALENDARS)
@require_POST
@about_a_calendar
def retry(request: CompanyRequest, whose: Whose) -> HttpResponse:
    """*Retry*: one appointment's event (`link`), else the whole calendar."""
    connection = whose.linked
    link = request.POST.get("link", "")
    if link:
        retry_link(company_id=whose.company.id, link_id=_uuid(link), now=timezone.now())
    else:
        retry_calendar(company_id=whose.company.id, connection_id=connection.id, now=timezone.now())
    messages.info(request, "It is being tried again now; this page follows.")
    return _back(whose)


def key_of(company: Company, number: str) -> RemoteKey:
    if not number.isdecimal() or len(number) > 18:
        raise Http404("There is no such key.")
    return get_object_or_404(account_keys(company.id), id=int(number))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("There is no such event.") from None


def _keys(whose: Whose) -> list[dict[str, Any]]:
    keys = account_keys(whose.company.id).order_by("created_at", "id")
    used = whose.connection.calendar.key_id if whose.connection else None
    return [{"key": key, "name": key_name(key.kind), "here": key.id == used} for key in keys]


def _chosen(request: CompanyRequest, whose: Whose) -> dict[str, Any]:
    """The key whose calendars are shown (as they were listed when **Use This Key** was pressed)."""
    number = request.GET.get("key", "")
    if not number:
        return {"chosen": None, "calendars": []}
    key, connection = key_of(whose.company, number), whose.connection
    calendars = RemoteCalendar.objects.filter(key=key).order_by("id")
    return {
        "chosen": key,
        "chosen_name": key_name(key.kind),
        "calendars": [
            {"calendar": c, "linked": bool(connection and connection.calendar_id == c.id)} for c in calendars
        ],
        "to_send": None if connection else _to_send(whose, timezone.now()),
    }


def _to_send(whose: Whose, now: datetime) -> dict[str, Any]:
    """What **Connect Calendar** would write, before it is pressed."""
    unsaved = Connection(module=whose.module, staff=whose.staff)
    found = to_send(unsaved, now).select_related("lead").order_by("start", "id")
    ends = found.aggregate(first=Min("start"), last=Max("start"))
    return {"count": found.count(), **ends, "listed": list(found[:LISTED]), "zone": unsaved.zone}


def _back(whose: Whose, key: RemoteKey | None = None) -> HttpResponse:
    return redirect(f"{whose.page}?key={key.id}#remote-calendars" if key else whose.page)
