"""What goes wrong on demand at the Google stand-in: see standin/faults.py for the kinds and how to ask.

faults.add(Fault("reset_after", call="calendar.events.insert"))
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Self

from calendar_sandbox.google import errors
from calendar_sandbox.standin import faults as alike
from calendar_sandbox.standin.faults import IN_A_BATCH, KINDS, PUSH, WRITES, Asked

__all__ = ["IN_A_BATCH", "KINDS", "PUSH", "WRITES", "Asked", "Fault", "Faults"]


@dataclass(frozen=True)
class Fault(alike.Fault):
    """One thing that goes wrong, and where."""

    def makes_sense(self, asked: Asked) -> bool:
        if self.kind == "stale":
            return asked.call in ("calendar.events.list", "calendar.events.instances")
        return True

    def varied(self, dice: random.Random) -> Self:
        if self.kind == "error_before":
            code, reason = dice.choice(
                [(503, ""), (500, ""), (429, "rateLimitExceeded"), (403, "userRateLimitExceeded")]
            )
            return replace(self, code=code, reason=reason)
        return super().varied(dice)

    def error(self) -> errors.Refusal:
        """The refusal of an `error_before` or `error_after`."""
        if self.code >= 500:
            return errors.backend_error(self.code, retry_after=self.retry_after)
        if self.code in (403, 429) and (not self.reason or self.reason in errors.LIMITS):
            reason = self.reason or "rateLimitExceeded"
            return errors.limit(reason, code=self.code, retry_after=self.retry_after)
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return errors.Refusal(self.code, self.reason or "badRequest", self.reason or "Fault", headers=headers)


@dataclass
class Faults(alike.Faults[Fault]):
    """The faults that wait, in order, and the chances of those that come by themselves."""

    sort: type[Fault] = field(default=Fault)
