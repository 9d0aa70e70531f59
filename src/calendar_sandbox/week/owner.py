"""A calendar's owner, whatever system the calendar lives in: what one can see and do, and in which words.

`caldav.py`, `google.py` and `microsoft.py` are the three there are. An `Owner` is made for one request and
one account.

An occurrence is named by its href and a key: the start the series gives it, as `20261124T090000Z`,
`20261124T090000` (floating) or `20261124` (all day). An event that does not repeat has the key ``""``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
Scope = Literal["one", "series"]
ANSWERS = ("accepted", "tentative", "declined")


@dataclass(frozen=True)
class Person:
    """Somebody whose calendars one may play with: the name to sign in by, and where."""

    name: str
    system: Literal["CalDAV", "Google", "Microsoft"]


@dataclass(frozen=True)
class Calendar:
    """`href` is a CalDAV calendar's path, at Google and Microsoft its id; `zone` an IANA name or empty."""

    href: str
    name: str
    color: str
    zone: str
    writable: bool


@dataclass(frozen=True)
class Occurrence:
    """One happening. Timed: aware instants in the shown zone; all day: dates, the end exclusive."""

    href: str
    etag: str
    key: str
    uid: str
    title: str
    place: str
    notes: str
    start: date  # a datetime when timed
    end: date
    free: bool
    status: str  # CONFIRMED, TENTATIVE or CANCELLED
    changed_alone: bool  # an override: this one differs from its series
    rule: str  # the series' RRULE, "" when it does not repeat
    calendar: str = ""  # its href, where the system needs it
    invited_by: str = ""  # who asks the owner to come; "" for the owner's own event
    answer: str = ""  # the owner's: needsAction, accepted, tentative or declined

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def repeats(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True)
class When:
    """Timed: aware instants (their zone is the one a new event gets); all day: dates, the end exclusive."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) != isinstance(self.end, datetime):
            raise ValueError("start and end are both timed or both dates")
        if self.end < self.start or (self.end == self.start and self.all_day):
            raise ValueError("an event ends after it starts")

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)


@dataclass(frozen=True)
class Wanted:
    """The fields of an event; None leaves a field as it is. `rule` is an RRULE value, "" for none."""

    title: str | None = None
    place: str | None = None
    notes: str | None = None
    free: bool | None = None
    when: When | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Seen:
    """What meets a stretch of time, by start, and the hrefs of what could not be read."""

    occurrences: list[Occurrence]
    unreadable: list[str]


@dataclass(frozen=True)
class Kept:
    """Where a written event lies, and its version; no version when it is gone."""

    href: str
    etag: str


class Owner(Protocol):
    """One account's calendars. What went wrong is a Fault; `now` and zones are given."""

    async def calendars(self) -> list[Calendar]:
        """List the calendars, in the system's own order."""

    async def version(self, calendar: str) -> str:
        """Return a text that differs whenever the calendar's content does."""

    async def zone(self, calendar: Calendar, first: datetime, last: datetime) -> str:
        """Choose the zone to show: the calendar's, else one its events between two instants are in."""

    async def between(self, calendar: str, first: datetime, last: datetime, zone: ZoneInfo) -> Seen:
        """Return what meets [first, last), in the shown zone."""

    async def one(self, calendar: str, href: str, key: str, *, etag: str, zone: ZoneInfo) -> Occurrence:
        """Return one occurrence to change. Raise Gone, or Stale when `etag` is given and another."""

    async def create(self, calendar: str, wanted: Wanted, *, now: datetime) -> Kept:
        """Write a new event; `wanted.when` is there."""

    async def edit(self, old: Occurrence, wanted: Wanted, scope: Scope, *, now: datetime) -> Kept:
        """Change, move or resize what `one` returned, alone or with its series.

        Raise BadInput for what cannot be done to it, Stale when somebody was quicker.
        """

    async def delete(self, old: Occurrence, scope: Scope, *, now: datetime) -> Kept:
        """Delete what `one` returned, alone or with its series, or raise Stale."""

    async def transfer(self, old: Occurrence, calendar: str) -> Kept:
        """Move what `one` returned, with its series, to another calendar of the account, or raise Stale."""

    async def answer(self, old: Occurrence, answer: str, scope: Scope) -> Kept:
        """Answer an invitation: one of ANSWERS. Raise BadInput where nobody has asked."""


def key_of(moment: date) -> str:
    """Return the key of an occurrence whose series starts it at `moment`."""
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    if moment.utcoffset() is None:
        return f"{moment:%Y%m%dT%H%M%S}"
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def moment_of(key: str) -> date:
    """Read a key; raise ValueError when it is none."""
    if len(key) == len("20261124"):
        return datetime.strptime(key, "%Y%m%d").date()  # noqa: DTZ007  a date has no zone
    if key.endswith("Z"):
        return datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.strptime(key, "%Y%m%dT%H%M%S")  # noqa: DTZ007  floating is meant


def instant(moment: date, zone: ZoneInfo) -> datetime:
    """Return the instant of a start or end: dates and floating times are read in the shown zone."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), zone)
    return moment.replace(tzinfo=zone) if moment.utcoffset() is None else moment.astimezone(zone)
