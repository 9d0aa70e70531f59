"""What goes wrong on demand: faults that wait for a matching request, and dice with a seed of their own.

    faults.add(Fault("reset_after", call="calendar.events.insert"))
    faults.add(Fault("error_before", code=503, times=3, retry_after=2))
    faults.roll({"reset_after": 0.05, "error_before": 0.1, "stale": 0.1}, seed=7)

| kind | what happens |
| --- | --- |
| `reset_before` | the connection breaks, nothing was done |
| `reset_after` | it was done, then the connection breaks |
| `error_before`, `error_after` | an error (`code`, `reason`, `retry_after`) before or after it was done |
| `slow` | the answer comes `seconds` later |
| `truncated` | the answer breaks off in the middle |
| `stale` | a list shows the calendar as it was `changes` changes ago (`within` so many last seconds) |
| `expired` | the sync token of the request has expired (410) |
| `revoked` | the person has just withdrawn the grant (401 from now on) |
| `push_lost`, `push_late`, `push_doubled`, `push_reordered` | a notification; `seconds` late |

A stand-in may have more kinds; which requests a kind makes sense for, and what the dice vary, is its own.
"""

from __future__ import annotations

import random
import re
from collections import deque
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Generic, Self, TypeVar

BEFORE = ("reset_before", "error_before", "expired", "revoked", "stale")
AFTER = ("reset_after", "error_after", "slow", "truncated")
PUSH = ("push_lost", "push_late", "push_doubled", "push_reordered")
KINDS = (*BEFORE, *AFTER, *PUSH)
IN_A_BATCH = (  # a part has no connection to break
    "error_before",
    "error_after",
    "expired",
    "revoked",
    "stale",
)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
LAGS_FOR = 60.0  # seconds; "a minute or so", say people who met it (capacitor-calendar #98)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and where.

    `call` is a method's id or a pattern of one (`calendar.events.*`, `oauth.token`), `path` a regular
    expression. The first `skip` matching requests are spared; then it happens `times` times (0: always).
    """

    kinds: ClassVar[tuple[str, ...]] = KINDS  # in the order the dice are thrown

    kind: str
    call: str = "*"
    verb: str = ""
    path: str = ""
    account: str = ""
    skip: int = 0
    times: int = 1
    code: int = 503
    reason: str = ""
    retry_after: int | None = None
    seconds: float = 1.0
    changes: int = 1
    within: float | None = None  # seconds

    def __post_init__(self) -> None:
        if self.kind not in self.kinds:
            raise ValueError(f"no such fault: {self.kind}; there are {', '.join(self.kinds)}")
        if self.skip < 0 or self.times < 0 or self.seconds < 0 or self.changes < 0:
            raise ValueError("skip, times, seconds and changes are not negative")
        re.compile(self.path)

    def fits(self, asked: Asked) -> bool:
        return (
            fnmatchcase(asked.call, self.call)
            and self.verb in ("", asked.verb)
            and (not self.account or self.account == asked.account)
            and bool(re.search(self.path, asked.path))
            and self._is_of_its_sort(asked)
        )

    def _is_of_its_sort(self, asked: Asked) -> bool:
        if self.kind.startswith("push_"):
            return asked.verb == "PUSH"
        if asked.verb == "PUSH":
            return False
        if self.kind == "expired":
            return asked.sync_token
        return self.makes_sense(asked)

    def makes_sense(self, asked: Asked) -> bool:
        """Say whether this kind can happen to such a request."""
        return True

    def varied(self, dice: random.Random) -> Self:
        """Fill in what the dice decide: which error, how stale, how late."""
        if self.kind == "error_after":
            return replace(self, code=dice.choice([500, 502, 503, 504]))
        if self.kind == "stale":
            return replace(self, changes=dice.randint(1, 5), within=LAGS_FOR)
        if self.kind in ("slow", "push_late", "push_reordered"):
            return replace(self, seconds=dice.choice([0.05, 0.2]))
        return self


@dataclass(frozen=True)
class Asked:
    """What a fault looks at. Of a notification: PUSH, the resource, the channel's id, its account."""

    call: str
    verb: str
    path: str
    account: str = ""
    sync_token: bool = False


F = TypeVar("F", bound=Fault)


@dataclass
class Faults(Generic[F]):
    """The faults that wait, in order, and the chances of those that come by themselves."""

    sort: type[F]
    waiting: list[F] = field(default_factory=list)
    chances: dict[str, float] = field(default_factory=dict)
    only: str = "*"  # which calls the dice are thrown for
    happened: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=5000))
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  repeatable on purpose

    def add(self, *faults: F) -> None:
        self.waiting += faults

    def clear(self) -> None:
        self.waiting.clear()
        self.chances = {}

    def roll(self, chances: dict[str, float], *, seed: int = 0, only: str = "*") -> None:
        """From now on each kind happens with its probability; the same seed gives the same course."""
        unknown = set(chances) - set(self.sort.kinds)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self.chances, self.only = dict(chances), only
        self.dice = random.Random(seed)  # noqa: S311  repeatable on purpose

    def take(self, asked: Asked, kinds: tuple[str, ...] | None = None) -> F | None:
        """Return the fault this request meets, if any, and count it."""
        among = self.sort.kinds if kinds is None else kinds
        fault = self._waiting_for(asked, among) or self._rolled(asked, among)
        if fault is not None:
            self.happened.append((fault.kind, asked.call))
        return fault

    def _waiting_for(self, asked: Asked, kinds: tuple[str, ...]) -> F | None:
        for index, fault in enumerate(self.waiting):
            if fault.kind not in kinds or not fault.fits(asked):
                continue
            if fault.skip:
                self.waiting[index] = replace(fault, skip=fault.skip - 1)
                continue
            if fault.times == 1:
                del self.waiting[index]
            elif fault.times:
                self.waiting[index] = replace(fault, times=fault.times - 1)
            return fault
        return None

    def _rolled(self, asked: Asked, kinds: tuple[str, ...]) -> F | None:
        if not self.chances or not (asked.verb == "PUSH" or fnmatchcase(asked.call, self.only)):
            return None
        for kind in self.sort.kinds:  # a fixed order, whatever order they were given in
            chance = self.chances.get(kind, 0.0)
            possible = self.sort(kind)
            if not chance or kind not in kinds or not possible.fits(asked):
                continue
            if self.dice.random() < chance:
                return possible.varied(self.dice)
        return None

    def as_json(self) -> dict[str, Any]:
        return {"waiting": [vars(fault) for fault in self.waiting], "chances": self.chances}
