"""Leads list: who is in it, in which order, page by page, and as a file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.leads_scene import Leads, leads, soon

from genie.store.models import Appointment
from genie.web.dashboard.leads.listing import harmless


@pytest.fixture
def acme(db: None) -> Leads:
    return leads()


def listed(acme: Leads, **asked: Any) -> list[str]:
    answer = acme.client.get(acme.url("leads/list"), asked)
    assert answer.status_code == 200
    return [appointment.lead.name for appointment in answer.context["page"]]


def exported(acme: Leads, client: Client | None = None, **asked: Any) -> list[dict[str, str]]:
    answer = (client or acme.client).get(acme.url("leads/list.csv"), asked)
    assert answer.status_code == 200
    text = b"".join(answer).decode("utf-8")  # type: ignore[arg-type]
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_a_row_says_when_who_how_to_reach_them_and_how_they_came(acme: Leads) -> None:
    visit = acme.visit(
        datetime(2026, 3, 3, 10, tzinfo=UTC), phone="+442079460000", source="google", medium="cpc"
    )
    page = acme.client.get(acme.url("leads/list")).content.decode()
    assert "<title>Leads list" in page
    for said in ("Tue 3 Mar", "10:00–11:00", "Ann Lee", "+442079460000", "Main office", "google", "cpc"):
        assert said in page
    assert "ann@<wbr>example.com" in page
    assert acme.page(visit) in page
    assert "1 booking." in page


def test_without_any_booking_the_page_teaches(acme: Leads) -> None:
    page = acme.client.get(acme.url("leads/list")).content.decode()
    assert "No leads yet" in page
    assert "Export as CSV" not in page


def test_nothing_found_is_not_nobody_booked(acme: Leads) -> None:
    acme.visit(soon())
    page = acme.client.get(acme.url("leads/list?q=nobody")).content.decode()
    assert "Nothing matches" in page
    assert "No leads yet" not in page


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ann", ["Ann Lee"]),
        ("LEE", ["Ann Lee"]),
        ("bob@", ["Bob"]),
        ("020 7946", []),
        ("7946 0001", ["Bob"]),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE", []),
        ("", ["Bob", "Ann Lee"]),
    ],
)
def test_search_looks_at_name_email_and_phone(acme: Leads, q: str, found: list[str]) -> None:
    acme.visit(soon(days=2), name="Ann Lee", phone="+442079460000")
    acme.visit(soon(days=3), name="Bob", email="bob@example.org", phone="+442079460001")
    assert listed(acme, q=q) == found


def test_filters_by_module_state_and_dates_of_the_company(acme: Leads) -> None:
    branch = acme.base.another_module("Branch")
    # London is an hour ahead of UTC: this visit begins on the 2nd of June there
    acme.visit(datetime(2026, 6, 1, 23, 30, tzinfo=UTC), name="Midnight")
    acme.visit(datetime(2026, 6, 3, 9, tzinfo=UTC), name="Branch", module=branch)
    acme.visit(datetime(2026, 6, 4, 9, tzinfo=UTC), name="Off", state="cancelled")
    acme.visit(datetime(2026, 6, 5, 9, tzinfo=UTC), name="Odd", attention="Look here.")
    assert listed(acme, first="2026-06-02", last="2026-06-02") == ["Midnight"]
    assert listed(acme, last="2026-06-01") == []
    assert listed(acme, module=branch.pk) == ["Branch"]
    assert listed(acme, state="cancelled") == ["Off"]
    assert listed(acme, state="attention") == ["Odd"]
    assert listed(acme, state="confirmed", sort="when") == ["Midnight", "Branch", "Odd"]
    assert [row["Customer"] for row in exported(acme, state="cancelled")] == ["Off"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "CAB"),
        ("-booked", "CAB"),
        ("booked", "BAC"),
        ("when", "ABC"),
        ("-when", "CBA"),
        ("customer", "ABC"),
        ("-customer", "CBA"),
        ("source", "BCA"),
        ("lead__email", "CAB"),
    ],
)
def test_sorting(acme: Leads, sort: str, order: str) -> None:
    for name, days, booked, source in (("A", 1, 2, "z"), ("B", 2, 1, "x"), ("C", 3, 3, "y")):
        visit = acme.visit(soon(days=days), name=name, source=source)
        Appointment.objects.filter(pk=visit.pk).update(created_at=datetime(2026, 1, booked, tzinfo=UTC))
    assert "".join(listed(acme, sort=sort)) == order


def test_fifty_to_a_page_and_no_row_twice(acme: Leads) -> None:
    for number in range(51):
        acme.visit(soon(), name=f"N{number}", lane=number)
    first, second = listed(acme, sort="when"), listed(acme, sort="when", page="2")
    assert (len(first), len(second)) == (50, 1)
    assert len({*first, *second}) == 51
    assert listed(acme, sort="when", page="99") == second
    assert listed(acme, sort="when", page="x") == first
    assert len(exported(acme)) == 51


def test_links_to_other_pages_keep_the_filter(acme: Leads) -> None:
    for number in range(51):
        acme.visit(soon(), name=f"Ann {number}", lane=number)
    page = acme.client.get(acme.url("leads/list?q=Ann&sort=when&module=")).content.decode()
    assert '"?q=Ann&amp;sort=when&amp;page=2"' in page
    assert 'leads/list.csv?q=Ann&amp;sort=when"' in page
    assert 'aria-sort="ascending"' in page


@pytest.mark.parametrize(
    "asked",
    ["first=2026-02-30", "last=x", "module=999999", "module=x", "state=odd", "sort=odd", "q=%00", "page=-1"],
)
def test_a_wrong_filter_is_left_out_and_never_an_error(acme: Leads, asked: str) -> None:
    acme.visit(soon())
    assert acme.client.get(acme.url(f"leads/list?{asked}")).status_code == 200
    assert acme.client.get(acme.url(f"leads/list.csv?{asked}")).status_code == 200


def test_a_wrong_date_is_said_beside_its_field(acme: Leads) -> None:
    acme.visit(soon())
    page = acme.client.get(acme.url("leads/list?first=2026-03-09&last=2026-03-02")).content.decode()
    assert "This is before the first date. Choose a later one." in page


def test_the_file_has_local_times_and_everything_known(acme: Leads) -> None:
    acme.visit(
        datetime(2026, 6, 1, 9, tzinfo=UTC),
        place="Room 2",
        notes="Two lines\nof notes",
        answers='A "quoted", long answer',
        source="news",
    )
    (row,) = exported(acme)
    assert row["Start"] == "2026-06-01 10:00+01:00"
    assert row["Time zone"] == "Europe/London"
    assert row["Notes"] == "Two lines\nof notes"
    assert row["Answers"] == 'A "quoted", long answer'
    assert (row["Customer"], row["Source"], row["Place"]) == ("Ann Lee", "news", "Room 2")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =cmd|' /C calc'!A0", "＝1", "\u00a0=1"],
)
def test_no_cell_is_a_formula(acme: Leads, cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    acme.visit(soon(), name=cell, source=cell, notes=cell, title=cell)
    (row,) = exported(acme)
    for column in ("Customer", "Source", "Notes", "Title"):
        assert row[column].startswith("'")


@pytest.mark.parametrize("cell", ["", "Ann", "a=b", "1-1", "ann@example.com", "'quoted"])
def test_harmless_cells_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell


def test_the_file_is_written_while_it_is_read(acme: Leads) -> None:
    acme.visit(soon())
    answer = acme.client.get(acme.url("leads/list.csv"))
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="leads-acme-')


def test_names_are_text_never_markup(acme: Leads) -> None:
    acme.visit(soon(), name="<img src=x onerror=alert(1)>", source='"><script>alert(2)</script>')
    page = acme.client.get(acme.url("leads/list?q=<script>alert(3)</script>&state=")).content.decode()
    page += acme.client.get(acme.url("leads/list")).content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page


def test_one_company_never_sees_another_s_leads(acme: Leads) -> None:
    other = leads("other")
    other.visit(soon(), name="Theirs")
    acme.visit(soon(), name="Ours")
    assert listed(acme) == ["Ours"]
    assert [row["Customer"] for row in exported(acme)] == ["Ours"]
    assert acme.client.get(other.url("leads/list")).status_code == 404
    assert acme.client.get(other.url("leads/list.csv")).status_code == 404


def test_light_users_may_read_and_export(acme: Leads) -> None:
    acme.visit(soon())
    light = acme.light()
    assert "Ann Lee" in light.get(acme.url("leads/list")).content.decode()
    assert len(exported(acme, client=light)) == 1


def test_the_number_of_queries_does_not_grow_with_the_rows(acme: Leads) -> None:
    def count(rest: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = acme.client.get(acme.url(rest))
            b"".join(answer) if answer.streaming else answer.content
        return len(queries)

    acme.visit(soon())
    count("leads/list")  # the session is written at the first visit
    few = count("leads/list"), count("leads/list.csv")
    branch = acme.base.another_module("Branch")
    for number in range(20):
        acme.visit(soon() + timedelta(hours=number), name=f"N{number}", module=branch, lane=number)
    assert (count("leads/list"), count("leads/list.csv")) == few
