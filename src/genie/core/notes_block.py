"""Our delimited block inside an event's description; the text outside it is the owner's.

The mark is random per link, so no customer can know it, and the block's lines are escaped: whatever stands
between our two rules is ours, whatever stands outside is `notes` (SYNC.md, *Writes*).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genie.core.event import DESCRIPTION_LIMIT, NOTES_LIMIT, normalised_text

RULE = "────────"


@dataclass(frozen=True, slots=True)
class Split:
    notes: str | None
    """The owner's text; None where the description is hidden from us."""
    block: str
    """Our part as it stands there, without the rules; "" where there is none."""
    damaged: bool
    """The rules are not both there, in order: somebody edited into or deleted the block."""
    cut: bool = False
    """The owner's text is longer than we keep: `notes` is only its beginning."""


def compose(notes: str, lines: Sequence[str], mark: str) -> str:
    """The description for the calendar: the notes, then our block, within DESCRIPTION_LIMIT characters."""
    top, bottom = _rules(mark)
    own = normalised_text(notes, limit=NOTES_LIMIT) or ""
    room = DESCRIPTION_LIMIT - len(own) - len(top) - len(bottom) - 8
    body = "\n".join(_escaped(line) for line in lines)[: max(room, 0)].rstrip()
    block = f"{top}\n{body}\n{bottom}"
    return f"{own}\n\n{block}" if own else block


def split(description: str | None, lines: Sequence[str], mark: str) -> Split:
    """Part what an event's description holds. `lines` is the block as we would write it now.

    Where the rules are damaged, a line that is one of ours is taken as ours wherever it stands, so that a
    half-deleted block never becomes the owner's notes.
    """
    if description is None:
        return Split(None, "", damaged=False)
    text = normalised_text(description, limit=len(description)) or ""
    top, bottom = _rules(mark)
    before, found_top, rest = text.partition(top)
    inside, found_bottom, after = rest.partition(bottom)
    if found_top and found_bottom:
        own = "\n\n".join(part.strip() for part in (before, after) if part.strip())
        return _kept(own, inside.strip(), damaged=False)
    ours = {_escaped(part).strip() for line in lines for part in line.split("\n")} | {top, bottom}
    theirs = [line for line in text.split("\n") if line.strip() not in ours or not line.strip()]
    return _kept("\n".join(theirs), "", damaged=True)


def _rules(mark: str) -> tuple[str, str]:
    return f"{RULE} Schedule Genie {mark} {RULE}", f"{RULE} {mark} {RULE}"


def _escaped(line: str) -> str:
    return (normalised_text(line, limit=DESCRIPTION_LIMIT) or "").replace("─", "-")


def _kept(own: str, block: str, *, damaged: bool) -> Split:
    own = own.strip()
    return Split(normalised_text(own, limit=NOTES_LIMIT), block, damaged, cut=len(own) > NOTES_LIMIT)
