"""An appointment's life, as one table of states and moves."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    RESCHEDULE = "reschedule"
    EDIT = "edit"
    CANCEL = "cancel"
    RESTORE = "restore"  # its event came back (cut and paste, an undone deletion)


LIVE: tuple[State, ...] = (State.CONFIRMED,)
"""States in which an appointment takes its slot and has an event on the linked calendar."""

MOVES: dict[tuple[State, Move], State] = {
    (State.CONFIRMED, Move.RESCHEDULE): State.CONFIRMED,
    (State.CONFIRMED, Move.EDIT): State.CONFIRMED,
    (State.CONFIRMED, Move.CANCEL): State.CANCELLED,
    (State.CANCELLED, Move.RESTORE): State.CONFIRMED,
}


class NotPossible(Exception):
    """This move does not exist in the appointment's present state."""


def after(state: State, move: Move) -> State:
    """The state after `move`. Raises NotPossible, with a sentence for the person who tried."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise NotPossible(f"This appointment is {state}; {move} is not possible any more.") from None
