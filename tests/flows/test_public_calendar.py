"""A schedule reads a public calendar: added by its address, polled, through outages, and forgotten."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import pytest
from tests.calendar_files import Files, calendar, calendar_files, event

from genie.core.errors import ConnectFault, NotACalendarServer
from genie.flows.add_availability_calendar import CannotRead
from genie.flows.add_public_calendar import MOST, add_public_calendar
from genie.flows.delete_schedule import delete_schedule
from genie.flows.drain import drain
from genie.flows.offer import slots
from genie.flows.remove_availability_calendar import remove_availability_calendar
from genie.providers.registry import ProviderSettings
from genie.store.models import (
    Agency,
    AvailabilityCalendar,
    BusyTime,
    Company,
    Module,
    OpeningHours,
    RemoteCalendar,
    RemoteKey,
    RemoteObject,
    Schedule,
)
from genie.store.queries.drains import to_drain
from genie.store.sealed import unseal

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
DAY = date(2026, 12, 1)
SETTINGS = ProviderSettings(allow_private_networks=True)
SECRET = "secret-token-1"
_names = count()


@dataclass
class Office:
    """Open 8 to 12 UTC each day, visits of an hour; reads a calendar file."""

    files: Files
    module: Module
    url: str
    now: datetime = NOW
    entry: AvailabilityCalendar = field(init=False)

    @property
    def schedule(self) -> Schedule:
        return self.module.schedule

    def add(self, name: str = "", schedule: Schedule | None = None, url: str = "") -> AvailabilityCalendar:
        return add_public_calendar(
            schedule=schedule or self.schedule,
            kind="ics",
            typed={"address": url or self.url},
            name=name,
            settings=SETTINGS,
            now=self.now,
        )

    def read(self) -> RemoteCalendar:
        calendar_id = RemoteCalendar.objects.get().id
        drain(calendar_id=calendar_id, settings=SETTINGS, now=self.now)
        return RemoteCalendar.objects.get()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def offered(self) -> list[str]:
        starts = slots(module=self.module, first=DAY, last=DAY, now=self.now)
        return [f"{start:%H:%M}" for start in starts]


@pytest.fixture
def office() -> Iterator[Office]:
    number = next(_names)
    agency = Agency.objects.create(name="Agency")
    company = Company.objects.create(
        agency=agency, name="Acme", slug=f"acme-{number}", zone="UTC", created_at=NOW
    )
    schedule = Schedule.objects.create(company=company, name="Hours", zone="UTC")
    for weekday in range(7):
        OpeningHours.objects.create(schedule=schedule, weekday=weekday, opens=time(8), closes=time(12))
    module = Module.objects.create(company=company, name="M", slug="m", schedule=schedule, created_at=NOW)
    with calendar_files() as files:
        yield Office(files, module, files.put(calendar(event("a", "20261201T090000Z"))))


def test_its_busy_time_removes_slots(office: Office) -> None:
    entry = office.add("Upstairs")
    assert entry.calendar.name == "Upstairs"
    office.read()
    assert office.offered() == ["08:00", "10:00", "11:00"]
    assert not RemoteCalendar.objects.get().may_write


def test_it_is_looked_at_every_quarter_of_an_hour_and_no_sooner(office: Office) -> None:
    office.add()
    office.read()
    asked = len(office.files.asked)
    office.files.put(calendar(event("a", "20261201T100000Z")))
    for minutes in (1, 5, 8):
        office.later(minutes=minutes)
        assert to_drain(office.now) == set()
        office.read()
    assert len(office.files.asked) == asked
    office.later(minutes=2)
    assert len(to_drain(office.now)) == 1
    office.read()
    assert len(office.files.asked) == asked + 1
    assert office.offered() == ["08:00", "09:00", "11:00"]


def test_adding_it_again_reads_it_at_once(office: Office) -> None:
    first = office.add()
    office.read()
    office.files.put(calendar(event("b", "20261201T110000Z"), event("a", "20261201T090000Z")))
    office.later(minutes=1)
    assert office.add().id == first.id
    office.read()
    assert office.offered() == ["08:00", "10:00"]
    assert RemoteKey.objects.count() == 1


def test_once_a_night_everything_is_read_anew_and_the_mirror_moves_on(office: Office) -> None:
    office.files.put(calendar(event("daily", "20261201T090000Z", "RRULE:FREQ=DAILY")))
    office.add()
    ends = office.read().window_end
    office.later(hours=21)
    assert office.read().window_end > ends
    assert "if-none-match" not in office.files.asked[-1][1]


@pytest.mark.parametrize("trouble", ["empty", "cut off", "page", "gone", "out of order", "away"])
def test_through_an_outage_what_was_read_last_counts(office: Office, trouble: str) -> None:
    office.add()
    office.read()
    path = f"/{SECRET}/basic.ics"
    match trouble:
        case "empty":
            office.files.put(calendar())
        case "cut off":
            office.files.put(calendar(event("b"))[:-10])
        case "page":
            office.files.serve(path, body=b"<html>Sign in</html>")
        case "gone":
            office.files.serve(path, status=404)
        case "out of order":
            office.files.serve(path, status=500)
        case _:
            office.files.serve(path, status=302, headers={"Location": "http://169.254.169.254/"})
    for _ in range(3):
        office.later(hours=1)
        there = office.read()
        assert there.trouble.endswith(".")
        assert SECRET not in there.trouble
        assert office.offered() == ["08:00", "10:00", "11:00"]
    office.files.put(calendar(event("a", "20261201T110000Z")))
    office.later(hours=3)
    there = office.read()
    assert (there.trouble, there.state) == ("", "ok")
    assert office.offered() == ["08:00", "09:00", "10:00"]


def test_an_event_that_breaks_goes_on_taking_its_time(office: Office) -> None:
    office.add()
    office.read()
    office.files.put(calendar(event("a", "20261201T090000Z").replace("DTSTART:", "DTSTART:x"), event("b")))
    office.later(minutes=15)
    office.read()
    assert RemoteObject.objects.get(remote_id="a").problem.endswith(".")
    assert office.offered() == ["10:00", "11:00"]


def test_the_address_is_sealed_shown_nowhere_and_in_no_log(office: Office, caplog) -> None:
    caplog.set_level(logging.INFO)
    office.add()
    office.read()
    office.files.put(calendar(), status=500)
    office.later(hours=1)
    office.read()
    key = RemoteKey.objects.get()
    assert unseal(key.secret) == {"url": office.url}
    assert SECRET.encode() not in bytes(key.secret)
    values = [str(value) for row in (key, RemoteCalendar.objects.get()) for value in vars(row).values()]
    assert not any(SECRET in value for value in values)
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any(SECRET in record.getMessage() for record in ours)


def test_two_schedules_share_one_file_and_the_last_takes_it_along(office: Office) -> None:
    other = Schedule.objects.create(company=office.module.company, name="Other", zone="UTC")
    first, second = office.add(), office.add("Hall", schedule=other)
    assert first.calendar_id == second.calendar_id
    office.read()
    company_id = office.module.company_id
    remove_availability_calendar(company_id=company_id, entry_id=first.id, settings=SETTINGS)
    assert BusyTime.objects.exists()
    delete_schedule(company_id=company_id, schedule_id=other.id, settings=SETTINGS)
    assert not RemoteKey.objects.exists()
    assert not BusyTime.objects.exists()
    assert not RemoteObject.objects.exists()


def test_companies_share_nothing(office: Office) -> None:
    rival = Company.objects.create(
        agency=office.module.company.agency, name="Rival", slug="rival", zone="UTC", created_at=NOW
    )
    theirs = Schedule.objects.create(company=rival, name="Hours", zone="UTC")
    office.add(), office.add(schedule=theirs)
    assert RemoteKey.objects.count() == 2


def test_what_cannot_be_added_saves_nothing(office: Office) -> None:
    with pytest.raises(NotACalendarServer):
        office.add(url=f"{office.files.url}/nothing-here")
    for typed in ({}, {"address": " "}, {"address": "https://" + "a" * 3_000}):
        with pytest.raises(CannotRead, match=r"\.$"):
            add_public_calendar(
                schedule=office.schedule, kind="ics", typed=typed, name="", settings=SETTINGS, now=NOW
            )
    for odd in ("https://exa\x00mple.org/", "https://\ud800.example.org/", "https://xn--/"):
        with pytest.raises((ConnectFault, CannotRead)):
            office.add(url=odd)
    with pytest.raises(CannotRead):
        add_public_calendar(
            schedule=office.schedule,
            kind="caldav",
            typed={"address": office.url},
            name="",
            settings=SETTINGS,
            now=NOW,
        )
    assert not RemoteKey.objects.exists()


def test_a_schedule_reads_so_many_and_no_more(office: Office) -> None:
    for number in range(MOST):
        office.add(url=office.files.put(calendar(event("a")), f"/{number}.ics"))
    with pytest.raises(CannotRead, match="20"):
        office.add()


def test_a_name_with_odd_characters(office: Office) -> None:
    assert office.add("  Hall\x00\u202e one\n").calendar.name == "Hall one"
