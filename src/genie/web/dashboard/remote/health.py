"""How a connection is, said in two arrows: what goes out, what comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet

from genie.core.saying import said_ago, zone_of
from genie.store.models import Change, Connection, EventLink, RemoteCalendar, RemoteKey, RemoteObject
from genie.store.queries.channels import relied_on

LATE = timedelta(minutes=10)
"""Calendars are read every minute: so long without a read is late."""
TOLD_LATE = timedelta(hours=2)
"""Where a channel tells of changes they are read once an hour."""
SETTLING = timedelta(minutes=1)
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Arrow:
    """`level` is good, warn, bad or off; `words` says why. `today`: changes since midnight at the place."""

    level: str
    words: str
    last: datetime | None
    today: int


@dataclass(frozen=True, slots=True)
class Health:
    level: str
    words: str
    out: Arrow
    back: Arrow
    advice: str = ""
    """What to do, where something is wrong."""
    may_retry: bool = False
    """Is anything wrong that trying again now might end? What waits for a decision is not."""
    waiting: int = 0
    parked: list[EventLink] = field(default_factory=list)
    problems: list[RemoteObject] = field(default_factory=list)


def health_of(connection: Connection, *, now: datetime) -> Health:
    links = EventLink.objects.filter(connection=connection)
    waiting = links.filter(state=EventLink.State.OWES_PUSH)
    parked = list(
        links.filter(state=EventLink.State.PARKED)
        .select_related("appointment", "appointment__lead")
        .order_by("appointment__start")[:SHOWN]
    )
    problems = (
        RemoteObject.objects.filter(calendar_id=connection.calendar_id)
        .exclude(problem="")
        .exclude(remote_id__in=[link.remote_id for link in parked])  # said beside the appointment already
    )
    owed = waiting.count()
    held = links.filter(held_at__isnull=False).count()
    out = _out(connection, waiting, owed, len(parked), now)
    back = _back(connection, held, now)
    level, words = _overall(connection, out, back)
    advice = _advice(connection, level, len(parked), held)
    return Health(
        level=level,
        words=words,
        out=out,
        back=back,
        advice=advice,
        may_retry=_may_retry(connection, out, back, held),
        waiting=owed,
        parked=parked,
        problems=list(problems.order_by("id")[:SHOWN]),
    )


def _may_retry(connection: Connection, out: Arrow, back: Arrow, held: int) -> bool:
    only_held = held and not connection.calendar.attempts and not _trouble(connection)
    wrong = [arrow for arrow in (out, back) if arrow.level in ("bad", "warn")]
    return connection.state == Connection.State.LINKED and wrong != ([back] if only_held else [])


def _overall(connection: Connection, out: Arrow, back: Arrow) -> tuple[str, str]:
    if connection.state == Connection.State.REMOVING:
        return "warn", "Unlinking: the copies are being removed from the calendar."
    for level in ("bad", "warn"):
        for arrow in (out, back):
            if arrow.level == level:
                return level, arrow.words
    return "good", "In step." if back.level == "good" else "Appointments are sent; nothing comes back."


def _advice(connection: Connection, level: str, parked: int, held: int) -> str:
    calendar = connection.calendar
    if level not in ("bad", "warn") or connection.state == Connection.State.REMOVING:
        return ""
    if calendar.key.state == RemoteKey.State.NEEDS_REAUTHORIZATION:
        return (
            "Press Remote Auth Config, then Re-authorize beside the key, and send the link to the account's "
            "owner. What changes meanwhile waits and is not lost."
        )
    if calendar.state == RemoteCalendar.State.PARKED:
        return (
            f"Make sure that {calendar.key.label} still has this calendar: it is tried again every 15 "
            "minutes, and nothing is lost. If it is gone for good, press Unlink Token and connect another."
        )
    if parked:
        return (
            "What is listed below is not in step with the calendar, and nothing of it is lost. Put right "
            "what is said beside it, then press Retry."
        )
    if held:
        return "Nothing is lost. Say above whether what is held was really changed."
    return "Nothing is lost, and there is nothing to do: it is tried again by itself."


def _trouble(connection: Connection) -> str:
    """What stops both directions, in words; empty when nothing does."""
    calendar, key = connection.calendar, connection.calendar.key
    if key.state == RemoteKey.State.NEEDS_REAUTHORIZATION:
        return (
            f"{key.label} needs re-authorization: nothing can be sent or read until its owner signs in again."
        )
    if calendar.state == RemoteCalendar.State.PARKED:
        return calendar.trouble or "The calendar cannot be reached. Press Retry to try it again now."
    return ""


def _out(
    connection: Connection, waiting: QuerySet[EventLink], owed: int, parked: int, now: datetime
) -> Arrow:
    last = connection.calendar.last_out_at
    today = _at_least_last(_sent_today(connection, now), last, connection, now)
    trouble = _trouble(connection)
    if trouble:
        return Arrow("bad", f"{trouble} {_changes(owed)} waiting." if owed else trouble, last, today)
    if parked:
        return Arrow("warn", f"{_visits(parked)} a person, see below.", last, today)
    held_up = connection.calendar.attempts or waiting.filter(attempts__gt=0).exists()
    if owed and held_up:
        why = (
            connection.calendar.trouble or waiting.exclude(reason="").values_list("reason", flat=True).first()
        )
        again = _again(connection.calendar.next_attempt, now)
        return Arrow("warn", " ".join(filter(None, [f"{_changes(owed)} waiting.", why, again])), last, today)
    if owed:
        return Arrow("good", f"{_changes(owed)} on the way.", last, today)
    return Arrow("good", "Everything is sent.", last, today)


def _back(connection: Connection, held: int, now: datetime) -> Arrow:
    calendar = connection.calendar
    today = _at_least_last(_changes_today(connection, now), calendar.last_in_at, connection, now)
    if not connection.realtime:
        words = "Real-time updates are off: changes made in the calendar stay there."
        return Arrow("off", words, calendar.last_in_at, today)
    trouble = _trouble(connection)
    if trouble:
        return Arrow("bad", trouble, calendar.last_in_at, today)
    if calendar.attempts:
        words = " ".join(filter(None, [calendar.trouble, _again(calendar.next_attempt, now)]))
        return Arrow("warn", words or "The last look failed; it is tried again.", calendar.last_in_at, today)
    if held:
        words = f"{_changes(held)} held until somebody decides."
        return Arrow("warn", words, calendar.last_in_at, today)
    return _as_read(connection, today, now)


def _as_read(connection: Connection, today: int, now: datetime) -> Arrow:
    calendar = connection.calendar
    if calendar.read_at is None:
        new = now - connection.linked_at < SETTLING
        words = "Being read for the first time." if new else "Not read yet. Is the worker running?"
        return Arrow("good" if new else "warn", words, calendar.last_in_at, today)
    told = relied_on(now).filter(calendar=calendar).exists()
    if now - calendar.read_at > (TOLD_LATE if told else LATE):
        words = f"Not read for {_span(now - calendar.read_at)}. Is the worker running?"
        return Arrow("warn", words, calendar.last_in_at, today)
    looked = said_ago(calendar.read_at, now, connection.zone)
    return Arrow("good", f"Last looked {looked}.", calendar.last_in_at, today)


def _sent_today(connection: Connection, now: datetime) -> int:
    """Revisions made here since midnight that are on the calendar, and copies of what was booked before it
    was linked, if that was today."""
    midnight = _midnight(connection, now)
    removed = Q(field="state", appointment__links__state=EventLink.State.ENDED)
    made = Change.objects.filter(
        Q(revision__lte=F("appointment__links__pushed_revision")) | removed,
        appointment__links__connection=connection,
        appointment__links__remote_id__gt="",  # in this call, so that it is said of the same link
        at__gte=max(midnight, connection.linked_at),
        lost=False,
    )
    made = made.exclude(origin=Change.Origin.CALENDAR).exclude(field="attention")
    count = made.values("appointment_id", "revision").distinct().count()
    if connection.linked_at < midnight:
        return count
    copies = EventLink.objects.filter(
        connection=connection, remote_id__gt="", appointment__created_at__lt=connection.linked_at
    )
    return count + copies.count()


def _changes_today(connection: Connection, now: datetime) -> int:
    """Revisions the calendar caused since midnight."""
    caused = Change.objects.filter(
        appointment__links__connection=connection,
        origin=Change.Origin.CALENDAR,
        at__gte=_midnight(connection, now),
        lost=False,
    )
    return caused.values("appointment_id", "revision").distinct().count()


def _midnight(connection: Connection, now: datetime) -> datetime:
    """When this day began in the schedule's zone."""
    zone = zone_of(connection.zone) or ZoneInfo("UTC")
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _at_least_last(count: int, last: datetime | None, connection: Connection, now: datetime) -> int:
    """Something made before midnight may have gone out after it: "0 today, last 00:01" would be odd."""
    return count or int(last is not None and last >= _midnight(connection, now))


def _changes(count: int) -> str:
    return "1 change is" if count == 1 else f"{count} changes are"


def _visits(count: int) -> str:
    return "1 appointment needs" if count == 1 else f"{count} appointments need"


def _again(when: datetime | None, now: datetime) -> str:
    if when is None or when <= now:
        return "Trying again now."
    return f"Trying again in {_span(when - now)}."


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{max(seconds, 0)} s"
