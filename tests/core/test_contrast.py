"""An accent is moved until people can read it, and no further."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie.core.contrast import ENOUGH, FALLBACK, TINTED, contrast, mixed, readable_accent

WHITE, BLACK = "#ffffff", "#000000"
colours = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


def test_black_on_white_is_21_and_a_colour_on_itself_1() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast("#808080", "#808080") == pytest.approx(1)


def test_a_readable_accent_stays_as_it_is() -> None:
    assert readable_accent("#4338ca", on=WHITE).colour == "#4338ca"


@given(colour=colours, on=st.sampled_from([WHITE, "#171b26"]))
def test_every_accent_can_be_read_and_carries_readable_text(colour: str, on: str) -> None:
    accent = readable_accent(colour, on=on)
    assert contrast(accent.colour, on) >= ENOUGH
    assert contrast(accent.colour, mixed(on, accent.colour, TINTED)) >= ENOUGH
    assert contrast(accent.colour, accent.text) >= ENOUGH


@pytest.mark.parametrize("nonsense", ["", "red", "#12345", "#12345g", "#1234567", "url(x)"])
def test_what_is_no_colour_becomes_ours(nonsense: str) -> None:
    assert readable_accent(nonsense, on=WHITE).colour == FALLBACK
