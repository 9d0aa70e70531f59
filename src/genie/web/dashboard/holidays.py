"""Holidays of a schedule: those typed in, public ones that it follows, and what both close in a year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core import holidays
from genie.core.holidays import MONTHS, WEEKDAYS, occurrences
from genie.core.hours import DAY
from genie.core.public_holidays import not_worked
from genie.core.rights import Right
from genie.flows.follow_public_holidays import FollowedAlready, follow_public_holidays
from genie.flows.remove_holiday import remove_holiday
from genie.flows.save_holiday import TooManyHolidays, save_holiday
from genie.flows.unfollow_public_holidays import unfollow_public_holidays
from genie.store.models import Company, Holiday, PublicHolidays, Schedule
from genie.store.queries.holidays import days_of, value_of
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.holiday_forms import (
    HolidayForm,
    PublicChoice,
    a_year_from,
    country_choices,
    initial_of,
    place_name,
)
from genie.web.dashboard.schedule_forms import today_in

Hours = Mapping[date, Sequence[tuple[time, time | None]]]
"""What single dates have as hours of their own; no range is closed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A public set as a schedule's page names it."""

    row: PublicHolidays
    name: str


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A date that holidays close; `hours` are its own and count instead, None where it has none."""

    date: date
    holidays: Sequence[holidays.Holiday]
    hours: Sequence[tuple[time, time | None]] | None


@for_company(Right.SCHEDULES)
def holiday_new(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    return _edit(request, schedule, None)


@for_company(Right.SCHEDULES)
def holiday_page(
    request: CompanyRequest, company: Company, schedule_id: int, holiday_id: int
) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    return _edit(request, schedule, get_object_or_404(Holiday, schedule=schedule, pk=holiday_id))


@for_company(Right.SCHEDULES)
@require_POST
def holiday_remove(
    request: CompanyRequest, company: Company, schedule_id: int, holiday_id: int
) -> HttpResponse:
    try:
        title = remove_holiday(company_id=company.pk, schedule_id=schedule_id, holiday_id=holiday_id)
    except Holiday.DoesNotExist:
        raise Http404("This schedule has no such holiday.") from None
    messages.success(request, f"“{title}” was removed: the weekly hours hold again on that day.")
    return _to_schedule(company.slug, schedule_id)


@for_company(Right.SCHEDULES)
def public_new(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    """GET `?country=&region=`: their days of the next twelve months; POST: follow them."""
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    given = request.POST if request.method == "POST" else request.GET
    choice = PublicChoice.asked(given, today_in(schedule.zone, timezone.now()))
    if request.method == "POST" and choice.country:
        try:
            followed = _follow(schedule, None, choice, choice.left_out(request.POST))
        except FollowedAlready as refusal:
            choice.problem = str(refusal)
        else:
            messages.success(
                request, f"The public holidays of {choice.name} are followed; {_said(followed)}."
            )
            return _to_schedule(company.slug, schedule.pk)
    context = {"schedule": schedule, "choice": choice, "countries": country_choices()}
    status = 422 if request.method == "POST" or choice.problem else 200
    return render(request, "dashboard/schedules/public_holidays_new.html", context, status=status)


@for_company(Right.SCHEDULES)
def public_page(
    request: CompanyRequest, company: Company, schedule_id: int, followed_id: int
) -> HttpResponse:
    """Which days of a set are worked all the same."""
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    row = get_object_or_404(PublicHolidays, schedule=schedule, pk=followed_id)
    choice = PublicChoice.of(row.country, row.region, row.left_out, today_in(schedule.zone, timezone.now()))
    if request.method == "POST":
        followed = _follow(schedule, row, choice, choice.left_out(request.POST, row.left_out))
        messages.success(request, f"Saved for {choice.name}; {_said(followed)}.")
        return _to_schedule(company.slug, schedule.pk)
    context = {"schedule": schedule, "choice": choice, "followed": row}
    return render(request, "dashboard/schedules/public_holidays.html", context)


@for_company(Right.SCHEDULES)
@require_POST
def public_remove(
    request: CompanyRequest, company: Company, schedule_id: int, followed_id: int
) -> HttpResponse:
    try:
        row = unfollow_public_holidays(
            company_id=company.pk, schedule_id=schedule_id, followed_id=followed_id
        )
    except PublicHolidays.DoesNotExist:
        raise Http404("This schedule follows no such holidays.") from None
    name = place_name(row.country, row.region)
    messages.success(request, f"The public holidays of {name} are followed no more and close nothing.")
    return _to_schedule(company.slug, schedule_id)


def holidays_context(schedule: Schedule, today: date, hours: Hours) -> dict[str, Any]:
    """What the schedule's page says of holidays: typed in, followed, and closed in the next twelve months."""
    own = list(schedule.holidays.all())
    followed = list(schedule.public_holidays.all())
    last = a_year_from(today) - DAY
    values = [value_of(row) for row in own]
    for row in followed:
        days = not_worked(days_of(row, range(today.year, last.year + 1)), row.left_out)
        values += [day.as_holiday() for day in days]
    by_date: dict[date, dict[str, holidays.Holiday]] = {}
    for day, holiday in occurrences(values, first=today, last=last):
        # one that several regions have is said once
        by_date.setdefault(day, {}).setdefault(f"{holiday.title} {holiday.part_said}", holiday)
    return {
        "holidays": [(row, value_of(row)) for row in own],
        "followed": [Followed(row, place_name(row.country, row.region)) for row in followed],
        "closed_days": [
            ClosedDay(day, list(those.values()), hours.get(day)) for day, those in by_date.items()
        ],
        "closed_on": set(by_date),
    }


