"""events.list, events.instances and events.get: pages, windows, increments and tombstones.

A list goes by the number of the change that last touched an event. So an event that changes while somebody
pages moves to the end and is met again, and the sync token of the last page names the change that was the
latest when the first page was made: nothing falls between.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from calendar_sandbox.google import errors, recurrence, times
from calendar_sandbox.google.api import bookmarks, view
from calendar_sandbox.google.api.call import Call, hidden
from calendar_sandbox.google.api.series import expanded, find
from calendar_sandbox.google.recurrence import Instance
from calendar_sandbox.google.state import Calendar, Resource, StoredEvent, World

DEFAULT_PAGE, BIGGEST_PAGE = 250, 2500
OLDEST_UPDATED_MIN = timedelta(days=28)
TOMBSTONES = (timedelta(days=-31), timedelta(days=183))  # from when to when a deleted series names instances

NOT_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
NO_SYNC_TOKEN_AFTER = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "updatedMin",
)
# Parameters that must stay the same from page to page and from token to token
STEADY = ("singleEvents", "eventTypes", "showHiddenInvitations")
STEADY_WITHIN_PAGES = (*NOT_WITH_SYNC_TOKEN, *STEADY, "showDeleted", "syncToken", "originalStart")
EVENT_TYPES = ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation")


@dataclass(frozen=True)
class Query:
    """What a list asks for, checked. `since` is the change a sync token names."""

    single: bool
    deleted: bool
    window: tuple[datetime | None, datetime | None]
    updated_min: datetime | None
    order: str
    since: int | None
    matches: Callable[[Resource], bool]
    zone: str
    calendar_zone: str
    now: datetime


@dataclass(frozen=True)
class Row:
    """A line of a list: an event as it lies, an instance of it, or only the news that one is gone."""

    key: tuple[Any, ...]
    stored: StoredEvent
    instance: Instance | None = None
    gone: bool = False


# --- events.get ------------------------------------------------------------------------------------------


def get(call: Call) -> Resource:
    """A deleted event is answered too, as cancelled."""
    calendar = call.calendar()
    resource = find(call.world, calendar, call.args["eventId"])
    return _shown(call, calendar, resource)


# --- events.list -----------------------------------------------------------------------------------------


def list_(call: Call) -> Resource:
    calendar = call.calendar()
    role = call.role(calendar)
    query, page, since = _query(call, calendar)
    # A list that began on one state goes on with what is there: its sync token covers the rest
    events, latest = call.world.as_it_was(calendar, 0 if page else call.changes_ago, within=call.within)
    rows = _rows(call.world, calendar, events, query)
    made, more = _page(call, query, rows, page["after"] if page else None)
    items = [_line(call, calendar, row, query, role) for row in made]
    until = page["until"] if page else max(latest, since or 0)
    answer = _head(call, calendar, role, query.zone)
    if more:
        answer["nextPageToken"] = bookmarks.write(
            call.world,
            "page",
            calendar=calendar.id,
            query=bookmarks.digest(*(call.params.get(name) for name in STEADY_WITHIN_PAGES)),
            after=list(made[-1].key),
            until=until,
        )
    elif not any(name in call.params for name in NO_SYNC_TOKEN_AFTER):
        answer["nextSyncToken"] = _sync_token(call, calendar, until)
    return answer | {"items": items}


def _sync_token(call: Call, calendar: Calendar, until: int) -> str:
    return bookmarks.write(
        call.world,
        "sync",
        calendar=calendar.id,
        epoch=calendar.epoch,
        role=call.role(calendar),
        query=bookmarks.digest(*(call.params.get(name) for name in STEADY)),
        until=until,
    )


def _query(call: Call, calendar: Calendar) -> tuple[Query, dict[str, Any] | None, int | None]:
    """Read and check the parameters; with them the page's token and the sync token's change."""
    since = _since(call, calendar)
    page = _page_token(call, calendar)
    single = bool(call.flag("singleEvents"))
    order = call.text("orderBy")
    if order not in ("", "startTime", "updated"):
        raise errors.invalid_parameter("orderBy", order, "Allowed values: [startTime, updated]")
    if order == "startTime" and not single:
        raise errors.bad_request("The requested ordering is not available for the particular query.")
    updated_min = call.moment("updatedMin")
    if updated_min is not None and call.world.now() - updated_min > OLDEST_UPDATED_MIN:
        raise errors.updated_min_too_long_ago()
    query = Query(
        single=single,
        deleted=bool(call.flag("showDeleted")),
        window=_window(call),
        updated_min=updated_min,
        order=order,
        since=since,
        matches=_matcher(call, calendar),
        zone=call.zone(calendar.time_zone),
        calendar_zone=calendar.time_zone,
        now=call.world.now(),
    )
    return query, page, since


def _window(call: Call) -> tuple[datetime | None, datetime | None]:
    first, last = call.moment("timeMin"), call.moment("timeMax")
    if first is not None and last is not None and last <= first:
        raise errors.time_range_empty("timeMax")
    return first, last


def _since(call: Call, calendar: Calendar) -> int | None:
    """Return the change a sync token names. Raise Refusal for one that has expired or does not fit."""
    token = call.text("syncToken")
    if not token:
        return None
    for name in NOT_WITH_SYNC_TOKEN:
        if name in call.params:
            raise errors.bad_request(f"Sync token cannot be combined with the parameter {name}.")
    if call.flag("showDeleted") is False:
        raise errors.bad_request("Sync token cannot be combined with showDeleted=false.")
    said = bookmarks.read(call.world, "sync", token)
    if said is None or said["calendar"] != calendar.id:
        raise errors.invalid("Invalid sync token value.", location="syncToken")
    if said["epoch"] != calendar.epoch or said["role"] != call.role(calendar):
        raise errors.full_sync_required()
    if said["query"] != bookmarks.digest(*(call.params.get(name) for name in STEADY)):
        # Google only says "undefined behavior"; a stand-in had better be plain
        names = ", ".join(STEADY)
        raise errors.bad_request(f"Sync token was given for other values of {names}.")
    return int(said["until"])


def _page_token(call: Call, calendar: Calendar) -> dict[str, Any] | None:
    token = call.text("pageToken")
    if not token:
        return None
    said = bookmarks.read(call.world, "page", token)
    steady = bookmarks.digest(*(call.params.get(name) for name in STEADY_WITHIN_PAGES))
    if said is None or said["calendar"] != calendar.id or said["query"] != steady:
        raise errors.invalid("Invalid page token value.", location="pageToken")
    return said


def _page(call: Call, query: Query, rows: Iterable[Row], after: list[Any] | None) -> tuple[list[Row], bool]:
    size = call.number("maxResults", DEFAULT_PAGE, BIGGEST_PAGE)
    if after is not None:
        place = tuple(after)
        rows = (row for row in rows if row.key > place)
    if query.order:
        found = heapq.nsmallest(size + 1, rows, key=attrgetter("key"))
    else:
        found = []
        for row in rows:
            found.append(row)
            if len(found) > size:
                break
    return found[:size], len(found) > size


# --- which lines -----------------------------------------------------------------------------------------


def _rows(world: World, calendar: Calendar, events: dict[str, StoredEvent], query: Query) -> Iterator[Row]:
    since = query.since
    if since is None:
        ordered = sorted(events.values(), key=attrgetter("change"))
    else:
        ordered = sorted((e for e in events.values() if e.change > since), key=attrgetter("change"))
    for stored in ordered:
        if since is not None:
            yield from _news(world, calendar, stored, query, since)
        else:
            yield from _present(world, calendar, events, stored, query)


def _present(
    world: World, calendar: Calendar, events: dict[str, StoredEvent], stored: StoredEvent, query: Query
) -> Iterator[Row]:
    """The lines of an event in a list that is no increment."""
    resource = stored.resource
    if not query.matches(resource) or not _updated_enough(resource, query):
        return
    if stored.deleted:
        if _shows_cancelled(events, stored, query) and _overlaps(stored, query):
            yield Row(
                _key(stored, query, resource, 0), stored, gone=bool(stored.series) and not query.deleted
            )
    elif "recurrence" not in resource:
        if _overlaps(stored, query):
            yield Row(_key(stored, query, resource, 0), stored)
    elif query.single:
        yield from _instances(world, calendar, stored, query)
    elif _any_instance(world, stored, query):
        yield Row(_key(stored, query, resource, 0), stored)


def _shows_cancelled(events: dict[str, StoredEvent], stored: StoredEvent, query: Query) -> bool:
    """Cancelled instances of a living series belong to its plain list; the rest is shown when asked for."""
    if "recurrence" in stored.resource and query.single:
        return False
    if query.deleted or query.updated_min is not None:
        return True
    master = events.get(stored.series)
    return not query.single and master is not None and not master.deleted


def _instances(world: World, calendar: Calendar, stored: StoredEvent, query: Query) -> Iterator[Row]:
    """The instances nobody changed; the others are events of their own."""
    taken = _taken(calendar, stored)
    first, last = query.window
    zone = query.calendar_zone
    for number, one in enumerate(expanded(world, stored)):
        if last is not None and one.start.at(zone) >= last:
            return
        if one.suffix in taken or (first is not None and one.end.at(zone) <= first):
            continue
        key = (times.stamp(one.start.at(zone)), stored.id) if query.order == "startTime" else None
        yield Row(key or _key(stored, query, stored.resource, number), stored, one)


def _news(world: World, calendar: Calendar, stored: StoredEvent, query: Query, since: int) -> Iterator[Row]:
    """The lines of an event that changed since the token was given: the window does not count any more."""
    for number, row in enumerate(_changed(world, calendar, stored, query, since)):
        yield replace(row, key=(stored.change, number))


def _changed(
    world: World, calendar: Calendar, stored: StoredEvent, query: Query, since: int
) -> Iterator[Row]:
    if not query.matches(stored.resource):
        return
    series = "recurrence" in stored.resource
    if query.single:
        if series and not stored.deleted:
            yield from _instances(world, calendar, stored, query)
        for one in _gone_instances(world, calendar, stored, since):
            yield Row((), stored, one, gone=True)
    if not series or not query.single:
        yield Row((), stored, gone=stored.deleted and not query.deleted)
    elif any(e.shape and "recurrence" not in e.shape for e in stored.earlier if e.until > since):
        yield Row((), stored, gone=True)  # it was a single event and is a series now


def _gone_instances(world: World, calendar: Calendar, stored: StoredEvent, since: int) -> Iterator[Instance]:
    """Instances the series had after the token was given, and has not now.

    Of a deleted series Google names those of about the next six months only (google-api-ruby-client #860).
    """
    there = _taken(calendar, stored)
    if "recurrence" in stored.resource and not stored.deleted:
        there |= {one.suffix for one in expanded(world, stored)}
    first, last = (world.now() + away for away in TOMBSTONES)
    for earlier in stored.earlier:
        if earlier.until <= since or "recurrence" not in earlier.shape:
            continue
        for one in recurrence.instances(earlier.shape, now=world.now()):
            if one.suffix in there:
                continue
            there.add(one.suffix)
            if not stored.deleted or first < one.start.at(calendar.time_zone) < last:
                yield one


def _taken(calendar: Calendar, stored: StoredEvent) -> set[str]:
    """The suffixes of a series' exceptions: instances that are events of their own."""
    return {recurrence.split_id(one)[1] for one in calendar.by_series.get(stored.id, ())}


def _any_instance(world: World, stored: StoredEvent, query: Query) -> bool:
    first, last = query.window
    if first is None and last is None:
        return True
    zone = query.calendar_zone
    found = expanded(world, stored)
    if last is not None and found and found[0].start.at(zone) >= last:
        return False
    return any(
        (first is None or one.end.at(zone) > first) and (last is None or one.start.at(zone) < last)
        for one in reversed(found)
    )


def _overlaps(stored: StoredEvent, query: Query) -> bool:
    first, last = query.window
    if first is None and last is None:
        return True
    if "start" not in stored.resource:
        return False
    begin, end = bounds(stored, query.calendar_zone)
    return (first is None or end > first or begin == end >= first) and (last is None or begin < last)


def bounds(stored: StoredEvent, zone: str) -> tuple[datetime, datetime]:
    """When an event that is no series begins and ends; days are days of `zone`."""
    known: tuple[datetime, datetime] | None = stored.known.get(zone)
    if known is None:
        start, end = (times.when_kept(stored.resource[name]) for name in ("start", "end"))
        known = stored.known[zone] = (start.at(zone), end.at(zone))
    return known


def _updated_enough(resource: Resource, query: Query) -> bool:
    if query.updated_min is None:
        return True
    return datetime.fromisoformat(resource["updated"]) >= query.updated_min


def _key(stored: StoredEvent, query: Query, resource: Resource, number: int) -> tuple[Any, ...]:
    if query.order == "startTime":
        begin = (
            times.when_kept(resource["start"]).at(query.calendar_zone) if "start" in resource else query.now
        )
        return (times.stamp(begin), stored.id)
    if query.order == "updated":
        return (resource["updated"], stored.id, number)
    return (stored.change, number)


# --- which events ----------------------------------------------------------------------------------------


def _matcher(call: Call, calendar: Calendar) -> Callable[[Resource], bool]:
    tests: list[Callable[[Resource], bool]] = []
    if kinds := call.params.get("eventTypes"):
        for kind in kinds:
            if kind not in EVENT_TYPES:
                raise errors.invalid_parameter(
                    "eventTypes", kind, f"Allowed values: [{', '.join(EVENT_TYPES)}]"
                )
        tests.append(lambda resource: resource.get("eventType", "default") in kinds)
    if uid := call.text("iCalUID"):
        tests.append(lambda resource: resource.get("iCalUID") == uid)
    for side in ("private", "shared"):
        for constraint in call.params.get(f"{side}ExtendedProperty", ()):
            tests.append(_has_property(side, constraint))
    if words := call.text("q").casefold().split():
        tests.append(lambda resource: _says(resource, words))
    role = call.role(calendar)
    if uid or call.text("q") or call.params.get("privateExtendedProperty"):
        tests.append(lambda resource: not hidden(resource, role, calendar, call.account))
    return lambda resource: all(test(resource) for test in tests)


def _has_property(side: str, constraint: str) -> Callable[[Resource], bool]:
    name, equals, value = constraint.partition("=")
    if not equals:
        raise errors.invalid(
            f"Invalid value '{constraint}': propertyName=value is expected.",
            location=f"{side}ExtendedProperty",
        )
    return lambda resource: resource.get("extendedProperties", {}).get(side, {}).get(name) == value


def _says(resource: Resource, words: list[str]) -> bool:
    people = [*resource.get("attendees", ()), resource.get("organizer", {})]
    texts = [resource.get(name, "") for name in ("summary", "description", "location")]
    texts += [person.get(name, "") for person in people for name in ("displayName", "email")]
    place = resource.get("workingLocationProperties", {})
    for part in ("officeLocation", "customLocation"):
        texts += [str(value) for value in place.get(part, {}).values()]
    said = "\n".join(texts).casefold()
    return all(word in said for word in words)


# --- how they look ---------------------------------------------------------------------------------------


def _line(call: Call, calendar: Calendar, row: Row, query: Query, role: str) -> Resource:
    if row.gone:
        if row.instance is not None:
            return view.gone_instance(row.stored, row.instance, query.zone)
        return view.tombstone(row.stored.resource, query.zone)
    resource = row.stored.resource
    if row.instance is not None:
        resource = view.instance(resource, row.instance)
    guests = call.number("maxAttendees", 0, 1_000_000)
    return view.event(call, calendar, resource, role=role, zone=query.zone, most_guests=guests)


def _shown(call: Call, calendar: Calendar, resource: Resource) -> Resource:
    return view.event(
        call,
        calendar,
        resource,
        role=call.role(calendar),
        zone=call.zone(calendar.time_zone),
        most_guests=call.number("maxAttendees", 0, 1_000_000),
    )


def _head(call: Call, calendar: Calendar, role: str, zone: str) -> Resource:
    entry = call.account.entries.get(calendar.id)
    updated = calendar.updated or call.world.now()
    head = {
        "kind": "calendar#events",
        "etag": f'"p{calendar.epoch}-{calendar.changes:012d}"',
        "summary": (entry.summary_override if entry else "") or calendar.summary,
        "updated": f"{updated.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        "timeZone": zone,
        "accessRole": role,
        "defaultReminders": list(entry.reminders) if entry else [],
    }
    return head | ({"description": calendar.description} if calendar.description else {})


# --- events.instances ------------------------------------------------------------------------------------


def instances(call: Call) -> Resource:
    calendar = call.calendar()
    master = calendar.events.get(call.args["eventId"])
    if master is None:
        raise errors.not_found()
    if "recurrence" not in master.resource:
        raise errors.bad_request("The event is not recurring.")
    query, page, _since = _query(call, calendar)
    rows = sorted(_instances_of(call, calendar, master, query), key=attrgetter("key"))
    made, more = _page(call, query, rows, page["after"] if page else None)
    role = call.role(calendar)
    answer = _head(call, calendar, role, query.zone)
    if more:
        answer["nextPageToken"] = bookmarks.write(
            call.world,
            "page",
            calendar=calendar.id,
            query=bookmarks.digest(*(call.params.get(name) for name in STEADY_WITHIN_PAGES)),
            after=list(made[-1].key),
            until=calendar.changes,
        )
    return answer | {"items": [_line(call, calendar, row, query, role) for row in made]}


def _instances_of(call: Call, calendar: Calendar, master: StoredEvent, query: Query) -> Iterator[Row]:
    original = call.text("originalStart")
    if not master.deleted:
        for row in _instances(call.world, calendar, master, query):
            assert row.instance is not None
            if _is_original(row.instance.start, original):
                yield Row((times.stamp(row.instance.start.at(query.calendar_zone)), ""), master, row.instance)
    for stored in call.world.exceptions(calendar, master.id):
        first = times.when_kept(stored.resource["originalStartTime"])
        if stored.deleted and not query.deleted:
            continue
        if _overlaps(stored, query) and _is_original(first, original):
            yield Row((times.stamp(first.at(query.calendar_zone)), stored.id), stored)


def _is_original(start: times.When, asked: str) -> bool:
    if not asked:
        return True
    if start.date is not None:
        return start.date.isoformat() == asked[:10]
    try:
        return times.parse_instant(asked) == start.instant
    except ValueError:
        raise errors.invalid("Invalid Value", location="originalStart") from None
