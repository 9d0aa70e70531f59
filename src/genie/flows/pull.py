"""Pull a calendar: mirror what its pages mention, page by page; the cursor is saved with the last.

A page changes no appointment. It only brings the mirror up to date (which version of which event is there,
what time it takes); a link whose event is not in the agreed version is then *looked at* by id. That debt
is derived from the rows, so a crash anywhere repeats a page or a look and loses neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Greatest

from genie.core.errors import CursorExpired
from genie.flows.absorb import Overtaken
from genie.providers.port import CalendarProvider, Changed, ChangePage, Window
from genie.store import frozen
from genie.store.frozen import asked_for
from genie.store.models import (
    AvailabilityCalendar,
    BusyTime,
    Connection,
    EventLink,
    Module,
    RemoteCalendar,
    RemoteObject,
    TeamMember,
)
from genie.store.queries.channels import relied_on
from genie.store.queries.drains import FULL_EVERY, TICK

BEFORE = timedelta(days=1)
BEYOND = timedelta(days=31)
"""The mirror reaches this far past the horizon, so that the nightly read is never late."""
LONGEST_HORIZON = timedelta(days=730)
OPEN_HORIZON = timedelta(days=365)
"""For a module without a horizon."""
COMES_BACK = "The calendar is there again; its events are being compared."


def pull(*, calendar_id: int, provider: CalendarProvider, now: datetime) -> None:
    """Read what changed, or everything once a night and whenever the cursor is not known any more.

    Raises ProviderFault, and Overtaken when another worker read this calendar meanwhile.
    """
    calendar = frozen.get(_calendar, calendar_id)
    window = _window(calendar, now)
    if not _wants_full(calendar, window, now):
        try:
            _read(calendar, provider, _kept_window(calendar), now, untold=_is_untold(calendar, now))
            return
        except CursorExpired:
            calendar.refresh_from_db()
    calendar.cursor = ""
    _read(calendar, provider, window, now)


def _calendar(calendar_id: int) -> QuerySet[RemoteCalendar]:
    return RemoteCalendar.objects.filter(id=calendar_id)


def _read(
    calendar: RemoteCalendar,
    provider: CalendarProvider,
    window: Window,
    now: datetime,
    *,
    untold: bool = False,
) -> None:
    """`untold`: what is new here, a channel should have told."""
    full = calendar.cursor == ""
    late = False
    mentioned: set[str] = set()
    before = _known_of_gone(calendar)
    pages = provider.changes(
        calendar.remote_id,
        cursor=calendar.cursor or None,
        window=window,
        known=KnownVersions(calendar.id),
    )
    for page in pages:
        mentioned.update(changed.id for changed in page.changed)
        with transaction.atomic():
            late = late or (untold and _is_news(calendar.id, page))
            _mirror(calendar.id, page)
            if page.cursor is not None and page.full:
                _forget_absent(calendar.id, mentioned, window)
            _advance(calendar, page, window, now, full=full or page.full, late=late)
            if page.cursor is not None:
                _note_there(calendar, before, anew=full or page.full)


def _is_untold(calendar: RemoteCalendar, now: datetime) -> bool:
    """A channel is relied on, and has told nothing since the last read: only the hour has brought us here."""
    return calendar.nudged_at is None and relied_on(now).filter(calendar=calendar).exists()


def _is_news(calendar_id: int, page: ChangePage) -> bool:
    """Does it mention what the mirror does not know? It knows our own writes."""
    ids = [changed.id for changed in page.changed] + list(page.removed)
    there = RemoteObject.objects.filter(calendar_id=calendar_id, remote_id__in=ids)
    seen = dict(there.values_list("remote_id", "etag"))
    return any(seen.get(changed.id) != changed.version for changed in page.changed) or any(
        gone in seen for gone in page.removed
    )


def _mirror(calendar_id: int, page: ChangePage) -> None:
    ids = [changed.id for changed in page.changed] + list(page.removed)
    if not ids:
        return
    RemoteObject.objects.bulk_create(
        [_seen(calendar_id, changed) for changed in page.changed],
        update_conflicts=True,
        unique_fields=["calendar", "remote_id"],
        update_fields=["etag", "uid", "problem"],
    )
    RemoteObject.objects.filter(calendar_id=calendar_id, remote_id__in=page.removed).delete()
    # one that cannot be read any more goes on taking the time it took: a slot must not open by accident
    unread = {changed.id for changed in page.changed if changed.problem and not changed.busy}
    known = [remote_id for remote_id in ids if remote_id not in unread]
    BusyTime.objects.filter(calendar_id=calendar_id, remote_id__in=known).delete()
    BusyTime.objects.bulk_create(
        BusyTime(
            calendar_id=calendar_id,
            remote_id=changed.id,
            start=busy.start,
            end=busy.end,
            kind=busy.kind,
            all_day=busy.all_day,
        )
        for changed in page.changed
        for busy in changed.busy
        if busy.end > busy.start
    )


def _seen(calendar_id: int, changed: Changed) -> RemoteObject:
    return RemoteObject(
        calendar_id=calendar_id,
        remote_id=changed.id,
        uid=changed.uid[:300],
        etag=changed.version[:300],
        problem=changed.problem[:300],
    )


def _forget_absent(calendar_id: int, mentioned: set[str], window: Window) -> None:
    """What a complete read does not mention takes no time. For a link it is only a question (*look*); for
    one whose visit was over before the window not even that: there it need not be mentioned."""
    there = RemoteObject.objects.filter(calendar_id=calendar_id).values_list("remote_id", flat=True)
    over = EventLink.objects.filter(calendar_id=calendar_id, appointment__end__lte=window.start)
    known = mentioned.union(over.values_list("remote_id", flat=True))
    absent = [remote_id for remote_id in there if remote_id not in known]
    RemoteObject.objects.filter(calendar_id=calendar_id, remote_id__in=absent).delete()
    busy = BusyTime.objects.filter(calendar_id=calendar_id).values_list("remote_id", flat=True).distinct()
    gone = [remote_id for remote_id in busy if remote_id not in mentioned]
    BusyTime.objects.filter(calendar_id=calendar_id, remote_id__in=gone).delete()


def _advance(
    calendar: RemoteCalendar, page: ChangePage, window: Window, now: datetime, *, full: bool, late: bool
) -> None:
    """Compare-and-set: whoever read this calendar in between wins, and our page is not kept."""
    news: dict[str, object] = {"version": calendar.version + 1}
    if page.cursor is not None:
        news |= {"cursor": page.cursor, "attempts": 0, "next_attempt": None} | _read_since(calendar, now)
        if late:  # unless it was on its way: told while we read
            told = F("push_late_at")
            news |= {"push_late_at": Case(When(nudged_at=None, then=Value(now)), default=told)}
        if full:
            news |= {"full_read_at": now, "window_start": window.start, "window_end": window.end}
    won = RemoteCalendar.objects.filter(id=calendar.id, version=calendar.version).update(**news)
    if not won:
        raise Overtaken(f"calendar {calendar.id} was read by another worker")
    calendar.version += 1


def _known_of_gone(calendar: RemoteCalendar) -> set[str]:
    """The events a calendar held before it was gone; nothing of one that was there all the time."""
    if calendar.state != RemoteCalendar.State.PARKED:
        return set()
    return set(RemoteObject.objects.filter(calendar=calendar).values_list("remote_id", flat=True))


def _note_there(calendar: RemoteCalendar, before: set[str], *, anew: bool) -> None:
    """It answers. But one that was gone, and had to be read anew or has none of its events left, may be
    another under the same name: until its links were looked at (`drain`), what is missing there is no
    deletion (`vanish`)."""
    if calendar.state == RemoteCalendar.State.OK and not calendar.trouble:
        return
    row = RemoteCalendar.objects.filter(id=calendar.id)
    left = RemoteObject.objects.filter(calendar=calendar, remote_id__in=before)
    if calendar.state == RemoteCalendar.State.PARKED and (anew or (before and not left.exists())):
        row.update(trouble=COMES_BACK)
    else:
        row.update(state=RemoteCalendar.State.OK, trouble="")


def _read_since(calendar: RemoteCalendar, now: datetime) -> dict[str, object]:
    """The read began at `now` and answers the nudge it found; one that came meanwhile stays.

    Which of the two it is, is told by its value: a nudge's time is of another machine's clock.
    """
    meanwhile = Greatest(F("nudged_at"), Value(now + TICK))
    nudged = Case(When(Q(nudged_at=calendar.nudged_at), then=None), default=meanwhile)
    return {"read_at": now, "nudged_at": nudged}


def _window(calendar: RemoteCalendar, now: datetime) -> Window:
    """−1 day to the widest horizon of the modules that look at this calendar, and a month."""
    horizons = asked_for(_horizons, number=calendar.id)
    days = max((max(days or 0, 31 * (months or 0)) for days, months in horizons), default=0)
    horizon = min(timedelta(days=days) if days else OPEN_HORIZON, LONGEST_HORIZON)
    if (None, None) in horizons:
        horizon = max(horizon, OPEN_HORIZON)
    return Window(now - BEFORE, now + horizon + BEYOND)


def _horizons(_: datetime, calendar_id: int) -> QuerySet[Module, tuple[int | None, int | None]]:
    """In days and in months, of every module that looks at the calendar."""
    reading = AvailabilityCalendar.objects.filter(calendar_id=calendar_id).values("schedule_id")
    using = Module.objects.filter(
        Q(id__in=Connection.objects.filter(calendar_id=calendar_id).values("module_id"))
        | Q(schedule_id__in=reading)
        | Q(id__in=TeamMember.objects.filter(staff__schedule_id__in=reading).values("module_id"))
    )
    return using.values_list("horizon_days", "horizon_months").distinct()


def _wants_full(calendar: RemoteCalendar, window: Window, now: datetime) -> bool:
    if not calendar.cursor or calendar.full_read_at is None or calendar.window_end is None:
        return True
    return calendar.full_read_at < now - FULL_EVERY or calendar.window_end < window.end - BEYOND / 2


def _kept_window(calendar: RemoteCalendar) -> Window:
    assert calendar.window_start is not None and calendar.window_end is not None
    return Window(calendar.window_start, calendar.window_end)


class KnownVersions(Mapping[str, str]):
    """Event id → version last seen; read from the table only if the provider asks (it has no cursors)."""

    def __init__(self, calendar_id: int) -> None:
        self._calendar_id = calendar_id
        self._rows: dict[str, str] | None = None

    def _loaded(self) -> dict[str, str]:
        if self._rows is None:
            rows = RemoteObject.objects.filter(calendar_id=self._calendar_id)
            self._rows = dict(rows.values_list("remote_id", "etag"))
        return self._rows

    def __getitem__(self, remote_id: str) -> str:
        return self._loaded()[remote_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())
