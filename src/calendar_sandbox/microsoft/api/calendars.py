"""Calendars of a mailbox: the list, one, making, changing, deleting."""

from __future__ import annotations

from functools import partial

from calendar_sandbox.microsoft import errors
from calendar_sandbox.microsoft.api import entities, odata
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.state import COLORS, Calendar

LONGEST_NAME = 255


def listed(call: Call) -> Answer:
    """All that are on the mailbox's list and the account may see."""
    found = [one for one in call.world.calendars_of(call.mailbox) if call.world.role(call.account, one)]
    if not found:
        raise errors.access_denied()
    rows = [odata.Row(partial(entities.calendar, call, one), {}) for one in found]
    if text := call.text("$filter"):
        test = odata.filtering(text)
        rows = [row for row in rows if test(row)]
    page, said = odata.paged(call, odata.ordered(call, rows))
    context = call.context(f"users('{call.mailbox.id}')/calendars")
    value = [odata.selected(call, row.said) for row in page]
    return Answer({"@odata.context": context} | said | {"value": value})


def get(call: Call) -> Answer:
    return _answered(call, call.calendar())


def create(call: Call) -> Answer:
    if not call.own_mailbox:
        raise errors.access_denied()
    name = (call.body.get("name") or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise errors.bad("ErrorInvalidRequest", "The Name property is required and must not be empty.")
    _hold_unique(call, name)
    colour = call.body.get("color") or "auto"
    made = call.world.add_calendar(
        call.mailbox, name, color=colour, hex_color=call.body.get("hexColor") or ""
    )
    return _answered(call, made, 201)


def update(call: Call) -> Answer:
    """Name and colours are the mailbox's own, also for a calendar of somebody else."""
    calendar = call.calendar()
    if not call.own_mailbox:
        raise errors.access_denied()
    entry = call.entry(calendar)
    name = (call.body.get("name") or "").strip()
    if name and name != entry.name:
        _hold_unique(call, name)
        entry.name = name
    if call.body.get("color"):
        entry.color, entry.hex_color = call.body["color"], COLORS.get(call.body["color"], "")
    if call.body.get("hexColor"):
        entry.hex_color = call.body["hexColor"]
    entry.change_key = call.world.new_change_key()
    call.world.edition += 1
    return _answered(call, calendar)


def delete(call: Call) -> Answer:
    """Delete an own calendar for everybody; take one of somebody else off the list."""
    calendar = call.calendar()
    if not call.own_mailbox:
        raise errors.access_denied()
    if calendar.default and calendar.owner == call.mailbox.oid:
        raise errors.bad("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    if calendar.owner == call.mailbox.oid:
        call.world.remove_calendar(calendar)
    else:
        call.world.share(calendar, call.mailbox, "none")
    return Answer(status=204)


def _hold_unique(call: Call, name: str) -> None:
    if any(entry.name.lower() == name.lower() for entry in call.mailbox.entries):
        raise errors.Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def _answered(call: Call, calendar: Calendar, status: int = 200) -> Answer:
    context = call.context(f"users('{call.mailbox.id}')/calendars/$entity")
    said = odata.selected(call, entities.calendar(call, calendar))
    return Answer({"@odata.context": context} | said, status)
