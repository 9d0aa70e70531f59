"""What was typed about an event, turned into what is wanted (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calendar_sandbox.faults import BadInput
from calendar_sandbox.week.owner import DAY, Occurrence, Wanted, When, moment_of

LONGEST_TEXT = 20_000  # characters
RHYTHMS = {"none": "", "daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY"}
KEEP = "keep"


def wanted_from(fields: Mapping[str, str], zone: ZoneInfo, old: Occurrence | None) -> Wanted:
    """Read the fields that were sent; what was not sent stays. Raise BadInput beside the field."""
    when = when_from(fields, zone, old)
    return Wanted(
        title=_one_line(fields, "title", old.title if old else None),
        place=_one_line(fields, "place", old.place if old else None),
        notes=_text(fields, "notes"),
        free=_choice(fields, "shown_as", ("busy", "free")) == "free" if "shown_as" in fields else None,
        when=when,
        rule=_rule(fields, when, zone, old),
    )


def when_from(fields: Mapping[str, str], zone: ZoneInfo, old: Occurrence | None) -> When | None:
    """Read the time: `start`/`end` (ISO, a date's end exclusive), or the form's fields (last day inclusive).

    With a start alone the event keeps its length, with an end alone its start.
    """
    start, end = _typed(fields, zone) if "start_date" in fields else _sent(fields, zone)
    if start is None and end is None:
        return None
    if old is not None:
        start, end = _completed(start, end, old)
    if start is None or end is None:
        raise _unfit("An event needs a start and an end.", "start" if start is None else "end")
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise _unfit("One end has a time of day and the other has none.", "end")
    try:
        return When(start, end)
    except ValueError:
        raise _unfit("The event would end before it starts.", "end") from None


def repeat_of(occurrence: Occurrence, zone: ZoneInfo) -> tuple[str, str]:
    """Return (choice, last day as ISO or "") as the form shows the series' rule."""
    if not occurrence.rule:
        return ("none", "") if not occurrence.repeats else (KEEP, "")
    parts = dict(piece.split("=", 1) for piece in occurrence.rule.split(";"))
    until = parts.pop("UNTIL", "")
    kind = next((kind for kind, rule in RHYTHMS.items() if rule == _joined(parts)), KEEP)
    if kind == KEEP or not until:
        return kind, ""
    last = moment_of(until)
    return kind, (last.astimezone(zone).date() if isinstance(last, datetime) else last).isoformat()


def _completed(start: date | None, end: date | None, old: Occurrence) -> tuple[date | None, date | None]:
    if start is None:
        start = old.start
    if end is None:
        if isinstance(start, datetime) and isinstance(old.start, datetime) and isinstance(old.end, datetime):
            length = old.end.astimezone(UTC) - old.start.astimezone(UTC)
            end = (start.astimezone(UTC) + length).astimezone(start.tzinfo)
        elif isinstance(start, datetime):
            end = start + timedelta(hours=1)
        else:
            end = start + (max(old.end - old.start, DAY) if old.all_day else DAY)
    return start, end


def _typed(fields: Mapping[str, str], zone: ZoneInfo) -> tuple[date | None, date | None]:
    first = _date(fields, "start_date")
    last = _date(fields, "end_date") if fields.get("end_date") else first
    if fields.get("all_day"):
        return first, last + DAY
    return (
        _real(datetime.combine(first, _time(fields, "start_time"), zone)),
        _real(datetime.combine(last, _time(fields, "end_time"), zone)),
    )


def _sent(fields: Mapping[str, str], zone: ZoneInfo) -> tuple[date | None, date | None]:
    return _moment(fields, "start", zone), _moment(fields, "end", zone)


def _moment(fields: Mapping[str, str], name: str, zone: ZoneInfo) -> date | None:
    text = fields.get(name, "")
    if not text:
        return None
    try:
        if len(text) == len("2026-11-24"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return _real(moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone))
    except (ValueError, OverflowError):
        raise _unfit(f"“{text[:40]}” is not a time the calendar understands.", name) from None


def _real(moment: datetime) -> datetime:
    """Turn a wall time that the clock skips into the one after the gap."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def _date(fields: Mapping[str, str], name: str) -> date:
    try:
        found = date.fromisoformat(fields.get(name, ""))
    except ValueError:
        raise _unfit("A date is missing or mistyped.", name) from None
    if not 1970 <= found.year <= 2100:
        raise _unfit("The year is too far away for this calendar.", name)
    return found


def _time(fields: Mapping[str, str], name: str) -> time:
    try:
        return time.fromisoformat(fields.get(name, "")).replace(tzinfo=None)
    except ValueError:
        raise _unfit("A time of day is missing or mistyped.", name) from None


def _text(fields: Mapping[str, str], name: str) -> str | None:
    if name not in fields:
        return None
    text = fields[name].replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT:
        raise _unfit(f"The {name} is longer than {LONGEST_TEXT} characters.", name)
    return text


def _one_line(fields: Mapping[str, str], name: str, old: str | None) -> str | None:
    """Read a field typed in one line; a text that only lost its line breaks on the way is unchanged."""
    text = _text(fields, name)
    if text is None or (old is not None and flat(text) == flat(old)):
        return None
    return flat(text)


def flat(text: str) -> str:
    """Return the text in one line."""
    return " ".join(text.split())


def _choice(fields: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    if fields[name] not in choices:
        raise _unfit(f"{name} is one of: {', '.join(choices)}.", name)
    return fields[name]


def _rule(fields: Mapping[str, str], when: When | None, zone: ZoneInfo, old: Occurrence | None) -> str | None:
    if "repeat" not in fields or fields["repeat"] == KEEP:
        return None
    rhythm = RHYTHMS[_choice(fields, "repeat", tuple(RHYTHMS))]
    if not rhythm or not fields.get("repeat_until"):
        return rhythm
    if old is not None and repeat_of(old, zone) == (fields["repeat"], fields["repeat_until"]):
        return None
    last = _date(fields, "repeat_until")
    start = when.start if when else old.start if old else last
    if last < (start.date() if isinstance(start, datetime) else start):
        raise _unfit("The repetition would end before it begins.", "repeat_until")
    if not isinstance(start, datetime):
        return f"{rhythm};UNTIL={last:%Y%m%d}"
    end_of_day = datetime.combine(last, time(23, 59, 59), zone).astimezone(UTC)
    return f"{rhythm};UNTIL={end_of_day:%Y%m%dT%H%M%SZ}"


def _joined(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _unfit(what: str, field: str) -> BadInput:
    return BadInput(what, "Nothing was saved.", "Correct it and save again.", field=field)
