"""Where too much is changed on a calendar at once: what must hold of it, reckoned from the history alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Protocol

from django.db.models import F, Q, QuerySet
from tests.flows.two_way import Seen, is_in_version

from genie.core.appointment import LIVE
from genie.store.models import Appointment, Change, EventLink, Incident, Message, Module

HOUR = timedelta(hours=1)
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00+00:00")


class Calendar(Protocol):
    def event(self, event_id: str) -> Seen | None: ...


class BreakerWatch:
    """Watches one module. Told of what is decided and touched; all else it reads."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._since = LONG_AGO
        """When counting began anew last."""
        self._checked = 0
        """The last line of the history that was looked at."""
        self._live: set[Any] = set()
        """Whose visit was still to come at the last look."""
        self._vouched: set[Any] = set()
        """Of whose held change somebody said that it was real: it does not count."""
        self._back: dict[Any, tuple[datetime, datetime]] = {}
        """The time an appointment has again once what was put back is."""

    # --- what it is told

    def begins_anew(self, now: datetime) -> None:
        self._since = now

    def is_decided(self, there: Calendar, *, put_back: bool) -> None:
        """Call it before the decision."""
        for incident in self._incidents().filter(decision=""):
            for link in EventLink.objects.filter(incident=incident).select_related("appointment"):
                if not put_back:
                    if link.held_at:
                        self._vouched.add(link.appointment_id)
                elif was := _before(link, incident, there):
                    self._back[link.appointment_id] = was

    def is_touched(self, appointment_id: Any) -> None:
        """Somebody changed it since: that counts."""
        self._back.pop(appointment_id, None)

    def nothing_flows_back(self) -> None:
        self._back.clear()

    # --- what it demands

    def check(self, now: datetime) -> None:
        """Within an hour no more is moved or cancelled by its calendar than is taken for no accident."""
        appointments = list(Appointment.objects.filter(module=self._module))
        live = {one.id for one in appointments if one.state in LIVE and one.end > now}
        lines = self._lines()
        for line in [one for one in lines if one.id > self._checked]:
            counted = self._counted(lines, line.at)
            of = len(self._live | live | counted)
            many = (len(counted) > 5 and len(counted) > 0.2 * of) or (of < 10 and len(counted) > 2)
            assert not many, f"{len(counted)} of {of} appointments were changed by the calendar in an hour"
        self._checked = max([self._checked, *(line.id for line in lines)])
        self._live = live

    def _incidents(self) -> QuerySet[Incident]:
        return Incident.objects.filter(calendar__key__company_id=self._module.company_id)

    def _lines(self) -> list[Change]:
        lines = Change.objects.filter(
            appointment__module=self._module,
            origin=Change.Origin.CALENDAR,
            lost=False,
            field__in=("when", "state"),
        )
        return list(lines.order_by("id"))

    def _counted(self, lines: list[Change], at: datetime) -> set[Any]:
        """One that came back, moved and not deleted, is left out, and so is a visit that was over."""
        decided = self._incidents().filter(decided_at__lte=at).order_by("-decided_at")
        since = max([at - HOUR, self._since, *decided.values_list("decided_at", flat=True)[:1]])
        within = [line for line in lines if since < line.at <= at]
        returned = {line.appointment_id for line in within if line.field == "state" and line.new in LIVE}
        changed = {line.appointment_id for line in within if not _was_over(line)}
        return changed - returned - self._vouched

    def check_letters(self) -> None:
        """While nobody has decided, no customer hears of what the calendar changed before it was noticed."""
        told = Message.objects.filter(
            appointment__links__incident__decision="",
            appointment__links__held_at=None,
            audience=Message.Audience.CUSTOMER,
            state=Message.State.SENT,
            created_at__lte=F("appointment__links__incident__opened_at"),
            sent_at__gt=F("appointment__links__incident__opened_at"),
            may_have_arrived=False,
        )
        for letter in told.values("appointment_id", "revision", "created_at"):
            by_calendar = Change.objects.filter(
                appointment_id=letter["appointment_id"],
                revision=letter["revision"],
                origin=Change.Origin.CALENDAR,
                lost=False,  # what lost to the change here is in the history only
            )
            assert not by_calendar.exists(), "a letter left although its change is held"

    def all_are_back(self, *, at_the_end: bool = False) -> None:
        """Those that the worker is done with; at the end that is all of them."""
        for appointment_id, (start, end) in self._back.items():
            if at_the_end or _is_done(appointment_id):
                now = Appointment.objects.get(id=appointment_id)
                assert now.state in LIVE, "one that was to be put back stayed cancelled"
                assert (now.start, now.end) == (start, end), "one that was to be put back has another time"
        if at_the_end:
            self._back.clear()


def _is_done(appointment_id: Any) -> bool:
    links = EventLink.objects.filter(appointment_id=appointment_id)
    waits = Q(held_at__isnull=False) | Q(incident__isnull=False) | Q(state=EventLink.State.OWES_PUSH)
    return not links.filter(waits).exists()


def _was_over(line: Change) -> bool:
    """Was the visit over before it was moved? Nobody misses it."""
    return line.field == "when" and datetime.fromisoformat(line.old.partition("/")[2]) <= line.at


def _before(link: EventLink, incident: Incident, there: Calendar) -> tuple[datetime, datetime] | None:
    """The time an appointment had before its calendar changed it. None where the event was changed once more
    since, and nobody has read that yet: then a rule decides."""
    appointment = link.appointment
    event = there.event(link.remote_id) if link.remote_id else None
    known = link.held_version if link.held_at else link.etag
    if event is not None and not is_in_version(event, known):
        return None
    gone_since = bool(known) and appointment.state in LIVE
    if event is None and link.remote_id and gone_since:
        return None
    if link.held_at and appointment.state not in LIVE:
        return None
    newest = Change.objects.filter(appointment=appointment, lost=False, field__in=("when", "state"))
    was = (appointment.start, appointment.end)
    by_calendar = link.held_at is not None  # and perhaps one was applied before that
    for line in takewhile(lambda one: _belongs(one, incident), newest.order_by("-id")):
        by_calendar = True
        if line.field == "when":
            start, _, end = line.old.partition("/")
            was = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return was if by_calendar else None


def _belongs(line: Change, incident: Incident) -> bool:
    return line.origin == Change.Origin.CALENDAR and line.at >= incident.opened_at - HOUR
