"""A small calendar world with honest semantics: versions, tombstones, cursors, ids never freed, faults.

A test makes a `World`, lets its owners act (`world.owner(address)`), and opens providers with
`world.secret(address)`. Faults come in through `before` and `after`: both are called around every
request with the method's name and arguments; what they raise is what the caller of the port gets, so
raising in `after` is an answer that was lost after the effect. Messages of channels lie in `world.posts`
until a test delivers, doubles, reorders or loses them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from genie.core.event import Busy, BusyKind, EventContent, When
from genie.providers.port import CalendarInfo, EventIdentity, Window

Hook = Callable[[str, tuple[Any, ...]], None]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

WORLDS: dict[str, World] = {}
"""Every world made in this process, by name: a key's secret names its world."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A simple series: `count` occurrences, `every` apart in elapsed time, without those in `skipped`."""

    every: timedelta
    count: int
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """One event as the world keeps it."""

    id: str
    uid: str
    revision: int
    content: EventContent
    identity: EventIdentity | None = None
    kind: BusyKind | None = BusyKind.BUSY
    """None: marked free."""
    repeat: Repeat | None = None
    extras: tuple[tuple[str, str], ...] = ()
    """What else the owner has in the event (alarms, categories …); a write of ours must not lose it."""
    read_only_why: str = ""
    problem: str = ""

    @property
    def version(self) -> str:
        return f"v{self.revision}"

    @property
    def stamp(self) -> datetime:
        return EPOCH + timedelta(seconds=self.revision)

    def busy(self, window: Window) -> tuple[Busy, ...]:
        """The occurrences that take time and touch the window."""
        if self.kind is None or self.content.cancelled:
            return ()
        when = self.content.when
        return tuple(
            Busy(when.start + shift, when.end + shift, self.kind, when.all_day)
            for shift in self._shifts()
            if when.end > when.start and when.start + shift < window.end and when.end + shift > window.start
        )

    def _shifts(self) -> list[timedelta]:
        if self.repeat is None:
            return [timedelta(0)]
        skipped = self.repeat.skipped
        return [self.repeat.every * n for n in range(self.repeat.count) if n not in skipped]


@dataclass(frozen=True, slots=True)
class Post:
    """One message of a channel on its way: what is sent to which address."""

    address: str
    body: bytes
    sort: str
    """hello, changed or renew."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A channel as this system keeps it."""

    id: str
    token: str
    address: str
    resource: str
    expires_at: datetime

    def post(self, sort: str) -> Post:
        said = [{"channel": self.id, "token": self.token, "says": sort}]
        return Post(self.address, json.dumps(said).encode(), sort)


@dataclass(slots=True)
class Calendar:
    """A calendar with its live events, its log of touched ids, and every id it ever used."""

    info: CalendarInfo
    tell: Callable[[Calendar], None]
    """Called at each change."""
    events: dict[str, Kept] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    log: list[tuple[int, str]] = field(default_factory=list)
    era: int = 1
    """Bumped when all cursors expire."""
    sequence: int = 0
    """The last entry of `log`: what a cursor names."""
    watches: dict[str, Watch] = field(default_factory=dict)
    refuses_push: bool = False

    def put(self, kept: Kept) -> Kept:
        self.events[kept.id] = kept
        self.used.add(kept.id)
        self._note(kept.id, kept.revision)
        return kept

    def drop(self, event_id: str, revision: int) -> None:
        del self.events[event_id]
        self._note(event_id, revision)

    def _note(self, event_id: str, revision: int) -> None:
        self.log.append((revision, event_id))
        self.sequence = revision
        self.tell(self)

    def touched_since(self, sequence: int) -> list[str]:
        """Ids touched after `sequence`, each once, in the order of their last touch."""
        last: dict[str, int] = {}
        for number, event_id in self.log:
            if number > sequence:
                last.pop(event_id, None)
                last[event_id] = number
        return list(last)


