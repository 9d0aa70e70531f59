"""The stand-in's tables are Google's: paths, verbs, scopes, bodies, fields as in the discovery document."""

from __future__ import annotations

from typing import Any

import pytest
from tests import discovery

from calendar_sandbox.google.api.methods import METHODS, Method, found
from calendar_sandbox.google.shapes import SHAPES

SCOPE = "https://www.googleapis.com/auth/"


def test_every_method_of_google_is_in_the_table():
    assert {method.id for method in METHODS} == set(discovery.methods())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.id)
def test_a_method_is_googles(method: Method):
    theirs = discovery.methods()[method.id]
    assert method.verb == theirs["httpMethod"]
    assert method.path == theirs["path"]
    assert {f"{SCOPE}{name}" for name in method.scopes} == set(theirs["scopes"])
    if method.run is not None:
        assert method.takes == theirs.get("request", {}).get("$ref", "")
        assert method.gives == theirs.get("response", {}).get("$ref", "")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.id)
def test_a_method_is_found_by_its_path(method: Method):
    names = {"calendarId": "a@b", "eventId": "abcde", "ruleId": "user:x", "setting": "timezone"}
    path = method.path.format(**{name: value.replace("@", "%40") for name, value in names.items()})
    hit = found(method.verb, path)
    assert hit is not None
    assert hit[0] is method
    assert hit[1] == {name: value for name, value in names.items() if f"{{{name}}}" in method.path}


def kind_of(schema: dict[str, Any], name: str) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    if schema["type"] == "array":
        return f"[{kind_of(schema['items'], name)}]"
    if "additionalProperties" in schema:
        return f"{{{kind_of(schema['additionalProperties'], name)}}}"
    if schema["type"] == "object":
        return name
    return {"string": "str", "boolean": "bool", "integer": "int", "any": "any"}[schema["type"]]


def fields_of(schema: dict[str, Any], name: str) -> dict[str, dict[str, str]]:
    """The fields of a schema and of the nameless ones inside it."""
    here: dict[str, str] = {}
    all_of_them = {name: here}
    for field, inner in schema.get("properties", {}).items():
        below = f"{name}.{field}"
        here[field] = kind_of(inner, below)
        nested = inner.get("items", inner)
        if "properties" in nested:
            all_of_them |= fields_of(nested, below)
    return all_of_them


def test_every_field_of_google_is_in_the_table():
    theirs: dict[str, dict[str, str]] = {}
    for name, schema in discovery.document()["schemas"].items():
        if not name.startswith("Acl"):  # access lists are not offered
            theirs |= fields_of(schema, name)
    ours = {name: dict(fields) for name, fields in SHAPES.items()}
    for field in ("creator", "organizer"):  # one shape for two people
        ours[f"Event.{field}"] = ours["Event.person"]
        ours["Event"][field] = f"Event.{field}"
    del ours["Event.person"]
    assert ours == theirs
