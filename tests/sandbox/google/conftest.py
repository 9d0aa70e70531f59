"""Google's own client library, pointed at the stand-in: nothing of it is changed but the endpoint."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from tests import discovery
from tests.google_sandbox import GoogleSandbox

from calendar_sandbox.google.state import CALENDAR

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
ANA, BEN = "ana@example.org", "ben@example.org"

Service = Any
Connect = Callable[..., Service]


@pytest.fixture
def google(google_sandbox: GoogleSandbox) -> GoogleSandbox:
    """The stand-in at a fixed moment."""
    google_sandbox.stop_clock(NOW)
    return google_sandbox


@pytest.fixture
def connect(google: GoogleSandbox) -> Iterator[Connect]:
    """A function that makes a service of the client library for an account."""
    document = copy.deepcopy(discovery.document())
    document["rootUrl"] = f"{google.base_url}/"
    made: list[Service] = []

    def connected(email: str = ANA, scopes: Sequence[str] = (CALENDAR,), **values: Any) -> Service:
        lasting: dict[str, Any] = {"lifetime": 10**8, **values}
        credentials = Credentials(token=google.token(email, scopes, **lasting))
        service = build_from_document(document, credentials=credentials)
        made.append(service)
        return service

    yield connected
    for service in made:
        service.close()


@pytest.fixture
def ana(connect: Connect) -> Service:
    return connect(ANA)


@pytest.fixture
def ben(connect: Connect) -> Service:
    return connect(BEN)


def timed(start: str, end: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    """An event from `2026-11-24T10:00` to …, as a body."""
    times = {"start": {"dateTime": f"{start}:00", "timeZone": zone}}
    return {"summary": "Visit", **times, "end": {"dateTime": f"{end}:00", "timeZone": zone}, **more}


def days(first: str, last: str, **more: Any) -> dict[str, Any]:
    """Whole days, the last one not included."""
    return {"summary": "Days", "start": {"date": first}, "end": {"date": last}, **more}


def refused(request: Any) -> tuple[int, str]:
    """The status and reason a request is refused with; fails when it is served."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    details = caught.value.error_details
    assert details, caught.value.content
    return caught.value.status_code, details[0]["reason"]


def every_page(resource: Any, **values: Any) -> tuple[list[dict[str, Any]], str | None]:
    """All items of a list, and the sync token of its last page."""
    items: list[dict[str, Any]] = []
    request = resource.list(**values)
    while True:
        page = request.execute()
        items += page["items"]
        request = resource.list_next(request, page)
        if request is None:
            return items, page.get("nextSyncToken")
