"""What must hold once nothing breaks any more, and the evidence where it does not."""

from __future__ import annotations

import difflib
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Q
from tests.chaos.people import Act, Desk, Owner, Visit
from tests.chaos.postbox import Postbox
from tests.standin_owner import Seen

from genie.core.appointment import State
from genie.flows.decide import decide
from genie.flows.describe import local_fields, remote_fields
from genie.flows.wired import provider_settings
from genie.providers.registry import pushing
from genie.store.models import Appointment, Change, Connection, EventLink, Incident, Message, RemoteCalendar
from genie.store.queries import drains

AN_HOUR = timedelta(hours=1, minutes=1)
A_DAY = timedelta(days=1, minutes=1)
"""A link may wait so long: an event whose creation was never answered is looked for once more a day later."""
SURELY_DEAD = timedelta(seconds=20)
"""Nobody talks so long with our mail server once it is well: who claimed a letter earlier is dead."""
OVERTAKEN = ("A later change overtook it.", "Changed back before it was sent.")


@dataclass(frozen=True)
class Violation:
    """`what` did not hold; `about` an appointment, if it was one."""

    what: str
    about: str = ""
    evidence: str = ""


@dataclass
class Books:
    """All that was done in a round, and where to look."""

    desks: Sequence[Desk]
    visits: Sequence[Visit]
    owners: Sequence[Owner]
    postbox: Postbox
    created: Mapping[str, Sequence[float]]
    """When objects of this name were created on the CalDAV server."""
    kills: int
    """After so many faults nobody could know whether a letter had arrived."""
    there: dict[int, list[Seen]] = field(default_factory=dict)
    """Events by module, as last looked at."""

    def look(self) -> None:
        self.there = {desk.module_id: desk.owner.events() for desk in self.desks}

    def acts_there(self, appointment: Appointment) -> list[Act]:
        """Without what nobody can learn of: a creation is not answered, the owner deletes the event, it
        is made again. A CalDAV server keeps no trace of the first (docs/sync.md, *Known limits*)."""
        keys = [link.hex for link in appointment.links.values_list("id", flat=True)]
        names = appointment.links.values_list("remote_id", flat=True)
        again = [self.created[name][-1] for name in names if len(self.created.get(name, ())) > 1]
        since = max(again, default=0.0)
        acts = [act for owner in self.owners for key in keys for act in owner.acts.get(key, ())]
        return [act for act in acts if act.at >= since]


def time_passes(*, letters: bool) -> None:
    """What waits for a time is due now: retries, the settling of changes, the hourly poll, later looks.

    Without `letters` they wait on: a customer is told when both sides agree, as after an hour of quiet.
    """
    now = datetime.now(UTC)
    somebody_decides(now)
    EventLink.objects.filter(next_attempt__isnull=False).update(
        next_attempt=F("next_attempt") - A_DAY, missing_since=F("missing_since") - A_DAY
    )
    RemoteCalendar.objects.update(
        next_attempt=F("next_attempt") - AN_HOUR,
        push_next_attempt=F("push_next_attempt") - AN_HOUR,
        read_at=F("read_at") - AN_HOUR,
        nudged_at=F("nudged_at") - AN_HOUR,
    )
    if letters:
        owed = Message.objects.filter(state=Message.State.OWED)
        owed.filter(claimed_at=None).update(not_before=F("not_before") - AN_HOUR)
        owed.filter(claimed_at__lt=now - SURELY_DEAD).update(
            claimed_at=F("claimed_at") - AN_HOUR, not_before=F("not_before") - AN_HOUR
        )


def somebody_decides(now: datetime) -> None:
    """The owners of these calendars move and delete many at once, and mean it."""
    for one in Incident.objects.filter(decision="").select_related("calendar__key"):
        decide(
            company_id=one.calendar.key.company_id,
            incident_id=one.id,
            decision=Incident.Decision.REALLY_CHANGED,
            user=None,
            now=now,
        )


# --- what is still open: asked again and again, until nothing is


