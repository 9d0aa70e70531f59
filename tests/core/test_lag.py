"""What half of the changes, or 95 %, stayed below."""

from __future__ import annotations

import pytest

from genie.core.lag import BOUNDS, said_bound, stayed_below


@pytest.mark.parametrize(
    ("counts", "share", "bucket"),
    [
        ({}, 0.5, None),
        ({3: 0}, 0.5, None),
        ({0: 1}, 0.95, 0),
        ({0: 50, 4: 50}, 0.5, 0),
        ({0: 49, 4: 51}, 0.5, 4),
        ({4: 5, 0: 95}, 0.95, 0),
        ({0: 94, 4: 1, 11: 5}, 0.95, 4),
        ({0: 1, 11: 99}, 0.95, 11),
    ],
)
def test_stayed_below(counts: dict[int, int], share: float, bucket: int | None) -> None:
    assert stayed_below(counts, share) == bucket


def test_bounds_as_people_say_them() -> None:
    said = [said_bound(bucket) for bucket in range(len(BOUNDS) + 1)]
    assert said[0] == "within 0.5 s"
    assert said[6:] == [
        "within 60 s",
        "within 2 min",
        "within 5 min",
        "within 15 min",
        "within 1 h",
        "only after more than 1 h",
    ]
