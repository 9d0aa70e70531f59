"""Holidays of a schedule: what they take away, what opens all the same, and public ones kept and renewed."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.utils import IntegrityError
from django.utils import timezone
from tests.booking_scene import MONDAY, NOW, Shop, shop

from genie.core.holidays import LAST, Holiday
from genie.core.public_holidays import UnknownRegion, edition, public_days
from genie.flows import save_holiday as saving
from genie.flows.book import SlotTaken
from genie.flows.follow_public_holidays import FollowedAlready, follow_public_holidays
from genie.flows.offer import slots
from genie.flows.remove_holiday import remove_holiday
from genie.flows.renew_public_holidays import renew_public_holidays, years_kept
from genie.flows.save_holiday import TooManyHolidays, save_holiday
from genie.flows.set_date_hours import set_date_hours
from genie.flows.set_time_off import set_time_off
from genie.flows.unfollow_public_holidays import unfollow_public_holidays
from genie.store import models
from genie.store.queries.holidays import holidays_of

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")
CHRISTMAS = date(2026, 12, 25)  # a Friday
ALL_DAY = ["09:00", "10:00", "11:00"]


@pytest.fixture
def acme() -> Shop:
    return shop(horizon_days=700)


def on(acme: Shop, day: date, *, now: datetime = NOW) -> list[str]:
    found = slots(module=acme.module, first=day, last=day, now=now)
    return [f"{start.astimezone(NEW_YORK):%H:%M}" for start in found]


def close(acme: Shop, holiday: Holiday, holiday_id: int | None = None) -> models.Holiday:
    return save_holiday(
        company_id=acme.company.id, schedule_id=acme.schedule.id, holiday_id=holiday_id, holiday=holiday
    )


def open_on(acme: Shop, day: date, *ranges: tuple[time, time]) -> None:
    set_date_hours(company_id=acme.company.id, schedule_id=acme.schedule.id, day=day, ranges=ranges)


def follow(acme: Shop, country: str = "US", region: str = "", *left_out: str, now: datetime = NOW, **over):
    values = {"company_id": acme.company.id, "schedule_id": acme.schedule.id, "followed_id": None, **over}
    return follow_public_holidays(country=country, region=region, left_out=left_out, now=now, **values)


def test_a_holiday_closes_its_date_every_year(acme: Shop) -> None:
    assert on(acme, CHRISTMAS) == ALL_DAY
    close(acme, Holiday("Christmas", 12, day=25))
    assert on(acme, CHRISTMAS) == []
    assert on(acme, CHRISTMAS - timedelta(1)) == ALL_DAY
    assert on(acme, CHRISTMAS.replace(year=2027) - timedelta(1)) == ALL_DAY  # a Friday
    with pytest.raises(SlotTaken):
        acme.book("2026-12-25T09:00")


def test_a_part_of_a_day_closes_what_would_run_into_it(acme: Shop) -> None:
    close(acme, Holiday("Early closing", 3, day=2, start=time(10, 30)))
    assert on(acme, MONDAY) == ["09:00"]
    close(acme, Holiday("Late opening", 3, day=3, end=time(9, 30)))
    assert on(acme, MONDAY + timedelta(1)) == ["10:00", "11:00"]


def test_an_nth_weekday_of_one_year(acme: Shop) -> None:
    close(acme, Holiday("Inventory", 3, weekday=0, week=LAST, year=2026))
    assert on(acme, date(2026, 3, 30)) == []
    assert on(acme, date(2026, 3, 23)) == on(acme, date(2027, 3, 29)) == ALL_DAY


def test_hours_typed_for_the_date_are_the_last_word(acme: Shop) -> None:
    close(acme, Holiday("Christmas", 12, day=25))
    close(acme, Holiday("Early closing", 12, day=25, start=time(12)))
    open_on(acme, CHRISTMAS, (time(10), time(14)))
    assert on(acme, CHRISTMAS) == ["10:00", "11:00", "12:00", "13:00"]
    open_on(acme, CHRISTMAS)
    assert on(acme, CHRISTMAS) == []


def test_hours_of_a_date_open_a_day_that_is_usually_closed(acme: Shop) -> None:
    sunday = MONDAY - timedelta(1) + timedelta(7)
    assert on(acme, sunday) == []
    open_on(acme, sunday, (time(14), time(16)))
    assert on(acme, sunday) == ["14:00", "15:00"]


def test_time_off_counts_even_on_a_date_with_hours_of_its_own(acme: Shop) -> None:
    open_on(acme, CHRISTMAS, (time(10), time(14)))
    set_time_off(
        company_id=acme.company.id,
        schedule_id=acme.schedule.id,
        title="Lunch",
        start=datetime(2026, 12, 25, 17, tzinfo=UTC),
        end=datetime(2026, 12, 25, 18, tzinfo=UTC),
    )
    assert on(acme, CHRISTMAS) == ["10:00", "11:00", "13:00"]


def test_time_off_of_several_days_and_of_parts_takes_exactly_that(acme: Shop) -> None:
    set_time_off(
        company_id=acme.company.id,
        schedule_id=acme.schedule.id,
        title="Trip",
        start=datetime(2026, 3, 2, 15, tzinfo=UTC),  # Monday 10:00
        end=datetime(2026, 3, 4, 15, tzinfo=UTC),  # Wednesday 10:00
    )
    assert [on(acme, MONDAY + timedelta(n)) for n in range(4)] == [["09:00"], [], ["10:00", "11:00"], ALL_DAY]


def test_a_changed_holiday_moves_and_a_removed_one_is_gone(acme: Shop) -> None:
    row = close(acme, Holiday("Closed", 3, day=2, start=time(9), end=time(10)))
    close(acme, Holiday("Closed", 3, weekday=1, week=1), row.id)
    assert on(acme, MONDAY) == ALL_DAY
    assert on(acme, date(2026, 3, 3)) == []
    values = {"company_id": acme.company.id, "schedule_id": acme.schedule.id}
    assert remove_holiday(**values, holiday_id=row.id) == "Closed"
    assert on(acme, date(2026, 3, 3)) == ALL_DAY
    with pytest.raises(models.Holiday.DoesNotExist):
        remove_holiday(**values, holiday_id=row.id)


def test_holidays_of_another_company_are_not_found(acme: Shop) -> None:
    other = shop("other")
    row = close(acme, Holiday("Closed", 3, day=2))
    followed = follow(acme)
    theirs = {"company_id": other.company.id, "schedule_id": other.schedule.id}
    with pytest.raises(models.Holiday.DoesNotExist):
        save_holiday(**theirs, holiday_id=row.id, holiday=Holiday("Mine", 1, day=1))
    with pytest.raises(models.Holiday.DoesNotExist):
        remove_holiday(**theirs, holiday_id=row.id)
    with pytest.raises(models.PublicHolidays.DoesNotExist):
        follow(acme, followed_id=followed.id, **theirs)
    with pytest.raises(models.PublicHolidays.DoesNotExist):
        unfollow_public_holidays(**theirs, followed_id=followed.id)
    with pytest.raises(models.Schedule.DoesNotExist):
        follow(acme, company_id=other.company.id)
    with pytest.raises(models.Schedule.DoesNotExist):
        save_holiday(
            company_id=other.company.id,
            schedule_id=acme.schedule.id,
            holiday_id=None,
            holiday=Holiday("Mine", 1, day=1),
        )


def test_a_schedule_takes_only_so_many(acme: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "MOST", 1)
    row = close(acme, Holiday("One", 3, day=2))
    with pytest.raises(TooManyHolidays, match="Nothing was added"):
        close(acme, Holiday("Two", 3, day=3))
    close(acme, Holiday("Still one", 3, day=3), row.id)


def test_the_database_refuses_a_part_that_is_backwards(acme: Shop) -> None:
    with pytest.raises(IntegrityError):
        models.Holiday.objects.create(
            schedule=acme.schedule, title="x", month=1, day=1, start=time(12), end=time(12)
        )


def test_public_holidays_close_their_days_but_for_those_that_are_worked(acme: Shop) -> None:
    presidents, thanksgiving = date(2026, 2, 16), date(2026, 11, 26)
    follow(acme, "US", "", "Thanksgiving Day")
    assert on(acme, CHRISTMAS) == []
    assert on(acme, thanksgiving) == ALL_DAY
    assert on(acme, presidents.replace(year=2027) - timedelta(1)) == []  # 15 February 2027, a Monday


def test_the_day_it_is_kept_on_is_worked_with_the_day_itself(acme: Shop) -> None:
    friday_before = date(2026, 7, 3)
    followed = follow(acme)
    assert on(acme, friday_before) == []
    follow(acme, "US", "", "Independence Day", followed_id=followed.id)
    assert on(acme, friday_before) == ALL_DAY


def test_two_regions_close_the_days_of_both(acme: Shop) -> None:
    follow(acme, "DE", "BY")
    follow(acme, "DE", "BE")
    epiphany, womens_day = date(2027, 1, 6), date(2027, 3, 8)
    assert on(acme, epiphany) == on(acme, womens_day) == []
    with pytest.raises(FollowedAlready, match="follows Germany with that region already"):
        follow(acme, "DE", "BE")


def test_an_unknown_region_is_refused(acme: Shop) -> None:
    with pytest.raises(UnknownRegion):
        follow(acme, "US", "BY")
    assert not models.PublicHolidays.objects.exists()


def test_unfollowed_they_close_nothing(acme: Shop) -> None:
    followed = follow(acme)
    values = {"company_id": acme.company.id, "schedule_id": acme.schedule.id}
    unfollow_public_holidays(**values, followed_id=followed.id)
    assert on(acme, CHRISTMAS) == ALL_DAY


def test_a_page_that_offers_slots_asks_the_library_nothing(acme: Shop) -> None:
    """Every date somebody may ask for is within the years kept with the set."""
    now = timezone.now()
    follow(acme, now=now)
    public_days.cache_clear()
    slots(module=acme.module, first=now.date(), last=now.date() + timedelta(800), now=now)
    assert public_days.cache_info().misses == 0
    assert "holidays" in sys.modules  # it was loaded, for the set: the line above says something


def test_days_are_renewed_when_the_years_go_on(acme: Shop) -> None:
    followed = follow(acme)
    assert renew_public_holidays(now=NOW) == 0
    later = NOW.replace(year=2027)
    assert renew_public_holidays(now=later) == 1
    assert renew_public_holidays(now=later) == 0
    followed.refresh_from_db()
    assert sorted(followed.days) == [str(year) for year in years_kept(later)]


def test_another_edition_renews_the_days_and_follows_names(acme: Shop) -> None:
    followed = follow(acme, "US", "", "Christmas Day")
    followed.days["2026"] = [["2026-12-25", "Xmas", ""], ["2026-07-04", "Fourth of July", ""]]
    followed.left_out, followed.edition = ["Xmas"], "0.1"
    followed.save()
    assert on(acme, CHRISTMAS) == ALL_DAY
    assert on(acme, date(2026, 11, 26)) == ALL_DAY  # that edition knew no Thanksgiving
    assert renew_public_holidays(now=NOW) == 1
    followed.refresh_from_db()
    assert (followed.left_out, followed.edition) == (["Christmas Day"], edition())
    assert on(acme, CHRISTMAS) == ALL_DAY
    assert on(acme, date(2026, 11, 26)) == []


def test_a_region_the_library_knows_no_more_keeps_its_days_and_breaks_nothing(acme: Shop) -> None:
    kept = {"2026": [["2026-12-25", "Christmas Day", ""]]}
    models.PublicHolidays.objects.create(
        schedule=acme.schedule, country="ZZ", region="Q", days=kept, edition="0.1"
    )
    assert renew_public_holidays(now=NOW) == 0
    assert on(acme, CHRISTMAS) == []
    assert on(acme, date(2027, 12, 24)) == ALL_DAY


def test_holidays_of_many_schedules_take_two_queries(acme: Shop, django_assert_num_queries) -> None:
    other = shop("other")
    close(acme, Holiday("Closed", 3, day=2))
    close(other, Holiday("Closed", 3, day=3, year=2026))
    close(other, Holiday("Long ago", 3, day=3, year=2020))
    follow(other)
    with django_assert_num_queries(2):
        found = holidays_of([acme.schedule.id, other.schedule.id], first=MONDAY, last=date(2026, 6, 1))
    assert [one.title for one in found[acme.schedule.id]] == ["Closed"]
    assert [one.title for one in found[other.schedule.id]] == ["Closed", "Memorial Day"]
