"""Hold a slot for a visitor who is filling in the form: ten minutes, one at a time, and never most of a date.

A hold is a courtesy. Where it is refused the form works all the same, so the limits may be strict
(decision 0081).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from genie.core import lanes
from genie.core.hours import span_of
from genie.core.limits import Limit, longest, wait
from genie.flows.claim import Asked, Claim, claim
from genie.flows.offer import rules_of, slots
from genie.store.keyed import keyed
from genie.store.locks import hold_turns
from genie.store.models import Hold, Module, Turn

KEPT = timedelta(minutes=10)


class NotHeld(Exception):
    """This visitor, this address or this date has as many holds as it may; the slot itself is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLimits:
    """`at_once`: unexpired holds of one network address at one company; 0 for any number."""

    at_once: int = 3

    @property
    def pace(self) -> tuple[Limit, ...]:
        """So many may be begun: whoever holds for ever has to begin again every ten minutes."""
        if not self.at_once:
            return ()
        return Limit(7 * self.at_once, timedelta(hours=1)), Limit(20 * self.at_once, timedelta(days=1))


def hold_slot(
    *,
    module_id: int,
    kind_id: int | None,
    staff_id: int | None,
    start: datetime,
    visitor: str,
    address: str,
    now: datetime,
    limits: HoldLimits | None = None,
    vouched: Sequence[int] | None = None,
) -> Hold:
    """Keep `start` (aware) for `visitor` for ten minutes, in place of what they held in the module before.

    Asked for again it is the same hold and ends when it would have. `visitor`: a keyed hash of what only
    their browser knows. `address`: the network address, "" if it is not known. Where whoever is free may do,
    the hold is with whoever would get the appointment. `vouched`: as of `book`.

    Raises SlotTaken when the rules do not offer it, NotHeld, Module.DoesNotExist,
    AppointmentKind.DoesNotExist.
    """
    held = Hold.objects.filter(
        module=module_id, visitor=visitor, kind=kind_id, start=start, expires_at__gt=now
    ).first()
    if held is not None and staff_id in (None, held.staff_id):
        return held
    asked = Asked(
        module_id=module_id,
        kind_id=kind_id,
        staff_id=staff_id,
        start=start,
        now=now,
        holder=visitor,
        vouched=None if vouched is None else tuple(vouched),
    )
    counted: list[Turn] = []
    key = ""

    def before(module: Module) -> None:
        nonlocal key
        if address:
            key = keyed("hold", str(module.company_id), address)
            counted.append(_ask(module, key, visitor, limits or HoldLimits(), now))

    def take(seen: Claim) -> Hold:
        _leave_as_many(seen)
        Hold.objects.filter(module=seen.module, visitor=visitor).delete()
        Turn.objects.bulk_create(counted)
        return Hold.objects.create(
            module=seen.module,
            kind=seen.kind,
            staff=seen.staff,
            start=seen.start,
            end=seen.end,
            visitor=visitor,
            address=key,
            expires_at=now + KEPT,
        )

    return claim(asked, before=before, take=take)


def _ask(module: Module, key: str, visitor: str, limits: HoldLimits, now: datetime) -> Turn:
    """What counts the hold against its address, unsaved; nobody else counts there until the end."""
    hold_turns([key])
    held = Hold.objects.filter(module__company=module.company_id, address=key, expires_at__gt=now)
    others = held.exclude(module=module, visitor=visitor).count()
    begun = Turn.objects.filter(whose=key, at__gt=now - longest(limits.pace)).values_list("at", flat=True)
    if (limits.at_once and others >= limits.at_once) or wait(list(begun), limits.pace, now) is not None:
        raise NotHeld("too many holds from one network address")
    return Turn(whose=key, at=now)


def _leave_as_many(seen: Claim) -> None:
    """Beside the holds of a local date at least as many starts stay free, so that holds never take most of
    it, from however many addresses they come. The first hold of a date may be for its last free start."""
    asked, module = seen.asked, seen.module
    zone = ZoneInfo(module.schedule.zone)
    day = seen.start.astimezone(zone).date()
    begins, ends = span_of(day, day, zone)
    holds = Hold.objects.filter(
        module=module, staff=seen.staff, start__gte=begins, start__lt=ends, expires_at__gt=asked.now
    ).exclude(visitor=asked.holder)
    others = holds.count()
    if not others:
        return
    rules = rules_of(module, seen.kind)
    capacity = rules.capacity_on(day)
    left = slots(  # by the rules here, also where another system answers: nobody asks it under a lock
        module=module,
        first=day,
        last=day,
        now=asked.now,
        kind=seen.kind,
        staff=seen.staff,
        holder=asked.holder,
    )
    if 1 + _at_once(seen) >= capacity:
        occupied = timedelta(minutes=rules.duration + rules.between)
        left = [start for start in left if abs(start - seen.start) >= occupied]
    if 1 + others > len(left) * max(1, capacity // 2):
        raise NotHeld("holds have half of this date")


def _at_once(seen: Claim) -> int:
    inside = [(max(seat.start, seen.start), min(seat.end, seen.end)) for seat in seen.around.seats]
    return lanes.most_at_once((start, end) for start, end in inside if start < end)
