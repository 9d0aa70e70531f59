"""Accounts with believable calendars: one's own, a team's that may be written, holidays that may be read."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from calendar_sandbox.google import times
from calendar_sandbox.google.api import writing
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Account, Calendar, World

ACCOUNTS = ("ana@example.org", "ben@example.org")
ZONE = "America/New_York"
HOLIDAYS = "en.usa#holiday@group.v.calendar.google.com"

# day of the week, start, minutes, title, place
OWN = (
    (0, time(9), 30, "Weekly planning", ""),
    (1, time(12, 30), 60, "Lunch with Sam", "Corner Café"),
    (3, time(15), 45, "Dentist", "12 Mill Street"),
)
TEAM = (
    (0, time(10), 60, "Deliveries", "Back door"),
    (2, time(14), 90, "Supplier visit", "Meeting room 1"),
    (4, time(11), 60, "Team meeting", "Meeting room 2"),
)
DAYS_OFF = (
    (1, 1, "New Year's Day"),
    (7, 4, "Independence Day"),
    (11, 11, "Veterans Day"),
    (12, 25, "Christmas Day"),
)


def furnish(world: World, emails: tuple[str, ...] = ACCOUNTS, *, zone: str = ZONE) -> None:
    """Make the accounts and their calendars; accounts that are there already stay as they are."""
    new = [
        world.add_account(email, time_zone=zone) for email in emails if email.lower() not in world.accounts
    ]
    if not new:
        return
    monday = _monday(world, zone)
    holidays = world.calendars.get(HOLIDAYS) or _holidays(world, zone, monday.year)
    team = next((c for c in world.calendars.values() if c.summary == "Front desk"), None)
    if team is None:
        team = world.add_calendar(new[0], "Front desk", description="Visits and deliveries")
        _week(world, new[0], team, monday, TEAM, zone)
    for account in new:
        world.subscribe(account, holidays)
        if team.owner != account.email:
            world.share(team, account.email, "writer")
        own = world.calendars[account.email]
        _week(world, account, own, monday, OWN, zone)
        standup = {
            **_event(monday, time(8, 45), 15, "Stand-up", "", zone),
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"],
        }
        _insert(world, account, own, standup)


def _monday(world: World, zone: str) -> date:
    today = times.to_wall(world.now(), zone).date()
    return today - timedelta(days=today.weekday())


def _week(world: World, account: Account, calendar: Calendar, monday: date, rows: Any, zone: str) -> None:
    for weekday, start, minutes, title, place in rows:
        day = monday + timedelta(days=weekday)
        _insert(world, account, calendar, _event(day, start, minutes, title, place, zone))


def _holidays(world: World, zone: str, year: int) -> Calendar:
    calendar = world.add_calendar(
        None, "Holidays in United States", id=HOLIDAYS, time_zone=zone, refuses_push=True
    )
    calendar.acl["default"] = "reader"
    google = Account(sub="0", email=HOLIDAYS, name="Google")
    calendar.acl[HOLIDAYS] = "owner"
    for each in (year, year + 1):
        for month, number, title in DAYS_OFF:
            day = date(each, month, number)
            whole = {"start": {"date": str(day)}, "end": {"date": str(day + timedelta(days=1))}}
            body = whole | {"summary": title, "transparency": "transparent", "visibility": "public"}
            _insert(world, google, calendar, body)
    del calendar.acl[HOLIDAYS]
    return calendar


def _event(day: date, start: time, minutes: int, title: str, place: str, zone: str) -> dict[str, Any]:
    begin = datetime.combine(day, start)
    ends = begin + timedelta(minutes=minutes)
    made: dict[str, Any] = {
        "summary": title,
        "start": {"dateTime": begin.isoformat(), "timeZone": zone},
        "end": {"dateTime": ends.isoformat(), "timeZone": zone},
    }
    return made | ({"location": place} if place else {})


def _insert(world: World, account: Account, calendar: Calendar, body: dict[str, Any]) -> None:
    writing.insert(Call(world=world, account=account, args={"calendarId": calendar.id}, body=body))
