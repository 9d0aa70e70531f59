"""Which database belongs to which record."""

from __future__ import annotations

import pytest

from genie.core.recognition import Doubt, Known, Record, doubt_of

HERE, THERE = "here", "there"


@pytest.mark.parametrize(
    ("row", "record", "used", "doubt"),
    [
        (None, None, False, None),  # new
        (None, None, True, None),  # in use since before there was such a record
        (Known("a", 5), Record("a", 5, HERE), True, None),
        (Known("a", 6), Record("a", 5, HERE), True, None),  # died between the two writes
        (Known("a", 4), Record("a", 5, HERE), True, Doubt.OLDER),
        (Known("a", 7), Record("a", 5, HERE), True, Doubt.ELSEWHERE),
        (Known("a", 5), Record("b", 5, HERE), True, Doubt.ANOTHER),
        (Known("a", 5), Record("a", 5, THERE), True, Doubt.MOVED),
        (Known("a", 4), Record("a", 5, THERE), True, Doubt.OLDER),  # what is worse is said
        (Known("a", 5), None, True, Doubt.NO_RECORD),
        (None, Record("a", 5, HERE), True, Doubt.OLDER),  # a backup from before there was such a row
        (None, Record("a", 5, HERE), False, None),  # a fresh database beside an old file
    ],
)
def test_doubt(row: Known | None, record: Record | None, used: bool, doubt: Doubt | None) -> None:
    assert doubt_of(row, record, place=HERE, used=used) == doubt
