"""Copies of an event: a guest who has an account here finds it on the own calendar, and answers there.

The copies share everything but what is one's own: reminders, colour, transparency, private properties.
"""

from __future__ import annotations

from calendar_sandbox.google.api import series
from calendar_sandbox.google.state import Calendar, Resource, World

PRIVATE = ("reminders", "colorId", "transparency", "visibility")


def others(calendar: Calendar, resource: Resource) -> list[Resource]:
    """The guests but the one whose calendar this is."""
    return [guest for guest in resource.get("attendees", ()) if guest["email"].lower() != calendar.id.lower()]


def spread(world: World, calendar: Calendar, resource: Resource, before: Resource | None) -> None:
    """Bring a change to the other calendars the event is on."""
    if "attendees" not in resource and not (before and "attendees" in before):
        return
    organizer = world.calendars.get(resource["organizer"]["email"].lower())
    if organizer is None and calendar.id.lower() != resource["organizer"]["email"].lower():
        return  # an imported event: its organizer is not here
    here = {email for guest in resource.get("attendees", ()) if (email := guest["email"].lower())}
    if organizer is not None:
        here.add(organizer.id.lower())
    for email in sorted(here):
        other = world.calendars.get(email)
        if other is not None and other is not calendar and not other.deleted:
            _copy(world, other, resource)
    for guest in (before or {}).get("attendees", ()):
        other = world.calendars.get(guest["email"].lower())
        if guest["email"].lower() not in here and other is not None and other is not calendar:
            _drop(world, other, resource)


def withdraw(world: World, calendar: Calendar, cancelled: Resource) -> None:
    """An event was cancelled on one calendar: by its organizer everywhere, by a guest as a refusal."""
    if "attendees" not in cancelled:
        return
    if cancelled["organizer"]["email"].lower() == calendar.id.lower():
        for guest in cancelled["attendees"]:
            other = world.calendars.get(guest["email"].lower())
            if other is not None and other is not calendar:
                _drop(world, other, cancelled)
        return
    organizer = world.calendars.get(cancelled["organizer"]["email"].lower())
    there = organizer.events.get(cancelled["id"]) if organizer is not None else None
    if organizer is None or there is None or there.deleted:
        return
    refused = [
        guest | ({"responseStatus": "declined"} if guest["email"].lower() == calendar.id.lower() else {})
        for guest in there.resource["attendees"]
    ]
    answered = there.resource | {"attendees": refused} | series.fresh(world)
    world.keep(organizer, answered)
    for guest in refused:
        other = world.calendars.get(guest["email"].lower())
        if other is not None and other not in (calendar, organizer):
            _copy(world, other, answered)


def _copy(world: World, calendar: Calendar, resource: Resource) -> None:
    there = calendar.events.get(resource["id"])
    if there is not None and there.deleted and resource["organizer"]["email"].lower() != calendar.id.lower():
        mine = [g for g in resource.get("attendees", ()) if g["email"].lower() == calendar.id.lower()]
        if any(guest["responseStatus"] == "declined" for guest in mine):
            return  # the guest took it off the own calendar
    copy = {name: value for name, value in resource.items() if name not in PRIVATE}
    own = there.resource if there is not None else {"reminders": {"useDefault": True}}
    copy |= {name: own[name] for name in PRIVATE if name in own}
    shared = resource.get("extendedProperties", {}).get("shared")
    private = own.get("extendedProperties", {}).get("private")
    properties = ({"shared": shared} if shared else {}) | ({"private": private} if private else {})
    copy.pop("extendedProperties", None)
    if properties:
        copy["extendedProperties"] = properties
    copy["etag"] = world.new_etag()
    stored = world.keep(calendar, copy)
    if there is not None:
        series.tidy(world, calendar, stored, there.resource)


def _drop(world: World, calendar: Calendar, resource: Resource) -> None:
    there = calendar.events.get(resource["id"])
    if there is not None and not there.deleted:
        series.cancel(world, calendar, there.resource)
