"""Public holidays by country and region, as the library `holidays` knows them (decision 0083).

The library is loaded by the first question that needs it, never by an import of this module: that takes
a tenth of a second. Pages for visitors ask nothing here; what they need is kept with the schedule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from genie.core.holidays import Holiday

if TYPE_CHECKING:
    from holidays import HolidayBase

_NOTE = re.compile(
    r"^(?P<name>.+) \((?P<note>(?:observed|estimated|in lieu|substitute day|substituted from)[^)]*)\)$"
)
"""How the library says that a day is kept on another date, or that its date is not sure yet."""

_OTHER_NAMES = {"GB": "United Kingdom", "XK": "Kosovo"}
"""Where the time zone database has no name, or not the one people look for."""


@dataclass(frozen=True, slots=True)
class PublicDay:
    """One date and why it is a holiday. `name` is the same every year, `note` says what is special in one."""

    date: date
    name: str
    note: str = ""

    @property
    def title(self) -> str:
        return f"{self.name} ({self.note})" if self.note else self.name

    def as_holiday(self) -> Holiday:
        return Holiday(self.title, self.date.month, day=self.date.day, year=self.date.year)


class UnknownRegion(ValueError):
    """No public holidays are known for that country or region."""


@lru_cache(maxsize=512)
def public_days(country: str, region: str, year: int) -> tuple[PublicDay, ...]:
    """The holidays of one year in order, names in English. `region` is "" for the country as a whole.

    Raises UnknownRegion.
    """
    entity = _entity(country)
    if region and region not in entity.subdivisions:
        raise UnknownRegion(f"{country} has no region {region}")
    english = next((one for one in entity.supported_languages if one.startswith("en")), None)
    found = entity(subdiv=region or None, years=year, language=english, expand=False)
    days = {_named(day, title) for day in sorted(found) for title in found.get_list(day)}
    return tuple(sorted(days, key=lambda one: (one.date, one.title)))


def not_worked(days: Iterable[PublicDay], left_out: Iterable[str]) -> list[PublicDay]:
    """Those that close, without the names of `left_out`."""
    worked = set(left_out)
    return [one for one in days if one.name not in worked]


def renamed(left_out: Iterable[str], *, before: Iterable[PublicDay], after: Iterable[PublicDay]) -> list[str]:
    """`left_out` once more where another edition of the library calls the same dates otherwise."""
    now_called: dict[date, list[str]] = {}
    for one in after:
        now_called.setdefault(one.date, []).append(one.name)
    known = {name for names in now_called.values() for name in names}
    dates: dict[str, list[date]] = {}
    for one in before:
        dates.setdefault(one.name, []).append(one.date)
    names: dict[str, None] = {}
    for name in left_out:
        new = [called for day in dates.get(name, []) for called in now_called.get(day, [])]
        names.update(dict.fromkeys([name] if name in known or not new else new))
    return list(names)


def countries() -> Mapping[str, str]:
    """ISO 3166 code → English name of the countries that have public holidays here, by name."""
    return _countries()


def regions(country: str) -> Mapping[str, str]:
    """Code → name of a country's regions with holidays of their own, by name. Raises UnknownRegion."""
    entity = _entity(country)
    named = entity.get_subdivision_aliases()
    said = {code: next(iter(named.get(code) or []), code) for code in entity.subdivisions}
    return dict(sorted(said.items(), key=lambda pair: pair[1].casefold()))


def country_name(country: str) -> str:
    """In English; the code itself where there is no name. Needs no library."""
    return _names().get(country, country)


def country_meant(typed: str) -> str | None:
    """The code of the country of that name, code or other name, or of the only one whose name begins so."""
    wanted = " ".join(typed.split()).casefold()
    if not wanted:
        return None
    if wanted in _also_called():
        return _also_called()[wanted]
    begun = [code for code, name in countries().items() if name.casefold().startswith(wanted)]
    return begun[0] if len(begun) == 1 else None


@cache
def edition() -> str:
    """Which edition of the library answers; asked of its metadata, without loading it."""
    return metadata.version("holidays")


def _named(day: date, title: str) -> PublicDay:
    said = _NOTE.match(title)
    return PublicDay(day, said["name"], said["note"]) if said else PublicDay(day, title)


@cache
def _countries() -> dict[str, str]:
    from holidays.registry import EntityLoader

    codes = set(EntityLoader.get_country_codes(include_aliases=False))
    with_days = {code: country_name(code) for code in codes if code in _names()}
    return dict(sorted(with_days.items(), key=lambda pair: pair[1].casefold()))


@cache
def _also_called() -> dict[str, str]:
    """Whatever a country may be called → its code: name, codes of two and three letters, other words."""
    from holidays.registry import COUNTRIES

    found = {}
    for module, (_, code, *others) in COUNTRIES.items():
        if code in countries():
            words = [module.replace("_", " "), code, *others, countries()[code]]
            found.update(dict.fromkeys((word.casefold() for word in words), code))
    return found


@cache
def _names() -> dict[str, str]:
    """The table iso3166.tab of the time zone database: code, tab, name."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    lines = (line.partition("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, _, name in lines} | _OTHER_NAMES


def _entity(country: str) -> type[HolidayBase]:
    """The library's class of a country. Raises UnknownRegion."""
    import holidays

    loader: Any = getattr(holidays, country, None) if country in _countries() else None
    if loader is None:
        raise UnknownRegion(f"no public holidays are known for {country}")
    return loader.get_entity() if hasattr(loader, "get_entity") else loader  # type: ignore[no-any-return]
