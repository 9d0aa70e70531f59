"""The port every calendar system is reached through.

One object speaks for one *remote authorization key*. Every method may raise any `ProviderFault` of
`genie.core.errors`; provider payloads never travel past the provider's own `mapping.py`. No method
holds state between calls but an HTTP connection pool: `close()` ends it.

Beside it stand small ports that not every system has: `SignIn`, for those whose accounts are granted on pages
of their own (OAuth 2.0), `TypedSignIn`, for those whose owners type what opens them, and `Pushes`, for those
that tell us when a calendar changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from genie.core.errors import ConnectFault
from genie.core.event import Busy, EventContent

Secret = Mapping[str, Any]
"""What opens an account, unsealed: a password, or tokens. Never logged, never part of an exception."""

Renew = Callable[[Secret, Callable[[Secret], Secret]], Secret]
"""`renew(stale, ask)`: a newer secret than `stale`, kept before it is returned. Another worker's, if one was
quicker; else what `ask(newest)` brings from the provider. One asks at a time per key. `ask` raises AccessLost
when the grant has ended, Transient when the provider does not answer."""


def renew_alone(stale: Secret, ask: Callable[[Secret], Secret]) -> Secret:
    """For an account that is no key yet: nobody else uses its secret, and there is nowhere to keep it."""
    return ask(stale)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calendars these are. `identity` never changes (an id of its own); `label` is shown."""

    identity: str
    label: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a registration brings: whose account, the secret to seal, what was granted, the calendars."""

    account: Account
    secret: Secret = field(repr=False)
    granted: str
    """In words, as shown beside the key; at most 500 characters."""
    calendars: Sequence[CalendarInfo] = ()

    @property
    def may_write(self) -> bool:
        """False: all calendars are read-only, so the key serves for availability only."""
        return any(calendar.may_write for calendar in self.calendars)


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


class SignIn(Protocol):
    """How an owner grants access on the provider's pages: authorization code with PKCE (RFC 6749, 7636)."""

    access: tuple[str, ...]
    """What is asked for, in the provider's own terms (PRODUCT.md, *Application Access*)."""

    def address(self, *, state: str, challenge: str, redirect_uri: str, account: str = "") -> str:
        """Where the owner's browser goes. `challenge` is the S256 one; `account` (an address) is only a hint:
        the account chooser is asked for in any case."""
        ...

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Turn the code that came back into a grant. Raises ConnectFault (PermissionMissing, SignInExpired,
        NoCalendars, Unreachable, …): then no key is made. What was granted by halves is given back only where
        that ends no other key of the account; else its tokens are forgotten."""
        ...

    def refusal(self, *, error: str, description: str) -> ConnectFault:
        """What the provider's `error` on the way back means, as a sentence for the owner."""
        ...

    def revoke(self, secret: Secret) -> None:
        """Give the grant back. Where that ends the whole account's grant, the caller has made sure that no
        other key lives by it. A grant that has ended already is no fault. Raises Transient, Rejected."""
        ...


@dataclass(frozen=True, slots=True)
class TypedField:
    """One thing an owner types on our registration page."""

    name: str
    label: str
    missing: str
    """What is said where nothing was typed: a sentence."""
    longest: int
    """Characters."""
    help: str = ""
    secret: bool = False
    """Never sent back, not even after an error."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """For the browser: autocomplete, inputmode, placeholder …"""
    question: str = ""
    """What owners may ask themselves here; answered by `answers`: (who asks, the answer)."""
    answers: tuple[tuple[str, str], ...] = ()


class TypedSignIn(Protocol):
    """How an owner grants access by what they type, where the system has no pages for that."""

    access: tuple[str, ...]
    """What is opened by it, as on the pages of a `SignIn`."""
    title: str
    """Over the fields: *Sign in to …*."""
    fields: tuple[TypedField, ...]
    who: str
    """The field that says whose account it is: what is wrong with the account is said beside it."""
    beside: Mapping[type[ConnectFault], str]
    """The field each fault is said beside; the rest is said above all of them."""

    def authorize(self, typed: Mapping[str, str]) -> Grant:
        """Ask the system, with what was typed under each field's name. Raises ConnectFault."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A provider's push subscription for one calendar, as the provider confirmed it."""

    id: str
    """What a notification names. Ours where the provider lets us choose it, else the provider's."""
    resource: str
    """The provider's own name of what is watched, if stopping takes it."""
    expires_at: datetime
    proven: bool = False
    """The provider has reached our address on the way (a handshake). Else the first message proves it."""


@runtime_checkable
class Pushes(Protocol):
    """A `CalendarProvider` whose system can tell us that a calendar changed."""

    def watch(self, calendar_id: str, *, channel_id: str, token: str, address: str) -> Channel:
        """Open a channel that posts to `address` and shows `token` each time. `channel_id` is our proposal
        (32 hex digits). Raises PushRefused (this calendar cannot be watched: poll), and any ProviderFault."""
        ...

    def unwatch(self, channel: Channel) -> None:
        """Close it. One that is unknown or over is no fault."""
        ...


@runtime_checkable
class Prolongs(Pushes, Protocol):
    """One whose channels can be made to last longer, in place of opening another."""

    def prolong(self, channel: Channel) -> Channel:
        """The channel as it is confirmed anew. Raises Gone when it is not there any more: open another."""
        ...


@dataclass(frozen=True, slots=True)
class Notification:
    """What one message of a channel claims; nothing of it is trusted but that somebody may want a look."""

    channel_id: str
    token: str
    hello: bool = False
    """The channel's first message: it works, nothing changed."""
    renew: bool = False
    """The provider wants this channel prolonged, or another in its place: it ended, or will soon."""


class Notifications(Protocol):
    """What stands behind a kind's webhook address. Reads one POST; no I/O."""

    def __call__(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Heard:
        """Anybody may post anything: what is no message of this system holds nothing, or raises Malformed;
        nothing else is raised. `headers` may be written in any case."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What a POST to the webhook address held, and what the provider wants to read back at once."""

    notifications: Sequence[Notification] = ()
    echo: str = ""
    """Text to answer with (a handshake); empty for an empty answer."""
