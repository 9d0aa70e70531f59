"""events.insert, import, patch, update, delete and move: each write is a new version with a new ETag."""

from __future__ import annotations

from calendar_sandbox.google import errors
from calendar_sandbox.google.api import drafts, guests, series, view
from calendar_sandbox.google.api.call import Call, hidden
from calendar_sandbox.google.api.series import find
from calendar_sandbox.google.state import Calendar, Resource, World

# Changing these is the matter of one's own copy of an event, whoever organizes it
OWN = (
    "attendees",
    "reminders",
    "colorId",
    "transparency",
    "visibility",
    "status",
    "sequence",
    "etag",
    "updated",
)
SEQUENCE_TOO_LOW = (
    "Invalid sequence value. The specified sequence number is below the current sequence number of the "
    "resource. Re-fetch the resource and use its sequence number on the following request."
)


def insert(call: Call) -> Resource:
    """Raise Refusal `duplicate` for an id that was ever used on this calendar, also by a deleted event."""
    calendar = call.writable()
    draft = drafts.new(call, calendar, imported=False)
    if draft["id"] in calendar.events:
        raise errors.duplicate()
    return _written(call, calendar, drafts.settled(draft, calendar))


def import_(call: Call) -> Resource:
    """Insert an event by its iCalUID, or bring the one that is here up to date."""
    calendar = call.writable()
    draft = drafts.new(call, calendar, imported=True)
    if draft["eventType"] != "default":
        raise errors.calendar_says("eventTypeRestriction", "Only events of the default type can be imported.")
    current = calendar.events.get(draft["id"])
    if current is not None:
        for name in ("id", "created", "creator"):
            draft[name] = current.resource[name]
        draft["sequence"] = max(draft["sequence"], current.resource.get("sequence", 0))
    return _written(call, calendar, drafts.settled(draft, calendar))


def patch(call: Call) -> Resource:
    calendar = call.writable()
    current = find(call.world, calendar, call.args["eventId"])
    call.check_match(current["etag"])
    return _changed(call, calendar, current, drafts.merged(call, current))


def update(call: Call) -> Resource:
    calendar = call.writable()
    current = find(call.world, calendar, call.args["eventId"])
    call.check_match(current["etag"])
    return _changed(call, calendar, current, drafts.replaced(call, current))


def delete(call: Call) -> None:
    """Raise Refusal `deleted` (410) when it is gone already."""
    calendar = call.writable()
    current = find(call.world, calendar, call.args["eventId"])
    if current["status"] == "cancelled":
        raise errors.deleted()
    call.check_match(current["etag"])
    _check_details(call, calendar, current)
    cancel(call.world, calendar, current)


def move(call: Call) -> Resource:
    """Give an event another organizer: it lives on in the other calendar, and is cancelled in this one."""
    source, target = call.writable(), call.writable("destination")
    current = find(call.world, source, call.args["eventId"])
    if current["status"] == "cancelled":
        raise errors.deleted()
    call.check_match(current["etag"])
    _check_details(call, source, current)
    if "recurringEventId" in current:
        raise errors.calendar_says(
            "cannotChangeOrganizerOfInstance", "Cannot change the organizer of an instance."
        )
    if current["eventType"] != "default":
        raise errors.calendar_says("eventTypeRestriction", "Only default events can be moved.")
    if not _organizes(source, current):
        raise errors.calendar_says("cannotChangeOrganizer", "Cannot change the organizer of this event.")
    if target is source:
        return _answer(call, source, current)
    there = target.events.get(current["id"])
    if there is not None and not there.moved_away:
        raise errors.duplicate()
    moved = _moved(call.world, source, target, current)
    for stored in call.world.exceptions(source, current["id"]):
        _moved(call.world, source, target, stored.resource)
    return _answer(call, target, moved)


def _moved(world: World, source: Calendar, target: Calendar, resource: Resource) -> Resource:
    stub = resource | {"status": "cancelled"} | series.fresh(world)
    moved = resource | {"organizer": drafts.organizer(target)} | series.fresh(world)
    moved["sequence"] = resource.get("sequence", 0) + 1
    world.keep(source, stub, moved_away=True)
    world.keep(target, moved)
    guests.spread(world, target, moved, resource)
    return moved


