"""**Connection health**: how each connection of a company stands, and of all companies, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from genie.core.lag import BOUNDS, said_bound, stayed_below
from genie.core.rights import Right
from genie.providers import registry
from genie.store.models import Company, Connection, EventLink, Module, SyncCount
from genie.store.queries.drains import POLL_EVERY
from genie.store.queries.standing import (
    IS_LATE,
    NEEDS_A_PERSON,
    Figures,
    Reason,
    figures,
    put_aside,
    standings,
)
from genie.store.queries.tenancy import AGENCY_ROLES, companies_of
from genie.web.dashboard.access import CompanyRequest, demand, for_company, for_user, user_of
from genie.web.dashboard.remote.busy_calendars import busy_calendars
from genie.web.dashboard.remote.whose import calendar_address
from genie.web.dashboard.remote.words import span

A_PAGE = 25
HOURS = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour of the chart: its place and height, from 0 (nothing) to the chart's 48."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How long changes took in the last day, in words, and as bars by the hour."""

    words: str
    alternative: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Standing:
    """One connection as its page says it. `level` is good, warn or bad."""

    connection: Connection
    system: str
    """What people call the calendar system."""
    page: str
    level: str
    state: str
    words: str
    advice: str
    figures: Figures
    owed_for: str
    """How long the oldest change waits to be sent."""
    out: Lag
    back: Lag
    noticed: str
    reauthorize: str
    """The page on which its key is re-authorized; empty where that is no help."""
    to_decide: bool
    """Its own page has the two buttons."""
    may_retry: bool
    put_aside: Sequence[EventLink]


@for_company(Right.CONNECT_CALENDARS)
@require_GET
def connection_health(request: CompanyRequest, company: Company) -> HttpResponse:
    """All connections of a company, each with what is put aside."""
    now = timezone.now()
    found = standings(Company.objects.filter(pk=company.pk), now)
    shown = _page(request, found)
    return render(
        request,
        "dashboard/remote/health.html",
        {
            "standings": said(list(shown), now=now, with_links=True),
            "page": shown,
            "now": now,
            "summary": _summary(found),
            "busy_calendars": busy_calendars(company, now) if shown.number == 1 else (),
            "all": request.user.role in AGENCY_ROLES,
        },
    )


@for_user
@require_GET
def all_connections(request: HttpRequest) -> HttpResponse:
    """The connections of every company the user may open, the worst first."""
    user, now = user_of(request), timezone.now()
    demand(user, Right.CONNECT_CALENDARS)
    found = standings(companies_of(user).order_by(), now)
    shown = _page(request, found)
    return render(
        request,
        "dashboard/remote/all_connections.html",
        {
            "standings": said(list(shown), now=now, with_links=False),
            "page": shown,
            "now": now,
            "summary": _summary(found),
        },
    )


def _page(request: HttpRequest, found: QuerySet[Any]) -> Page[Any]:
    return Paginator(found, A_PAGE).get_page(request.GET.get("page"))


def said(connections: Sequence[Any], *, now: datetime, with_links: bool) -> list[Standing]:
    """What is said of each (as `standings` reads it), in a fixed number of queries."""
    counted = figures(connections, now)
    aside = put_aside(connections) if with_links else {}
    return [_said(one, counted[one.pk], aside.get(one.pk, []), now) for one in connections]


def needing_a_person(module: Module, now: datetime) -> list[Standing]:
    """The connections of a module and its team that do, but for those held until somebody decides."""
    found = standings(Company.objects.filter(pk=module.company_id), now).filter(module=module)
    bad = [reason for reason in NEEDS_A_PERSON if reason is not Reason.HELD]
    return said(list(found.filter(reason__in=bad)[:A_PAGE]), now=now, with_links=False)


def _said(one: Any, counted: Figures, aside: Sequence[EventLink], now: datetime) -> Standing:
    reason = Reason(one.reason)
    company = one.module.company
    level, state = _level(reason)
    words, advice = _words(reason, one, counted, now)
    again = {"slug": company.slug, "key_id": one.calendar.key_id}
    return Standing(
        connection=one,
        system=registry.label_of(one.calendar.key.kind),
        page=calendar_address(company, one.module, one.staff_id),
        level=level,
        state=state,
        words=words,
        advice=advice,
        figures=counted,
        owed_for=span(counted.owed_for) if counted.owed_for else "",
        out=_lag(SyncCount.What.OUT, counted, now),
        back=_lag(SyncCount.What.IN, counted, now),
        noticed=_noticed(one, counted),
        reauthorize=reverse("reauthorize_key", kwargs=again) if reason is Reason.KEY else "",
        to_decide=reason is Reason.HELD,
        may_retry=reason in RETRIED,
        put_aside=aside,
    )


