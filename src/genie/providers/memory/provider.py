"""The port over a `World`: what every real provider must do, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from genie.core.errors import (
    AccessLost,
    CalendarGone,
    CursorExpired,
    Gone,
    IdentityTaken,
    Malformed,
    PushRefused,
    Rejected,
    StaleVersion,
)
from genie.core.event import EventContent
from genie.providers.memory.world import WORLDS, Calendar, Kept, Person, Watch, World
from genie.providers.port import (
    Account,
    CalendarInfo,
    Changed,
    ChangePage,
    Channel,
    EventIdentity,
    RemoteEvent,
    Renew,
    Secret,
    Window,
    renew_alone,
)
from genie.providers.registry import ProviderSettings

SERIES_SPAN = timedelta(days=400)


class Memory:
    """One key of an in-process world."""

    kind = "memory"

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew = renew_alone) -> None:
        self._world = WORLDS[secret["world"]]
        self._address = secret["account"]
        self._secret = secret
        self._renew = renew

    def account(self) -> Account:
        with self._request("account") as person:
            return account_of(self._world, person)

    def calendars(self) -> list[CalendarInfo]:
        with self._request("calendars") as person:
            return [calendar.info for calendar in person.calendars.values()]

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        with self._request("create", calendar_id, identity, content) as person:
            calendar = self._writable(person, calendar_id)
            event_id, uid = id_of(identity), f"{identity.key}-{identity.generation}@schedule-genie"
            there = calendar.events.get(event_id)
            if there is not None and there.identity == identity:
                return remote(there)
            if event_id in calendar.used or self._world.find_uid(self._address, uid):
                raise IdentityTaken("This event was made before and is gone; its name cannot be used again.")
            kept = Kept(event_id, uid, self._world.next_revision(), self._world.rewrite(content), identity)
            return remote(calendar.put(kept))

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        with self._request("get", calendar_id, event_id) as person:
            return remote(self._kept(self._calendar(person, calendar_id), event_id))

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        with self._request("update", calendar_id, event_id, content, version) as person:
            calendar = self._writable(person, calendar_id)
            kept = self._kept(calendar, event_id)
            if kept.version != version:
                raise StaleVersion("Somebody changed the event first.")
            if kept.read_only_why:
                raise Rejected(kept.read_only_why)
            written = self._world.rewrite(merged(kept.content, content))
            if kept.repeat is not None:
                written = replace(written, when=kept.content.when)  # never move the owner's series
            return remote(calendar.put(replace(kept, content=written, revision=self._world.next_revision())))

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        with self._request("delete", calendar_id, event_id, version) as person:
            calendar = self._writable(person, calendar_id)
            kept = calendar.events.get(event_id)
            if kept is None:
                return False
            if kept.version != version:
                raise StaleVersion("Somebody changed the event first.")
            calendar.drop(event_id, self._world.next_revision())
            return True

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        with self._request("find", calendar_id, key) as person:
            events = self._calendar(person, calendar_id).events.values()
            listed = [kept for kept in events if kept.id not in self._world.unlisted]
            return [remote(kept) for kept in listed if kept.identity and kept.identity.key == key]

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        with self._request("changes", calendar_id, cursor) as person:
            calendar = self._calendar(person, calendar_id)
            ids, full = self._differing(calendar, cursor, known)
            last = f"{calendar.era}:{calendar.sequence}"
        size = self._world.page_size
        batches = [ids[n : n + size] for n in range(0, len(ids), size)] or [[]]
        yield self._page(calendar, batches[0], window, last if len(batches) == 1 else None, full)
        for number, batch in enumerate(batches[1:], start=2):
            with self._request("changes", calendar_id, f"page {number}") as person:
                calendar = self._calendar(person, calendar_id)
                page = self._page(calendar, batch, window, last if number == len(batches) else None, full)
            yield page

    def watch(self, calendar_id: str, *, channel_id: str, token: str, address: str) -> Channel:
        with self._request("watch", calendar_id, channel_id, address) as person:
            calendar = self._calendar(person, calendar_id)
            if calendar.refuses_push:
                raise PushRefused("This calendar system does not tell of changes in this calendar.")
            if channel_id in calendar.watches:
                raise Rejected("There is a channel of this name already.")
            ends = self._world.clock() + self._world.channels_last
            resource = f"{self._address}/{calendar_id}"
            made = Watch(channel_id, token, address, resource, ends)
            calendar.watches[channel_id] = made
            if not self._world.handshakes:
                self._world.posts.append(made.post("hello"))
            return Channel(made.id, made.resource, made.expires_at, proven=self._world.handshakes)

    def prolong(self, channel: Channel) -> Channel:
        if not self._world.prolongs:
            raise Gone("This calendar system prolongs no channel.")
        with self._request("prolong", channel.id) as person:
            for calendar in person.calendars.values():
                for watch in self._world.alive(calendar):
                    if watch.id == channel.id:
                        ends = self._world.clock() + self._world.channels_last
                        calendar.watches[watch.id] = replace(watch, expires_at=ends)
                        return Channel(watch.id, watch.resource, ends)
            raise Gone("There is no such channel any more.")

    def unwatch(self, channel: Channel) -> None:
        with self._request("unwatch", channel.id) as person:
            for calendar in person.calendars.values():
                calendar.watches.pop(channel.id, None)

    def close(self) -> None:
        """Nothing is held open."""

    # --- within

    @contextmanager
    def _request(self, method: str, *args: Any) -> Iterator[Person]:
        """One request, of somebody who may."""
        if "access" in self._secret and not opens(self._world.person(self._address), self._secret):
            self._secret = self._renew(self._secret, self._ask)
        with self._world.asked(method, *args):
            person = self._world.person(self._address)
            if person is None or not opens(person, self._secret):
                raise AccessLost("The calendar system no longer accepts this user and password.")
            yield person

    def _ask(self, newest: Secret) -> Secret:
        """A new access token for the refresh token."""
        with self._world.asked("renew"):
            person, refresh = self._world.person(self._address), newest["refresh"]
            if person is None or refresh not in person.refresh_tokens:
                raise AccessLost("The calendar system says that the access was taken back or has expired.")
            if self._world.rotates:
                person.refresh_tokens.discard(refresh)
                refresh = self._world.new_token("refresh")
                person.refresh_tokens.add(refresh)
            access = self._world.new_token("access")
            person.access_tokens.add(access)
        return {**newest, "access": access, "refresh": refresh}

    def _calendar(self, person: Person, calendar_id: str) -> Calendar:
        try:
            return person.calendars[calendar_id]
        except KeyError:
            raise CalendarGone("This calendar is not there any more.") from None

    def _writable(self, person: Person, calendar_id: str) -> Calendar:
        calendar = self._calendar(person, calendar_id)
        if not calendar.info.may_write:
            raise Rejected("This account may only read this calendar.")
        return calendar

    def _kept(self, calendar: Calendar, event_id: str) -> Kept:
        try:
            kept = calendar.events[event_id]
        except KeyError:
            raise Gone("This event is not on the calendar any more.") from None
        if kept.problem:
            raise Malformed(kept.problem)
        return kept

    def _differing(
        self, calendar: Calendar, cursor: str | None, known: Mapping[str, str]
    ) -> tuple[list[str], bool]:
        """The ids to report, and whether that is everything."""
        if cursor is None:
            return list(calendar.events), True
        era, _, sequence = cursor.partition(":")
        if era != str(calendar.era) or not sequence.isdigit():
            raise CursorExpired("The calendar system forgot how far we had read.")
        if self._world.cursors:
            return calendar.touched_since(int(sequence)), False
        if int(sequence) == calendar.sequence:
            return [], False
        versions = {kept.id: kept.version for kept in calendar.events.values()}
        differing = [name for name, version in versions.items() if known.get(name) != version]
        return differing + [name for name in known if name not in versions], False

    def _page(
        self, calendar: Calendar, ids: Sequence[str], window: Window, cursor: str | None, full: bool
    ) -> ChangePage:
        there = [calendar.events[name] for name in ids if name in calendar.events]
        return ChangePage(
            changed=[hint(kept, window) for kept in there],
            removed=[name for name in ids if name not in calendar.events],
            cursor=cursor,
            full=full,
        )


def account_of(world: World, person: Person) -> Account:
    return Account(f"memory:{world.name}:{person.address}", person.address)


def opens(person: Person | None, secret: Secret) -> bool:
    """By the password, or by an access token where the owner signed in on pages."""
    if person is None:
        return False
    return (
        secret["access"] in person.access_tokens
        if "access" in secret
        else secret["password"] == person.password
    )


def id_of(identity: EventIdentity) -> str:
    return f"{identity.key}-{identity.generation}.ics"


def merged(present: EventContent, wanted: EventContent) -> EventContent:
    """A text that is None is unknown to the writer, and stays as it is."""
    return replace(
        wanted,
        title=present.title if wanted.title is None else wanted.title,
        place=present.place if wanted.place is None else wanted.place,
        description=present.description if wanted.description is None else wanted.description,
    )


def remote(kept: Kept) -> RemoteEvent:
    """The event as it is read by id."""
    start = kept.content.when.start
    span = Window(start - timedelta(days=1), start + SERIES_SPAN)
    return RemoteEvent(
        id=kept.id,
        version=kept.version,
        content=kept.content,
        uid=kept.uid,
        identity=kept.identity,
        stamp=kept.stamp,
        recurring=kept.repeat is not None,
        occurrences=kept.busy(span) if kept.repeat else (),
        read_only_why=kept.read_only_why,
    )


def hint(kept: Kept, window: Window) -> Changed:
    """The event as a page mentions it."""
    return Changed(
        id=kept.id,
        version=kept.version,
        uid=kept.uid,
        identity=kept.identity,
        busy=kept.busy(window),
        problem=kept.problem,
    )
