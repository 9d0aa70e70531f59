"""A Microsoft at a fixed moment, and two people who ask it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.signing_in import certificate_in

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
ANA, BEN, CORA = "ana@contoso.example", "ben@contoso.example", "cora@outlook.example"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}

Json = dict[str, Any]


@pytest.fixture
def microsoft(microsoft_sandbox: MicrosoftSandbox) -> MicrosoftSandbox:
    """The stand-in at a fixed moment."""
    microsoft_sandbox.stop_clock(NOW)
    return microsoft_sandbox


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, and its key."""
    return certificate_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def ana(microsoft: MicrosoftSandbox) -> Iterator[httpx.Client]:
    with microsoft.client(ANA, lifetime=10**8) as client:
        yield client


@pytest.fixture
def ben(microsoft: MicrosoftSandbox) -> Iterator[httpx.Client]:
    with microsoft.client(BEN, lifetime=10**8) as client:
        yield client


def timed(start: str, end: str, zone: str = "UTC", **more: Any) -> Json:
    """An event from `2026-11-24T10:00` to …, as a body."""
    times = {"start": {"dateTime": f"{start}:00", "timeZone": zone}}
    return {"subject": "Visit", **times, "end": {"dateTime": f"{end}:00", "timeZone": zone}, **more}


def days(first: str, last: str, **more: Any) -> Json:
    """Whole days, the last one not included."""
    return timed(f"{first}T00:00", f"{last}T00:00", isAllDay=True, **more)


def weekly(first: str, *names: str, **span: Any) -> Json:
    """A rule: each week on these days."""
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": list(names)}
    return {"pattern": pattern, "range": {"type": "noEnd", "startDate": first, **span}}


def made(client: httpx.Client, body: Json, path: str = "me/events", **headers: str) -> Json:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    said: Json = answer.json()
    return said


def got(client: httpx.Client, path: str, **headers: str) -> Json:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and Graph's code of an error."""
    return answer.status_code, answer.json()["error"]["code"]


def viewed(client: httpx.Client, since: str, until: str, more: str = "", path: str = "me") -> list[Json]:
    query = f"startDateTime={since}T00:00:00Z&endDateTime={until}T00:00:00Z&$top=500{more}"
    value: list[Json] = got(client, f"{path}/calendarView?{query}")["value"]
    return value
