"""The judge of the traffic can find fault: a wrong type, format, name or choice, in requests and answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests import discovery
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, timed

GOOD = {
    "kind": "calendar#event",
    "id": "abcde",
    "status": "confirmed",
    "sequence": 1,
    "start": {"dateTime": "2026-11-25T10:00:00+01:00", "timeZone": "Europe/Madrid"},
    "end": {"date": "2026-11-25"},
    "attendees": [{"email": "a@example.org", "responseStatus": "accepted", "self": True}],
    "extendedProperties": {"private": {"anything": "goes"}},
}


def judged(event: Any, status: int = 200) -> list[str]:
    method = discovery.methods()["calendar.events.get"]
    return discovery.faults_of_answer(method, status, json.dumps(event).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mood": "good"},
        {"sequence": "1"},
        {"sequence": True},
        {"sequence": 2**40},
        {"status": "maybe"},
        {"eventType": "party"},
        {"start": {"dateTime": "2026-11-25T10:00:00"}},
        {"start": {"dateTime": "2026-11-25"}},
        {"end": {"date": "25.11.2026"}},
        {"end": {"date": "2026-11-25T00:00:00Z"}},
        {"attendees": [{"email": "a@example.org", "responseStatus": "yes"}]},
        {"attendees": {"email": "a@example.org"}},
        {"extendedProperties": {"private": {"a": 1}}},
        {"extendedProperties": {"secret": {"a": "1"}}},
    ],
)
def test_a_wrong_answer_is_found(wrong: dict[str, Any]):
    assert judged(GOOD) == []
    assert len(judged(GOOD | wrong)) == 1


@pytest.mark.parametrize(
    "error",
    [
        {},
        {"error": "invalid_grant"},
        {
            "error": {
                "code": 400,
                "message": "x",
                "errors": [{"domain": "global", "reason": "x", "message": "x"}],
            }
        },
        {"error": {"code": 404, "message": "x"}},
        {"error": {"code": 404, "message": "x", "errors": [{"reason": "notFound"}]}},
    ],
)
def test_an_error_of_another_shape_is_found(error: Any):
    one = {"domain": "global", "reason": "notFound", "message": "Not Found"}
    assert judged({"error": {"code": 404, "message": "Not Found", "errors": [one]}}, 404) == []
    assert judged(error, 404)


def test_traffic_google_would_not_know_is_noted(google: GoogleSandbox):
    path = "calendars/primary/events"
    body = timed("2026-11-25T10:00", "2026-11-25T11:00")
    asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("no parameter colour", {"colour": "red"}, body),
        ("no field mood", {}, body | {"mood": "good"}),
        ("is no string", {}, body | {"summary": 5}),
    ]
    with google.client(ANA) as client:
        assert client.post(path, json=body).status_code == 200
        for wrong, params, sent in asked:
            google.violations.clear()
            assert client.post(path, params=params, json=sent).status_code == 200
            assert [fault for fault in google.violations if wrong in fault]
    google.violations.clear()


def test_a_method_nobody_knows_is_not_there(google: GoogleSandbox):
    with google.client(ANA) as client:
        assert client.get("calendars/primary/weather").status_code == 404
    assert httpx.get(f"{google.base_url}/calendar/v4/colors").status_code == 404
