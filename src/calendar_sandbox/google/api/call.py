"""One call of an API method: who asks for what. Every method is a function of a Call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calendar_sandbox.google import errors, times
from calendar_sandbox.google.state import ROLES, Account, Calendar, Resource, StoredEvent, World

SCOPE = "https://www.googleapis.com/auth/"
OWNED = ("calendar.events.owned", "calendar.events.owned.readonly")


@dataclass
class Call:
    """`scopes` are those of the caller's that allow the method, in short (`calendar.events`).

    `params` has every parameter once more as a list. Whoever plays the owner leaves `scopes` as it is.
    `changes_ago` makes lists stale: they show the calendar as it was that many changes ago, as far as those
    happened `within` so many seconds.
    """

    world: World
    account: Account
    args: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, list[str]] = field(default_factory=dict)
    body: Resource = field(default_factory=dict)
    client_id: str = ""
    scopes: tuple[str, ...] = ("calendar",)
    if_match: str = ""
    changes_ago: int = 0
    within: float | None = None
    base_url: str = ""

    # --- parameters, each refused in Google's words when it does not fit ---

    def text(self, name: str) -> str:
        return (self.params.get(name) or [""])[-1]

    def flag(self, name: str) -> bool | None:
        """None when it was not sent."""
        value = self.text(name).lower()
        if name not in self.params:
            return None
        if value not in ("true", "false"):
            raise errors.invalid_parameter(name, value, "Values must be true or false")
        return value == "true"

    def number(self, name: str, default: int, most: int) -> int:
        if name not in self.params:
            return default
        value = self.text(name)
        if not value.isdigit() or int(value) < 1:
            raise errors.invalid_parameter(name, value, "Values must be within the range: [1, 2147483647]")
        return min(int(value), most)

    def moment(self, name: str) -> Any:
        """An instant, or None when it was not sent."""
        if not self.text(name):
            return None
        try:
            return times.parse_instant(self.text(name)).replace(microsecond=0)
        except (ValueError, OverflowError):
            raise errors.bad_request() from None

    def zone(self, default: str) -> str:
        name = self.text("timeZone")
        return times.known_zone(name, what="time zone parameter") if name else default

    # --- calendars and events ---

    def calendar(self, name: str = "calendarId") -> Calendar:
        """The calendar of the path. Raise Refusal when the account cannot see it, or the scope does not."""
        calendar_id = self.args[name] if name in self.args else self.text(name)
        calendar = self.world.calendar_of(self.account, calendar_id)
        if calendar is None:
            raise errors.not_found()
        if not self.reaches(calendar):
            raise errors.forbidden()
        return calendar

    def reaches(self, calendar: Calendar) -> bool:
        """Some scopes are good for some calendars only."""
        return any(self._good_for(scope, calendar) for scope in self.scopes)

    def _good_for(self, scope: str, calendar: Calendar) -> bool:
        if scope in OWNED:
            return self.world.role(self.account, calendar) == "owner"
        if scope == "calendar.app.created":
            return bool(calendar.made_by) and calendar.made_by == self.client_id
        if scope == "calendar.events.public.readonly":
            return "default" in calendar.acl
        return True

    def role(self, calendar: Calendar) -> str:
        """The account's role, lowered to what the scope lets through."""
        good = [scope for scope in self.scopes if self._good_for(scope, calendar)]
        if good == ["calendar.events.freebusy"]:
            return "freeBusyReader"
        return self.world.role(self.account, calendar)

    def writable(self, name: str = "calendarId") -> Calendar:
        """The calendar of the path, if the account may write it."""
        calendar = self.calendar(name)
        self.needs(calendar, "writer")
        return calendar

    def needs(self, calendar: Calendar, role: str) -> None:
        """Raise Refusal when the account has less than this role."""
        least = "writerWithoutPrivateAccess" if role == "writer" else role
        if ROLES.index(self.world.role(self.account, calendar)) < ROLES.index(least):
            raise errors.needs_role(role)

    def check_match(self, etag: str) -> None:
        """Raise Refusal when If-Match names another version."""
        if self.if_match and self.if_match != "*":
            wanted = [one.strip().removeprefix("W/") for one in self.if_match.split(",")]
            if etag not in wanted:
                raise errors.condition_not_met()


def hidden(
    stored_or_resource: StoredEvent | Resource, role: str, calendar: Calendar, account: Account
) -> bool:
    """Say whether the details of an event are not for this role: it is private, or all of them are."""
    resource = (
        stored_or_resource.resource if isinstance(stored_or_resource, StoredEvent) else stored_or_resource
    )
    if role == "freeBusyReader":
        return True
    if resource.get("visibility") not in ("private", "confidential") or role in ("writer", "owner"):
        return False
    guests = (guest.get("email", "").lower() for guest in resource.get("attendees", ()))
    return account.email != calendar.id and account.email not in guests
