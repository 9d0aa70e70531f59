"""Absorb an event that was read by id: merge it into its appointment, and keep the link's receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from genie.core.appointment import LIVE, State
from genie.core.errors import Transient
from genie.core.event import Fields, When
from genie.core.notes_block import Split
from genie.core.reconcile import FLOWING, Lost, Merge, reconcile
from genie.core.spans import micros
from genie.flows import actor, measure
from genie.flows.alternate import alternate, leave_alone
from genie.flows.amend import Wanted, amend
from genie.flows.ask import QUESTION, ask, it_stays, proposal, propose
from genie.flows.describe import local_fields, remote_fields
from genie.flows.judge import Answer, customer_is_told, hold, is_put_back, judge, no_longer_held
from genie.flows.notify import say_it_stays
from genie.flows.offer import is_offered
from genie.flows.seat import lock_seat
from genie.providers.port import RemoteEvent
from genie.store import frozen
from genie.store.models import Appointment, Change, EventLink, Module, RemoteCalendar, RemoteObject

SETTLE = timedelta(seconds=90)
"""Several inbound changes in a row settle this long before the customer is told once."""
OLD_COPY = "The calendar server showed an older version than before."
OLD_COPIES = 6
"""After so many attempts, the last of which met an old copy some minutes ago, what is still there is no old
copy: the server's clock was wrong before, and what it shows counts."""
REPAIR_EVERY = timedelta(hours=1)
"""A damaged block is put right at most so often."""
OUTSIDE_RULES = "Moved on the calendar to a time that the booking rules do not offer."
NO_TIME = (
    "On the calendar this became all-day, or got a time that no appointment can have. "
    "The appointment keeps its time until it gets one."
)
TOO_LONG = (
    "The notes on the calendar are too long to be kept here: they are shown cut, and left as they are there. "
    "Shorten them on the calendar to change them here."
)
A_SERIES = (
    "On the calendar this was made a repeating event. It is left alone; please make it a single one again."
)
OF_THE_CALENDAR = frozenset({NO_TIME, TOO_LONG, A_SERIES})
"""Flags that stay until it is put right on the calendar."""
LOST = "Changed on both sides at once; by the module's rule the other side's value was kept."
PUT_BACK = "Moved on the calendar, and put back there."
NOT_ASKED_ANY_MORE = "The calendar does not show that time any more."


class Overtaken(Exception):
    """Another worker moved the link on: forget what was learned and begin anew."""


def absorb(*, link_id: UUID, version: int, event: RemoteEvent, now: datetime) -> None:
    """Merge an event that was read by id into its appointment, in one transaction with the link's receipt.

    Of a copy that survived an earlier link nothing was agreed since, so the dashboard's values win, silently
    (SYNC.md, *Safety*: relink). They win as well while real-time updates are off: then a look only learns
    what to write over. Raises Overtaken when the link is not in `version` any more,
    Transient when the event seems to be older than what we know.
    """
    with transaction.atomic():
        link = lock_link(link_id, version)
        appointment = link.appointment
        if _is_old_copy(event, link):
            raise Transient(OLD_COPY, outcome_unknown=True)
        if event.recurring and not event.content.cancelled:
            _leave_series_alone(link, event, now)
            return
        remote, parted = remote_fields(event.content, appointment, link)
        one_way = link.adopts or not link.connection.realtime
        asked = [] if one_way else [Fields.from_json(ask) for ask in link.asked]
        base, sent = (remote, remote) if one_way else _agreed(link, asked, local_fields(appointment))
        merge = reconcile(
            base=base,
            sent=sent,
            local=local_fields(appointment),
            remote=remote,
            calendar_wins=_calendar_wins(link),
            asked=asked,
        )
        if one_way and merge.cancel_here:
            merge = Merge(give=frozenset(FLOWING))
        if link.adopts:
            alternate(link, "here", now)  # it was just made again
        if (merge.take or merge.refused_when) and not alternate(link, "there", now):
            leave_alone(link, now)
            link.save()
            return
        moved = "when" in merge.take or merge.refused_when is not None
        counts = moved or (merge.cancel_here and appointment.end > now)
        answer = _answer(link, merge, now) if counts else Answer.APPLY
        if answer is Answer.HOLD:
            hold(link, event.version, now, when=merge.take.get("when"))
            link.save()
            note_seen(link.calendar_id, event)
            return
        if answer is Answer.PUT_BACK:
            if merge.cancel_here:
                put_back_event(link, now, declined_id=event.id)
                return
            merge = _put_back(merge)
        merge, wish = _wished(merge) if answer is Answer.ASK else (merge, None)
        changed = _take_in(link, merge, remote, parted, now)
        _ask_or_not(link, changed, wish, merge, remote, now)
        _note_lost(changed, merge.lost, link, now)
        _keep(link, event, remote, parted, merge, changed, now)


