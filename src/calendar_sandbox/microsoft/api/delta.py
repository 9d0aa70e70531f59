"""calendarView/delta: rounds of pages that end in a link for the next round.

The window is fixed by the first call and lives in the tokens, which are opaque. A round tells what changed
since the round before and up to its own beginning; what changes while it is paged comes in the next. Masters
and exceptions are told whole, occurrences as stubs. What is not in the window (any more, or never was) is
told as removed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from calendar_sandbox.microsoft import errors, recurrence, times
from calendar_sandbox.microsoft.api import entities, reading
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.api.reading import Found
from calendar_sandbox.microsoft.recurrence import Occurrence
from calendar_sandbox.microsoft.state import (
    Calendar,
    Resource,
    StoredEvent,
    exceptions_in,
    occurrence_id,
    occurrence_ids,
    shape_of,
)

REFUSED = ("$select", "$filter", "$orderby", "$expand", "$search", "$top", "$skip", "$count")

Place = tuple[int, str, str]  # change, immutable id, day: where a page ends


@dataclass(frozen=True)
class Round:
    """What a token holds: the calendar, its epoch, the window, the changes it is about, where it stands."""

    calendar: str
    epoch: int
    since: datetime
    until: datetime
    after: int = -1  # the number of the last change that was told; -1: everything is new
    upto: int = -1  # the last change of this round; -1: it has not begun
    place: Place = (0, "", "")

    def token(self) -> str:
        known = [
            self.calendar,
            self.epoch,
            self.since.isoformat(),
            self.until.isoformat(),
            self.after,
            self.upto,
            *self.place,
        ]
        packed = base64.urlsafe_b64encode(json.dumps(known, separators=(",", ":")).encode())
        return f"R0usm{packed.decode().rstrip('=')}"


def _opened(token: str) -> Round:
    """Raise Refusal for a token that is none of ours."""
    try:
        if not token.startswith("R0usm"):
            raise ValueError(token)
        packed = token.removeprefix("R0usm")
        known = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        key, epoch, since, until, after, upto, *place = known
        return Round(
            key,
            epoch,
            datetime.fromisoformat(since),
            datetime.fromisoformat(until),
            after,
            upto,
            (place[0], place[1], place[2]),
        )
    except (ValueError, TypeError, IndexError, binascii.Error, UnicodeDecodeError):
        raise errors.bad("SyncStateInvalid", "Badly formed token.") from None


@dataclass(frozen=True)
class Told:
    """A row of a round: something found, or the ids of something that is gone."""

    place: Place
    found: Found | None = None
    gone: tuple[str, str] = ("", "")  # default and immutable id


def calendar_view(call: Call) -> Answer:
    calendar = call.calendar()
    call.must_see_details(calendar)
    state = _asked(call, calendar)
    begun = state.after >= 0 or state.upto >= 0
    if state.calendar != calendar.key or state.epoch != calendar.epoch or (call.expired and begun):
        raise errors.sync_state_gone(_fresh(call, state))
    events, latest = calendar.events, calendar.changes
    if call.changes_ago and state.upto < 0:
        events, latest = call.world.as_it_was(calendar, call.changes_ago, within=call.within)
        latest = max(latest, state.after)
    if state.upto < 0:
        state = replace(state, upto=latest)
    size = call.page_size
    rows = list(islice(_rows(call, calendar, events, state), size + 1))
    page, more = rows[:size], len(rows) > size
    said: Resource = {"@odata.context": call.context("Collection(event)")}
    if more:
        state = replace(state, place=page[-1].place)
        said["@odata.nextLink"] = f"{call.base_url}{call.path}?$skiptoken={state.token()}"
    else:
        ended = replace(state, after=state.upto, upto=-1, place=(0, "", ""))
        said["@odata.deltaLink"] = f"{call.base_url}{call.path}?$deltatoken={ended.token()}"
    return Answer(said | {"value": [_said(call, row) for row in page]})


def of_events(call: Call) -> Answer:
    """Without a window there is no delta of events in v1.0 (delta-query-events: beta only)."""
    raise errors.bad(
        "ErrorInvalidRequest", "Change tracking is not supported against 'microsoft.graph.event'."
    )


def _asked(call: Call, calendar: Calendar) -> Round:
    for name in REFUSED:
        if name in call.params:
            raise errors.bad(
                "ErrorInvalidUrlQuery",
                "The following parameters are not supported with change tracking over the 'CalendarView' "
                "resource: '$orderby, $filter, $select, $expand, $search'.",
            )
    token = call.text("$deltatoken") or call.text("$skiptoken")
    if token:
        return _opened(token)
    since, until = reading.window(call)
    return Round(calendar.key, calendar.epoch, since, until)


def _fresh(call: Call, state: Round) -> str:
    """Where to start over: the same window, with an empty token."""
    window = f"startDateTime={times.offset_text(state.since)}&endDateTime={times.offset_text(state.until)}"
    return f"{call.base_url}{call.path}?{window}&$deltatoken="


def _rows(call: Call, calendar: Calendar, events: dict[str, StoredEvent], state: Round) -> Iterator[Told]:
    """What the round still has to tell, in its order. A default id that ended has no immutable one."""
    changed = [one for one in events.values() if state.after < one.change <= state.upto]
    for stored in sorted(changed, key=lambda one: (one.change, one.immutable_id)):
        if (stored.change, stored.immutable_id) < state.place[:2]:
            continue
        rows = _formerly(stored, state) + _of(calendar, events, stored, state)
        if call.world.forgets_returned and call.immutable and _returned(stored, state):
            rows = _removed(stored, state)
        for row in sorted(rows, key=lambda one: one.place):
            if row.place > state.place and (not call.immutable or row.found is not None or row.gone[1]):
                yield row


def _of(calendar: Calendar, events: dict[str, StoredEvent], stored: StoredEvent, state: Round) -> list[Told]:
    if stored.series:
        return _of_exception(calendar, events, stored, state)
    if stored.kind == "seriesMaster" or stored.earlier:
        return _of_series(calendar, events, stored, state)
    return _of_single(calendar, stored, state)


def _place(stored: StoredEvent, day: str = "") -> Place:
    return (stored.change, stored.immutable_id, day or "0")


def _removed(stored: StoredEvent, state: Round) -> list[Told]:
    """A first round has nothing to take back."""
    return [Told(_place(stored), gone=(stored.id, stored.immutable_id))] if state.after >= 0 else []


def _formerly(stored: StoredEvent, state: Round) -> list[Told]:
    """Default ids that ended while the event was in another calendar; its immutable id is the same again."""
    ended = [one.id for one in stored.former if 0 <= state.after < one.until <= state.upto]
    days = sorted(_days_before(stored, state)) if ended else []
    ids = ended + [occurrence_id(one, day) for one in ended for day in days]
    return [Told(_place(stored, f"!{one}"), gone=(one, "")) for one in ids]


def _returned(stored: StoredEvent, state: Round) -> bool:
    """Say whether the event moved away and came back since the reader last asked."""
    return any(0 <= state.after < one.until <= state.upto for one in stored.former)


def _of_single(calendar: Calendar, stored: StoredEvent, state: Round) -> list[Told]:
    inside = not stored.deleted and recurrence.overlaps(*reading.bounds_of(stored), state.since, state.until)
    return [Told(_place(stored), Found(calendar, stored))] if inside else _removed(stored, state)


def _of_exception(
    calendar: Calendar, events: dict[str, StoredEvent], stored: StoredEvent, state: Round
) -> list[Told]:
    master = events.get(stored.series)
    if stored.deleted or master is None or master.deleted:
        return _removed(stored, state)
    found = Found(calendar, stored, master)
    inside = recurrence.overlaps(*found.bounds, state.since, state.until)
    return [Told(_place(stored), found)] if inside else _removed(stored, state)


def _of_series(
    calendar: Calendar, events: dict[str, StoredEvent], stored: StoredEvent, state: Round
) -> list[Told]:
    """A master that changed: itself, its occurrences, and those it had and has no more."""
    others = {other.original: other for other in exceptions_in(events, calendar, stored.immutable_id)}
    present = _in_window(shape_of(stored), state)
    rows = [
        Told(_place(stored, day), Found(calendar, stored, occurrence=one))
        for day, one in present.items()
        if day not in others
    ]
    moved = {day: Found(calendar, one, stored) for day, one in others.items() if not one.deleted}
    here = {
        day: one for day, one in moved.items() if recurrence.overlaps(*one.bounds, state.since, state.until)
    }
    # exceptions inherit, so they differ when their master does
    rows += [Told(_place(stored, day), one) for day, one in here.items() if one.stored.change <= state.after]
    inside = bool(present) or bool(here)
    if stored.kind == "seriesMaster":
        rows += [Told(_place(stored), Found(calendar, stored))] if inside else _removed(stored, state)
    else:
        rows += _of_single(calendar, stored, state)
    if state.after >= 0:
        for day in sorted(_days_before(stored, state) - set(present) - set(others)):
            rows.append(Told(_place(stored, day), gone=occurrence_ids(stored, day)))
    return rows


def _in_window(shape: Resource, state: Round) -> dict[str, Occurrence]:
    return {one.day: one for one in recurrence.occurrences(shape, state.since, state.until)}


def _days_before(stored: StoredEvent, state: Round) -> set[str]:
    """The days the reader may have an occurrence of, from any shape the series had since it last asked."""
    days: set[str] = set()
    for earlier in stored.earlier:
        if state.after < earlier.until <= state.upto:
            days |= set(_in_window(earlier.shape, state)) | set(earlier.days)
    return days


def _said(call: Call, row: Told) -> Resource:
    if row.found is None:
        gone = row.gone[1] if call.immutable else row.gone[0]
        return {"@odata.type": "#microsoft.graph.event", "id": gone, "@removed": {"reason": "deleted"}}
    said = row.found.shown(call)
    kind: Resource = {"@odata.type": "#microsoft.graph.event"}
    return kind | (entities.stub(said) if row.found.occurrence else said)
