"""A calendar as it lay some changes ago: what a list shows that lags behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

E = TypeVar("E")

REMEMBERED = 200  # changes per calendar that can be undone


@dataclass(frozen=True)
class Undo(Generic[E]):
    """A change, by its number in the calendar, and what the event was before; None: it was not there."""

    number: int
    at: datetime
    event_id: str
    before: E | None


def as_it_was(
    events: Mapping[str, E],
    undo: Iterable[Undo[E]],
    *,
    latest: int,
    changes_ago: int,
    since: datetime | None = None,
) -> tuple[dict[str, E], int]:
    """The events before the latest changes, and the number of the change that was the latest then.

    `undo` are the changes, newest first. `since`: earlier ones stay done.
    """
    found, number = dict(events), latest
    for change in undo:
        if number <= latest - changes_ago or (since is not None and change.at < since):
            break
        if change.before is None:
            found.pop(change.event_id, None)
        else:
            found[change.event_id] = change.before
        number = change.number - 1
    return found, number
