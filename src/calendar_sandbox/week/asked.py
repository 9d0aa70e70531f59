"""Which account, calendar, zone and day a request is about: all of it in the address, nothing in a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request

from calendar_sandbox.caldav_client import CalDavClient
from calendar_sandbox.faults import BadInput, Gone
from calendar_sandbox.google.state import World
from calendar_sandbox.microsoft.state import World as MicrosoftWorld
from calendar_sandbox.settings import Settings
from calendar_sandbox.week.caldav import CalDavOwner
from calendar_sandbox.week.google import GoogleOwner
from calendar_sandbox.week.microsoft import MicrosoftOwner
from calendar_sandbox.week.owner import Owner, Person, moment_of
from calendar_sandbox.week.zones import known_zones


@dataclass(frozen=True)
class Asked:
    """The values as sent; empty where the request leaves the choice to us."""

    account: Person
    calendar: str
    zone: str
    day: str

    @classmethod
    def by(cls, request: Request, values: Mapping[str, str]) -> Asked:
        settings: Settings = request.app.state.settings
        return cls(
            account=_account(request, values.get("account", "")),
            calendar=values.get("calendar", ""),
            zone=_known_zone(values.get("zone", "") or settings.zone),
            day=values.get("day", ""),
        )

    def owner(self, request: Request) -> Owner:
        """Return the account's owner, whatever system it is on."""
        state = request.app.state
        if self.account.system == "Google":
            world: World = state.world
            return GoogleOwner(world, world.account(self.account.name))
        if self.account.system == "Microsoft":
            mailboxes: MicrosoftWorld = state.microsoft.world
            return MicrosoftOwner(mailboxes, mailboxes.account(self.account.name))
        login = next(one for one in state.settings.accounts if one.name == self.account.name)
        return CalDavOwner(CalDavClient(state.http, state.settings.caldav_url, login, state.homes))

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


def people(request: Request) -> list[Person]:
    """Everybody whose calendars one may play with; a name that several systems know is the first one's."""
    state = request.app.state
    found = [Person(account.name, "CalDAV") for account in state.settings.accounts]
    with state.world.lock:
        found += [Person(account.email, "Google") for account in state.world.accounts.values()]
    mailboxes: MicrosoftWorld = state.microsoft.world
    with mailboxes.lock:
        found += [Person(account.upn, "Microsoft") for account in mailboxes.accounts.values()]
    return found


def now_in(request: Request, zone: ZoneInfo, account: Person | None = None) -> datetime:
    """Return the present instant; on a stand-in's calendar its own, which tests may have advanced."""
    state = request.app.state
    clocks = {"Google": state.world.now, "Microsoft": state.microsoft.world.now}
    settings: Settings = state.settings
    now: datetime = clocks.get(account.system if account else "", settings.clock)()
    return now.astimezone(zone)


def _known_zone(name: str) -> str:
    return name if name in known_zones() else ""


def _account(request: Request, name: str) -> Person:
    known = people(request)
    if not known:
        raise BadInput(
            "This sandbox was started without an account.",
            "There is no calendar whose owner one could play.",
            "Start it again with --account name:password, --google-account or --microsoft-account address.",
        )
    found = next((account for account in known if account.name == name.lower() or account.name == name), None)
    if name and found is None:
        raise Gone(
            f"There is no account “{name[:60]}” here.",
            "The demo calendar can only show the accounts it was started with.",
            "Choose an account from the list on the calendar page.",
        )
    return found or known[0]
