"""Availability: a company's schedules, each with weekly hours, special dates and time off."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.rights import Right
from genie.core.week import DayRange, joined
from genie.core.zones import known_zones
from genie.flows.delete_schedule import ScheduleInUse, delete_schedule
from genie.flows.remove_date_hours import remove_date_hours
from genie.flows.remove_time_off import remove_time_off
from genie.flows.save_schedule import NameTaken, save_schedule
from genie.flows.set_date_hours import set_date_hours
from genie.flows.set_time_off import set_time_off
from genie.flows.wired import provider_settings
from genie.store.models import Company, Module, Schedule, TimeOff
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.holidays import holiday_on, holidays_context
from genie.web.dashboard.schedule_forms import DateHoursForm, ScheduleForm, TimeOffForm, Week, today_in

OFFICE_HOURS = [DayRange(weekday, time(9), time(17)) for weekday in range(5)]
"""What a new schedule starts with: Monday to Friday, 9 to 17."""


@for_company(Right.SCHEDULES)
def schedules(request: CompanyRequest, company: Company) -> HttpResponse:
    found = (
        Schedule.objects.filter(company=company)
        .prefetch_related("hours", "staff", Prefetch("modules", Module.objects.order_by("name")))
        .order_by("name")
    )
    return render(request, "dashboard/schedules/list.html", {"schedules": found})


@for_company(Right.SCHEDULES)
def schedule_new(request: CompanyRequest, company: Company) -> HttpResponse:
    form = ScheduleForm(request.POST or None, initial={"name": "", "zone": company.zone})
    week = Week.typed(request.POST) if form.is_bound else Week.of(OFFICE_HOURS)
    saved = saved_schedule(request, company, None, form, week)
    if saved:
        return redirect("schedule", slug=company.slug, schedule_id=saved.pk)
    context = {"form": form, "week": week, "zones": known_zones()}
    return render(request, "dashboard/schedules/new.html", context, status=422 if form.is_bound else 200)


@for_company(Right.SCHEDULES)
def schedule_page(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    form = ScheduleForm(request.POST or None, initial={"name": schedule.name, "zone": schedule.zone})
    week = Week.typed(request.POST) if form.is_bound else Week.of(schedule.hours.all())
    if saved_schedule(request, company, schedule, form, week):
        return redirect("schedule", slug=company.slug, schedule_id=schedule.pk)
    return page(request, schedule, status=422 if form.is_bound else 200, form=form, week=week)


def saved_schedule(
    request: CompanyRequest, company: Company, schedule: Schedule | None, form: ScheduleForm, week: Week
) -> Schedule | None:
    """Save what was posted and say so; None if nothing was posted or it needs a look."""
    if not form.is_bound or not form.is_valid() or week.problems:
        return None
    try:
        saved = save_schedule(
            company_id=company.pk,
            schedule_id=schedule.pk if schedule else None,
            name=form.cleaned_data["name"],
            zone=form.cleaned_data["zone"],
            hours=week.ranges,
        )
    except NameTaken as refusal:
        form.add_error("name", str(refusal))
        return None
    words = (
        " Ranges that touch or overlap were joined." if len(joined(week.ranges)) < len(week.ranges) else ""
    )
    messages.success(request, f"“{saved.name}” was saved.{words}")
    return saved


@for_company(Right.SCHEDULES)
@require_POST
def schedule_delete(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    try:
        name = delete_schedule(company_id=company.pk, schedule_id=schedule_id, settings=provider_settings())
    except Schedule.DoesNotExist:
        raise Http404("This company has no such schedule.") from None
    except ScheduleInUse as refusal:
        messages.error(request, str(refusal))
        return redirect("schedule", slug=company.slug, schedule_id=schedule_id)
    messages.success(request, f"“{name}” was deleted.")
    return redirect("schedules", slug=company.slug)


@for_company(Right.SCHEDULES)
def time_off_add(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    if request.method != "POST":  # a reload of the page that showed a problem
        return redirect("schedule", slug=company.slug, schedule_id=schedule.pk)
    form = TimeOffForm(request.POST, zone=ZoneInfo(schedule.zone))
    if not form.is_valid():
        return page(request, schedule, status=422, time_off_form=form)
    set_time_off(
        company_id=company.pk,
        schedule_id=schedule.pk,
        title=form.cleaned_data["title"],
        start=form.cleaned_data["start"],
        end=form.cleaned_data["end"],
    )
    messages.success(request, "Time off was added: nothing is offered then. Appointments already made stay.")
    return redirect("schedule", slug=company.slug, schedule_id=schedule.pk)


@for_company(Right.SCHEDULES)
@require_POST
def time_off_remove(
    request: CompanyRequest, company: Company, schedule_id: int, time_off_id: int
) -> HttpResponse:
    try:
        remove_time_off(company_id=company.pk, schedule_id=schedule_id, time_off_id=time_off_id)
    except TimeOff.DoesNotExist:
        raise Http404("This schedule has no such time off.") from None
    messages.success(request, "Time off was removed: its hours are offered again.")
    return redirect("schedule", slug=company.slug, schedule_id=schedule_id)


@for_company(Right.SCHEDULES)
def date_hours_set(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, pk=schedule_id)
    if request.method != "POST":  # a reload of the page that showed a problem
        return redirect("schedule", slug=company.slug, schedule_id=schedule.pk)
    form = DateHoursForm(request.POST)
    if not form.is_valid():
        return page(request, schedule, status=422, date_form=form)
    set_date_hours(
        company_id=company.pk,
        schedule_id=schedule.pk,
        day=form.cleaned_data["day"],
        ranges=form.ranges(),
    )
    messages.success(request, _date_saved(schedule, form))
    return redirect("schedule", slug=company.slug, schedule_id=schedule.pk)


@for_company(Right.SCHEDULES)
@require_POST
def date_hours_remove(request: CompanyRequest, company: Company, schedule_id: int, day: str) -> HttpResponse:
    try:
        remove_date_hours(company_id=company.pk, schedule_id=schedule_id, day=date.fromisoformat(day))
    except (Schedule.DoesNotExist, ValueError):
        raise Http404("This schedule has no such date.") from None
    messages.success(request, "The weekly hours hold again on that date.")
    return redirect("schedule", slug=company.slug, schedule_id=schedule_id)


def _date_saved(schedule: Schedule, form: DateHoursForm) -> str:
    """What counts on the date now: on a holiday people wonder which of the two does."""
    title = holiday_on(schedule, form.cleaned_data["day"])
    if not title:
        return "The date's hours were saved; they replace the weekly hours of that day."
    if not form.ranges():
        return f"The date was saved as closed; it is a holiday, too: “{title}”."
    return f"The date's hours were saved. It is a holiday, “{title}”, and you are open all the same."


def page(request: CompanyRequest, schedule: Schedule, *, status: int = 200, **given: Any) -> HttpResponse:
    """The schedule's page, with the form that needs a look among `given`."""
    now = timezone.now()
    overrides: dict[date, list[tuple[time, time | None]]] = {}
    for row in schedule.overrides.filter(date__gte=today_in(schedule.zone, now)):
        ranges = overrides.setdefault(row.date, [])
        if row.opens is not None:
            ranges.append((row.opens, row.closes))
    context = {
        "schedule": schedule,
        "form": ScheduleForm(initial={"name": schedule.name, "zone": schedule.zone}),
        "week": Week.of(schedule.hours.all()) if "week" not in given else None,
        "date_form": DateHoursForm(),
        "time_off_form": TimeOffForm(zone=ZoneInfo(schedule.zone)),
        "overrides": overrides.items(),
        **holidays_context(schedule, today_in(schedule.zone, now), overrides),
        "time_off": schedule.time_off.filter(end__gt=now),
        "modules": schedule.modules.order_by("name"),
        "people": schedule.staff.order_by("name"),
        "zones": known_zones(),
        "now": now,
        "local_now": now.astimezone(ZoneInfo(schedule.zone)),
    }
    return render(request, "dashboard/schedules/page.html", context | given, status=status)
