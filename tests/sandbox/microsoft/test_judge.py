"""The judge of the traffic can find fault: a wrong type, format, name or choice, in requests and answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import graph_metadata
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, NOW, made, timed

from calendar_sandbox.microsoft.api import shapes
from calendar_sandbox.microsoft.push import Message

TYPES = Path(__file__).parents[3] / "node_modules/@microsoft/microsoft-graph-types/microsoft-graph.d.ts"
NOT_AMONG_THEM = {*graph_metadata.ACTIONS, "resourceData"}
PLAIN = {"Boolean": "boolean", "Int32": "number", "Double": "number"}  # all else is a string in TypeScript
CONTEXT = {"@odata.context": "http://localhost/v1.0/$metadata#x"}
VISIT = timed("2026-11-25T10:00", "2026-11-25T11:00")


def judged(said: Any, *, asked: Any = None, status: int = 200, query: str = "$select=x") -> list[str]:
    body = b"" if asked is None else json.dumps(asked).encode()
    verb = "PATCH" if asked is not None else "GET"
    return graph_metadata.faults_of_answer(
        verb, "me/events/AAA=", query, status, json.dumps(said).encode(), body
    )


def test_the_judge_is_content_with_what_is_right():
    assert judged(CONTEXT | {"@odata.etag": "x", "id": "AAA=", "start": None}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"mood": "good"},
        {"isAllDay": "true"},
        {"reminderMinutesBeforeStart": "15"},
        {"showAs": "Busy"},
        {"type": "party"},
        {"start": {"dateTime": "2026-11-25T10:00:00", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-11-25T10:00:00.0000000Z", "timeZone": "UTC"}},
        {"createdDateTime": "2026-11-25T10:00:00"},
        {"attendees": [{"emailAddress": {"mail": "x"}}]},
        {"recurrence": {"range": {"endDate": "25.11.2026"}}},
        {"body": "text"},
        {"locations": {}},
    ],
)
def test_the_judge_finds_what_is_wrong_in_an_answer(wrong: Any):
    assert judged(CONTEXT | {"@odata.etag": "x"} | wrong) != []


def test_the_judge_misses_what_is_missing():
    assert judged(CONTEXT | {"id": "AAA="}) != []  # no ETag
    assert judged(CONTEXT | {"@odata.etag": "x", "id": "AAA="}, query="") != []  # not whole
    assert judged({"@odata.etag": "x"}) != []  # no context


@pytest.mark.parametrize("asked", [{"mood": "good"}, {"showAs": "perhaps"}, {"start": {"dateTime": "soon"}}])
def test_the_judge_finds_what_is_wrong_in_a_request(asked: Any):
    assert judged(CONTEXT | {"@odata.etag": "x"}, asked=asked) != []


def test_the_judge_knows_errors_and_notifications():
    assert judged({"error": {"code": "x", "message": "y"}}, status=404) != []
    wrong = {"value": [{"subscriptionId": "x", "changeType": "moved"}]}
    assert graph_metadata.faults_of_notification(json.dumps(wrong).encode()) != []


def test_a_violation_fails_the_test(microsoft: MicrosoftSandbox, ana: httpx.Client):
    event = made(ana, VISIT)
    with microsoft.world.lock:
        _calendar, stored = microsoft.world.find_event(event["id"]) or pytest.fail("not there")
        stored.resource["showAs"] = "perhaps"
    ana.get(f"me/events/{event['id']}")
    assert microsoft.violations
    microsoft.violations.clear()
    assert microsoft.account(ANA).upn == ANA


def test_a_notification_is_judged_too(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.graph.handshake = lambda address, token: ""
    body = {
        "changeType": "created",
        "notificationUrl": "http://127.0.0.1:1/x",
        "resource": "me/events",
        "expirationDateTime": "2026-11-25T12:00:00Z",
    }
    made_one = ana.post("subscriptions", json=body).json()
    subscription = microsoft.world.subscriptions[made_one["id"]]
    message = Message(subscription.id, subscription, NOW, NOW, [{"changeType": "moved"}])
    microsoft.graph.outbox.delivered(message, 202)
    assert any("'moved' is none of" in one for one in microsoft.violations)
    microsoft.violations.clear()


def test_what_the_stand_in_takes_is_graphs():
    """Its own tables of what may be sent name the fields and choices of the metadata."""
    for choices, known in shapes.CHOICES.items():
        assert set(known) == set(graph_metadata.document()["enums"][choices])
    for sort in ("event", "calendar", "subscription"):
        shape, ignored = shapes.SHAPES[sort]
        own = {"attachments", "extensions", "multiValueExtendedProperties"}
        assert set(shape) | ignored == set(graph_metadata.fields_of(sort)) | (
            own if sort == "event" else set()
        )


def test_the_judges_metadata_is_microsofts():
    """Names, types and choices, as in the types that Microsoft makes of its metadata for TypeScript."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", TYPES.read_text(), flags=re.DOTALL)
    told = graph_metadata.document()
    for name, choices in told["enums"].items():
        (said,) = re.findall(rf"export type {capital(name)} =([^;]+);", text)
        assert re.findall(r'"(\w+)"', said) == choices, name
    for name in set(told["types"]) - NOT_AMONG_THEM:
        base, body = re.findall(
            rf"export interface {capital(name)}(?: extends (\w+))? {{(.*?)\n}}", text, re.DOTALL
        )[0]
        fields = dict(re.findall(r"(\w+)\?: (?:NullableOption<)?([\w\[\]]+)>?;", body))
        assert base == capital(told["types"][name].get("base", "")), name
        ours = {field: in_typescript(kind) for field, kind in told["types"][name]["fields"].items()}
        assert ours.items() <= fields.items(), name


def capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def in_typescript(kind: str) -> str:
    many = graph_metadata.COLLECTION.fullmatch(kind)
    if many:
        return f"{in_typescript(many[1])}[]"
    told = graph_metadata.document()
    return capital(kind) if kind in told["types"] or kind in told["enums"] else PLAIN.get(kind, "string")
