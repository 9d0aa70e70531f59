"""Colours people can read: WCAG contrast, and an accent moved until it has enough of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

ENOUGH = 4.5
"""WCAG 2.2, 1.4.3: contrast of normal text (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""
FALLBACK = "#4338ca"
TINTED = 0.25
"""Days and names are written in the accent on as much of it, mixed into the background, or less."""


@dataclass(frozen=True, slots=True)
class Accent:
    """A colour that can be read on its background, and the text colour that can be read on it."""

    colour: str
    text: str


def parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance, 0 (black) … 1 (white), by WCAG's definition."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in parts(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """1 (the same) … 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, toward: str, share: float) -> str:
    blend = [round(a + (b - a) * share) for a, b in zip(parts(colour), parts(toward), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*blend)


def readable_accent(colour: str, *, on: str) -> Accent:
    """The colour nearest to `colour` (#rrggbb) with enough contrast on `on`, tinted with that colour or not;
    ours if it is none."""
    wanted = colour if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else FALLBACK
    toward = "#000000" if luminance(on) > 0.5 else "#ffffff"
    found = next(
        tried
        for step in range(21)
        if contrast(tried := mixed(wanted, toward, step / 20), mixed(on, tried, TINTED)) >= ENOUGH
    )
    return Accent(found, max("#ffffff", "#111111", key=lambda text: contrast(text, found)))