def open_debts() -> list[str]:
    """What somebody still has to do, in words."""
    links = EventLink.objects.exclude(state__in=[EventLink.State.CLEAN, EventLink.State.ENDED])
    found = [f"link {link.id} is {link.state} ({link.reason})" for link in links]
    calendars = RemoteCalendar.objects.exclude(state=RemoteCalendar.State.OK, attempts=0)
    found += [f"calendar {one.name}: {one.state} {one.trouble}" for one in calendars]
    unread = drains.to_drain(datetime.now(UTC), addresses=pushing(provider_settings()))
    return found + [f"calendar {one} is to be drained" for one in unread]


def open_letters() -> list[str]:
    owed = Message.objects.filter(state=Message.State.OWED)
    return [f"letter {one.id} ({one.kind}) is owed since {one.not_before}: {one.reason}" for one in owed]


# --- both sides are equal


def both_sides(books: Books) -> Iterator[Violation]:
    """Each live appointment has one event, equal to it; a cancelled one none; no other event is ours."""
    books.look()
    for desk in books.desks:
        ours: dict[str, list[Seen]] = defaultdict(list)
        for event in books.there[desk.module_id]:
            if event.key:
                ours[event.key].append(event)
        appointments = Appointment.objects.filter(module_id=desk.module_id)
        for appointment in appointments.select_related("lead", "module__company", "staff"):
            links = list(appointment.links.select_related("connection", "calendar"))
            events = [event for link in links for event in ours.pop(link.id.hex, [])]
            if wrong := _unequal(appointment, links, events):
                yield Violation(f"{desk.name}: {wrong}", str(appointment.id), evidence(appointment, books))
        for key, events in ours.items():
            yield Violation(
                f"{desk.name}: an event bears our key, and there is no appointment", key, str(events)
            )


def _unequal(appointment: Appointment, links: Sequence[EventLink], events: Sequence[Seen]) -> str:
    """In words; empty when all is well."""
    if appointment.state == State.CANCELLED:
        return f"a cancelled appointment has {len(events)} events" if events else ""
    if len(events) != 1:
        return f"a live appointment has {len(events)} events"
    link = next((one for one in links if one.remote_id == events[0].id), None)
    if link is None:
        return f"the event {events[0].id} is not the one of its link"
    theirs, _ = remote_fields(events[0].content, appointment, link)
    ours = local_fields(appointment)
    if not ours.when.same_instants(theirs.when):
        return f"here it is at {ours.when}, there at {theirs.when}"
    for name in ("title", "place", "notes"):
        here, there = getattr(ours, name), getattr(theirs, name)
        if (here or "") != (there or ""):
            return f"{name} is {here!r} here, {there!r} there"
    return ""


def nothing_foreign_was_written(books: Books) -> Iterator[Violation]:
    for owner in books.owners:
        there = {event.id: event.version for event in books.there[owner.desk.module_id]}
        for event_id, version in owner.foreign.items():
            if there.get(event_id) != version:
                yield Violation(f"{owner.desk.name}: the foreign event {event_id} was written or is gone")


# --- nothing that was confirmed is lost, and nothing appears that nobody wanted


def what_was_done_counts(books: Books) -> Iterator[Violation]:
    """Each confirmed booking exists, once; each field has the last value of a side that set it."""
    for visit in books.visits:
        made = Appointment.objects.filter(lead__email=visit.email)
        found = list(made.select_related("lead", "module__company", "staff"))
        if len(found) > 1:
            yield Violation(f"{visit.email}: one booking made {len(found)} appointments")
        if visit.token and not any(one.manage_token == visit.token for one in found):
            yield Violation(f"{visit.email}: a confirmed booking at {visit.start} does not exist")
        for appointment in found[:1]:
            if wrong := _not_as_done(appointment, visit.acts, books.acts_there(appointment)):
                yield Violation(wrong, str(appointment.id), evidence(appointment, books, visit))
    strangers = Appointment.objects.exclude(lead__email__in=[visit.email for visit in books.visits])
    for appointment in strangers:
        yield Violation("an appointment that nobody asked for", str(appointment.id))


