"""Time zones as visitors choose them, and the country a zone lies in."""

from __future__ import annotations

from functools import cache
from importlib import resources

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from genie.core.saying import said_place
from genie.core.zones import known_zones

Choice = tuple[str, str]


@cache
def choices() -> list[tuple[str, list[Choice]]]:
    """(region, [(zone, city)]), by name: zones somebody lives in, each once."""
    regions: dict[str, list[Choice]] = {}
    for name in sorted(countries()):
        if name in known_zones():
            regions.setdefault(name.split("/")[0], []).append((name, _city(name)))
    return [*regions.items(), ("Other", [("UTC", "UTC")])]


def _city(name: str) -> str:
    place = said_place(name)
    inner = name.split("/")[1:-1]
    return f"{place} ({inner[0].replace('_', ' ')})" if inner else place


@cache
def options() -> SafeString:
    """The choices as the inside of a `<select>`: the same four hundred lines on every page, so made once."""
    return format_html_join(
        "",
        '<optgroup label="{}">{}</optgroup>',
        (
            (region, format_html_join("", '<option value="{}">{}</option>', cities))
            for region, cities in choices()
        ),
    )


@cache
def countries() -> dict[str, str]:
    """Zone → country (ISO 3166, two letters), from the zone.tab of the time zone database."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def country_of(zone: str) -> str | None:
    """The country a phone number without a prefix is likely from."""
    return countries().get(zone)
