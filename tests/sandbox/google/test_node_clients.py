"""Google's own clients for Node, google-auth-library and @googleapis/calendar: only addresses are changed.

What they do and expect stands in tests/sandbox/node/google.mjs; their traffic is judged here as well.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.test_auth_library import ANA, AUTH, BACK, walked
from tests.sandbox.node.program import played

from calendar_sandbox.google.clients import DEMO

DRIVEN = {
    *("calendar.calendars.insert", "calendar.calendars.patch", "calendar.calendarList.list"),
    *(f"calendar.events.{one}" for one in ("insert", "get", "list", "patch", "update", "delete")),
    *("calendar.events.instances", "calendar.events.watch", "calendar.channels.stop"),
    "calendar.freebusy.query",
}


def allowed(address: str) -> dict[str, str]:
    """Ana chooses herself and allows what is asked; what the app is told."""
    return dict(parse_qsl(urlsplit(walked(address, f"{AUTH}/calendar")).query))


def test_they_sign_in_and_drive_calendars_syncs_and_channels(google_sandbox: GoogleSandbox) -> None:
    google_sandbox.account(ANA)
    google_sandbox.fault("error_before", call="calendar.calendarList.list", code=503)
    given = {"url": google_sandbox.base_url, "id": DEMO.id, "secret": DEMO.secret, "back": BACK, "ana": ANA}
    assert played("google.mjs", given, allowed) == {"done": True}
    assert {one.call for one in google_sandbox.requests()} == DRIVEN
    assert google_sandbox.requests("calendar.calendarList.list")[0].status == 503, "it asks again by itself"