@dataclass(frozen=True, slots=True)
class Code:
    """What the sign-in pages send the owner's browser back with; good for one exchange."""

    account: str
    challenge: str
    redirect_uri: str
    calendars: bool
    """Whether the owner left the tick beside the calendar permission."""


@dataclass(slots=True)
class Person:
    """An account: who signs in, with what, and the calendars there."""

    address: str
    password: str
    calendars: dict[str, Calendar] = field(default_factory=dict)
    access_tokens: set[str] = field(default_factory=set)
    """What opens the account for a while."""
    refresh_tokens: set[str] = field(default_factory=set)
    """What brings a new access token. Giving any of them back ends all of them (one grant per account)."""


class World:
    """All accounts of one in-process calendar system. Safe to use from several threads."""

    def __init__(self, name: str, *, page_size: int = 50, cursors: bool = True) -> None:
        """`cursors=False` plays a server that only knows a calendar-wide tag: `known` is then compared."""
        self.name = name
        self.page_size = page_size
        self.cursors = cursors
        self.before: Hook | None = None
        self.after: Hook | None = None
        self.rewrite: Callable[[EventContent], EventContent] = lambda content: content
        """How this system changes what it is sent (as real ones do)."""
        self.requests: list[tuple[str, tuple[Any, ...]]] = []
        """Every request that arrived, in order: what a test counts."""
        self.unlisted: set[str] = set()
        """Events that a search does not find yet: lists lag behind writes."""
        self.codes: dict[str, Code] = {}
        self.rotates = False
        """Does a refresh token end with its first use, as where old ones are refused at once?"""
        self.posts: list[Post] = []
        """Messages of channels that are still on their way, in order."""
        self.channels_last = timedelta(days=7)
        self.handshakes = False
        """Does it prove a channel's address while it is made, instead of greeting on it?"""
        self.prolongs = False
        """Can a channel be made to last longer? Else another one has to be opened in its place."""
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        """Only channels know the time here: they end."""
        self.lock = RLock()
        self._people: dict[str, Person] = {}
        self._revision = 0
        WORLDS[name] = self

    # --- who is there

    def add_account(self, address: str, password: str = "open sesame") -> Owner:  # noqa: S107 -- a toy
        """A new account with one writable calendar, `work`."""
        self._people[address] = Person(address, password)
        owner = self.owner(address)
        owner.add_calendar("work", "Work", primary=True)
        return owner

    def owner(self, address: str) -> Owner:
        return Owner(self, self._people[address])

    def secret(self, address: str) -> dict[str, str]:
        """What a key for this account holds."""
        return {"world": self.name, "account": address, "password": self._people[address].password}

    def person(self, address: str) -> Person | None:
        return self._people.get(address)

    def watches(self) -> list[Watch]:
        """All channels that are not over."""
        with self.lock:
            calendars = [c for person in self._people.values() for c in person.calendars.values()]
            return [watch for calendar in calendars for watch in self.alive(calendar)]

    def delivered(self) -> list[Post]:
        """Take what is on its way."""
        with self.lock:
            posts, self.posts = self.posts, []
            return posts

    # --- shared with the provider

    def alive(self, calendar: Calendar) -> list[Watch]:
        return [watch for watch in calendar.watches.values() if watch.expires_at > self.clock()]

    def tell(self, calendar: Calendar, sort: str = "changed") -> None:
        self.posts += [watch.post(sort) for watch in self.alive(calendar)]

    @contextmanager
    def asked(self, method: str, *args: Any) -> Iterator[None]:
        """One request: noted, faults before, done under the world's lock, faults after."""
        self.requests.append((method, args))
        if self.before:
            self.before(method, args)
        with self.lock:
            yield
        if self.after:
            self.after(method, args)

    def new_token(self, sort: str) -> str:
        """Unlike any other, and easily found again in a log where it must not be."""
        return f"{self.name}-{sort}-{self.next_revision()}"

    def next_revision(self) -> int:
        self._revision += 1
        return self._revision

    def find_uid(self, address: str, uid: str) -> Kept | None:
        """A live event with this UID in any calendar of the account."""
        for calendar in self._people[address].calendars.values():
            for kept in calendar.events.values():
                if kept.uid == uid:
                    return kept
        return None