def _calendar_wins(link: EventLink) -> bool:
    rule = link.appointment.module.conflict_rule
    return rule == Module.ConflictRule.CALENDAR_WINS or link.calendar.quiet_since is not None


def _answer(link: EventLink, merge: Merge, now: datetime) -> Answer:
    """A time no appointment can have is not applied whatever the rule says; it may be put back."""
    if merge.refused_when is None:
        return judge(link, now, when=merge.take.get("when"))
    return Answer.PUT_BACK if is_put_back(link, now) else Answer.APPLY


def _put_back(merge: Merge) -> Merge:
    """The time that was set there is not taken: ours is written over it, and the history keeps theirs."""
    take = dict(merge.take)
    theirs = Lost("when", take.pop("when", merge.refused_when), "calendar", put_back=True)
    ours = tuple(one for one in merge.lost if one.field != "when")  # ours did not lose after all
    return replace(merge, take=take, give=merge.give | {"when"}, lost=(*ours, theirs), refused_when=None)


def _wished(merge: Merge) -> tuple[Merge, When]:
    """Their time is not taken yet, so ours did not lose."""
    take = dict(merge.take)
    wish: When = take.pop("when")
    return replace(merge, take=take, lost=tuple(one for one in merge.lost if one.field != "when")), wish


def _ask_or_not(
    link: EventLink,
    appointment: Appointment,
    wish: When | None,
    merge: Merge,
    remote: Fields,
    now: datetime,
) -> None:
    """An open question stays open while the event stands at the time it is about."""
    if wish:
        RemoteCalendar.objects.filter(id=link.calendar_id).update(last_in_at=now)
        measure.taken_in()
        ask(link, appointment, wish, now, settle=SETTLE)
        return
    wish = proposal(link)
    if wish is None:
        if any(one.put_back for one in merge.lost):
            say_it_stays(appointment=appointment, now=now)  # asked before it was held
    elif "when" in merge.take or merge.cancel_here:
        propose(link, None)  # whoever was asked hears of that
    elif not remote.when.same_instants(wish):
        it_stays(link, appointment, actor.calendar(link.calendar.name), now, why=NOT_ASKED_ANY_MORE)


def put_back_event(link: EventLink, now: datetime, *, declined_id: str = "") -> None:
    """It was deleted or declined there, and is made again. The caller holds the link (`lock_link`)."""
    in_turns = not alternate(link, "there", now)
    _note_not_taken(link, now)
    it_stays(link, link.appointment, actor.SYSTEM, now, why=NOT_ASKED_ANY_MORE)
    make_anew(link, declined_id=declined_id)
    if in_turns:
        leave_alone(link, now)
        link.save()


def _note_not_taken(link: EventLink, now: datetime) -> None:
    """A deletion that is put back, in the history. The caller holds the appointment."""
    appointment = link.appointment
    Change.objects.create(
        appointment=appointment,
        at=now,
        revision=appointment.revision,
        field="state",
        old=appointment.state,
        new=State.CANCELLED,
        origin=Change.Origin.CALENDAR,
        by=link.calendar.name,
        lost=True,
        note="Deleted or declined on the calendar, and put back there.",
    )


