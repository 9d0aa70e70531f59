"""The owner of CalDAV calendars: each change is an edit of the object's text, put back under its ETag."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from calendar_sandbox.caldav_client import CalDavClient, StoredObject
from calendar_sandbox.faults import BadInput, Gone, Stale
from calendar_sandbox.week import edits, occurrences
from calendar_sandbox.week.owner import DAY, Calendar, Kept, Occurrence, Scope, Seen, Wanted
from calendar_sandbox.week.zones import zone_names


@dataclass(frozen=True)
class Fetched:
    """Objects of a calendar with an occurrence between two instants."""

    calendar: str
    first: datetime
    last: datetime
    objects: list[StoredObject]


class CalDavOwner:
    """An Owner; see there. What it has read it keeps for the request it was made for."""

    def __init__(self, client: CalDavClient) -> None:
        self._client = client
        self._fetched: Fetched | None = None
        self._opened: dict[str, StoredObject] = {}

    async def calendars(self) -> list[Calendar]:
        return [Calendar(**vars(remote)) for remote in await self._client.calendars()]

    async def version(self, calendar: str) -> str:
        return await self._client.version(calendar)

    async def zone(self, calendar: Calendar, first: datetime, last: datetime) -> str:
        names = [calendar.zone]
        if calendar.zone not in zone_names():
            names = _zones_in(await self._objects(calendar.href, first - 2 * DAY, last + 2 * DAY))
        return next((name for name in names if name in zone_names()), "UTC")

    async def between(self, calendar: str, first: datetime, last: datetime, zone: ZoneInfo) -> Seen:
        # Floating times and dates have no zone, so servers are asked for a day more on both sides.
        stored = await self._objects(calendar, first - DAY, last + DAY)
        return Seen(*occurrences.between(stored, first, last, zone))

    async def one(self, calendar: str, href: str, key: str, *, etag: str, zone: ZoneInfo) -> Occurrence:
        if not calendar or not href.startswith(calendar) or ".." in href:
            raise Gone.event()
        stored = await self._client.get(href)
        if etag and stored.etag and stored.etag != etag:
            raise Stale.event()
        stored = self._opened[href] = replace(stored, etag=etag or stored.etag)
        try:
            found = occurrences.one_of(stored, key, zone)
        except (ValueError, KeyError, AttributeError):
            raise BadInput(
                "This event is written in a way the demo calendar cannot read.",
                "It is left exactly as it is.",
                "Change it with the program that made it.",
            ) from None
        if found is None:
            raise Gone.event()
        return found

    async def create(self, calendar: str, wanted: Wanted, *, now: datetime) -> Kept:
        uid = str(uuid4())
        href = f"{calendar}{uid}.ics"
        return Kept(href, await self._client.create(href, edits.create(uid=uid, wanted=wanted, now=now)))

    async def edit(self, old: Occurrence, wanted: Wanted, scope: Scope, *, now: datetime) -> Kept:
        text = edits.edit(self._opened[old.href].text, key=old.key, wanted=wanted, scope=scope, now=now)
        return await self._put(old.href, text)

    async def delete(self, old: Occurrence, scope: Scope, *, now: datetime) -> Kept:
        text = edits.delete(self._opened[old.href].text, key=old.key, scope=scope, now=now)
        if text is not None:
            return await self._put(old.href, text)
        await self._client.delete(old.href, etag=self._opened[old.href].etag)
        return Kept(old.href, "")

    async def transfer(self, old: Occurrence, calendar: str) -> Kept:
        href = f"{calendar}{old.href.rsplit('/', 1)[-1]}"
        await self._client.move(old.href, href, etag=self._opened[old.href].etag)
        return Kept(href, (await self._client.get(href)).etag)

    async def answer(self, old: Occurrence, answer: str, scope: Scope) -> Kept:
        raise BadInput(
            "Nobody has asked for an answer to this event.",
            "Invitations are shown on Google and Microsoft calendars only; nothing was changed.",
            "Delete the event instead.",
        )

    async def _put(self, href: str, text: str) -> Kept:
        return Kept(href, await self._client.update(href, text, etag=self._opened[href].etag))

    async def _objects(self, calendar: str, first: datetime, last: datetime) -> list[StoredObject]:
        known = self._fetched
        if known is None or known.calendar != calendar or first < known.first or known.last < last:
            found = await self._client.objects(calendar, first, last)
            known = self._fetched = Fetched(calendar, first, last, found)
        return known.objects


def _zones_in(stored: list[StoredObject]) -> list[str]:
    """Return the zones most of the events start in, the most frequent first."""
    names = [
        line.split("TZID=")[1].split(":")[0].split(";")[0].strip('"')
        for one in stored
        for line in one.text.splitlines()
        if line.startswith("DTSTART;") and "TZID=" in line
    ]
    return sorted(set(names), key=lambda name: -names.count(name))
