"""So many deletions and moves of so many appointments are too many."""

from __future__ import annotations

import pytest

from genie.core.breaker import too_many


@pytest.mark.parametrize(
    ("changed", "of", "over"),
    [
        (1, 1, False),  # a single appointment may go
        (1, 2, False),
        (2, 2, False),  # and so may two
        (3, 3, True),  # all there are
        (2, 3, False),
        (3, 4, True),  # more than two of a few
        (2, 9, False),
        (3, 9, True),
        (3, 10, False),
        (5, 10, False),
        (6, 10, True),  # more than five, and more than a fifth
        (6, 29, True),
        (6, 30, False),  # a fifth is not more than a fifth
        (7, 30, True),
        (20, 100, False),
        (21, 100, True),
    ],
)
def test_the_limits(changed: int, of: int, over: bool) -> None:
    assert too_many(changed=changed, of=of) is over
