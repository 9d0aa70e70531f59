"""The time zones a person may choose from."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones

REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@lru_cache
def known_zones() -> frozenset[str]:
    """Return every IANA name; asking the system walks through hundreds of files, so it is asked once."""
    return frozenset(available_timezones())


@lru_cache
def zone_names() -> tuple[str, ...]:
    """Return the zones a person would look for: a region and a place, and UTC."""
    return ("UTC", *sorted(name for name in known_zones() if name.startswith(REGIONS)))
