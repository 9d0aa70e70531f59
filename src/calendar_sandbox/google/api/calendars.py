"""calendarList and calendars: what an account has on its list, and the calendars behind."""

from __future__ import annotations

from typing import Any

from calendar_sandbox.google import errors, times
from calendar_sandbox.google.api import bookmarks
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.api.colors import CALENDAR_COLOURS
from calendar_sandbox.google.state import ROLES, Calendar, ListEntry, Resource

DEFAULT_PAGE, BIGGEST_PAGE = 100, 250
NOT_WITH_SYNC_TOKEN = ("minAccessRole", "showOwnOrganizationOnly")
OWN_NOTIFICATIONS = [
    {"type": kind, "method": "email"}
    for kind in ("eventCreation", "eventChange", "eventCancellation", "eventResponse")
]
HEX = "#0123456789abcdefABCDEF"


# --- calendarList ----------------------------------------------------------------------------------------


def list_(call: Call) -> Resource:
    account, world = call.account, call.world
    since = _since(call)
    page = bookmarks.read(world, "list page", call.text("pageToken")) if call.text("pageToken") else None
    if call.text("pageToken") and (page is None or page["account"] != account.email):
        raise errors.invalid("Invalid page token value.", location="pageToken")
    least = call.text("minAccessRole")
    if least and least not in ROLES:
        raise errors.invalid_parameter("minAccessRole", least, f"Allowed values: [{', '.join(ROLES)}]")
    entries = sorted(account.entries.values(), key=lambda entry: entry.change)
    after = page["after"] if page else (since or 0)
    wanted = [e for e in entries if e.change > after and _wanted(call, e, since, least)]
    size = call.number("maxResults", DEFAULT_PAGE, BIGGEST_PAGE)
    until = page["until"] if page else account.list_changes
    items = [_entry(call, entry) for entry in wanted[:size]]
    answer: Resource = {"kind": "calendar#calendarList", "etag": f'"p{account.list_changes:012d}"'}
    if len(wanted) > size:
        after = wanted[size - 1].change
        answer["nextPageToken"] = bookmarks.write(
            world, "list page", account=account.email, after=after, until=until
        )
    elif not any(call.text(name) for name in NOT_WITH_SYNC_TOKEN):
        answer["nextSyncToken"] = bookmarks.write(world, "list", account=account.email, until=until)
    return answer | {"items": items}


def _since(call: Call) -> int | None:
    token = call.text("syncToken")
    if not token:
        return None
    if any(name in call.params for name in NOT_WITH_SYNC_TOKEN):
        raise errors.bad_request("Sync token cannot be combined with these parameters.")
    if call.flag("showDeleted") is False or call.flag("showHidden") is False:
        raise errors.bad_request("Sync token cannot be combined with showDeleted or showHidden=false.")
    said = bookmarks.read(call.world, "list", token)
    if said is None or said["account"] != call.account.email:
        raise errors.invalid("Invalid sync token value.", location="syncToken")
    return int(said["until"])


def _wanted(call: Call, entry: ListEntry, since: int | None, least: str) -> bool:
    if since is not None:
        return True
    if (entry.deleted and not call.flag("showDeleted")) or (entry.hidden and not call.flag("showHidden")):
        return False
    role = call.world.role(call.account, call.world.calendars[entry.calendar_id])
    return not least or (bool(role) and ROLES.index(role) >= ROLES.index(least))


def get(call: Call) -> Resource:
    return _entry(call, _own_entry(call))


def insert(call: Call) -> Resource:
    """Put a calendar one may see on the list."""
    calendar_id = call.body.get("id")
    if not calendar_id:
        raise errors.required("Missing calendar id.")
    calendar = call.world.calendar_of(call.account, calendar_id)
    if calendar is None:
        raise errors.not_found()
    entry = call.world.subscribe(call.account, calendar)
    return _entry(call, _set(call, entry))


def patch(call: Call) -> Resource:
    return _entry(call, _set(call, _own_entry(call)))


def delete(call: Call) -> None:
    entry = _own_entry(call)
    calendar = call.world.calendars[entry.calendar_id]
    if calendar.owner == call.account.email:
        raise errors.calendar_says("cannotUnsubscribeOwnCalendar", "A calendar one owns stays on the list.")
    entry.deleted = True
    call.world.touch_list(call.account, entry.calendar_id)


def _own_entry(call: Call) -> ListEntry:
    calendar = call.calendar()
    entry = call.account.entries.get(calendar.id)
    if entry is None or entry.deleted:
        raise errors.not_found()
    return entry


