"""Microsoft Graph's v1.0 metadata as a judge of traffic: names, types, choices of what is asked and answered.

The types stand in graph_metadata.json, which says where they are from: Microsoft's word and not ours.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Document = dict[str, Any]
COLLECTION = re.compile(r"Collection\((\w+)\)")
ANNOTATION = re.compile(r"@(odata\.\w+|removed)|\w+@odata\.\w+")
KEYED = re.compile(r"(?<=[A-Za-z])\('([^']*)'\)")
WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z")

# What stands below /me or /users/{id}, or below /v1.0; verb, path, type of the body, type of the answer
BOX = r"(?:me|users/[^/]+)"
CAL = r"(?:/calendar|/calendars/[^/]+)"
KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("GET", BOX, "", "user"),
    ("GET", rf"{BOX}/mailboxSettings", "", "mailboxSettings"),
    ("GET", rf"{BOX}/calendars", "", "Collection(calendar)"),
    ("POST", rf"{BOX}/calendars", "calendar", "calendar"),
    (
        "POST",
        rf"{BOX}{CAL}/(?:microsoft\.graph\.)?getSchedule",
        "getSchedule",
        "Collection(scheduleInformation)",
    ),
    ("GET", rf"{BOX}{CAL}?/events/\$count", "", "text"),
    ("GET", rf"{BOX}{CAL}?/calendarView/(?:microsoft\.graph\.)?delta(?:\(\))?", "", "delta"),
    ("GET", rf"{BOX}{CAL}?/calendarView", "", "Collection(event)"),
    ("GET", rf"{BOX}{CAL}?/events", "", "Collection(event)"),
    ("POST", rf"{BOX}{CAL}?/events", "event", "event"),
    ("GET", rf"{BOX}{CAL}?/events/[^/]+/instances", "", "Collection(event)"),
    ("GET", rf"{BOX}{CAL}?/events/[^/]+/calendar", "", "calendar"),
    ("POST", rf"{BOX}{CAL}?/events/[^/]+/accept", "accept", ""),
    ("POST", rf"{BOX}{CAL}?/events/[^/]+/(?:decline|tentativelyAccept)", "decline", ""),
    ("POST", rf"{BOX}{CAL}?/events/[^/]+/cancel", "cancel", ""),
    ("GET", rf"{BOX}{CAL}?/events/[^/]+", "", "event"),
    ("PATCH", rf"{BOX}{CAL}?/events/[^/]+", "event", "event"),
    ("DELETE", rf"{BOX}{CAL}?/events/[^/]+", "", ""),
    ("GET", rf"{BOX}{CAL}", "", "calendar"),
    ("PATCH", rf"{BOX}{CAL}", "calendar", "calendar"),
    ("DELETE", rf"{BOX}{CAL}", "", ""),
    ("POST", "subscriptions", "subscription", "subscription"),
    ("GET", "subscriptions", "", "Collection(subscription)"),
    ("GET", "subscriptions/[^/]+", "", "subscription"),
    ("PATCH", "subscriptions/[^/]+", "subscription", "subscription"),
    ("DELETE", "subscriptions/[^/]+", "", ""),
    ("POST", "subscriptions/[^/]+/reauthorize", "", ""),
)
ACTIONS = ("getSchedule", "accept", "decline", "cancel")
PATTERNS = [(verb, re.compile(path, re.IGNORECASE), takes, gives) for verb, path, takes, gives in KINDS]


@cache
def document() -> Document:
    found: Document = json.loads((Path(__file__).parent / "graph_metadata.json").read_text())
    return found


@cache
def fields_of(name: str) -> dict[str, str]:
    """The fields of a type, those of its base too."""
    described = document()["types"][name]
    inherited = fields_of(described["base"]) if "base" in described else {}
    return inherited | described["fields"]


def kinds_of(verb: str, path: str) -> tuple[str, str] | None:
    """The types of body and answer; `path` is what stands below /v1.0/."""
    plain = KEYED.sub(r"/\1", unquote(path)).strip("/")
    for known, pattern, takes, gives in PATTERNS:
        if known == verb and pattern.fullmatch(plain):
            return takes, gives
    return None


def faults_of(value: Any, kind: str, where: str, *, asked: bool = False) -> list[str]:
    """What is wrong with a value, in words; an empty list when nothing is.

    What is asked may leave fractions off a time, and spell choices in any case.
    """
    if value is None:
        return []
    many = COLLECTION.fullmatch(kind)
    if many:
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no collection"]
        return [
            f for i, one in enumerate(value) for f in faults_of(one, many[1], f"{where}[{i}]", asked=asked)
        ]
    if kind in document()["enums"]:
        choices = document()["enums"][kind]
        fits = value in choices or (asked and str(value).lower() in [one.lower() for one in choices])
        return [] if fits else [f"{where}: {value!r} is none of {choices}"]
    if kind in document()["types"]:
        return _faults_of_object(value, kind, where, asked=asked)
    return [] if _is_plain(value, kind, asked=asked) else [f"{where}: {value!r} is no {kind}"]


def _faults_of_object(value: Any, kind: str, where: str, *, asked: bool) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no {kind}"]
    fields, faults = fields_of(kind), []
    if kind in ACTIONS:  # their parameters are written in any case; the reference begins them in lower
        fields = fields | {name[0].lower() + name[1:]: one for name, one in fields.items()}
    for name, item in value.items():
        if ANNOTATION.fullmatch(name):
            continue
        if name not in fields:
            faults.append(f"{where}: no field {name} in {kind}")
        else:
            faults += faults_of(item, fields[name], f"{where}.{name}", asked=asked)
    return faults


def _is_plain(value: Any, kind: str, *, asked: bool) -> bool:
    try:
        if kind == "Boolean":
            return isinstance(value, bool) or (asked and value in ("true", "false"))  # python-o365 does so
        if kind == "Int32":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "Double":
            return isinstance(value, int | float)
        if not isinstance(value, str):
            return False
        if kind == "DateTimeOffset":
            return bool(INSTANT.fullmatch(value)) or (
                asked and datetime.fromisoformat(value).tzinfo is not None
            )
        if kind == "WallTime":
            return bool(WALL.fullmatch(value)) or (asked and bool(datetime.fromisoformat(value)))
        if kind == "Date":
            return date.fromisoformat(value).isoformat() == value
        if kind == "TimeOfDay":
            return bool(time.fromisoformat(value[:15]))
    except ValueError:
        return False
    return kind == "String"


# --- requests and answers -----------------------------------------------------------------------------------


def faults_of_answer(verb: str, path: str, query: str, status: int, said: bytes, body: bytes) -> list[str]:
    """What is wrong with an answer, and with the request when it was carried out."""
    where = f"{verb} {path}"
    if path.strip("/").lower() == "$batch":
        return _faults_of_batch(where, status, said, body)
    if status >= 400:
        return _faults_of_error(where, said)
    kinds = kinds_of(verb, path)
    if kinds is None:
        return [f"{where} is no method, and was answered {status}"]
    takes, gives = kinds
    faults = (
        faults_of(json.loads(body), takes, f"{where} asked", asked=True) if takes and body.strip() else []
    )
    if not said:
        return faults if not gives else [*faults, f"{where}: answered {status} without a body"]
    if gives == "text":
        return faults if said.isdigit() else [*faults, f"{where}: {said!r} is no count"]
    return faults + _faults_of_body(where, json.loads(said), gives, query)


def _faults_of_body(where: str, said: Any, gives: str, query: str) -> list[str]:
    if not gives:
        return [f"{where}: has a body, should have none"]
    context = said.get("@odata.context", "")
    faults = [] if "/v1.0/$metadata#" in context else [f"{where}: @odata.context is {context!r}"]
    if gives == "delta":
        return faults + _faults_of_delta(where, said)
    if COLLECTION.fullmatch(gives):
        return faults + faults_of(said.get("value"), gives, where)
    faults += faults_of(said, gives, where)
    whole = "$select" not in unquote(query).lower() and gives in ("event", "calendar")
    if whole and (missing := set(required(gives)) - set(said)):
        faults.append(f"{where}: without {sorted(missing)}")
    if gives == "event" and "@odata.etag" not in said:
        faults.append(f"{where}: an event without @odata.etag")
    return faults


def required(kind: str) -> list[str]:
    """What every whole entity has in its answer."""
    if kind == "calendar":
        return list(fields_of("calendar"))
    optional = ("calendar", "instances", "singleValueExtendedProperties", "originalStart")
    return [name for name in fields_of(kind) if name not in optional]


def _faults_of_delta(where: str, said: Document) -> list[str]:
    links = [name for name in ("@odata.nextLink", "@odata.deltaLink") if name in said]
    faults = [] if len(links) == 1 else [f"{where}: a page of a delta with {links}"]
    for one in said["value"]:
        if "@removed" in one:
            if one["@removed"].get("reason") not in ("deleted", "changed") or "id" not in one:
                faults.append(f"{where}: {one!r} is not removed as Graph says it")
            continue
        faults += faults_of(one, "event", where)
    return faults


def _faults_of_error(where: str, said: bytes) -> list[str]:
    try:
        error = json.loads(said)["error"]
        fits = isinstance(error["code"], str) and isinstance(error["message"], str)
        inner = error["innerError"]
        fits = fits and {"date", "request-id", "client-request-id"} <= set(inner)
    except (ValueError, KeyError, TypeError):
        return [f"{where}: no error as Graph writes it: {said[:200]!r}"]
    return [] if fits else [f"{where}: no error as Graph writes it: {said[:200]!r}"]


def _faults_of_batch(where: str, status: int, said: bytes, body: bytes) -> list[str]:
    if status >= 400:
        return _faults_of_error(where, said)
    parts = {part["id"]: part for part in json.loads(body)["requests"]}
    faults = []
    for reply in json.loads(said)["responses"]:
        part = parts[reply["id"]]
        if reply["status"] == 424:
            continue
        path, _, query = part["url"].lstrip("/").partition("?")
        answered = b"" if "body" not in reply else json.dumps(reply["body"]).encode()
        sent = b"" if "body" not in part else json.dumps(part["body"]).encode()
        faults += faults_of_answer(part["method"], path, query, reply["status"], answered, sent)
    return faults


def faults_of_notification(said: bytes) -> list[str]:
    """What is wrong with a notification that was posted."""
    return faults_of(json.loads(said)["value"], "Collection(changeNotification)", "notification")
