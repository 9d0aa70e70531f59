"""The table of methods: where each answers, which scopes let it, which function it is.

Paths are those below `/me` or `/users/{id}`, in any case; `$batch`, `/me` and subscriptions stand by
themselves. Paths and scopes after the v1.0 reference; where it names one scope, those above it count, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from calendar_sandbox.microsoft.api import (
    calendars,
    delta,
    people,
    reading,
    schedule,
    subscribing,
    writing,
)
from calendar_sandbox.microsoft.api.call import Answer, Call

Run = Callable[[Call], Answer]

READ = frozenset("Calendars.ReadBasic Calendars.Read Calendars.ReadWrite".split())  # noqa: SIM905
READ_ANY = READ | {"Calendars.Read.Shared", "Calendars.ReadWrite.Shared"}
WRITE = frozenset(("Calendars.ReadWrite", "Calendars.ReadWrite.Shared"))
WHO = frozenset(("User.Read", "User.ReadWrite", "User.ReadBasic.All", "User.Read.All"))
SETTINGS = frozenset(("MailboxSettings.Read", "MailboxSettings.ReadWrite"))

CALENDAR = ("calendar", "calendars/{calendar}")
EVENTS = ("events", *(f"{one}/events" for one in CALENDAR))
EVENT = tuple(f"{one}/{{event}}" for one in EVENTS)
VIEW = ("calendarView", *(f"{one}/calendarView" for one in CALENDAR))
DELTA = ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")


@dataclass(frozen=True)
class Method:
    """`paths` are alternatives below a mailbox, or (`alone`) below the root; `takes` names the body."""

    id: str
    verb: str
    paths: tuple[str, ...]
    scopes: frozenset[str]
    run: Run
    takes: str = ""
    alone: bool = False
    mailbox: bool = True  # needs one that Graph can read


def _each(paths: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(f"{path}/{one}" for path in paths for one in more)


ONE = ("subscriptions/{subscription}",)
METHODS = (
    Method("me.get", "GET", ("",), WHO, people.me, mailbox=False),
    Method("mailboxSettings.get", "GET", ("mailboxSettings",), SETTINGS, people.settings),
    Method("calendars.list", "GET", ("calendars",), READ_ANY, calendars.listed),
    Method("calendars.create", "POST", ("calendars",), WRITE, calendars.create, "calendar"),
    Method("calendars.get", "GET", CALENDAR, READ_ANY, calendars.get),
    Method("calendars.update", "PATCH", CALENDAR, WRITE, calendars.update, "calendar"),
    Method("calendars.delete", "DELETE", CALENDAR, WRITE, calendars.delete),
    Method(
        "calendar.getSchedule",
        "POST",
        _each(CALENDAR, "getSchedule", "microsoft.graph.getSchedule"),
        READ_ANY,
        schedule.get_schedule,
        "schedule",
    ),
    Method("events.delta", "GET", _each(EVENTS, *DELTA), READ_ANY, delta.of_events),
    Method("events.count", "GET", _each(EVENTS, "$count"), READ_ANY, reading.count),
    Method("events.list", "GET", EVENTS, READ_ANY, reading.listed),
    Method("events.create", "POST", EVENTS, WRITE, writing.create, "event"),
    Method("events.get", "GET", EVENT, READ_ANY, reading.get),
    Method("events.update", "PATCH", EVENT, WRITE, writing.update, "event"),
    Method("events.delete", "DELETE", EVENT, WRITE, writing.delete),
    Method("events.instances", "GET", _each(EVENT, "instances"), READ_ANY, reading.instances),
    Method("events.calendar", "GET", _each(EVENT, "calendar"), READ_ANY, reading.calendar_of),
    Method("events.accept", "POST", _each(EVENT, "accept"), WRITE, writing.accept, "acceptance"),
    Method("events.decline", "POST", _each(EVENT, "decline"), WRITE, writing.decline, "response"),
    Method(
        "events.tentativelyAccept",
        "POST",
        _each(EVENT, "tentativelyAccept"),
        WRITE,
        writing.tentatively_accept,
        "response",
    ),
    Method("events.cancel", "POST", _each(EVENT, "cancel"), WRITE, writing.cancel, "cancellation"),
    Method("calendarView.delta", "GET", _each(VIEW, *DELTA), READ_ANY, delta.calendar_view),
    Method("calendarView.list", "GET", VIEW, READ_ANY, reading.calendar_view),
    Method(
        "subscriptions.create",
        "POST",
        ("subscriptions",),
        READ_ANY,
        subscribing.create,
        "subscription",
        alone=True,
    ),
    Method("subscriptions.list", "GET", ("subscriptions",), READ_ANY, subscribing.listed, alone=True),
    Method("subscriptions.get", "GET", ONE, READ_ANY, subscribing.get, alone=True),
    Method("subscriptions.update", "PATCH", ONE, READ_ANY, subscribing.update, "subscription", alone=True),
    Method(
        "subscriptions.reauthorize",
        "POST",
        _each(ONE, "reauthorize"),
        READ_ANY,
        subscribing.reauthorize,
        alone=True,
    ),
    Method("subscriptions.delete", "DELETE", ONE, READ_ANY, subscribing.delete, alone=True),
)
KEYED = re.compile(r"(?<=[A-Za-z])\('([^']*)'\)")
MAILBOX = re.compile(r"(?:me|users/(?P<user>[^/]+))(?:/(?P<rest>.*))?", re.IGNORECASE)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    text = "".join(f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p) for p in parts)
    return re.compile(text, re.IGNORECASE)


# The paths with fewest names in braces first: `calendarView/delta` is no event of the id `delta`
TABLE = sorted(
    ((path.count("{"), _pattern(path), method) for method in METHODS for path in method.paths),
    key=lambda one: one[0],
)


@lru_cache(maxsize=5000)
def found(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """The method of a path below /v1.0/, and the names in it; `user` when it is not `me`."""
    path = KEYED.sub(r"/\1", unquote(path)).strip("/")
    inside = MAILBOX.fullmatch(path)
    rest = path if inside is None else (inside["rest"] or "").strip("/")
    for _names, pattern, method in TABLE:
        if method.verb != verb or method.alone == (inside is not None):
            continue
        hit = pattern.fullmatch(rest)
        if hit is not None:
            user = {"user": inside["user"]} if inside is not None and inside["user"] else {}
            return method, hit.groupdict() | user
    return None
