"""Claim a start for somebody: look, lock, look again, and take it while nobody else can.

Whether the rules offer it is judged before the module is locked. Under the lock one query tells whether
anything moved since, and only then it is judged anew (decision 0082).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction

from genie.flows.assign import by_turn
from genie.flows.offer import A_DATE, free_staff, is_offered, rules_of
from genie.flows.seat import NoSeat, lock_staff
from genie.store.models import AppointmentKind, Hold, Module, StaffMember
from genie.store.queries.seats import Around, around, lock_row, settings_of

T = TypeVar("T")


class SlotTaken(Exception):
    """The rules do not offer that start (any more): show what is offered now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which start (UTC), of which module and kind, with whom (None: whoever is free), on whose behalf.

    `holder` is a value of `Hold.visitor`: the hold of whoever asks does not stand in the way.
    """

    module_id: int
    start: datetime
    now: datetime
    kind_id: int | None = None
    staff_id: int | None = None
    holder: str = ""
    vouched: tuple[int, ...] | None = None
    """What another system offers in place of rules 1 to 6, asked before (flows/offer_external)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What was asked for, and all that it was judged by."""

    asked: Asked
    module: Module
    kind: AppointmentKind | None
    staff: StaffMember | None
    has_team: bool
    around: Around

    @property
    def start(self) -> datetime:
        return self.asked.start

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.kind.duration if self.kind else self.module.duration)


def claim(
    asked: Asked, *, take: Callable[[Claim], T], before: Callable[[Module], None] = lambda _: None
) -> T:
    """What `take` makes of the start, under the locks of the module and of whom it is with. One transaction.

    `before` is called in it before anything is locked. Where whoever is free may do, each who is gets a turn,
    until `take` raises NoSeat for none. Raises SlotTaken, Module.DoesNotExist, AppointmentKind.DoesNotExist.
    """
    seen = _look(asked)
    if seen.has_team and asked.staff_id is None:
        return _claim_any(seen, take, before)
    _judge(seen)
    with transaction.atomic():
        before(seen.module)
        lock_row("store_module", asked.module_id)
        lock_staff(asked.staff_id)
        if _around(asked, seen.module, seen.kind) != seen.around:
            seen = _judge(_look(asked))
        try:
            return take(seen)
        except NoSeat as exc:
            raise SlotTaken(asked.start) from exc


def _claim_any(seen: Claim, take: Callable[[Claim], T], before: Callable[[Module], None]) -> T:
    """With whoever of the team is free and has least to do; who was lost to another module is passed over."""
    asked, module = seen.asked, seen.module
    free = free_staff(
        module=module,
        start=asked.start,
        now=asked.now,
        kind=seen.kind,
        holder=asked.holder,
        vouched=asked.vouched,
    )
    if not free:
        raise SlotTaken(asked.start)
    with transaction.atomic():
        before(module)
        lock_row("store_module", module.id)
        for staff_id in _in_order(seen, free):
            # undone, it gives the member's row back: never two of them are locked at once
            with suppress(SlotTaken, NoSeat), transaction.atomic():
                lock_staff(staff_id)
                return take(_judge(_look(replace(asked, staff_id=staff_id))))
        raise SlotTaken(asked.start)


def _in_order(seen: Claim, free: list[int]) -> list[int]:
    """Whom the visitor's own hold is with comes first: that was promised."""
    asked = seen.asked
    held = Hold.objects.filter(
        module=seen.module, visitor=asked.holder, start=asked.start, expires_at__gt=asked.now, staff__in=free
    )
    promised = list(held.values_list("staff_id", flat=True)) if asked.holder else []
    ranked = by_turn(
        module=seen.module, start=asked.start, now=asked.now, candidates=free, holder=asked.holder
    )
    return sorted(ranked, key=lambda staff_id: staff_id not in promised)


def _look(asked: Asked) -> Claim:
    read = settings_of(module_id=asked.module_id, kind_id=asked.kind_id)
    seen = Claim(
        asked=asked,
        module=read.module,
        kind=read.kind,
        has_team=read.has_team,
        around=_around(asked, read.module, read.kind),
        staff=_member(asked),  # read last: if it changes now, that shows when `around` is compared
    )
    # else the settings were changed between the two queries
    return seen if set(seen.around.versions) == set(read.versions) else _look(asked)


def _around(asked: Asked, module: Module, kind: AppointmentKind | None) -> Around:
    """Wide enough for each rule: the time kept free, and whatever is on one date where dates are counted."""
    rules = rules_of(module, kind)
    counted = rules.per_day or rules.own_per_day
    beside = (A_DATE if counted else timedelta(0)) + timedelta(minutes=rules.between)
    return around(
        module_id=asked.module_id,
        kind_id=asked.kind_id,
        staff_id=asked.staff_id,
        low=asked.start - beside,
        high=asked.start + timedelta(minutes=rules.duration) + beside,
        now=asked.now,
        holder=asked.holder,
    )


def _member(asked: Asked) -> StaffMember | None:
    if asked.staff_id is None:
        return None
    team = StaffMember.objects.filter(teams__module=asked.module_id, active=True)
    return team.select_related("schedule").filter(id=asked.staff_id).first()


def _judge(seen: Claim) -> Claim:
    """The same, if the rules offer it. Raises SlotTaken."""
    asked = seen.asked
    there = seen.module.enabled and (seen.kind is None or seen.kind.enabled)
    wanted = asked.staff_id is not None
    if not there or not (wanted == seen.has_team == (seen.staff is not None)):
        raise SlotTaken(asked.start)
    offered = is_offered(
        module=seen.module,
        start=asked.start,
        now=asked.now,
        kind=seen.kind,
        staff=seen.staff,
        holder=asked.holder,
        vouched=asked.vouched,
    )
    if not offered:
        raise SlotTaken(asked.start)
    return seen
