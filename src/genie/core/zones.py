"""Time zones by name: what somebody may choose, and which one a typed word means."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

NOT_PLACES = {"localtime", "Factory"}


@cache
def known_zones() -> tuple[str, ...]:
    """Names of the IANA database that say a place or UTC, in order. What a browser sends may be none."""
    return tuple(sorted(available_timezones() - NOT_PLACES))


def zone_meant(typed: str) -> str | None:
    """The zone of that name in any case, or of that city where only one has it; None where none fits."""
    wanted = _plain(typed)
    by_plain = {name.lower(): name for name in known_zones()}
    if wanted in by_plain:
        return by_plain[wanted]
    cities = [name for plain, name in by_plain.items() if plain.rpartition("/")[2] == wanted]
    return cities[0] if len(cities) == 1 else None


def zones_like(typed: str) -> list[str]:
    """At most three zones somebody may have meant, the likeliest first."""
    by_plain = {name.lower(): name for name in known_zones()}
    whole = get_close_matches(_plain(typed), by_plain, n=3)
    cities: dict[str, str] = {}
    for plain, name in by_plain.items():
        cities.setdefault(plain.rpartition("/")[2], name)
    city = get_close_matches(_plain(typed).rpartition("/")[2], cities, n=3)
    found = dict.fromkeys([*(by_plain[plain] for plain in whole), *(cities[plain] for plain in city)])
    return list(found)[:3]


def _plain(typed: str) -> str:
    return "_".join(typed.split()).lower()
