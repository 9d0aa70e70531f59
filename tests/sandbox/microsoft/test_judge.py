"""The judge of the traffic can find fault: a wrong type, format, name or choice, in requests and answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests import graph_metadata
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, made, timed

from calendar_sandbox.microsoft.api import shapes

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
