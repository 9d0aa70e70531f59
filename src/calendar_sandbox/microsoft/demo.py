"""Accounts with believable calendars: one's own, a team's that may be written, holidays that may be read."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from calendar_sandbox.microsoft import times
from calendar_sandbox.microsoft.api import writing
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.state import Account, Calendar, World

ACCOUNTS = ("ana@contoso.example", "ben@contoso.example", "cora@outlook.example")
PERSONAL = ("outlook.", "hotmail.", "live.", "msn.")  # domains that begin so are of personal accounts
ZONE = "America/New_York"

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


def is_personal(upn: str) -> bool:
    return upn.partition("@")[2].startswith(PERSONAL)


def furnish(world: World, upns: tuple[str, ...] = ACCOUNTS, *, zone: str = ZONE) -> None:
    """Make the accounts and their calendars; accounts that are there already stay as they are."""
    for upn in upns:
        if world.account_of(upn) is None:
            account = world.add_account(upn, personal=is_personal(upn), time_zone=zone)
            _fill(world, account, zone)


def _fill(world: World, account: Account, zone: str) -> None:
    today = times.to_wall(world.now(), times.windows_name(zone)).date()
    monday = today - timedelta(days=today.weekday())
    own = world.default_calendar(account)
    _week(world, account, own, monday, OWN, zone)
    days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    rule = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": days},
        "range": {"type": "noEnd", "startDate": str(monday)},
    }
    standup = _event(monday, time(8, 45), 15, "Stand-up", "", zone) | {"recurrence": rule}
    _insert(world, account, own, standup)
    _insert_holidays(world, account, monday.year)
    _join_team(world, account, monday, zone)


def _join_team(world: World, account: Account, monday: date, zone: str) -> None:
    """One calendar of each organisation: its first account's, which the others may write."""
    colleagues = [one for one in world.accounts.values() if one.tid == account.tid]
    if account.personal:
        return
    if colleagues[0] is not account:
        for calendar in world.calendars_of(colleagues[0]):
            if world.entry(colleagues[0], calendar).name == "Front desk":
                world.share(calendar, account, "write")
        return
    team = world.add_calendar(account, "Front desk", color="lightGreen")
    _week(world, account, team, monday, TEAM, zone)


def _insert_holidays(world: World, account: Account, year: int) -> None:
    """Days off in a calendar that nobody may write, as Outlook adds one."""
    calendar = world.add_calendar(account, "United States holidays")
    for each in (year, year + 1):
        for month, number, title in DAYS_OFF:
            day = date(each, month, number)
            whole = {"isAllDay": True, "showAs": "free", "subject": title}
            span = {"start": _midnight(day), "end": _midnight(day + timedelta(days=1))}
            _insert(world, account, calendar, whole | span)
    calendar.read_only = True


def _midnight(day: date) -> dict[str, str]:
    return {"dateTime": f"{day}T00:00:00", "timeZone": "UTC"}


def _week(world: World, account: Account, calendar: Calendar, monday: date, rows: Any, zone: str) -> None:
    for weekday, start, minutes, title, place in rows:
        day = monday + timedelta(days=weekday)
        _insert(world, account, calendar, _event(day, start, minutes, title, place, zone))


def _event(day: date, start: time, minutes: int, title: str, place: str, zone: str) -> dict[str, Any]:
    begin = datetime.combine(day, start)
    name = times.windows_name(zone)
    made: dict[str, Any] = {"subject": title}
    for which, moment in (("start", begin), ("end", begin + timedelta(minutes=minutes))):
        made[which] = {"dateTime": moment.isoformat(), "timeZone": name}
    return made | ({"location": {"displayName": place}} if place else {})


def _insert(world: World, account: Account, calendar: Calendar, body: dict[str, Any]) -> None:
    entry = world.entry(account, calendar)
    args = {"calendar": entry.id}
    writing.create(Call(world=world, account=account, mailbox=account, args=args, body=body, owner=True))
