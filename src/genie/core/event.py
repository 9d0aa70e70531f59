"""What flows between an appointment and its event, in one vocabulary for all providers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol, Self

TITLE_LIMIT = 250
PLACE_LIMIT = 500
NOTES_LIMIT = 5_000
DESCRIPTION_LIMIT = 8_000
"""Characters. Below every provider's own limit (the least is 8,192), so nothing comes back cut."""
FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Years (UTC) in which an appointment can be: farther away, clocks and zones overflow."""


class Lasting(Protocol):
    """What has a beginning and an end: an appointment, a When."""

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


def span_text(of: Lasting) -> str:
    """Two instants as `start/end` (ISO 8601): so the history and forms keep a time, whoever looks."""
    return f"{of.start.isoformat()}/{of.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class When:
    """When an event takes place: start, end, zone and all-day are ONE field (SYNC.md, *Deciding*).

    `start` and `end` are instants (kept as UTC). `zone` is an IANA name, or "" where the provider did not
    say one; it never makes two Whens differ in `same_instants`. All-day events start and end at local
    midnight of `zone` (UTC if unknown); such a When may be `end <= start` if somebody made it so, and
    `is_bookable` says whether an appointment could have it.
    """

    start: datetime
    end: datetime
    zone: str = ""
    all_day: bool = False

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a When needs aware datetimes")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    @property
    def is_bookable(self) -> bool:
        """False for all-day, zero or negative spans and absurd years: not a time an appointment can have."""
        in_sight = self.start.year >= FIRST_YEAR and self.end.year <= LAST_YEAR
        return not self.all_day and self.end > self.start and in_sight

    def same_instants(self, other: When) -> bool:
        """A change of zone with the same instants is no reschedule."""
        return (self.start, self.end, self.all_day) == (other.start, other.end, other.all_day)

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "zone": self.zone,
            "all_day": self.all_day,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(
            datetime.fromisoformat(data["start"]),
            datetime.fromisoformat(data["end"]),
            data["zone"],
            data["all_day"],
        )


@dataclass(frozen=True, slots=True)
class EventContent:
    """An event as a provider shows or is told it. None in a text field = hidden from us, *unknown*."""

    when: When
    title: str | None
    place: str | None
    description: str | None
    cancelled: bool = False
    """Cancelled or declined by the calendar's owner."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that flow (SYNC.md, *Deciding*), normalised; None = unknown, which is never a change."""

    when: When
    title: str | None
    place: str | None
    notes: str | None
    cancelled: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "when": self.when.to_json(),
            "title": self.title,
            "place": self.place,
            "notes": self.notes,
            "cancelled": self.cancelled,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(
            When.from_json(data["when"]), data["title"], data["place"], data["notes"], data["cancelled"]
        )

    def but(self, **changes: Any) -> Self:
        return replace(self, **changes)


class BusyKind(StrEnum):
    """Why a span of a foreign calendar may block slots; what is free is not kept at all."""

    BUSY = "busy"
    TENTATIVE = "tentative"
    UNANSWERED = "unanswered"
    OUT_OF_OFFICE = "out_of_office"


@dataclass(frozen=True, slots=True)
class Busy:
    """One occurrence of a foreign event that takes time: half-open instants, UTC."""

    start: datetime
    end: datetime
    kind: BusyKind = BusyKind.BUSY
    all_day: bool = False


def normalised_text(text: str | None, *, limit: int) -> str | None:
    """As every provider gives it back: no trailing blanks, no control characters, at most `limit` of them."""
    if text is None:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = "\n".join("".join(filter(_is_text, line)).rstrip() for line in lines)
    return kept.strip()[:limit].rstrip()


OVERRIDES = "\u202d\u202e"
"""They turn the order of letters round, past the end of the text they stand in: a way to disguise."""


def _is_text(character: str) -> bool:
    """No control character (C0, DEL, C1): no program shows them, and databases and mail refuse some."""
    visible = character >= "\xa0" or " " <= character <= "~" or character == "\t"
    return visible and character not in OVERRIDES
