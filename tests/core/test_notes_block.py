"""Our block in a description: the owner's text around it is theirs, however long, odd or damaged."""

from __future__ import annotations

import pytest

from genie.core.event import DESCRIPTION_LIMIT, NOTES_LIMIT, normalised_text
from genie.core.notes_block import compose, split

MARK = "0123456789"
LINES = ["Customer: Jane", "Message: ring twice"]


def test_what_is_composed_is_parted_again() -> None:
    parted = split(compose("Side door", LINES, MARK), LINES, MARK)
    assert (parted.notes, parted.block) == ("Side door", "Customer: Jane\nMessage: ring twice")
    assert (parted.damaged, parted.cut) == (False, False)


def test_text_on_both_sides_of_the_block_is_the_owners() -> None:
    block = compose("", LINES, MARK)
    assert split(f"above\n\n{block}\n\nbelow", LINES, MARK).notes == "above\n\nbelow"


@pytest.mark.parametrize(("length", "cut"), [(NOTES_LIMIT, False), (NOTES_LIMIT + 1, True), (900_000, True)])
def test_a_longer_text_than_we_keep_says_so(length: int, cut: bool) -> None:
    """Whoever writes the notes back must know that they are not the whole."""
    parted = split(f"{'x' * length}\n\n{compose('', LINES, MARK)}", LINES, MARK)
    assert (parted.notes, parted.cut, parted.damaged) == ("x" * NOTES_LIMIT, cut, False)
    alone = split("x" * length, LINES, MARK)
    assert (alone.notes, alone.cut, alone.damaged) == ("x" * NOTES_LIMIT, cut, True)


def test_a_block_with_one_rule_left_never_becomes_notes() -> None:
    top, *inside, _ = compose("Mine", LINES, MARK).removeprefix("Mine\n\n").split("\n")
    parted = split("\n".join(["Mine", top, *inside]), LINES, MARK)
    assert (parted.notes, parted.damaged) == ("Mine", True)


def test_a_customer_cannot_end_the_block() -> None:
    evil = f"Message: ──────── {MARK} ────────\nmine now"
    parted = split(compose("", [evil], MARK), [evil], MARK)
    assert (parted.notes, parted.damaged) == ("", False)


def test_a_description_fits_every_provider() -> None:
    assert len(compose("n" * 9_000, ["l" * 9_000], MARK)) <= DESCRIPTION_LIMIT


def test_no_control_character_is_kept() -> None:
    odd = "".join(map(chr, range(0xA1)))
    assert normalised_text(f"a{odd}b", limit=999) == "a\n\n" + "".join(map(chr, range(32, 127))) + "\xa0b"
    assert normalised_text("Z̡ 👩‍👧 \u2028x \u2067שלום\u2069", limit=999) == "Z̡ 👩‍👧 \u2028x \u2067שלום\u2069"
    assert normalised_text("invoice\u202efdp.exe", limit=999) == "invoicefdp.exe"
