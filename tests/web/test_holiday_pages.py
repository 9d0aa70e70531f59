"""Holidays of a schedule in the dashboard: typed in, public ones, what is closed in the coming year."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.web.tenants import Tenant, client_of, tenant

from genie.core.holidays import MONTHS
from genie.flows.set_date_hours import set_date_hours
from genie.store.models import DateOverride, Holiday, PublicHolidays
from genie.web.dashboard.holiday_forms import a_year_from

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    made = tenant("Acme")
    made.holiday.delete()
    made.followed.delete()
    return made


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def schedule_page(acme: Tenant) -> str:
    return f"/company/{acme.slug}/schedules/{acme.schedule.pk}"


def today() -> date:
    return timezone.now().astimezone(ZoneInfo("America/New_York")).date()


def answers(**changes: Any) -> dict[str, Any]:
    """What the form of a fixed date sends."""
    return {
        "title": "Christmas",
        "by": "date",
        "day": 25,
        "month": 12,
        "week": 1,
        "weekday": 0,
        "weekday_month": 1,
        "year": "",
        "start": "",
        "end": "",
    } | changes


def add(acme: Tenant, client: Client, **changes: Any) -> str:
    """What the page says once it is saved."""
    response = client.post(f"{schedule_page(acme)}/holidays/new", answers(**changes), follow=True)
    assert response.status_code == 200, text(response)
    return text(response)


def text(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def closed_days(acme: Tenant, client: Client) -> list[str]:
    page = client.get(schedule_page(acme)).content.decode()
    found = re.search(r'<ul class="closed-days.*?</ul>', page, re.S)
    lines = re.findall(r"<li>(.*?)</li>", found[0], re.S) if found else []
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", line)).split()) for line in lines]


def test_a_schedule_without_holidays_says_what_they_are_for(acme: Tenant, client: Client) -> None:
    page = text(client.get(schedule_page(acme)))
    assert "Follow a country’s public holidays, or add days of your own." in page


def test_a_date_of_every_year_is_added_and_stands_in_the_list(acme: Tenant, client: Client) -> None:
    said = add(acme, client)
    row = Holiday.objects.get()
    assert (row.title, row.month, row.day, row.weekday, row.week, row.year) == (
        "Christmas",
        12,
        25,
        None,
        None,
        None,
    )
    assert "“Christmas” was saved: closed all day next on" in said
    assert "25 December, every year" in said
    assert re.fullmatch(r"\w{3} 25 Dec 20\d\d Christmas", closed_days(acme, client)[0])


def test_a_weekday_of_a_month_in_one_year_and_a_part_of_the_day(acme: Tenant, client: Client) -> None:
    ahead = today() + timedelta(days=40)
    said = add(
        acme,
        client,
        title="Inventory",
        by="weekday",
        week=-1,
        weekday=4,
        weekday_month=ahead.month,
        year=ahead.year,
        start="14:00",
        end="18:30",
    )
    row = Holiday.objects.get()
    assert (row.month, row.day, row.weekday, row.week, row.year) == (ahead.month, None, 4, -1, ahead.year)
    assert (row.start, row.end) == (time(14), time(18, 30))
    assert f"last Friday of {MONTHS[ahead.month - 1]} {ahead.year}" in said
    assert closed_days(acme, client)[0].endswith("Inventory 14:00–18:30")


def test_what_was_saved_is_shown_and_saves_the_same_again(acme: Tenant, client: Client) -> None:
    add(acme, client, by="weekday", week=5, weekday=2, weekday_month=7, start="12:00")
    before = Holiday.objects.values().get()
    page = f"{schedule_page(acme)}/holidays/{before['id']}"
    form = client.get(page).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    client.post(page, {name: value for name, value in shown.items() if value is not None})
    assert Holiday.objects.values().get() == before


def test_a_holiday_becomes_another_kind_of_day(acme: Tenant, client: Client) -> None:
    add(acme, client)
    row = Holiday.objects.get()
    client.post(
        f"{schedule_page(acme)}/holidays/{row.pk}", answers(by="weekday", week=4, weekday=3, weekday_month=11)
    )
    row.refresh_from_db()
    assert (row.day, row.weekday, row.week, row.month) == (None, 3, 4, 11)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"title": ""}, "title", "required"),
        ({"day": ""}, "day", "Write the day of the month"),
        ({"day": 32}, "day", "from 1 to 31"),
        ({"day": 31, "month": 4}, "day", "April has 30 days at most."),
        ({"day": 30, "month": 2}, "day", "February has 29 days at most."),
        ({"month": 13}, "month", "13"),
        ({"by": "moon"}, "by", "Choose one of the two."),
        ({"by": "weekday", "week": 6}, "week", "6"),
        ({"year": 1999}, "year", "or leave it empty"),
        ({"year": "next"}, "year", "Write a year like 2027"),
        ({"year": 2027, "day": 29, "month": 2}, "day", "There is no such day in 2027."),
        (
            {"year": 2027, "by": "weekday", "week": 5, "weekday": 0, "weekday_month": 2},
            "week",
            "There is no such day in 2027.",
        ),
        ({"start": "14:00", "end": "14:00"}, "end", "The end is not after the start."),
        ({"start": "half two"}, "start", "like 09:30"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field_and_nothing_is_saved(
    acme: Tenant, client: Client, change: dict[str, Any], field: str, words: str
) -> None:
    response = client.post(f"{schedule_page(acme)}/holidays/new", answers(**change))
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page[page.index(f'id="id_{field}_error"') :][:900]
    assert not Holiday.objects.exists()


def test_leap_day_of_every_year_is_taken(acme: Tenant, client: Client) -> None:
    assert "was saved: closed all day next on" in add(acme, client, day=29, month=2)


def test_a_day_that_is_over_is_said_to_close_nothing(acme: Tenant, client: Client) -> None:
    first = today().replace(month=1, day=1)
    said = add(acme, client, title="Past", day=1, month=1, year=first.year)
    over = "“Past” was saved, but that day is over: it closes nothing."
    assert (over in said) is (first < today())  # on New Year's Day it is not


def test_hours_of_a_date_count_on_a_holiday_and_every_page_says_so(acme: Tenant, client: Client) -> None:
    add(acme, client)
    day = next_christmas()
    data = {"day": day.isoformat(), "opens": "10:00", "closes": "14:00"}
    said = text(client.post(f"{schedule_page(acme)}/dates", data, follow=True))
    assert "It is a holiday, “Christmas”, and you are open all the same." in said
    assert "10:00–14:00 (on a holiday: these hours count)" in said
    assert closed_days(acme, client)[0].endswith("Christmas open 10:00–14:00, as set for that date")
    said = text(client.post(f"{schedule_page(acme)}/dates", {"day": day.isoformat()}, follow=True))
    assert "The date was saved as closed; it is a holiday, too: “Christmas”." in said


def test_a_holiday_on_a_date_that_has_hours_says_that_these_count(acme: Tenant, client: Client) -> None:
    day = next_christmas()
    set_date_hours(
        company_id=acme.company.pk, schedule_id=acme.schedule.pk, day=day, ranges=[(time(9), time(12))]
    )
    said = add(acme, client)
    assert "the hours that were set for that very date count" in said
    DateOverride.objects.filter(date=day).delete()
    Holiday.objects.all().delete()
    assert "that very date" not in add(acme, client)


def next_christmas() -> date:
    now = today()
    this_year = date(now.year, 12, 25)
    return this_year if this_year >= now else date(now.year + 1, 12, 25)


def test_a_date_that_is_no_holiday_says_nothing_of_one(acme: Tenant, client: Client) -> None:
    add(acme, client)
    data = {"day": "2100-12-24", "opens": "10:00", "closes": "14:00"}
    said = text(client.post(f"{schedule_page(acme)}/dates", data, follow=True))
    assert "they replace the weekly hours of that day." in said


def test_a_holiday_is_removed(acme: Tenant, client: Client) -> None:
    add(acme, client)
    address = f"{schedule_page(acme)}/holidays/{Holiday.objects.get().pk}/remove"
    assert "“Christmas” was removed: the weekly hours hold again" in text(client.post(address, follow=True))
    assert client.post(address).status_code == 404


# ── public ones ─────────────────────────────────────────────────────────────


def public(acme: Tenant, part: str = "new") -> str:
    return f"{schedule_page(acme)}/public-holidays/{part}"


def test_a_country_is_searched_by_name_among_all(acme: Tenant, client: Client) -> None:
    page = client.get(public(acme)).content.decode()
    assert page.count("<option value=") > 200
    assert '<option value="Germany">' in page
    assert "Follow these holidays" not in page


def test_a_countrys_days_and_regions_are_shown_before_anything_is_saved(acme: Tenant, client: Client) -> None:
    page = client.get(public(acme), {"country": "germany"}).content.decode()
    said = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "Christmas Day" in said and re.search(r"\w{3} 25 Dec 20\d\d", said)
    assert '<option value="BY">Bayern</option>' in page
    assert "Epiphany" not in said
    assert "Epiphany" in text(client.get(public(acme), {"country": "DE", "region": "BY"}))
    assert not PublicHolidays.objects.exists()


@pytest.mark.parametrize("typed", ["Atlantis", "x" * 500, "'; drop table", "United"])
def test_an_unknown_country_is_told_beside_the_field(acme: Tenant, client: Client, typed: str) -> None:
    response = client.get(public(acme), {"country": typed})
    assert response.status_code == 422
    assert "No country of this name has public holidays here" in text(response)


def test_a_country_without_regions_or_without_days_still_answers(acme: Tenant, client: Client) -> None:
    assert "Region" not in text(client.get(public(acme), {"country": "SG"}))
    assert "it closes nothing yet" in text(client.get(public(acme), {"country": "BV"}))


def test_followed_they_close_but_for_those_that_are_ticked(acme: Tenant, client: Client) -> None:
    data = {"country": "US", "region": "VT", "worked": ["Thanksgiving Day", "made up"]}
    said = text(client.post(public(acme), data, follow=True))
    assert (
        "The public holidays of United States, Vermont are followed; worked all the same: Thanksgiving Day."
        in said
    )
    row = PublicHolidays.objects.get()
    assert (row.country, row.region, row.left_out) == ("US", "VT", ["Thanksgiving Day"])
    days = closed_days(acme, client)
    assert any(day.endswith("Christmas Day") for day in days)
    assert not any("Thanksgiving" in day for day in days)


def test_the_same_country_and_region_cannot_be_followed_twice(acme: Tenant, client: Client) -> None:
    client.post(public(acme), {"country": "US"})
    response = client.post(public(acme), {"country": "US"})
    assert response.status_code == 422
    assert "follows United States already" in text(response)
    client.post(public(acme), {"country": "US", "region": "VT"})
    assert PublicHolidays.objects.count() == 2


def test_what_is_worked_can_be_changed_and_what_the_page_does_not_show_stays(
    acme: Tenant, client: Client
) -> None:
    client.post(public(acme), {"country": "US", "worked": ["Christmas Day"]})
    row = PublicHolidays.objects.get()
    row.left_out = ["Christmas Day", "Day of another year"]
    row.save()
    page = client.get(public(acme, str(row.pk))).content.decode()
    assert re.search(r'value="Christmas Day" checked', page)
    assert not re.search(r'value="Thanksgiving Day" checked', page)
    said = text(client.post(public(acme, str(row.pk)), {"worked": ["Labor Day"]}, follow=True))
    row.refresh_from_db()
    assert row.left_out == ["Labor Day", "Day of another year"]
    assert "Saved for United States" in said


def test_a_set_is_followed_no_more(acme: Tenant, client: Client) -> None:
    client.post(public(acme), {"country": "US"})
    address = public(acme, f"{PublicHolidays.objects.get().pk}/remove")
    said = text(client.post(address, follow=True))
    assert "The public holidays of United States are followed no more" in said
    assert closed_days(acme, client) == []
    assert client.post(address).status_code == 404


def test_hours_of_a_date_open_on_a_public_holiday(acme: Tenant, client: Client) -> None:
    client.post(public(acme), {"country": "US"})
    data = {"day": next_christmas().isoformat(), "opens": "10:00", "closes": "14:00"}
    said = text(client.post(f"{schedule_page(acme)}/dates", data, follow=True))
    assert "It is a holiday, “Christmas Day”, and you are open all the same." in said


def test_a_post_without_a_country_saves_nothing(acme: Tenant, client: Client) -> None:
    assert client.post(public(acme), {}).status_code == 422
    assert not PublicHolidays.objects.exists()


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2026, 3, 2), date(2027, 3, 2)),
        (date(2028, 2, 29), date(2029, 3, 1)),
        (date(2027, 2, 28), date(2028, 2, 28)),
    ],
)
def test_a_year_from_a_date(day: date, later: date) -> None:
    assert a_year_from(day) == later


def test_hostile_titles_are_text(acme: Tenant, client: Client) -> None:
    assert (
        "&lt;script&gt;"
        in client.post(
            f"{schedule_page(acme)}/holidays/new", answers(title="<script>alert(1)</script>"), follow=True
        ).content.decode()
    )
    assert "<script>alert" not in client.get(schedule_page(acme)).content.decode()


def test_the_schedule_page_takes_the_same_queries_with_more_holidays(acme: Tenant, client: Client) -> None:
    def queries() -> int:
        client.get(schedule_page(acme))
        with CaptureQueriesContext(connection) as seen:
            client.get(schedule_page(acme))
        return len(seen)

    none = queries()
    for number in range(1, 11):
        Holiday.objects.create(schedule=acme.schedule, title=f"Day {number}", month=1, day=number)
        PublicHolidays.objects.create(
            schedule=acme.schedule,
            country="US",
            region=("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA")[number - 1],
        )
    assert queries() == none


def test_the_web_process_starts_without_loading_the_library() -> None:
    asked = "import django; django.setup(); import genie.web.urls, sys; print('holidays' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd="src"
    )
    assert told.stdout.strip() == "False"
