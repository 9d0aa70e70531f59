"""One call of a Graph method: who asks for what. Every method is a function of a Call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from calendar_sandbox.microsoft import errors, times
from calendar_sandbox.microsoft.state import Account, Calendar, CalendarEntry, Resource, StoredEvent, World

MOST_ON_A_PAGE = 1000
USUAL_PAGE = 10
PREFERENCE = re.compile(r'\s*([\w.-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^,;]*))?\s*(?:,|;|$)')
READING = frozenset(("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"))
WRITING = frozenset(("Calendars.ReadWrite",))
SHARED = ".Shared"


@dataclass
class Answer:
    """What a method answers: JSON, or text, or nothing; with headers of its own."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass
class Call:
    """`account` is who asks, `mailbox` whose mailbox the path names. `params` are spelt in small letters.

    `scopes` are those of the caller's token; whoever plays the owner has them all. `changes_ago` makes lists
    stale: they show the calendar as it was that many changes ago, as far as those happened `within` so many
    seconds. `proven` are the addresses that just
    answered a validation request as they should, by address: what was wrong with the others.
    """

    world: World
    account: Account
    mailbox: Account
    args: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, list[str]] = field(default_factory=dict)
    body: Resource = field(default_factory=dict)
    prefer: Mapping[str, str] = field(default_factory=dict)
    client_id: str = ""
    scopes: frozenset[str] = frozenset()
    if_match: str = ""
    changes_ago: int = 0
    within: float | None = None
    expired: bool = False  # whatever token is sent
    base_url: str = ""
    path: str = ""  # as it was asked, without the query
    query: str = ""
    owner: bool = False  # the account's owner by hand
    proven: Mapping[str, str] = field(default_factory=dict)

    # --- preferences and parameters ---

    @property
    def immutable(self) -> bool:
        return self.prefer.get("idtype", "").lower() == "immutableid"

    @property
    def zone(self) -> str:
        return times.known_zone(self.prefer.get("outlook.timezone") or "UTC")

    @property
    def text_bodies(self) -> bool:
        return self.prefer.get("outlook.body-content-type", "").lower() == "text"

    def text(self, name: str) -> str:
        return (self.params.get(name.lower()) or [""])[-1]

    def number(self, name: str, default: int, most: int) -> int:
        """Raise Refusal for what is no number of its range."""
        text = self.text(name)
        if name.lower() not in self.params:
            return default
        if not text.isdigit() or (not int(text) and name == "$top"):
            raise errors.bad("BadRequest", f"Invalid value '{text}' for {name} query option found.")
        return min(int(text), most)

    @property
    def page_size(self) -> int:
        """`$top`, or what the Prefer header allows, or ten."""
        wanted = self.prefer.get("odata.maxpagesize", "")
        usual = min(int(wanted), MOST_ON_A_PAGE) if wanted.isdigit() and int(wanted) else USUAL_PAGE
        return self.number("$top", usual, MOST_ON_A_PAGE)

    # --- addresses ---

    @property
    def root(self) -> str:
        return f"{self.base_url}/v1.0"

    def context(self, what: str) -> str:
        return f"{self.root}/$metadata#{what}"

    def events_context(self, calendar: Calendar, view: str = "events") -> str:
        """What stands behind `#` of a list of events."""
        own = f"users('{quote(self.mailbox.id, safe='')}')"
        if "calendars" in self.path.lower().split("/"):
            return self.context(f"{own}/calendars('{quote(self.entry(calendar).id, safe='')}')/{view}")
        return self.context(f"{own}/{view}")

    # --- calendars and events ---

    def entry(self, calendar: Calendar) -> CalendarEntry:
        """How the mailbox has the calendar on its list."""
        return self.world.entry(self.mailbox, calendar)

    @property
    def own_mailbox(self) -> bool:
        return self.mailbox.oid == self.account.oid

    def role(self, calendar: Calendar) -> str:
        return self.world.role(self.account, calendar)

    def calendar(self) -> Calendar:
        """The calendar of the path; without one the default one. Raise Refusal when it is not to be seen."""
        if "calendar" not in self.args:
            calendar = self.world.default_calendar(self.mailbox)
        else:
            found = self.world.calendar_of(self.mailbox, self.args["calendar"])
            if found is None:
                if not self.args["calendar"].endswith("="):
                    raise errors.malformed_id()
                raise errors.item_not_found()
            calendar = found
        self.must_see(calendar)
        return calendar

    def must_see(self, calendar: Calendar) -> None:
        """Raise Refusal when the account, or what the app was granted, does not reach the calendar."""
        if not self.role(calendar):
            raise errors.access_denied() if not self.own_mailbox else errors.item_not_found()
        if not self._granted(calendar, READING):
            raise errors.access_denied()

    def must_see_details(self, calendar: Calendar) -> None:
        """The same for its events: who may see only when somebody is free sees none."""
        self.must_see(calendar)
        if self.role(calendar) == "freeBusyRead":
            raise errors.access_denied()

    def must_write(self, calendar: Calendar) -> None:
        """Raise Refusal when the account may not write it."""
        self.must_see(calendar)
        if not self._granted(calendar, WRITING) or not self.world.may_write(self.account, calendar):
            raise errors.access_denied()

    def _granted(self, calendar: Calendar, wanted: frozenset[str]) -> bool:
        """Calendars of others need the `.Shared` kind of a scope; it is good for one's own, too."""
        if self.owner:
            return True
        shared = {f"{scope}{SHARED}" for scope in wanted}
        own = calendar.owner == self.account.oid
        return bool(self.scopes & (wanted | shared if own else shared))

    def ids(self, stored: StoredEvent) -> str:
        return stored.immutable_id if self.immutable else stored.id


def preferences(header: str) -> dict[str, str]:
    """Read a Prefer header: names in small letters, values without quotes."""
    found = {}
    for name, value in PREFERENCE.findall(header):
        if name:
            found[name.lower()] = value.strip().strip('"')
    return found
