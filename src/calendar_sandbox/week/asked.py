"""Which account, calendar, zone and day a request is about: all of it in the address, nothing in a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

from calendar_sandbox.caldav_client import CalDavClient
from calendar_sandbox.faults import BadInput, Gone
from calendar_sandbox.settings import Account, Settings
from calendar_sandbox.week.occurrences import moment_of


@dataclass(frozen=True)
class Asked:
    """The values as sent; empty where the request leaves the choice to us."""

    account: Account
    calendar: str
    zone: str
    day: str

    @classmethod
    def by(cls, request: Request, values: Mapping[str, str]) -> Asked:
        settings: Settings = request.app.state.settings
        return cls(
            account=_account(settings, values.get("account", "")),
            calendar=values.get("calendar", ""),
            zone=_known_zone(values.get("zone", "") or settings.zone),
            day=values.get("day", ""),
        )

    def client(self, request: Request) -> CalDavClient:
        state = request.app.state
        return CalDavClient(state.http, state.settings.caldav_url, self.account, state.homes)

    def object_href(self, values: Mapping[str, str]) -> str:
        """Return the object's address, which must lie in the calendar."""
        href = values.get("href", "")
        if not self.calendar or not href.startswith(self.calendar) or ".." in href:
            raise Gone.event()
        return href

    def key(self, values: Mapping[str, str]) -> str:
        key = values.get("occurrence", "")
        try:
            if key:
                moment_of(key)
        except ValueError:
            raise Gone.event() from None
        return key

    def date(self, today: date) -> date:
        try:
            found = date.fromisoformat(self.day) if self.day else today
        except ValueError:
            return today
        return min(max(found, date(1970, 1, 8)), date(2100, 12, 20))

    def address(self, path: str = "/", **more: Any) -> str:
        """Return an address on this page that keeps account, calendar, zone and day, changed by `more`."""
        kept = {"account": self.account.name, "calendar": self.calendar, "zone": self.zone, "day": self.day}
        return f"{path}?{urlencode({name: value for name, value in (kept | more).items() if value})}"


@lru_cache
def known_zones() -> frozenset[str]:
    """Return every IANA name; asking the system walks through hundreds of files, so it is asked once."""
    return frozenset(available_timezones())


@lru_cache
def zone_names() -> tuple[str, ...]:
    """Return the zones a person would look for: a region and a place, and UTC."""
    regions = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return ("UTC", *sorted(name for name in known_zones() if name.startswith(regions)))


def now_in(request: Request, zone: ZoneInfo) -> datetime:
    settings: Settings = request.app.state.settings
    return settings.clock().astimezone(zone)


def _known_zone(name: str) -> str:
    return name if name in known_zones() else ""


def _account(settings: Settings, name: str) -> Account:
    if not settings.accounts:
        raise BadInput(
            "This sandbox was started without an account.",
            "It cannot sign in to the calendar server.",
            "Start it again with --account name:password.",
        )
    found = next((account for account in settings.accounts if account.name == name), None)
    if name and found is None:
        raise Gone(
            f"There is no account “{name[:60]}” here.",
            "The demo calendar can only show the accounts it was started with.",
            "Choose an account from the list on the calendar page.",
        )
    return found or settings.accounts[0]
