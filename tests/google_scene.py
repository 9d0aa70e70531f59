"""A business on a stage, linked by our own flows to a calendar of the Google stand-in, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from tests.google_owner import GoogleOwner
from tests.google_sandbox import CONTROL, GoogleSandbox
from tests.providers.google_side import ANA, CLIENT, granted, settings_for
from tests.standin_scene import FRIDAY, StandInScene, Webhook, linked

from genie.providers.port import Secret

ROLES = {"nothing": "none", "free and busy": "freeBusyReader", "read": "reader", "write": "writer"}


@dataclass(kw_only=True)
class GoogleScene(StandInScene):
    sandbox: GoogleSandbox
    owner: GoogleOwner

    kind = "google"
    events = "calendar.events."
    reading = "list"
    writing = {
        "insert": "create",
        "import": "create",
        "patch": "update",
        "update": "update",
        "delete": "delete",
        "move": "move",
    }

    @property
    def standin(self) -> Any:
        return self.sandbox.google

    def grant(self) -> Secret:
        return granted(self.sandbox)

    def expire_cursors(self) -> None:
        with self.sandbox.world.lock:
            for calendar in self.owner.calendars:
                self.sandbox.world.calendars[calendar].epoch += 1

    def refuse_cursor(self) -> None:
        self.sandbox.fault("error_before", call="calendar.events.list", code=400, reason="invalid")

    def revoke(self) -> None:
        with self.sandbox.world.lock:
            assert self.sandbox.world.revoke_grant(self.sandbox.account(ANA), CLIENT.id)

    def share(self, what: str) -> None:
        self.sandbox.share(self.team, ANA, ROLES[what])

    def drop_calendar(self) -> None:
        answer = httpx.delete(f"{self.sandbox.base_url}{CONTROL}/calendars/{self.team}")
        assert answer.is_success


@contextlib.contextmanager
def on_google(
    sandbox: GoogleSandbox, *, now: datetime = FRIDAY, hook: Webhook | None = None
) -> Iterator[GoogleScene]:
    """A new business and Ana's account, granted, linked to *Team*, and both ways in step."""
    sandbox.stop_clock(now)
    calendars = [sandbox.calendar(ANA, name) for name in ("Team", "Private")]
    secret = granted(sandbox)
    with linked(
        GoogleScene,
        sandbox,
        GoogleOwner(sandbox, ANA, calendars),
        identity=secret["sub"],
        secret=secret,
        settings=settings_for(sandbox, webhooks=hook.url if hook else ""),
        now=now,
        hook=hook,
    ) as scene:
        yield scene
