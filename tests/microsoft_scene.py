"""A business on a stage, linked by our own flows to a calendar of the Microsoft stand-in, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.microsoft_owner import MicrosoftOwner
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.microsoft_side import ANA, BOB, CLIENT, SCOPES, granted, settings_for
from tests.standin_scene import FRIDAY, StandInScene, Webhook, linked

from calendar_sandbox.microsoft.state import Calendar
from genie.providers.port import Secret

SHARED = [*SCOPES, "Calendars.ReadWrite.Shared"]
ROLES = {"free and busy": "freeBusyRead", "read": "read", "write": "write"}


@dataclass(kw_only=True)
class MicrosoftScene(StandInScene):
    """`shared`: *Team* is Bob's, and shared with Ana."""

    sandbox: MicrosoftSandbox
    owner: MicrosoftOwner
    shared: bool = False

    kind = "microsoft"
    events = "events."
    reading = "calendarView.delta"
    writing = {"create": "create", "update": "update", "delete": "delete", "cancel": "delete"}

    @property
    def standin(self) -> Any:
        return self.sandbox.graph

    def grant(self) -> Secret:
        return granted(self.sandbox, ANA, SHARED if self.shared else SCOPES)

    def expire_cursors(self) -> None:
        with self.sandbox.world.lock:
            for calendar in self.stored():
                calendar.epoch += 1

    def refuse_cursor(self) -> None:
        refused = {"code": 400, "reason": "resyncRequired"}
        self.sandbox.fault("error_before", call="calendarView.delta", **refused)

    def revoke(self) -> None:
        with self.sandbox.world.lock:
            assert self.sandbox.world.revoke_grant(self.sandbox.account(ANA), CLIENT.id)

    def share(self, what: str) -> None:
        """It stays on Ana's list, where it was shared."""
        assert self.shared
        team, oid = self.stored()[0], self.sandbox.account(ANA).oid
        with self.sandbox.world.lock:
            team.shares.pop(oid, None)
            if what != "nothing":
                team.shares[oid] = ROLES[what]

    def drop_calendar(self) -> None:
        with self.sandbox.world.lock:
            self.sandbox.world.remove_calendar(self.stored()[0])

    def stored(self) -> list[Calendar]:
        """*Team* and *Private* as the stand-in has them."""
        account = self.sandbox.account(ANA)
        found = [self.sandbox.world.calendar_of(account, one) for one in self.owner.calendars]
        return [calendar for calendar in found if calendar]


@contextlib.contextmanager
def on_microsoft(
    sandbox: MicrosoftSandbox,
    *,
    now: datetime = FRIDAY,
    hook: Webhook | None = None,
    shared: bool = False,
) -> Iterator[MicrosoftScene]:
    """A new business and Ana's account, granted, linked to *Team*, and both ways in step.

    `shared`: *Team* is Bob's, and shared with her.
    """
    sandbox.stop_clock(now)
    private = sandbox.calendar(ANA, "Private")
    if shared:
        team = sandbox.share(sandbox.calendar(BOB, "Team"), ANA, "write")
    else:
        team = sandbox.calendar_id(ANA, sandbox.calendar(ANA, "Team"))
    secret = granted(sandbox, ANA, SHARED if shared else SCOPES)
    with linked(
        MicrosoftScene,
        sandbox,
        MicrosoftOwner(sandbox, ANA, [team, sandbox.calendar_id(ANA, private)]),
        identity=f"{secret['tid']}:{secret['oid']}",
        secret=secret,
        settings=settings_for(sandbox, webhooks=hook.url if hook else ""),
        now=now,
        hook=hook,
    ) as scene:
        scene.shared = shared
        yield scene