def make_anew(link: EventLink, *, adopts: bool = True, declined_id: str = "") -> None:
    """Its event is gone and the appointment stands: it is made again, under the next identity. `adopts`:
    unless one that bears our key has come back meanwhile; that one is written over. `declined_id`: the event
    that perhaps still stands there, called off; it goes before the new one is made."""
    RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=link.remote_id).delete()
    link.state, link.generation = EventLink.State.OWES_PUSH, link.generation + 1
    link.remote_id, link.etag, link.stamp, link.block = "", "", None, ""
    link.declined_id = declined_id
    link.base, link.sent, link.asked, link.adopts = None, None, [], adopts or link.adopts
    if not adopts:
        link.asked_at = None  # nothing is searched first
    link.reason, link.attempts, link.next_attempt, link.missing_since = "", 0, None, None
    propose(link, None)
    no_longer_held(link)
    link.version += 1
    link.save()


def _is_old_copy(event: RemoteEvent, link: EventLink) -> bool:
    """Older than what we agreed on; or just that, while a list has shown another version, or that it is gone:
    one of the two is behind, and the next answers say which. What stays so is believed in the end."""
    older = event.stamp is not None and link.stamp is not None and event.stamp < link.stamp
    if not (older or (event.version == link.etag and _is_shown_otherwise(event, link))):
        return False
    return link.attempts < OLD_COPIES or link.reason != OLD_COPY


def _is_shown_otherwise(event: RemoteEvent, link: EventLink) -> bool:
    seen = RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=event.id, etag=event.version)
    return event.id == link.remote_id and not seen.exists()


def keep_receipt(
    *, link_id: UUID, version: int, event: RemoteEvent, sent: Fields, revision: int, now: datetime
) -> None:
    """Our write was answered: base is what came back, sent is what we asked. Raises Overtaken."""
    with transaction.atomic():
        appointment_id = EventLink.objects.values_list("appointment_id", flat=True).get(id=link_id)
        current = Appointment.objects.select_for_update(no_key=True).get(id=appointment_id)
        link = _locked(link_id, version)
        remote, parted = remote_fields(event.content, link.appointment, link)
        _remember(link, event, remote, parted, sent)
        measure.sent(link)
        link.pushed_revision, link.refused = revision, ""
        link.reason, link.attempts, link.next_attempt, link.stale_streak = "", 0, None, 0
        alternate(link, "here", now)
        if link.state != EventLink.State.ENDED:
            up_to_date = current.revision == revision
            link.state = EventLink.State.CLEAN if up_to_date else EventLink.State.OWES_PUSH
        link.save()
        if remote.when.is_bookable and current.attention in (NO_TIME, A_SERIES):
            # it is another event than the one that was about, or stands at our time again
            _take_flag_away(current, link.calendar.name, now)
        RemoteCalendar.objects.filter(id=link.calendar_id).update(last_out_at=now)


def _take_flag_away(appointment: Appointment, calendar: str, now: datetime) -> None:
    """The caller holds the appointment. A flag is no field that flows, so the module need not be held."""
    who = actor.calendar(calendar)
    Change.objects.create(
        appointment=appointment,
        at=now,
        revision=appointment.revision,
        field="attention",
        old=appointment.attention,
        origin=who.origin,
        by=who.by,
    )
    Appointment.objects.filter(id=appointment.id).update(attention="", changed_at=now)


def still_followed(link_id: UUID, version: int | None = None) -> EventLink:
    """The link, before its event is asked for. Raises Overtaken when it is not in `version` any more, or was
    ended since somebody saw a reason to look: nothing may come in by it, or bring it back to life.
    """
    link = frozen.get(_link, link_id)
    if link.state == EventLink.State.ENDED or (version is not None and link.version != version):
        raise Overtaken(f"link {link_id} moved on")
    return link


def lock_link(link_id: UUID, version: int | None = None) -> EventLink:
    """Lock module, staff, appointment and link, in the order everybody takes them. Raises Overtaken, unless
    any version will do."""
    one = Appointment.objects.filter(links=link_id)
    lock_seat(one)
    one.select_for_update(of=("self",), no_key=True).get()
    return _locked(link_id, version)


def end(link: EventLink) -> None:
    """Nothing is owed any more and nothing comes in. The connection ends with its last copy removed."""
    link.state, link.reason, link.asked, link.next_attempt = EventLink.State.ENDED, "", [], None
    link.pushed_revision = link.appointment.revision
    no_longer_held(link)
    link.version += 1
    propose(link, None)
    held = ["held_at", "held_version", "incident", *QUESTION]
    link.save(update_fields=["state", "reason", "asked", "next_attempt", "pushed_revision", "version", *held])
    if link.remote_id:
        RemoteObject.objects.filter(calendar_id=link.calendar_id, remote_id=link.remote_id).delete()


