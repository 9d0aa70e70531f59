"""settings.list and get: what a person chose in Google Calendar."""

from __future__ import annotations

from calendar_sandbox.google import errors
from calendar_sandbox.google.api import bookmarks
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Account, Resource

DEFAULTS = {
    "autoAddHangouts": "true",
    "dateFieldOrder": "MDY",
    "defaultEventLength": "60",
    "format24HourTime": "false",
    "hideInvitations": "false",
    "hideWeekends": "false",
    "remindOnRespondedEventsOnly": "false",
    "showDeclinedEvents": "true",
    "useKeyboardShortcuts": "true",
    "weekStart": "0",
}


def list_(call: Call) -> Resource:
    """They never change here, so an increment is empty."""
    token = call.text("syncToken")
    if token and bookmarks.read(call.world, "settings", token) is None:
        raise errors.invalid("Invalid sync token value.", location="syncToken")
    found = [] if token else [_setting(name, value) for name, value in _all(call.account).items()]
    start = int(
        (bookmarks.read(call.world, "settings page", call.text("pageToken")) or {"after": 0})["after"]
    )
    size = call.number("maxResults", 100, 250)
    answer: Resource = {"kind": "calendar#settings", "etag": f'"{bookmarks.digest(_all(call.account))}"'}
    if len(found) > start + size:
        answer["nextPageToken"] = bookmarks.write(call.world, "settings page", after=start + size)
    else:
        answer["nextSyncToken"] = bookmarks.write(call.world, "settings", account=call.account.email)
    return answer | {"items": found[start : start + size]}


def get(call: Call) -> Resource:
    found = _all(call.account)
    if call.args["setting"] not in found:
        raise errors.not_found()
    return _setting(call.args["setting"], found[call.args["setting"]])


def _all(account: Account) -> dict[str, str]:
    return dict(sorted((DEFAULTS | {"locale": account.locale, "timezone": account.time_zone}).items()))


def _setting(name: str, value: str) -> Resource:
    etag = f'"{bookmarks.digest(name, value)}"'
    return {"kind": "calendar#setting", "etag": etag, "id": name, "value": value}