def _level(reason: Reason) -> tuple[str, str]:
    if reason in NEEDS_A_PERSON:
        return "bad", "Needs a person"
    if reason in IS_LATE:
        return "warn", "Late"
    return ("warn", "Unlinking") if reason is Reason.REMOVING else ("good", "Good")


RETRIED = (Reason.GONE, Reason.PUT_OFF, Reason.UNREAD, Reason.WAITING)
"""Where *Retry* of the whole calendar helps; what was put aside is tried again one by one."""
WORDS: dict[Reason, tuple[str, str]] = {
    Reason.KEY: (
        "The access to {account} has ended: nothing is sent or read until its owner signs in again.",
        "Press Re-authorize for a link that works once; open it yourself, or send it to the owner. What "
        "changes meanwhile waits and is not lost.",
    ),
    Reason.GONE: (
        "{trouble}",
        "Make sure that {account} still has this calendar, then press Retry. It is tried again every 15 "
        "minutes, and nothing is lost. If it is gone for good, unlink it and connect another.",
    ),
    Reason.PUT_ASIDE: (
        "{put_aside} not in step with the calendar.",
        "Put right what the calendar's page says beside each, then press Retry. Nothing of it is lost.",
    ),
    Reason.HELD: (
        "So much was moved or deleted on the calendar at once that it is held until somebody decides.",
        "Nothing is lost, and no customer is told. Open the calendar's page and say there whether these were "
        "really changed, or are to be put back.",
    ),
    Reason.PUT_OFF: (
        "{trouble}",
        "There is nothing to do: it is tried again {again} by itself. Nothing is lost.",
    ),
    Reason.UNREAD: (
        "Not read for {unread}.",
        "Is the worker running? Whoever runs this installation sees that at /healthz. Nothing is lost: it "
        "catches up by itself.",
    ),
    Reason.WAITING: (
        "{owed} waited longer than usual.",
        "Nothing is lost, and there is nothing to do: it is tried again by itself.",
    ),
    Reason.REMOVING: ("The copies are being removed from the calendar.", ""),
}
"""What is so and what it means; what to do."""


def _words(reason: Reason, one: Connection, counted: Figures, now: datetime) -> tuple[str, str]:
    if reason is Reason.GOOD:
        return ("In step." if one.realtime else "Appointments are sent; nothing comes back."), ""
    calendar = one.calendar
    again = calendar.next_attempt
    values = {
        "account": calendar.key.label,
        "trouble": calendar.trouble or "The calendar cannot be reached.",
        "put_aside": _count(counted.put_aside, "appointment is", "appointments are"),
        "owed": _count(counted.owed, "change has", "changes have"),
        "again": f"in {span(again - now)}" if again and again > now else "now",
        "unread": span(now - (calendar.read_at or one.linked_at)),
    }
    what, todo = WORDS[reason]
    return what.format_map(values), todo.format_map(values)


def _noticed(one: Connection, counted: Figures) -> str:
    """How changes there are noticed, in a few words; the linked calendar's page says why."""
    if one.state != Connection.State.LINKED or not one.realtime:
        return "not: real-time updates are off"
    if counted.relied_on:
        return "told at once"
    return f"polled every {POLL_EVERY.total_seconds():.0f} s"


def _lag(what: SyncCount.What, counted: Figures, now: datetime) -> Lag:
    counts = counted.lags.get(what, {})
    half, most = stayed_below(counts, 0.5), stayed_below(counts, 0.95)
    if half is None or most is None:
        return Lag("no change in the last day", "", ())
    words = f"half {said_bound(half)}, 95 % {said_bound(most)}"
    hours = counted.by_hour.get(what, {})
    this = now.replace(minute=0, second=0, microsecond=0)
    bars, slowest = [], -1
    for place in range(HOURS):
        bucket = stayed_below(hours.get(this - timedelta(hours=HOURS - 1 - place), {}), 0.95)
        if bucket is not None:
            height = round(4 + 44 * bucket / len(BOUNDS))
            bars.append(Bar(place * 10, 48 - height, height))
            slowest = max(slowest, bucket)
    total = _count(sum(counts.values()), "change", "changes")
    alternative = f"By the hour, the last 24 hours: {total}; in the slowest hour 95 % {said_bound(slowest)}."
    return Lag(words, alternative if bars else words, bars)


def _summary(found: QuerySet[Any]) -> dict[str, int]:
    """For the first line: how many need a person, are late, are good."""
    counted = dict(found.order_by().values_list("reason").annotate(so_many=Count("pk")))
    summary = {"person": 0, "late": 0, "good": 0, "total": sum(counted.values())}
    for reason, so_many in counted.items():
        level, _ = _level(Reason(reason))
        summary[{"bad": "person", "warn": "late", "good": "good"}[level]] += so_many
    return summary


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"