def locked_whole(link_id: UUID) -> EventLink:
    """The link, locked, with all that `describe` needs to say it to a calendar, or to read what that says."""
    return frozen.get(_whole_link, link_id)


def _whole_link(link_id: UUID) -> QuerySet[EventLink]:
    whole = EventLink.objects.select_related(
        "connection",
        "calendar",
        "appointment__lead",
        "appointment__staff",
        "appointment__module__company",
    )
    return whole.select_for_update(of=("self",), no_key=True).filter(id=link_id)


def _link(link_id: UUID) -> QuerySet[EventLink]:
    return EventLink.objects.select_related("calendar", "appointment").filter(id=link_id)


def _locked(link_id: UUID, version: int | None) -> EventLink:
    link = locked_whole(link_id)
    if version is not None and link.version != version:
        raise Overtaken(f"link {link_id} moved on")
    return link


def _agreed(link: EventLink, asked: list[Fields], local: Fields) -> tuple[Fields, Fields]:
    """The last agreement; before the first receipt it is what we asked for first."""
    first = asked[0] if asked else local
    base = Fields.from_json(link.base) if link.base else first
    sent = Fields.from_json(link.sent) if link.sent else first
    return base, sent


def _take_in(link: EventLink, merge: Merge, remote: Fields, parted: Split, now: datetime) -> Appointment:
    appointment = link.appointment
    attention = _attention(link, merge, remote, parted, now)
    if not (merge.take or merge.cancel_here or attention is not None):
        return appointment
    if merge.cancel_here and appointment.end <= now:
        return appointment  # tidied away after the visit: it took place all the same
    when = merge.take.get("when")
    RemoteCalendar.objects.filter(id=link.calendar_id).update(last_in_at=now)
    return amend(
        appointment_id=appointment.id,
        company_id=appointment.company_id,
        changes=Wanted(
            when=when,
            title=merge.take.get("title"),
            place=merge.take.get("place"),
            notes=merge.take.get("notes"),
            cancel=merge.cancel_here,
            attention=attention,
            reason="cancelled or declined on the calendar" if merge.cancel_here else "",
            forced=True,
            owes_push=False,
            tell_customer=customer_is_told(link),
            settle=SETTLE,
        ),
        actor=actor.calendar(link.calendar.name),
        now=now,
    )


def is_outside_rules(appointment: Appointment, start: datetime, now: datetime) -> bool:
    """A start that its calendar's owner gave it, and the booking rules do not offer."""
    return not is_offered(
        module=appointment.module,
        start=start,
        now=now,
        kind=appointment.kind,
        staff=appointment.staff,
        ignoring=appointment.id,
        # another system's hours are not ours to judge, and nobody is asked while a calendar is read
        vouched=[micros(start)] if appointment.module.external_url else None,
    )


def _attention(link: EventLink, merge: Merge, remote: Fields, parted: Split, now: datetime) -> str | None:
    """A flag to set, "" to take one away, None to leave it as it is."""
    appointment = link.appointment
    when = merge.take.get("when")
    if merge.refused_when:
        return NO_TIME
    if when and is_outside_rules(appointment, when.start, now):
        return OUTSIDE_RULES
    over = {TOO_LONG, A_SERIES}
    if remote.when.is_bookable:
        over.add(NO_TIME)
    kept = "" if when or appointment.attention in over else appointment.attention
    return kept or (TOO_LONG if parted.cut else "")


def _note_lost(appointment: Appointment, lost: tuple[Lost, ...], link: EventLink, now: datetime) -> None:
    """The loser of a conflict is kept in the history, where it can be found again."""
    for one in lost:
        from_calendar = one.side == "calendar"
        Change.objects.create(
            appointment=appointment,
            at=now,
            revision=appointment.revision,
            field=one.field,
            new=_said(one.value),
            origin=Change.Origin.CALENDAR if from_calendar else Change.Origin.SYSTEM,
            by=link.calendar.name if from_calendar else "the dashboard",
            lost=True,
            note=PUT_BACK if one.put_back else LOST,
        )


