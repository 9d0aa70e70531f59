"""A recurring event with its instances: finding one, and keeping those that were changed in step."""

from __future__ import annotations

from typing import Any

from calendar_sandbox.google import errors, recurrence
from calendar_sandbox.google.api import view
from calendar_sandbox.google.recurrence import Instance
from calendar_sandbox.google.state import Calendar, Resource, StoredEvent, World

MOVES = ("start", "end", "recurrence")


def find(world: World, calendar: Calendar, event_id: str) -> Resource:
    """An event or an instance as it lies. Raise Refusal when there never was one."""
    if event_id in calendar.events:
        return calendar.events[event_id].resource
    master_id, suffix = recurrence.split_id(event_id)
    master = calendar.events.get(master_id)
    if suffix and master is not None and "recurrence" in master.resource:
        for one in expanded(world, master):
            if one.suffix == suffix:
                return view.instance(master.resource, one)
    raise errors.not_found()


def expanded(world: World, stored: StoredEvent) -> list[Instance]:
    """The instances of a series, kept with it while the day is the same."""
    today = world.now().date()
    known: tuple[Any, list[Instance]] | None = stored.known.get("instances")
    if known is None or known[0] != today:
        found = list(recurrence.instances(stored.resource, now=world.now()))
        known = stored.known["instances"] = (today, found)
    return known[1]


def fresh(world: World) -> Resource:
    """What every write makes anew."""
    return {"etag": world.new_etag(), "updated": world.stamp()}


def cancel(world: World, calendar: Calendar, current: Resource) -> Resource:
    """Cancel an event on one calendar; a series with all its changed instances. The details stay."""
    cancelled = current | {"status": "cancelled"} | fresh(world)
    world.keep(calendar, cancelled)
    if "recurrence" in current:
        for stored in world.exceptions(calendar, current["id"]):
            if not stored.deleted:
                world.keep(calendar, stored.resource | {"status": "cancelled"} | fresh(world))
    return cancelled


def tidy(world: World, calendar: Calendar, stored: StoredEvent, before: Resource) -> None:
    """After a series changed: changed instances without a place in it are cancelled, the others inherit."""
    made = stored.resource
    if "recurrence" not in made and "recurrence" not in before:
        return
    places = {one.suffix for one in expanded(world, stored)} if "recurrence" in made else set()
    inherited: dict[str, Any] = {
        name: made.get(name)
        for name in {*made, *before} - {*MOVES, "etag", "updated", "sequence", "status"}
        if made.get(name) != before.get(name)
    }
    for exception in world.exceptions(calendar, stored.id):
        resource = exception.resource
        if exception.deleted:
            continue
        if recurrence.split_id(exception.id)[1] not in places:
            world.keep(calendar, resource | {"status": "cancelled"} | fresh(world))
            continue
        news = {name: value for name, value in inherited.items() if resource.get(name) == before.get(name)}
        if news:
            changed = {name: value for name, value in (resource | news).items() if value is not None}
            world.keep(calendar, changed | fresh(world))