class Owner:
    """A person who works on their own calendars, as in any calendar program."""

    def __init__(self, world: World, person: Person) -> None:
        self._world = world
        self._person = person

    # --- calendars and account

    def add_calendar(
        self, calendar_id: str, name: str, *, may_write: bool = True, primary: bool = False, zone: str = ""
    ) -> None:
        why_not = "" if may_write else "This account may only read this calendar."
        info = CalendarInfo(calendar_id, name, may_write, zone=zone, primary=primary, why_not=why_not)
        with self._world.lock:
            self._person.calendars[calendar_id] = Calendar(info, self._world.tell)

    def drop_calendar(self, calendar_id: str) -> None:
        with self._world.lock:
            del self._person.calendars[calendar_id]

    def let_write(self, calendar_id: str, may_write: bool) -> None:
        with self._world.lock:
            calendar = self._calendar(calendar_id)
            why_not = "" if may_write else "This account may only read this calendar."
            calendar.info = replace(calendar.info, may_write=may_write, why_not=why_not)

    def change_password(self, password: str) -> None:
        self._person.password = password
        self._end_channels()

    def allow(self, address: str, *, calendars: bool = True) -> str:
        """Sign in at the pages a browser was sent to, and consent; without `calendars` the tick beside them
        is taken away. Returns where the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        with self._world.lock:
            code = self._world.new_token("code")
            self._world.codes[code] = Code(
                self._person.address, asked["code_challenge"], asked["redirect_uri"], calendars
            )
        return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': code})}"

    def deny(self, address: str, *, error: str = "access_denied") -> str:
        """Say no there. Returns where the browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return f"{asked['redirect_uri']}?{urlencode({'error': error, 'state': asked['state']})}"

    def expire_access(self) -> None:
        """An hour passes: a new access token must be asked for."""
        with self._world.lock:
            self._person.access_tokens.clear()

    def take_back_access(self) -> None:
        """End the grant in the account's settings."""
        with self._world.lock:
            self._person.access_tokens.clear()
            self._person.refresh_tokens.clear()
            self._end_channels()

    def refuse_push(self, calendar_id: str, refuses: bool = True) -> None:
        """As for calendars of holidays and birthdays: nobody can watch it."""
        self._calendar(calendar_id).refuses_push = refuses

    def end_channels(self, calendar_id: str) -> None:
        """The system gives all channels there up, and tells so."""
        with self._world.lock:
            calendar = self._calendar(calendar_id)
            self._world.tell(calendar, "renew")
            calendar.watches.clear()

    def ask_for_renewal(self, calendar_id: str) -> None:
        """The system wants another channel in place of each one there."""
        with self._world.lock:
            self._world.tell(self._calendar(calendar_id), "renew")

    def _end_channels(self) -> None:
        """They end with the access they were made under."""
        with self._world.lock:
            for calendar in self._person.calendars.values():
                calendar.watches.clear()

    @property
    def grants_access(self) -> bool:
        return bool(self._person.refresh_tokens)

    def expire_cursors(self, calendar_id: str) -> None:
        self._calendar(calendar_id).era += 1

    # --- events

    def events(self, calendar_id: str) -> list[Kept]:
        """All live events, by start."""
        with self._world.lock:
            kept = self._calendar(calendar_id).events.values()
            return sorted(kept, key=lambda event: (event.content.when.start, event.id))

    def event(self, calendar_id: str, event_id: str) -> Kept | None:
        return self._calendar(calendar_id).events.get(event_id)

    def add(
        self,
        calendar_id: str,
        when: When,
        *,
        title: str = "",
        kind: BusyKind | None = BusyKind.BUSY,
        repeat: Repeat | None = None,
        problem: str = "",
    ) -> str:
        """A foreign event; `kind` None is marked free, `problem` makes it unreadable. Returns its id."""
        with self._world.lock:
            revision = self._world.next_revision()
            kept = Kept(
                id=f"foreign-{revision}",
                uid=f"foreign-{revision}@elsewhere",
                revision=revision,
                content=EventContent(when, title, "", ""),
                kind=kind,
                repeat=repeat,
                problem=problem,
            )
            return self._calendar(calendar_id).put(kept).id

    def move(self, calendar_id: str, event_id: str, when: When) -> None:
        kept = self._calendar(calendar_id).events[event_id]
        self._change(calendar_id, event_id, content=replace(kept.content, when=when))

    def edit(self, calendar_id: str, event_id: str, **texts: Any) -> None:
        """Change title, place or description."""
        kept = self._calendar(calendar_id).events[event_id]
        self._change(calendar_id, event_id, content=replace(kept.content, **texts))

    def cancel(self, calendar_id: str, event_id: str, cancelled: bool = True) -> None:
        """Mark as cancelled (or declined) without deleting."""
        kept = self._calendar(calendar_id).events[event_id]
        self._change(calendar_id, event_id, content=replace(kept.content, cancelled=cancelled))

    def add_extra(self, calendar_id: str, event_id: str, name: str, value: str) -> None:
        """An alarm, a category, anything a calendar program keeps in an event."""
        kept = self._calendar(calendar_id).events[event_id]
        self._change(calendar_id, event_id, extras=(*kept.extras, (name, value)))

    def repeat(self, calendar_id: str, event_id: str, repeat: Repeat | None) -> None:
        """Make the event a series (None: a single event again)."""
        self._change(calendar_id, event_id, repeat=repeat)

    def hand_over(self, calendar_id: str, event_id: str, why: str) -> None:
        """Give the event another organiser: it may not be written by us any more."""
        self._change(calendar_id, event_id, read_only_why=why)

    def delete(self, calendar_id: str, event_id: str) -> None:
        with self._world.lock:
            self._calendar(calendar_id).drop(event_id, self._world.next_revision())

    def copy(self, calendar_id: str, event_id: str, *, to: str = "", when: When | None = None) -> str:
        """Copy and paste, key included, as some programs do. Returns the copy's id."""
        with self._world.lock:
            kept = self._calendar(calendar_id).events[event_id]
            revision = self._world.next_revision()
            content = replace(kept.content, when=when) if when else kept.content
            name = f"copy-{revision}"
            twin = replace(kept, id=name, uid=f"{name}@elsewhere", revision=revision, content=content)
            return self._calendar(to or calendar_id).put(twin).id

    def cut_and_paste(
        self, calendar_id: str, event_id: str, *, to: str = "", when: When | None = None
    ) -> str:
        """Delete and make anew, key included: how many programs move. Returns the new id."""
        new = self.copy(calendar_id, event_id, to=to, when=when)
        self.delete(calendar_id, event_id)
        return new

    def carry_over(self, calendar_id: str, event_id: str, to: str) -> str:
        """Move it to another calendar: it is the same event, under another id. Returns that."""
        with self._world.lock:
            kept = self._calendar(calendar_id).events[event_id]
            revision = self._world.next_revision()
            self._calendar(calendar_id).drop(event_id, revision)
            carried = replace(kept, id=f"carried-{revision}", revision=self._world.next_revision())
            return self._calendar(to).put(carried).id

    def _change(self, calendar_id: str, event_id: str, **changes: Any) -> None:
        with self._world.lock:
            calendar = self._calendar(calendar_id)
            kept = calendar.events[event_id]
            calendar.put(replace(kept, revision=self._world.next_revision(), **changes))

    def _calendar(self, calendar_id: str) -> Calendar:
        return self._person.calendars[calendar_id]
