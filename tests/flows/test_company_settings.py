"""Schedules and modules are changed within their company only, in one transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from tests.sync_scene import SETTINGS
from tests.web.tenants import FUTURE, NOW, Tenant, tenant

from genie.core.week import DayRange
from genie.flows.add_module import add_module
from genie.flows.delete_schedule import ScheduleInUse, delete_schedule
from genie.flows.enable_module import enable_module
from genie.flows.log_in import PER_PAIR, LoginRefused, TooManyTries, log_in
from genie.flows.remove_date_hours import remove_date_hours
from genie.flows.remove_time_off import remove_time_off
from genie.flows.save_module import ModuleSettings, save_module
from genie.flows.save_schedule import NameTaken, save_schedule
from genie.flows.set_date_hours import set_date_hours
from genie.flows.set_time_off import set_time_off
from genie.store.models import Module, Schedule, TimeOff

MORNING = [DayRange(0, time(9), time(12))]


def settings_of(of: Tenant, **changes: Any) -> ModuleSettings:
    return ModuleSettings(
        **({"name": "Main", "schedule_id": of.schedule.pk, "title": "Tour", "duration": 30} | changes)
    )


@pytest.mark.django_db
def test_nothing_of_another_company_is_found() -> None:
    ours, theirs = tenant("Ours"), tenant("Theirs")
    company, schedule = ours.company.pk, theirs.schedule.pk
    with pytest.raises(Schedule.DoesNotExist):
        save_schedule(company_id=company, schedule_id=schedule, name="x", zone="UTC", hours=MORNING)
    with pytest.raises(Schedule.DoesNotExist):
        delete_schedule(company_id=company, schedule_id=schedule, settings=SETTINGS)
    with pytest.raises(Schedule.DoesNotExist):
        set_time_off(company_id=company, schedule_id=schedule, title="", start=NOW, end=FUTURE)
    with pytest.raises(TimeOff.DoesNotExist):
        remove_time_off(company_id=company, schedule_id=schedule, time_off_id=theirs.time_off.pk)
    with pytest.raises(TimeOff.DoesNotExist):
        remove_time_off(company_id=company, schedule_id=ours.schedule.pk, time_off_id=theirs.time_off.pk)
    with pytest.raises(Schedule.DoesNotExist):
        set_date_hours(company_id=company, schedule_id=schedule, day=FUTURE.date(), ranges=[])
    with pytest.raises(Schedule.DoesNotExist):
        remove_date_hours(company_id=company, schedule_id=schedule, day=FUTURE.date())
    with pytest.raises(Module.DoesNotExist):
        save_module(company_id=company, module_id=theirs.module.pk, settings=settings_of(ours))
    with pytest.raises(Schedule.DoesNotExist):
        save_module(company_id=company, module_id=ours.module.pk, settings=settings_of(theirs))
    with pytest.raises(Schedule.DoesNotExist):
        add_module(company_id=company, settings=settings_of(theirs), now=NOW)
    with pytest.raises(Module.DoesNotExist):
        enable_module(company_id=company, module_id=theirs.module.pk, enabled=False)


@pytest.mark.django_db
def test_a_refused_name_leaves_name_and_hours_as_they_were() -> None:
    acme = tenant("Acme")
    Schedule.objects.create(company=acme.company, name="Taken", zone="UTC")
    with pytest.raises(NameTaken):
        save_schedule(
            company_id=acme.company.pk, schedule_id=acme.schedule.pk, name="Taken", zone="UTC", hours=[]
        )
    acme.schedule.refresh_from_db()
    assert acme.schedule.name == "Acme hours"
    assert acme.schedule.hours.count() == 1


@pytest.mark.django_db
def test_a_schedule_in_use_names_its_users() -> None:
    acme = tenant("Acme")
    for name in ("B", "C"):
        add_module(company_id=acme.company.pk, settings=settings_of(acme, name=name), now=NOW)
    with pytest.raises(ScheduleInUse, match="because “Acme office”, “B”, “C” and “Sam of Acme” take"):
        delete_schedule(company_id=acme.company.pk, schedule_id=acme.schedule.pk, settings=SETTINGS)


@pytest.mark.django_db
def test_hours_of_a_date_replace_what_was_set_before() -> None:
    acme, day = tenant("Acme"), date(2100, 5, 1)
    for ranges in ([], [(time(9), time(12)), (time(11), time(14))], [(time(22), time(2))]):
        set_date_hours(company_id=acme.company.pk, schedule_id=acme.schedule.pk, day=day, ranges=ranges)
    rows = acme.schedule.overrides.filter(date=day).values_list("opens", "closes")
    assert list(rows) == [(time(22), time(2))]


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"capacity": 0},
        {"start_every": 0},
        {"horizon_days": None},
        {"horizon_days": 3, "horizon_months": 3},
    ],
)
def test_settings_cannot_be_born_wrong(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|either days or months"):
        ModuleSettings(**({"name": "x", "schedule_id": 1, "title": "x", "duration": 30} | wrong))


@pytest.mark.django_db(transaction=True)
def test_modules_of_one_name_added_at_once_get_addresses_of_their_own() -> None:
    acme = tenant("Acme")
    at_once(
        5, lambda: add_module(company_id=acme.company.pk, settings=settings_of(acme, name="Sea"), now=NOW)
    )
    slugs = set(Module.objects.filter(name="Sea").values_list("slug", flat=True))
    assert slugs == {"sea", "sea-2", "sea-3", "sea-4", "sea-5"}


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_do_not_pass_the_limit_together() -> None:
    acme = tenant("Acme")
    answers: list[str] = []

    def guess() -> None:
        try:
            log_in(email=acme.admin.email, password="guess", address="192.0.2.1", now=NOW)
        except LoginRefused as refusal:
            answers.append(type(refusal).__name__)

    at_once(12, guess)
    assert len(answers) == 12
    assert answers.count("LoginRefused") <= PER_PAIR
    with pytest.raises(TooManyTries):
        log_in(
            email=acme.admin.email,
            password="guess",
            address="192.0.2.1",
            now=datetime(2026, 3, 2, 12, 1, tzinfo=UTC),
        )


def at_once(times: int, act: Any) -> None:
    """Run `act` in so many threads, each with a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
