"""Batches: several calls in one request, by Google's own client and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, Service, timed

BATCH = "/batch/calendar/v3"


def by_hand(google: GoogleSandbox, *parts: str, mark: str = "x", **headers: str) -> tuple[int, str]:
    lines = [
        f"--{mark}\r\nContent-Type: application/http\r\nContent-ID: <{n}>\r\n\r\n{p}\r\n"
        for n, p in enumerate(parts)
    ]
    with google.client(ANA) as client:
        answer = client.post(
            f"{google.base_url}{BATCH}",
            content="".join(lines) + f"--{mark}--\r\n",
            headers={"Content-Type": f"multipart/mixed; boundary={mark}", **headers},
        )
    return answer.status_code, answer.text


def test_the_client_library_sends_and_reads_a_batch(google: GoogleSandbox, ana: Service):
    answers: dict[str, Any] = {}

    def keep(request_id: str, answer: Any, trouble: Exception | None) -> None:
        answers[request_id] = answer or trouble

    batch = ana.new_batch_http_request(callback=keep)
    events = ana.events()
    for number in range(3):
        body = timed("2026-11-25T10:00", "2026-11-25T11:00", id=f"visit{number}", summary=f"é {number}")
        batch.add(events.insert(calendarId="primary", body=body), request_id=f"add {number}")
    batch.add(events.get(calendarId="primary", eventId="never"), request_id="get")
    batch.add(events.delete(calendarId="primary", eventId="visit2"), request_id="delete")
    batch.add(events.list(calendarId="primary"), request_id="list")
    batch.execute()
    assert [answers[f"add {n}"]["summary"] for n in range(3)] == ["é 0", "é 1", "é 2"]
    assert answers["get"].status_code == 404
    assert not answers["delete"]
    assert [one["id"] for one in answers["list"]["items"]] == ["visit0", "visit1"]
    assert [one.call for one in google.requests()] == [
        *["calendar.events.insert"] * 3,
        "calendar.events.get",
        "calendar.events.delete",
        "calendar.events.list",
    ]


def test_headers_of_a_part_come_before_those_of_the_batch(google: GoogleSandbox):
    token = google.token(BEN)
    status, said = by_hand(
        google,
        f"GET /calendar/v3/calendars/primary HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n",
        "GET /calendar/v3/calendars/primary",
    )
    assert status == 200
    assert said.index(BEN) < said.index(ANA)
    assert "Content-ID: <response-0>" in said
    assert said.count("HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("part", ["", "nonsense", "GET https://elsewhere.example/x"])
def test_a_part_that_is_no_request_is_refused(google: GoogleSandbox, part: str):
    assert by_hand(google, part)[0] == 400


def test_a_batch_is_a_batch(google: GoogleSandbox):
    assert by_hand(google, "GET /calendar/v3/colors", **{"Content-Type": "application/json"})[0] == 400
    assert by_hand(google)[0] == 400
    assert by_hand(google, *["GET /calendar/v3/colors"] * 1001)[0] == 400


def test_a_part_can_fail_alone(google: GoogleSandbox):
    google.fault("error_before", code=429, skip=1, call="calendar.colors.get")
    status, said = by_hand(google, *["GET /calendar/v3/colors"] * 3)
    assert status == 200
    assert [line for line in said.splitlines() if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 429 Too Many Requests",
        "HTTP/1.1 200 OK",
    ]
