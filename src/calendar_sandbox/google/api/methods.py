"""The table of methods: where each answers, what it needs, which function it is.

Paths, scopes and bodies are those of Google's discovery document (a test holds them to the one in
google-api-python-client). Methods that Google has and the stand-in has not answer 501.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from calendar_sandbox.google.api import calendars, colors, freebusy, reading, settings, watching, writing
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Resource

Run = Callable[[Call], Resource | None]

READ_EVENTS = (
    "calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned "
    "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
    "calendar.readonly"
)
WRITE_EVENTS = "calendar calendar.app.created calendar.events calendar.events.owned"
READ_LIST = "calendar calendar.calendarlist calendar.calendarlist.readonly calendar.readonly"
GET_LIST = f"{READ_LIST} calendar.app.created"
WRITE_LIST = "calendar calendar.app.created calendar.calendarlist"
WRITE_CALENDARS = "calendar calendar.app.created calendar.calendars"
READ_CALENDARS = f"{WRITE_CALENDARS} calendar.calendars.readonly calendar.readonly"
READ_SETTINGS = "calendar calendar.readonly calendar.settings calendar.settings.readonly"
MOVE = "calendar calendar.events calendar.events.owned"
FREEBUSY = "calendar calendar.events.freebusy calendar.freebusy calendar.readonly"
READ_ACL = "calendar calendar.acls calendar.acls.readonly"
GET_ACL = f"{READ_ACL} calendar.readonly"
WRITE_ACL = "calendar calendar.acls"
STOP = (
    "calendar calendar.acls calendar.acls.readonly calendar.app.created calendar.calendarlist "
    "calendar.calendarlist.readonly calendar.events calendar.events.freebusy calendar.events.owned "
    "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly "
    "calendar.readonly calendar.settings calendar.settings.readonly"
)
COLORS = (
    "calendar calendar.app.created calendar.calendarlist calendar.calendarlist.readonly "
    "calendar.events.freebusy calendar.events.owned calendar.events.owned.readonly "
    "calendar.events.public.readonly calendar.readonly"
)

LIST = "users/me/calendarList"
CALENDAR = "calendars/{calendarId}"
EVENTS = "calendars/{calendarId}/events"
EVENT = "calendars/{calendarId}/events/{eventId}"
ACL = "calendars/{calendarId}/acl"
SETTINGS = "users/me/settings"


@dataclass(frozen=True)
class Method:
    """`takes` and `gives` name the resources of body and answer (shapes.py); empty: there is none."""

    id: str
    verb: str
    path: str
    scopes: tuple[str, ...]
    run: Run | None
    takes: str
    gives: str

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def _method(name: str, verb: str, path: str, scopes: str, run: Run | None, bodies: str) -> Method:
    takes, _, gives = bodies.partition("->")
    return Method(f"calendar.{name}", verb, path, tuple(scopes.split()), run, takes.strip(), gives.strip())


METHODS = tuple(
    _method(*row)
    for row in (
        ("calendarList.list", "GET", LIST, READ_LIST, calendars.list_, "-> CalendarList"),
        (
            "calendarList.get",
            "GET",
            f"{LIST}/{{calendarId}}",
            GET_LIST,
            calendars.get,
            "-> CalendarListEntry",
        ),
        (
            "calendarList.insert",
            "POST",
            LIST,
            "calendar calendar.calendarlist",
            calendars.insert,
            "CalendarListEntry -> CalendarListEntry",
        ),
        (
            "calendarList.patch",
            "PATCH",
            f"{LIST}/{{calendarId}}",
            WRITE_LIST,
            calendars.patch,
            "CalendarListEntry -> CalendarListEntry",
        ),
        (
            "calendarList.update",
            "PUT",
            f"{LIST}/{{calendarId}}",
            WRITE_LIST,
            calendars.patch,
            "CalendarListEntry -> CalendarListEntry",
        ),
        ("calendarList.delete", "DELETE", f"{LIST}/{{calendarId}}", WRITE_LIST, calendars.delete, ""),
        (
            "calendarList.watch",
            "POST",
            f"{LIST}/watch",
            READ_LIST,
            watching.calendar_list,
            "Channel -> Channel",
        ),
        ("calendars.get", "GET", CALENDAR, READ_CALENDARS, calendars.calendar_get, "-> Calendar"),
        (
            "calendars.insert",
            "POST",
            "calendars",
            WRITE_CALENDARS,
            calendars.calendar_insert,
            "Calendar -> Calendar",
        ),
        (
            "calendars.patch",
            "PATCH",
            CALENDAR,
            WRITE_CALENDARS,
            calendars.calendar_patch,
            "Calendar -> Calendar",
        ),
        (
            "calendars.update",
            "PUT",
            CALENDAR,
            WRITE_CALENDARS,
            calendars.calendar_update,
            "Calendar -> Calendar",
        ),
        ("calendars.delete", "DELETE", CALENDAR, WRITE_CALENDARS, calendars.calendar_delete, ""),
        (
            "calendars.clear",
            "POST",
            f"{CALENDAR}/clear",
            "calendar calendar.calendars",
            calendars.calendar_clear,
            "",
        ),
        (
            "calendars.transferOwnership",
            "POST",
            f"{CALENDAR}/transferOwnership",
            "calendar calendar.calendars",
            None,
            "",
        ),
        ("events.list", "GET", EVENTS, READ_EVENTS, reading.list_, "-> Events"),
        ("events.insert", "POST", EVENTS, WRITE_EVENTS, writing.insert, "Event -> Event"),
        ("events.import", "POST", f"{EVENTS}/import", WRITE_EVENTS, writing.import_, "Event -> Event"),
        ("events.quickAdd", "POST", f"{EVENTS}/quickAdd", WRITE_EVENTS, None, "-> Event"),
        ("events.watch", "POST", f"{EVENTS}/watch", READ_EVENTS, watching.events, "Channel -> Channel"),
        ("events.get", "GET", EVENT, READ_EVENTS, reading.get, "-> Event"),
        ("events.patch", "PATCH", EVENT, WRITE_EVENTS, writing.patch, "Event -> Event"),
        ("events.update", "PUT", EVENT, WRITE_EVENTS, writing.update, "Event -> Event"),
        ("events.delete", "DELETE", EVENT, WRITE_EVENTS, writing.delete, ""),
        ("events.move", "POST", f"{EVENT}/move", MOVE, writing.move, "-> Event"),
        ("events.instances", "GET", f"{EVENT}/instances", READ_EVENTS, reading.instances, "-> Events"),
        ("channels.stop", "POST", "channels/stop", STOP, watching.stop, "Channel ->"),
        (
            "freebusy.query",
            "POST",
            "freeBusy",
            FREEBUSY,
            freebusy.query,
            "FreeBusyRequest -> FreeBusyResponse",
        ),
        ("colors.get", "GET", "colors", COLORS, colors.get, "-> Colors"),
        ("settings.list", "GET", SETTINGS, READ_SETTINGS, settings.list_, "-> Settings"),
        ("settings.get", "GET", f"{SETTINGS}/{{setting}}", READ_SETTINGS, settings.get, "-> Setting"),
        (
            "settings.watch",
            "POST",
            f"{SETTINGS}/watch",
            READ_SETTINGS,
            watching.settings,
            "Channel -> Channel",
        ),
        ("acl.list", "GET", ACL, READ_ACL, None, ""),
        ("acl.insert", "POST", ACL, WRITE_ACL, None, ""),
        ("acl.watch", "POST", f"{ACL}/watch", READ_ACL, None, ""),
        ("acl.get", "GET", f"{ACL}/{{ruleId}}", GET_ACL, None, ""),
        ("acl.patch", "PATCH", f"{ACL}/{{ruleId}}", WRITE_ACL, None, ""),
        ("acl.update", "PUT", f"{ACL}/{{ruleId}}", WRITE_ACL, None, ""),
        ("acl.delete", "DELETE", f"{ACL}/{{ruleId}}", WRITE_ACL, None, ""),
    )
)
PATTERNS = tuple((method, method.pattern) for method in METHODS)
# `events/import` is an event's path as well: what has fewer names in it is meant
ORDERED = sorted(PATTERNS, key=lambda pair: pair[0].path.count("{"))


@lru_cache(maxsize=5000)
def found(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """The method a request means, with the parts of its path; `path` is below /calendar/v3/, still quoted."""
    for method, pattern in ORDERED:
        if method.verb == verb and (match := pattern.fullmatch(path)):
            return method, {name: unquote(value) for name, value in match.groupdict().items()}
    return None
