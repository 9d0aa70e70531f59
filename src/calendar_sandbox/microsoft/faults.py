"""What goes wrong on demand at the Microsoft stand-in: see standin/faults.py for the kinds and how to ask.

Besides those, Graph has its own:

| kind | what happens |
| --- | --- |
| `conflict` | a PATCH or DELETE of an event is answered 412 ErrorIrresolvableConflict; nothing was done |
| `renamed` | a calendar that was just made gets another id right after its answer |
| `saved_error` | an event is made, and the answer is 403 all the same, as of a suspended mailbox |
| `push_missed` | a notification is lost, and a lifecycle notification `missed` says so |
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from calendar_sandbox.microsoft import errors
from calendar_sandbox.standin import faults as alike
from calendar_sandbox.standin.faults import WRITES, Asked

__all__ = ["IN_A_BATCH", "KINDS", "PUSH", "WRITES", "Asked", "Fault", "Faults"]

PUSH = (*alike.PUSH, "push_missed")
KINDS = (*alike.BEFORE, "conflict", *alike.AFTER, "saved_error", "renamed", *PUSH)
IN_A_BATCH = (*alike.IN_A_BATCH, "conflict", "saved_error", "renamed")
LISTS = ("events.list", "calendarView.list", "calendarView.delta", "events.instances")
CHANGES = ("events.update", "events.delete")


@dataclass(frozen=True)
class Fault(alike.Fault):
    """One thing that goes wrong, and where. `call` is one of api/methods.py's, as `events.create`."""

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def makes_sense(self, asked: Asked) -> bool:
        wanted = {
            "stale": LISTS,
            "conflict": CHANGES,
            "saved_error": ("events.create",),
            "renamed": ("calendars.create",),
        }.get(self.kind)
        return wanted is None or asked.call in wanted

    def varied(self, dice: random.Random) -> Self:
        if self.kind == "error_before":
            code, after = dice.choice([(503, None), (500, None), (504, None), (429, 1)])
            return replace(self, code=code, retry_after=after)
        return super().varied(dice)

    def error(self) -> errors.Refusal:
        """The refusal of an `error_before` or `error_after`."""
        if self.code >= 500:
            return errors.server_error(self.code, code=self.reason, retry_after=self.retry_after)
        if self.code == 429:
            return errors.throttled(self.retry_after)
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return errors.Refusal(self.code, self.reason or "BadRequest", self.reason or "Fault", headers=headers)


@dataclass
class Faults(alike.Faults[Fault]):
    """The faults that wait, in order, and the chances of those that come by themselves."""

    sort: type[Fault] = field(default=Fault)