def _not_as_done(appointment: Appointment, here: Sequence[Act], there: Sequence[Act]) -> str:
    called_off = [act for act in (*here, *there) if act.field == "cancelled"]
    if appointment.state == State.CANCELLED:
        return "" if called_off else "it is cancelled, and nobody cancelled it"
    if any(act.sure for act in called_off):
        return "it was cancelled, and lives"
    for name, value in (
        ("when", appointment.start),
        ("title", appointment.title),
        ("place", appointment.place),
    ):
        sides = [_may_stand([act for act in side if act.field == name]) for side in (here, there)]
        possible = [one for side in sides for one in side]
        if name == "when" and sides[1] and not [act for act in here[1:] if act.field == "when"]:
            possible = sides[1]  # the booking itself is no change against the calendar's
        if possible and value not in possible:
            return f"{name} is {value}, and must be one of {possible}"
    return ""


def _may_stand(acts: Sequence[Act]) -> list[Any]:
    """The last value they were told of, and those they were not told of; of equal chance, since nobody knows
    which of two sides was first. Values before a later one of the same side are gone."""
    last = max((number for number, act in enumerate(acts) if act.sure), default=0)
    return [act.value for act in acts[last:]]


def the_history_explains(books: Books) -> Iterator[Violation]:
    """Each field's line of changes has no gap, and its end is what stands there now."""
    for appointment in Appointment.objects.all():
        last: dict[str, str] = {}
        for change in Change.objects.filter(appointment=appointment, lost=False).order_by("id"):
            if last.get(change.field, change.old) != change.old:
                yield Violation(
                    f"the history of {change.field} has a gap", str(appointment.id), history(appointment)
                )
            last[change.field] = change.new
        now = {
            "when": f"{appointment.start.isoformat()}/{appointment.end.isoformat()}",
            "title": appointment.title,
            "place": appointment.place,
            "state": appointment.state,
        }
        for name, value in now.items():
            if last.get(name, value) != value:
                yield Violation(
                    f"{name} is {value}, the history ends with {last[name]}",
                    str(appointment.id),
                    history(appointment),
                )


# --- everybody was told, once


def letters(books: Books) -> Iterator[Violation]:
    """By what the mail server took: each letter that was sent arrived, each once by its Message-ID, and what
    each customer read last is true."""
    taken = books.postbox.taken()
    rows = {str(row.id): row for row in Message.objects.select_related("appointment__lead")}
    seen: dict[str, list[Any]] = {_row(message_id): copies for message_id, copies in taken.items()}
    yield from _arrived(rows, seen, books)
    for appointment in Appointment.objects.select_related("lead", "module__company", "staff"):
        own = [row for row in rows.values() if row.appointment_id == appointment.id]
        for wrong in _mistold(appointment, own, seen):
            yield Violation(wrong, str(appointment.id), evidence(appointment, books))


def _arrived(rows: dict[str, Message], seen: dict[str, list[Any]], books: Books) -> Iterator[Violation]:
    for name, copies in seen.items():
        if name not in rows:
            yield Violation(f"a letter {name} arrived that nobody owes")
        first = copies[0].words
        if others := [copy.words for copy in copies if copy.words != first]:
            said = "\n".join(difflib.unified_diff(first, others[0], "first", "again", lineterm="", n=1))
            yield Violation(f"letter {name} was repeated in other words", evidence=said)
    again = sum(len(copies) - 1 for copies in seen.values())
    if again > 2 * books.kills:
        yield Violation(f"{again} letters were sent again after they had been acknowledged")
    for name, row in rows.items():
        if row.state == Message.State.SENT and name not in seen:
            yield Violation(f"letter {name} counts as sent, and never arrived", str(row.appointment_id))
        if row.state == Message.State.DROPPED and row.reason not in OVERTAKEN:
            yield Violation(f"letter {name} was dropped: {row.reason}", str(row.appointment_id))
        if row.state == Message.State.DROPPED and not row.may_have_arrived and name in seen:
            yield Violation(f"letter {name} was dropped, and arrived", str(row.appointment_id))