def _set(call: Call, entry: ListEntry) -> ListEntry:
    body = call.body
    colour = body.get("colorId")
    if colour is not None:
        if colour not in CALENDAR_COLOURS:
            raise errors.invalid("Invalid color id.", location="colorId")
        entry.color_id = colour
        entry.background = CALENDAR_COLOURS[colour]
    if call.flag("colorRgbFormat"):
        for name, field in (("backgroundColor", "background"), ("foregroundColor", "foreground")):
            given = body.get(name) or getattr(entry, field) or CALENDAR_COLOURS[entry.color_id]
            if len(given) != 7 or given[0] != "#" or any(letter not in HEX for letter in given):
                raise errors.invalid("Invalid color.", location=name)
            setattr(entry, field, given)
    entry.hidden = bool(body.get("hidden", entry.hidden))
    entry.selected = bool(body.get("selected", entry.selected)) and not entry.hidden
    if "summaryOverride" in body:
        entry.summary_override = body["summaryOverride"] or ""
    if body.get("defaultReminders") is not None:
        entry.reminders = body["defaultReminders"]
    call.world.touch_list(call.account, entry.calendar_id)
    return entry


def _entry(call: Call, entry: ListEntry) -> Resource:
    world = call.world
    etag = f'"{bookmarks.digest(call.account.email, entry.calendar_id, entry.change)}"'
    gone: Resource = {
        "kind": "calendar#calendarListEntry",
        "etag": etag,
        "id": entry.calendar_id,
    }
    calendar = world.calendars.get(entry.calendar_id)
    if entry.deleted or calendar is None:
        return gone | {"deleted": True}
    shown = gone | {
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": entry.color_id,
        "backgroundColor": entry.background or CALENDAR_COLOURS[entry.color_id],
        "foregroundColor": entry.foreground,
        "accessRole": world.role(call.account, calendar),
        "defaultReminders": list(entry.reminders),
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    optional: dict[str, Any] = {
        "description": calendar.description,
        "location": calendar.location,
        "summaryOverride": entry.summary_override,
        "hidden": entry.hidden,
        "selected": entry.selected,
    }
    shown |= {name: value for name, value in optional.items() if value}
    if calendar.primary and calendar.owner == call.account.email:
        shown |= {"primary": True, "notificationSettings": {"notifications": OWN_NOTIFICATIONS}}
    elif calendar.owner and not calendar.primary:
        shown["dataOwner"] = calendar.owner
    return shown


# --- calendars -------------------------------------------------------------------------------------------


def calendar_get(call: Call) -> Resource:
    return _calendar(call.calendar())


def calendar_insert(call: Call) -> Resource:
    """Make a secondary calendar; the caller owns it and has it on the list."""
    summary = call.body.get("summary")
    if not summary:
        raise errors.required("Missing title.")
    zone = call.body.get("timeZone") or "UTC"
    calendar = call.world.add_calendar(
        call.account,
        summary,
        time_zone=times.known_zone(zone, what="calendar"),
        description=call.body.get("description") or "",
    )
    calendar.location = call.body.get("location") or ""
    calendar.made_by = call.client_id
    return _calendar(calendar)


def calendar_patch(call: Call) -> Resource:
    return _change(call, dict(call.body))


def calendar_update(call: Call) -> Resource:
    if not call.body.get("summary"):
        raise errors.required("Missing title.")
    return _change(call, {"description": "", "location": ""} | call.body)


def _change(call: Call, body: Resource) -> Resource:
    calendar = call.calendar()
    call.needs(calendar, "owner")
    call.check_match(calendar.etag)
    if body.get("timeZone"):
        calendar.time_zone = times.known_zone(body["timeZone"], what="calendar")
    calendar.summary = body.get("summary") or calendar.summary
    for name in ("description", "location"):
        if name in body:
            setattr(calendar, name, body[name] or "")
    call.world.calendar_touched(calendar)
    return _calendar(calendar)


def calendar_delete(call: Call) -> None:
    calendar = call.calendar()
    call.needs(calendar, "owner")
    if calendar.primary:
        raise errors.calendar_says("cannotDeletePrimaryCalendar", "The primary calendar cannot be deleted.")
    call.world.remove_calendar(calendar)


def calendar_clear(call: Call) -> None:
    """Delete every event of the primary calendar."""
    calendar = call.calendar()
    if not calendar.primary or calendar.owner != call.account.email:
        raise errors.invalid("Only a primary calendar can be cleared.")
    call.world.clear_calendar(calendar)


def _calendar(calendar: Calendar) -> Resource:
    shown: Resource = {
        "kind": "calendar#calendar",
        "etag": calendar.etag,
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    optional = {"description": calendar.description, "location": calendar.location}
    if calendar.owner and not calendar.primary:
        optional["dataOwner"] = calendar.owner
    return shown | {name: value for name, value in optional.items() if value}
