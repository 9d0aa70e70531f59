"""Count what a visitor of the public pages does, and turn away whoever does too much of it."""

from __future__ import annotations

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
    """Count the act, in the caller's transaction: what is rolled back was none. Raises TooMany.

    Call it when `module` is locked (`lock_module`). The counts are locked too, until the transaction ends,
    so parallel requests cannot pass together.
    """
    email = email.strip().lower()
    rules: dict[Of, tuple[str, tuple[Limit, ...]]] = {Of.EMAIL: (email, visitor.per_email)}
    if visitor.address:
        rules[Of.ADDRESS] = (visitor.address, visitor.per_address)
    keys = {
        of: keyed("turn", str(module.company_id), act, of, value)
        for of, (value, limits) in rules.items()
        if limits
    }
    hold_turns(keys.values())
    for of, key in keys.items():
        _check(act, of, key, rules[of][1], now)
    if act is Act.BOOKING and visitor.ahead and _ahead(module, email, now) >= visitor.ahead:
        raise TooMany(act, Of.EMAIL, None)
    Turn.objects.bulk_create(Turn(whose=key, at=now) for key in keys.values())


def _check(act: Act, of: Of, key: str, limits: tuple[Limit, ...], now: datetime) -> None:
    since = now - longest(limits)
    earlier = list(Turn.objects.filter(whose=key, at__gt=since).values_list("at", flat=True))
    left = wait(earlier, limits, now)
    if left is not None:
        raise TooMany(act, of, left)


def _ahead(module: Module, email: str, now: datetime) -> int:
    booked = Appointment.objects.filter(module=module, state__in=LIVE, start__gt=now)
    return booked.filter(lead__email__iexact=email).count()
