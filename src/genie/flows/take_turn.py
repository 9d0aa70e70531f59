"""Count what a visitor of the public pages does, and turn away whoever does too much of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from genie.core.appointment import LIVE
from genie.core.limits import Limit, longest, wait
from genie.store.keyed import keyed
from genie.store.locks import hold_turns
from genie.store.models import Appointment, Module, Turn


class Act(StrEnum):
    BOOKING = "booking"
    CHANGE = "change"


class Of(StrEnum):
    """Whose limit it is."""

    ADDRESS = "address"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A stranger on the public pages, and how much one of them may do at one company.

    `address` is the network address, "" if it is not known: then only the e-mail address counts, since all
    visitors would else share one limit. `ahead` is how many live future appointments one e-mail address may
    have in a module; 0 for any number.
    """

    address: str
    per_address: tuple[Limit, ...] = ()
    per_email: tuple[Limit, ...] = ()
    ahead: int = 0


class TooMany(Exception):
    """The visitor did too much. `wait` is how long until it would be possible again, None if time alone
    does not help."""

    def __init__(self, act: Act, of: Of, wait: timedelta | None) -> None:
        super().__init__(f"too many {act}s for one {of}")
        self.act, self.of, self.wait = act, of, wait


def take_turn(*, visitor: Visitor, act: Act, module: Module, email: str, now: datetime) -> None:
    """Count the act, in the caller's transaction: what is rolled back was none. Raises TooMany."""
    Turn.objects.bulk_create(ask_turn(visitor=visitor, act=act, module=module, email=email, now=now))


def ask_turn(*, visitor: Visitor, act: Act, module: Module, email: str, now: datetime) -> list[Turn]:
    """What would count the act, unsaved. Raises TooMany.

    Call it before `lock_module`, never after. The counts are locked until the transaction ends, so parallel
    requests cannot pass together; and while others wait for the module, nobody counts.
    """
    email = email.strip().lower()
    rules: dict[Of, tuple[str, tuple[Limit, ...]]] = {Of.EMAIL: (email, visitor.per_email)}
    if visitor.address:
        rules[Of.ADDRESS] = (visitor.address, visitor.per_address)
    ahead = visitor.ahead if act is Act.BOOKING else 0
    keys = {
        of: keyed("turn", str(module.company_id), act, of, value)
        for of, (value, limits) in rules.items()
        if limits or (ahead and of is Of.EMAIL)
    }
    hold_turns(keys.values())
    counted = {of: key for of, key in keys.items() if rules[of][1]}
    earlier = _earlier(counted.values(), max((longest(rules[of][1]) for of in counted), default=None), now)
    for of, key in counted.items():
        left = wait(earlier.get(key, []), rules[of][1], now)
        if left is not None:
            raise TooMany(act, of, left)
    if ahead and _ahead(module, email, now) >= ahead:
        raise TooMany(act, Of.EMAIL, None)
    return [Turn(whose=key, at=now) for key in counted.values()]


def _earlier(keys: Iterable[str], within: timedelta | None, now: datetime) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    if within is not None:
        turns = Turn.objects.filter(whose__in=list(keys), at__gt=now - within)
        for whose, at in turns.values_list("whose", "at"):
            found.setdefault(whose, []).append(at)
    return found


def _ahead(module: Module, email: str, now: datetime) -> int:
    booked = Appointment.objects.filter(module=module, state__in=LIVE, start__gt=now)
    return booked.filter(lead__email__iexact=email).count()
