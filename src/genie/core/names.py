"""Names of agencies, companies and people as somebody typed them."""

from __future__ import annotations

import unicodedata

LONGEST = 120


class NotAName(Exception):
    """It cannot stand as a name; the message says what is wrong with it."""


def name_from(typed: str) -> str:
    """One line without spaces at its ends, at most LONGEST characters. Raises NotAName."""
    name = " ".join(typed.split())
    if not name:
        raise NotAName("The name is empty.")
    if len(name) > LONGEST:
        raise NotAName(f"The name has {len(name)} characters, and {LONGEST} is the most.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise NotAName("The name holds characters that cannot be shown.")
    return name
