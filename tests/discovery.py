"""Google's discovery document of the Calendar API as a judge of traffic: types, formats, names, choices.

It is the one inside google-api-python-client, so it is Google's word and not ours.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import googleapiclient

Document = dict[str, Any]

CHOICE = re.compile(r'- "(\w+)"')
# Lists of choices that are examples of others, or choices of something below
OPEN = {"entryPointType", "reason", "statusCode"}
TYPES = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list}
ASKED = "asked:"
EVERYWHERE = ("alt", "fields", "key", "oauth_token", "prettyPrint", "quotaUser", "userIp", "access_token")


@cache
def document() -> Document:
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: Document = json.loads((folder / "calendar.v3.json").read_text())
    return found


@cache
def methods() -> dict[str, Document]:
    """Every method by its id."""
    found: dict[str, Document] = {}

    def walk(resources: Document) -> None:
        for resource in resources.values():
            for method in resource.get("methods", {}).values():
                found[method["id"]] = method
            walk(resource.get("resources", {}))

    walk(document()["resources"])
    return found


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], Document]]:
    ordered = sorted(methods().values(), key=lambda method: method["path"].count("{"))
    return [(m["httpMethod"], re.compile(re.sub(r"\{\w+\}", "[^/]+", m["path"])), m) for m in ordered]


def method_of(verb: str, path: str) -> Document | None:
    """The method a request means; `path` is what stands below /calendar/v3/."""
    for method_verb, pattern, method in _patterns():
        if method_verb == verb and pattern.fullmatch(path):
            return method
    return None


def faults_of(value: Any, schema: Document, where: str) -> list[str]:
    """What is wrong with a value, in words; an empty list when nothing is.

    A time of a request may be without an offset: its zone stands beside it (EventDateTime.dateTime).
    """
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    kind = schema["type"]
    if kind == "any":
        return []
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{where}: {value!r} is no {kind}"]
    if kind == "array":
        return [f for i, item in enumerate(value) for f in faults_of(item, schema["items"], f"{where}[{i}]")]
    if kind == "object":
        return _faults_of_object(value, schema, where)
    return _faults_of_plain(value, schema, where)


def _faults_of_object(value: Document, schema: Document, where: str) -> list[str]:
    fields, others = schema.get("properties", {}), schema.get("additionalProperties")
    faults = []
    for name, item in value.items():
        if name in fields:
            faults += faults_of(item, fields[name], f"{where}.{name}")
        elif others:
            faults += faults_of(item, others, f"{where}.{name}")
        else:
            faults.append(f"{where}: no field {name} in {schema.get('id', 'this object')}")
    return faults


def _faults_of_plain(value: Any, schema: Document, where: str) -> list[str]:
    name = where.rpartition(".")[2]
    choices = set(schema.get("enum", ())) or _choices(schema.get("description", ""))
    if choices and isinstance(value, str) and name not in OPEN and value not in choices:
        return [f"{where}: {value!r} is none of {sorted(choices)}"]
    wall_time = where.startswith(ASKED) and name == "dateTime"
    if not _has_format(f"{value}Z" if wall_time and len(value) == 19 else value, schema.get("format", "")):
        return [f"{where}: {value!r} is no {schema['format']}"]
    return []


@cache
def _choices(description: str) -> frozenset[str]:
    if "ossible value" not in description and "Valid values" not in description:
        return frozenset()
    return frozenset(CHOICE.findall(description))


def _has_format(value: Any, named: str) -> bool:
    try:
        if named == "date-time":
            return datetime.fromisoformat(value).tzinfo is not None and "T" in value
        if named == "date":
            return date.fromisoformat(value).isoformat() == value
        if named == "int64":
            return str(int(value)) == value
        if named == "int32":
            return -(2**31) <= value < 2**31
    except ValueError:
        return False
    return True


def faults_of_request(method: Document, query: str, body: Any) -> list[str]:
    """What is wrong with a request that was served: parameters, types, required fields."""
    known = method.get("parameters", {})
    faults = []
    for name, values in parse_qs(query, keep_blank_values=True).items():
        if name in EVERYWHERE:
            continue
        if name not in known or known[name]["location"] != "query":
            faults.append(f"{method['id']}: no parameter {name}")
        elif len(values) > 1 and not known[name].get("repeated"):
            faults.append(f"{method['id']}: {name} is given {len(values)} times")
        elif not set(values) <= set(known[name].get("enum", values)):
            faults.append(f"{method['id']}: {name}={values}")
    if "request" in method and isinstance(body, dict):
        schema = document()["schemas"][method["request"]["$ref"]]
        given = body if method["httpMethod"] != "PATCH" else _without_nulls(body)
        faults += faults_of(given, schema, f"{ASKED} {schema['id']}")
        for name, field in schema["properties"].items():
            if method["id"] in field.get("annotations", {}).get("required", ()) and name not in body:
                faults.append(f"{method['id']}: {name} is required")
    return faults


def _without_nulls(body: Document) -> Document:
    """A patch may say null of anything."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value is not None
    }


def faults_of_answer(method: Document, status: int, body: bytes) -> list[str]:
    """What is wrong with an answer: another shape than the method's, or than Google's errors."""
    if status in (204, 304):
        return [f"{method['id']}: {status} with a body"] if body else []
    said = json.loads(body)
    if status >= 400:
        return _faults_of_error(method["id"], status, said)
    if "response" not in method:
        return [f"{method['id']}: an answer where there should be none"]
    schema = document()["schemas"][method["response"]["$ref"]]
    return faults_of(said, schema, schema["id"])


def _faults_of_error(call: str, status: int, said: Any) -> list[str]:
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict) or error.get("code") != status or not error.get("message"):
        return [f"{call}: {status} with {said!r}"]
    known = {"domain", "reason", "message", "locationType", "location"}
    for one in error.get("errors", []):
        if not {"domain", "reason", "message"} <= set(one) <= known:
            return [f"{call}: an error of another shape: {one!r}"]
    return [] if error.get("errors") else [f"{call}: {status} without errors"]