# --- the one way an event changes ------------------------------------------------------------------------


def _changed(call: Call, calendar: Calendar, current: Resource, draft: Resource) -> Resource:
    _check_details(call, calendar, current)
    _check_alive(call, calendar, current)
    given = call.body.get("sequence")
    if given is not None and given < current.get("sequence", 0):
        raise errors.invalid(SEQUENCE_TOO_LOW)
    if call.body.get("eventType") not in (None, current["eventType"]):
        raise errors.calendar_says("eventTypeRestriction", "The type of an event cannot be changed.")
    made = drafts.settled(draft, calendar)
    if not _organizes(calendar, current) and not current.get("guestsCanModify"):
        _check_own(call, calendar, current, made)
    if made["status"] == "cancelled":
        cancelled = cancel(call.world, calendar, current)
        return _answer(call, calendar, cancelled)
    if any(made.get(name) != current.get(name) for name in series.MOVES) or current["status"] == "cancelled":
        made["sequence"] = max(made["sequence"], current.get("sequence", 0) + 1)
    return _written(call, calendar, made, current)


def _check_alive(call: Call, calendar: Calendar, current: Resource) -> None:
    """A deleted event comes back only when the body says its new status.

    Else a 403, as clients have met it (google-api-ruby-client #1811, google-api-python-client #846).
    """
    if current["status"] != "cancelled":
        return
    stored = calendar.events.get(current["id"])
    master = calendar.events.get(current.get("recurringEventId", ""))
    lost = stored is None or stored.moved_away or (master is not None and master.deleted)
    if lost or call.body.get("status") not in ("confirmed", "tentative"):
        raise errors.forbidden()


def _check_details(call: Call, calendar: Calendar, current: Resource) -> None:
    if hidden(current, call.role(calendar), calendar, call.account):
        raise errors.forbidden()


def _organizes(calendar: Calendar, resource: Resource) -> bool:
    return bool(resource.get("organizer", {}).get("email", calendar.id).lower() == calendar.id.lower())


def _check_own(call: Call, calendar: Calendar, current: Resource, made: Resource) -> None:
    """On a copy of somebody else's event only what is one's own may change: the answer, reminders, colour."""
    if any(made.get(name) != current.get(name) for name in {*made, *current} - {*OWN, "extendedProperties"}):
        raise errors.not_the_organizer()
    both = (made.get("extendedProperties", {}), current.get("extendedProperties", {}))
    if both[0].get("shared") != both[1].get("shared"):
        raise errors.not_the_organizer()
    if guests.others(calendar, made) != guests.others(calendar, current):
        raise errors.not_the_organizer()


def _written(call: Call, calendar: Calendar, made: Resource, current: Resource | None = None) -> Resource:
    world = call.world
    made |= series.fresh(world)
    if current is not None and _only_reminders(made, current):
        made["updated"] = current["updated"]
    stored = world.keep(calendar, made)
    if current is not None and ("recurrence" in made or "recurrence" in current):
        series.tidy(world, calendar, stored, current)
    guests.spread(world, calendar, made, current)
    return _answer(call, calendar, made)


def _only_reminders(made: Resource, current: Resource) -> bool:
    """Changing reminders does not change the time of the last change."""
    differ = {name for name in {*made, *current} if made.get(name) != current.get(name)}
    return differ - {"etag", "updated"} == {"reminders"}


def _answer(call: Call, calendar: Calendar, resource: Resource) -> Resource:
    return view.event(
        call,
        calendar,
        resource,
        role=call.role(calendar),
        zone=calendar.time_zone,
        most_guests=call.number("maxAttendees", 0, 1_000_000),
    )


def cancel(world: World, calendar: Calendar, current: Resource) -> Resource:
    """Cancel an event; a series with all its changed instances. The details stay, for whoever restores it."""
    cancelled = series.cancel(world, calendar, current)
    guests.withdraw(world, calendar, cancelled)
    return cancelled