def _said(value: object) -> str:
    start, end_ = getattr(value, "start", None), getattr(value, "end", None)
    return f"{start.isoformat()}/{end_.isoformat()}" if start and end_ else str(value or "")


def _keep(
    link: EventLink,
    event: RemoteEvent,
    remote: Fields,
    parted: Split,
    merge: Merge,
    appointment: Appointment,
    now: datetime,
) -> None:
    """The link's receipt of a merge: what is still owed, and what was agreed."""
    local = local_fields(appointment)
    known_block = link.block
    _remember(link, event, remote, parted, local)
    if merge.give:
        # not agreed yet: ours stays *changed* until the write is answered
        given = {name: getattr(_before(link, local), name) for name in merge.give}
        link.sent = local.but(**given).to_json()
    repair = _wants_repair(link, parted, known_block, now) and not merge.cancel_here
    owes = bool(merge.give) or merge.remove_there or repair
    if merge.cancel_here:
        # a declined or cancelled event stays on its owner's calendar: it is the owner's word
        link.state = EventLink.State.ENDED
    else:
        link.state = EventLink.State.OWES_PUSH if owes else EventLink.State.CLEAN
    if repair:
        link.base, link.block_repaired_at = {**remote.to_json(), "repair": True}, now
    if not owes:
        link.pushed_revision, link.refused = appointment.revision, ""
    link.reason, link.attempts, link.next_attempt = "", 0, None
    link.save()


def _before(link: EventLink, local: Fields) -> Fields:
    return Fields.from_json(link.base) if link.base else local


def _wants_repair(link: EventLink, parted: Split, known_block: str, now: datetime) -> bool:
    readable = parted.notes is not None and not parted.cut
    hurt = readable and (parted.damaged or (bool(known_block) and parted.block != known_block))
    return hurt and (link.block_repaired_at is None or now - link.block_repaired_at >= REPAIR_EVERY)


def _remember(link: EventLink, event: RemoteEvent, remote: Fields, parted: Split, sent: Fields) -> None:
    link.remote_id, link.uid = event.id, event.uid or link.uid
    link.etag, link.stamp = event.version, event.stamp
    link.base, link.sent, link.asked = {**remote.to_json(), "cut": parted.cut}, sent.to_json(), []
    link.block, link.adopts, link.taken = parted.block or link.block, False, 0
    link.former_id = link.declined_id = ""
    link.missing_since = None
    no_longer_held(link)
    link.version += 1
    note_seen(link.calendar_id, event)


def note_seen(calendar_id: int, event: RemoteEvent) -> None:
    """The mirror knows this version now: the page that echoes our own write asks for no look."""
    seen = RemoteObject(
        calendar_id=calendar_id, remote_id=event.id, etag=event.version, uid=event.uid, problem=""
    )
    RemoteObject.objects.bulk_create(
        [seen],
        update_conflicts=True,
        unique_fields=["calendar", "remote_id"],
        update_fields=["etag", "uid", "problem"],
    )


def _leave_series_alone(link: EventLink, event: RemoteEvent, now: datetime) -> None:
    """The owner made it a series: never cancel, never write the master; a person is told."""
    if link.appointment.state not in LIVE:
        link.state = EventLink.State.ENDED
    else:
        amend(
            appointment_id=link.appointment_id,
            company_id=link.appointment.company_id,
            changes=Wanted(attention=A_SERIES, owes_push=False),
            actor=actor.calendar(link.calendar.name),
            now=now,
        )
        if link.question_at:
            it_stays(link, link.appointment, actor.calendar(link.calendar.name), now, why=NOT_ASKED_ANY_MORE)
        link.state, link.next_attempt = EventLink.State.PARKED, None  # looked at when it changes there
    asked = [Fields.from_json(ask) for ask in link.asked]
    base, _ = _agreed(link, asked, local_fields(link.appointment))
    link.base = {**base.to_json(), **(link.base or {}), "series": True}
    link.reason, link.adopts = A_SERIES, False
    link.etag = event.version
    link.version += 1
    link.save()
    note_seen(link.calendar_id, event)