def _row(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _mistold(appointment: Appointment, own: Sequence[Message], seen: dict[str, list[Any]]) -> Iterator[str]:
    customers = [row for row in own if row.audience == Message.Audience.CUSTOMER]
    read = sorted((row for row in customers if str(row.id) in seen), key=lambda row: row.revision)
    confirmations = [row for row in read if row.kind == Message.Kind.BOOKED]
    if not read:
        yield "the customer never got a letter"
        return
    if len(confirmations) > 1:
        yield f"the customer got {len(confirmations)} confirmations"
    files = [seen[str(row.id)][0].visit for row in read]
    revisions = [file["revision"] for file in files if file]
    if len(set(revisions)) < len(revisions):
        yield f"the customer got two letters about one change: revisions {revisions}"
    last = files[-1]
    if last is None or (last["start"], last["cancelled"]) != (
        appointment.start,
        appointment.state == State.CANCELLED,
    ):
        yield f"what the customer read last is not true: {last}"
    perhaps = sorted(
        (row for row in customers if row.state == Message.State.SENT or row.may_have_arrived),
        key=lambda row: row.revision,
    )
    for one, other in itertools.pairwise(perhaps):
        if _says(one) == _says(other):
            yield f"revisions {one.revision} and {other.revision} told the customer the same"


def _says(row: Message) -> tuple[Any, ...]:
    told = row.details["told"]
    return told["when"]["start"], told["when"]["end"], told["place"], told["cancelled"]


# --- evidence


def evidence(appointment: Appointment, books: Books, visit: Visit | None = None) -> str:
    """All that is known of an appointment, for whoever looks for the fault."""
    lines = [
        f"appointment {appointment.id} of {appointment.lead.email}: {appointment.state}, "
        f"{appointment.start}, {appointment.title!r}, {appointment.place!r}, "
        f"revision {appointment.revision}, attention {appointment.attention!r}",
        history(appointment),
    ]
    names = [field.attname for field in EventLink._meta.fields]
    for link in appointment.links.all():
        lines.append("link " + ", ".join(f"{name}={getattr(link, name)!s}" for name in names))
    for row in appointment.messages.order_by("created_at"):
        lines.append(
            f"letter {row.id} {row.kind} to {row.recipient} revision {row.revision}: {row.state} "
            f"{row.reason} not before {row.not_before} claimed {row.claimed_at} sent {row.sent_at} "
            f"perhaps arrived {row.may_have_arrived} told {row.details.get('told')}"
        )
    keys = {link.hex for link in appointment.links.values_list("id", flat=True)}
    events = [event for found in books.there.values() for event in found if event.key in keys]
    lines += [f"event {event}" for event in events]
    visits = [visit] if visit else [one for one in books.visits if one.email == appointment.lead.email]
    lines += [f"asked for here: {one.acts}" for one in visits]
    lines.append(f"done there: {books.acts_there(appointment)}")
    return "\n".join(lines)


def history(appointment: Appointment) -> str:
    return "\n".join(
        f"  {change.at:%H:%M:%S.%f} revision {change.revision} {change.field}: {change.old!r} -> "
        f"{change.new!r} by {change.origin} {change.by}{' (lost)' if change.lost else ''} {change.note}"
        for change in Change.objects.filter(appointment=appointment)
    )


def as_it_stands(books: Books) -> dict[str, Any]:
    """What must not change any more when nothing happens."""
    books.look()
    rows = Appointment.objects.values_list("id", "revision", "state")
    events = {
        (desk.name, event.id): event.version for desk in books.desks for event in books.there[desk.module_id]
    }
    return {
        "appointments": {str(key): (revision, state) for key, revision, state in rows},
        "events": events,
        "letters": Message.objects.count(),
    }


def all_read_since(moment: datetime) -> bool:
    linked = Connection.objects.filter(state=Connection.State.LINKED).values("calendar_id")
    late = Q(read_at=None) | Q(read_at__lt=moment)
    return not RemoteCalendar.objects.filter(late, id__in=linked).exists()
