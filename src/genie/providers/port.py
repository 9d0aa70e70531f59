"""The port every calendar system is reached through.

One object speaks for one *remote authorization key*. Every method may raise any `ProviderFault` of
`genie.core.errors`; provider payloads never travel past the provider's own `mapping.py`. No method
holds state between calls but an HTTP connection pool: `close()` ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from genie.core.event import Busy, EventContent


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calendars these are. `identity` never changes (CalDAV principal URL …); `label` is shown."""

    identity: str
    label: str


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    id: str
    name: str
    may_write: bool
    color: str = ""
    zone: str = ""
    primary: bool = False
    why_not: str = ""
    """Why it cannot be linked, in words, when `may_write` is False."""


@dataclass(frozen=True, slots=True)
class EventIdentity:
    """Our key inside the event. Ids and UIDs derive from (key, generation); none is used twice."""

    key: str
    """The event link's UUID, as 32 hex digits."""
    generation: int


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """An event as the provider returned it, read by id or as the answer of a write."""

    id: str
    version: str
    """ETag or changeKey, normalised (no quotes, no `W/`): what a conditional write names."""
    content: EventContent
    uid: str = ""
    identity: EventIdentity | None = None
    """Our key, if the event bears it (a copy made by hand bears it too)."""
    stamp: datetime | None = None
    """The provider's own time of the last change, if it has one; only comparable with itself."""
    recurring: bool = False
    """The owner made it a series: `content.when` is then the master's first occurrence."""
    occurrences: tuple[Busy, ...] = ()
    """For a series: its occurrences about its start; the nearest instance keeps the link."""
    read_only_why: str = ""
    """Why we may no longer write it (another organiser), else empty."""


@dataclass(frozen=True, slots=True)
class Window:
    """The span in which a calendar's busy time is mirrored: instants, half-open."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A page's hint that an event is new or different. It only says *look* (SYNC.md, *Reads*)."""

    id: str
    version: str
    uid: str = ""
    identity: EventIdentity | None = None
    busy: tuple[Busy, ...] = ()
    problem: str = ""
    """Not empty: it cannot be read as an event (malformed, too large); `busy` is what could be saved."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    changed: Sequence[Changed]
    removed: Sequence[str] = field(default_factory=tuple)
    """Ids the provider reports as gone. A hint, too: proof is `get` answering Gone."""
    cursor: str | None = None
    """Set on the last page only: saved together with the effects of all pages."""
    full: bool = False
    """This read lists everything; after the last page an id never mentioned is *absent* (a question)."""


class CalendarProvider(Protocol):
    kind: str

    def account(self) -> Account: ...

    def calendars(self) -> list[CalendarInfo]:
        """All calendars for events, in the account's order."""
        ...

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        """Create once. Repeating the call with the same identity returns the event that is there,
        whatever its content is by now (adoption); the caller compares and merges.

        Raises IdentityTaken if that identity was used and deleted, or is refused by the server.
        """
        ...

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        """Read by id. Raises Gone only while the calendar itself answers, else CalendarGone."""
        ...

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        """Write the fields that flow, leave everything else the owner has in the event as it is.

        Raises StaleVersion if the event is not in `version`, Gone if it is not there.
        """
        ...

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        """Delete if in `version` (else StaleVersion). An event that is not there is no fault: False."""
        ...

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        """All live events of the calendar that bear our key, of any generation (one request)."""
        ...

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        """What changed since `cursor` (None: everything), in pages.

        `known` maps event id to the version last seen, for servers without cursors. A change-free read
        with a cursor is one request. Raises CursorExpired; the caller then reads with cursor None.
        """
        ...

    def close(self) -> None: ...
