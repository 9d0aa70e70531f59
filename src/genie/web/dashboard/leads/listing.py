"""Leads list: search, filter, sort, page by page, and all of it as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from genie.core.rights import Right
from genie.core.saying import said_place, zone_of
from genie.store.models import Appointment, Company
from genie.store.queries.appointments import leads
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.forms import LeadsFilter

A_PAGE = 50
COLUMNS = {
    "when": "When",
    "customer": "Customer",
    "email": "E-mail",
    "phone": "Phone",
    "module": "Module",
    "with": "With",
    "state": "State",
    "source": "Source",
    "booked": "Booked at",
}
SORTABLE = ("when", "customer", "module", "with", "state", "source", "booked")
FIRST_LATEST = ("when", "booked")
"""Sorted by these, the latest comes first until one asks again."""


@require_safe
@for_company(Right.SEE_LEADS)
def leads_list(request: CompanyRequest, company: Company) -> HttpResponse:
    form = LeadsFilter(request.GET, company=company)
    found = leads(company_id=company.pk, wanted=form.wanted())
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    filtered = any(form.chosen(name) for name in ("q", "module", "staff", "state", "first", "last"))
    context = {
        "form": form,
        "page": page,
        "filtered": filtered,
        "columns": _columns(request.GET, form.order, people=bool(form.people)),
        "kept": _kept(request.GET),
        "place": said_place(company.zone),
        "now": timezone.now(),
    }
    return render(request, "dashboard/leads/list.html", context)


@require_safe
@for_company(Right.SEE_LEADS)
def leads_export(request: CompanyRequest, company: Company) -> HttpResponseBase:
    """What the list shows, all pages, as CSV; written while it is read, so any length goes."""
    form = LeadsFilter(request.GET, company=company)
    found = leads(company_id=company.pk, wanted=form.wanted())
    zone = zone_of(company.zone) or ZoneInfo("UTC")
    day = timezone.now().astimezone(zone).date()
    return StreamingHttpResponse(
        _csv(found.iterator(chunk_size=500), zone),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="leads-{company.slug}-{day}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


class _Echo:
    """csv.writer wants something to write to; the line itself is what we want."""

    def write(self, line: str) -> str:
        return line


def _csv(found: Iterator[Appointment], zone: ZoneInfo) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # without it Excel reads the file in the code page of the country
    head = ["Start", "End", "Time zone", "Customer", "E-mail", "Phone", "Module", "Title", "State"]
    head += ["Source", "Medium", "Campaign", "Referrer", "Booked at", "Place", "Notes", "Answers", "With"]
    yield str(writer.writerow(head))
    for a in found:
        lead = a.lead
        row = [_iso(a.start, zone), _iso(a.end, zone), zone.key, lead.name, lead.email, lead.phone]
        row += [a.module.name, a.title, a.state, lead.source, lead.medium, lead.campaign, lead.referrer]
        row += [_iso(a.created_at, zone), a.place, a.notes, a.answers, a.staff.name if a.staff else ""]
        yield str(writer.writerow(map(harmless, row)))


def harmless(cell: str) -> str:
    """A spreadsheet takes a cell that begins like this for a formula; an apostrophe makes it text."""
    begins = cell.lstrip(" \u00a0")[:1]
    return f"'{cell}" if begins and begins in "=+-@\t\r\n＝＋－＠" else cell


def _iso(at: Any, zone: ZoneInfo) -> str:
    return str(at.astimezone(zone).isoformat(sep=" ", timespec="minutes"))


def _kept(asked: QueryDict) -> str:
    """The filter as it stands, for links to other pages and the file."""
    kept = asked.copy()
    kept.pop("page", None)
    for name in [name for name, value in kept.items() if not value]:
        del kept[name]
    return kept.urlencode()


def _columns(asked: QueryDict, sort: str, *, people: bool) -> list[dict[str, Any]]:
    """The head of the table: what each column sorts by when its name is followed. With whom a visit is, is
    said where there are `people`."""
    columns = []
    for name, words in COLUMNS.items():
        if name == "with" and not people:
            continue
        column: dict[str, Any] = {"name": name, "words": words}
        if name in SORTABLE:
            column["sorted"] = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
            down = column["sorted"] == "ascending" or (not column["sorted"] and name in FIRST_LATEST)
            onward = asked.copy()
            onward.pop("page", None)
            onward["sort"] = f"-{name}" if down else name
            column["address"] = f"?{onward.urlencode()}"
        columns.append(column)
    return columns