def holiday_on(schedule: Schedule, day: date) -> str:
    """The title of a holiday of that date, whatever the date's own hours; "" for none."""
    own = [value_of(row) for row in schedule.holidays.all()]
    for row in schedule.public_holidays.all():
        own += [one.as_holiday() for one in not_worked(days_of(row, [day.year]), row.left_out)]
    return next((holiday.title for _, holiday in occurrences(own, first=day, last=day)), "")


def _edit(request: CompanyRequest, schedule: Schedule, row: Holiday | None) -> HttpResponse:
    today = today_in(schedule.zone, timezone.now())
    initial = initial_of(value_of(row) if row else None, today)
    form = HolidayForm(request.POST or None, today=today, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            saved = save_holiday(
                company_id=schedule.company_id,
                schedule_id=schedule.pk,
                holiday_id=row.pk if row else None,
                holiday=form.holiday(),
            )
        except TooManyHolidays as refusal:
            form.add_error(None, str(refusal))
        except Holiday.DoesNotExist:  # removed while the page was open
            form.add_error(None, "This holiday was removed meanwhile, so nothing was saved. Add a new one.")
        else:
            _tell(request, schedule, value_of(saved), today)
            return _to_schedule(request.company.slug, schedule.pk)
    context = {"schedule": schedule, "form": form, "holiday": row}
    return render(request, "dashboard/schedules/holiday.html", context, status=422 if form.is_bound else 200)


def _tell(request: CompanyRequest, schedule: Schedule, holiday: holidays.Holiday, today: date) -> None:
    """When it closes next; a date with hours of its own keeps these, so that is said."""
    last = date(today.year + 8, 12, 31)  # 29 February may be that far
    following = [day for day, _ in occurrences([holiday], first=today, last=last)]
    if not following:
        messages.warning(request, f"“{holiday.title}” was saved, but that day is over: it closes nothing.")
        return
    said = f"“{holiday.title}” was saved: closed {holiday.part_said} next on {_day(following[0])}."
    kept = schedule.overrides.filter(date__in=following, opens__isnull=False).order_by("date").first()
    if kept is None:
        messages.success(request, said)
        return
    messages.warning(
        request,
        f"{said} But on {_day(kept.date)} the hours that were set for that very date count. "
        "Remove them under “Dates with other hours” if you are closed then.",
    )


def _follow(
    schedule: Schedule, row: PublicHolidays | None, choice: PublicChoice, left_out: Sequence[str]
) -> PublicHolidays:
    return follow_public_holidays(
        company_id=schedule.company_id,
        schedule_id=schedule.pk,
        followed_id=row.pk if row else None,
        country=choice.country,
        region=choice.region,
        left_out=left_out,
        now=timezone.now(),
    )


def _said(followed: PublicHolidays) -> str:
    if not followed.left_out:
        return "all of them close this schedule"
    return f"worked all the same: {', '.join(followed.left_out)}"


def _day(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def _to_schedule(slug: str, schedule_id: int) -> HttpResponse:
    page = reverse("schedule", kwargs={"slug": slug, "schedule_id": schedule_id})
    return redirect(f"{page}#holidays")
