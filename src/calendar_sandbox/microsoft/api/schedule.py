"""getSchedule: when people are free, in a string of digits and a list of items."""

from __future__ import annotations

from datetime import datetime, timedelta

from calendar_sandbox.microsoft import errors, recurrence, times
from calendar_sandbox.microsoft.api import entities, reading
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.state import Account, Resource

DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4", "unknown": "0"}
MOST_SCHEDULES = 20
LONGEST = timedelta(days=62)


def get_schedule(call: Call) -> Answer:
    """Personal accounts have no such thing; the window is at most 62 days, the interval 5 to 1440 minutes."""
    if call.account.personal:
        raise errors.access_denied()
    since, until = (_instant(call, name) for name in ("startTime", "endTime"))
    minutes = call.body.get("availabilityViewInterval")
    minutes = 30 if minutes is None else minutes
    names = call.body.get("schedules") or []
    if not names or len(names) > MOST_SCHEDULES or not 5 <= minutes <= 1440:
        raise errors.bad("ErrorInvalidParameter", "Schedules or availabilityViewInterval are out of range.")
    if until <= since or until - since > LONGEST:
        raise errors.bad("ErrorInvalidTimeInterval", "The time window is not one of at most 62 days.")
    value = [_of(call, name, since, until, minutes) for name in names]
    context = call.context("Collection(microsoft.graph.scheduleInformation)")
    return Answer({"@odata.context": context, "value": value})


def _instant(call: Call, name: str) -> datetime:
    return times.from_wall(*times.parse_when(call.body.get(name), what=name))


def _of(call: Call, name: str, since: datetime, until: datetime, minutes: int) -> Resource:
    account = call.world.account_of(name)
    if account is None or account.tid != call.account.tid or not account.mailbox:
        error = {
            "message": "The e-mail address could not be found.",
            "responseCode": "ErrorMailRecipientNotFound",
        }
        return {"scheduleId": name, "availabilityView": "", "error": error, "scheduleItems": []}
    items = _items(call, account, since, until)
    zone = times.windows_name(account.time_zone)
    return {
        "scheduleId": name,
        "availabilityView": _view(items, since, until, timedelta(minutes=minutes)),
        "scheduleItems": [said for _start, _end, said in items],
        "workingHours": entities.working_hours(zone),
    }


def _items(
    call: Call, account: Account, since: datetime, until: datetime
) -> list[tuple[datetime, datetime, Resource]]:
    """What lies in the default calendar. Subject and place are for those it is shared with."""
    calendar = call.world.default_calendar(account)
    details = call.world.role(call.account, calendar) not in ("", "freeBusyRead")
    made = []
    for found in reading.view(calendar, calendar.events, since, until):
        start, end = found.bounds
        inherited = found.master.resource if found.master else {}
        known = entities.USUAL | inherited | found.stored.resource
        said: Resource = {"isPrivate": known["sensitivity"] == "private", "status": known["showAs"]}
        if details and not said["isPrivate"]:
            said |= {"subject": known["subject"], "location": known["location"]["displayName"]}
        for name, moment in (("start", start), ("end", end)):
            wall = {"dateTime": times.wall_text(moment.replace(tzinfo=None))}
            said[name] = times.shown(wall, call.zone, all_day=False)
        made.append((start, end, said))
    return made


def _view(
    items: list[tuple[datetime, datetime, Resource]], since: datetime, until: datetime, step: timedelta
) -> str:
    """One digit for each interval: the most occupied state in it."""
    digits = ""
    while since < until:
        end = min(since + step, until)
        here = [DIGITS[said["status"]] for a, b, said in items if recurrence.overlaps(a, b, since, end)]
        digits += max(here, default="0")
        since = end
    return digits
