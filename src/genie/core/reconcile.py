"""Three-way merge of an appointment and its event, field by field (SYNC.md, *Deciding*).

Two things are remembered from the last agreement: `base`, the event as the provider returned it, and
`sent`, our own values then. The calendar changed a field where the event differs from `base`; we changed
it where ours differs from `sent`. The two memories may differ from each other for good (providers rewrite
what they are sent; a time no appointment can have is left standing there), and that is no change.

`asked` are values of our own writes whose outcome was never learned: an event that shows one of them was
changed by us, not by its owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genie.core.event import Fields, When

TEXTS = ("title", "place", "notes")
FLOWING = ("when", *TEXTS)


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that lost a conflict, kept for the history."""

    field: str
    value: Any
    side: str
    """Whose value it was: "calendar" or "dashboard"."""
    put_back: bool = False
    """It lost no conflict, but is not let in."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What to do so that both sides agree."""

    cancel_here: bool = False
    remove_there: bool = False
    take: dict[str, Any] = field(default_factory=dict)
    """Fields the appointment takes from the calendar: name → value."""
    give: frozenset[str] = frozenset()
    """Fields to write to the calendar."""
    lost: tuple[Lost, ...] = ()
    refused_when: When | None = None
    """The calendar's new time is none an appointment can have: keep ours, block that span, flag it."""

    @property
    def is_quiet(self) -> bool:
        return not (self.cancel_here or self.remove_there or self.take or self.give or self.refused_when)


def reconcile(
    *,
    base: Fields,
    sent: Fields,
    local: Fields,
    remote: Fields,
    calendar_wins: bool,
    asked: Sequence[Fields] = (),
) -> Merge:
    """Decide, as data. A cancellation on either side beats every move of the other."""
    if local.cancelled:
        return Merge(remove_there=not remote.cancelled)
    if remote.cancelled:
        return Merge(cancel_here=True)
    take: dict[str, Any] = {}
    give: set[str] = set()
    lost: list[Lost] = []
    for name in FLOWING:
        theirs, ours = getattr(remote, name), getattr(local, name)
        at_base, at_sent = _agreed(name, theirs, base, sent, asked)
        moved_there = theirs is not None and not _same(theirs, at_base)
        moved_here = not _same(ours, at_sent)
        if moved_there and moved_here and not _same(theirs, ours):
            winner_is_calendar = calendar_wins and _acceptable(theirs)
            lost.append(
                Lost(name, ours, "dashboard") if winner_is_calendar else Lost(name, theirs, "calendar")
            )
            moved_there, moved_here = winner_is_calendar, not winner_is_calendar
        if moved_there and not _same(theirs, ours):
            take[name] = theirs
        elif moved_here and not _same(theirs, ours):
            give.add(name)
    refused = take.pop("when") if "when" in take and not _acceptable(take["when"]) else None
    return Merge(take=take, give=frozenset(give), lost=tuple(lost), refused_when=refused)


def changed_here(*, local: Fields, sent: Fields) -> frozenset[str]:
    """The fields in which ours is another value than at the last agreement."""
    return frozenset(name for name in FLOWING if not _same(getattr(local, name), getattr(sent, name)))


def _agreed(name: str, theirs: Any, base: Fields, sent: Fields, asked: Sequence[Fields]) -> tuple[Any, Any]:
    """The last agreement on a field: what an unanswered write of ours shows there, else base and sent."""
    for ask in reversed(asked):
        value = getattr(ask, name)
        if theirs is not None and _same(theirs, value) and not _same(theirs, getattr(base, name)):
            return value, value
    return getattr(base, name), getattr(sent, name)


def _same(one: Any, other: Any) -> bool:
    """Equal as far as a change goes: a zone with the same instants is none, no text is the empty text."""
    if isinstance(one, When) and isinstance(other, When):
        return one.same_instants(other)
    return (one or "") == (other or "")


def _acceptable(value: Any) -> bool:
    return not isinstance(value, When) or value.is_bookable


def nearest(when: When, occurrences: Sequence[tuple[Any, Any]]) -> tuple[Any, Any] | None:
    """Of (start, end) pairs the one that starts nearest to `when`: the instance that keeps the link."""
    return min(occurrences, key=lambda span: abs(span[0] - when.start), default=None)
