"""How fast the sync with Google is, with push: see `pushed_sync.py`."""

from __future__ import annotations

from typing import Any

import httpx

from bench import google_pull
from bench.pushed_sync import Side, There, token_of
from run import demo

SCOPES = [google_pull.EVENTS_SCOPE, "https://www.googleapis.com/auth/calendar.calendarlist.readonly"]


def linked(stand_in: str) -> There:
    """A module that is linked to a calendar of Ana's, with a key as a sign-in leaves it."""
    from bench.sync import linked_module

    ana, control = google_pull.ANA, f"{stand_in}/_sandbox/google"
    calendars = f"{control}/as/{ana}/calendar/v3/calendars"
    calendar = httpx.post(calendars, json={"summary": "Desk"}).raise_for_status().json()["id"]
    asked = {"email": ana, "scopes": SCOPES, "client_id": demo.GOOGLE_CLIENT[0]}
    secret = {**token_of(control, asked), "scopes": SCOPES, "sub": ana, "email": ana}
    return There(
        linked_module("google", ana, secret, calendar, "Desk"), events=f"{calendars}/{calendar}/events"
    )


def is_there(owner: httpx.Client, events: str, link: Any) -> bool:
    from genie.providers.google.mapping import id_of
    from genie.providers.port import EventIdentity

    event = id_of(EventIdentity(link.id.hex, link.generation))
    return owner.get(f"{events}/{event}").status_code == httpx.codes.OK


SIDE = Side(
    kind="google",
    name="Google",
    module="bench.google_sync",
    serving=google_pull.serving,
    settings=demo.google_settings,
    linked=linked,
    is_there=is_there,
    title="summary",
)
measure, report = SIDE.measure, SIDE.report

if __name__ == "__main__":
    SIDE.main()
