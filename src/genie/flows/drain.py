"""Drain a calendar: pay what is owed there, read what is stale, until both sides agree.

It may be called for any reason, any number of times, in any order, after any crash. One drain at a time
holds the calendar's lock; a second one gives up at once, since the first looks again after letting go.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet

from genie.core.errors import AccessLost, CalendarGone, Malformed, ProviderFault, Rejected, Transient
from genie.core.retry import next_attempt
from genie.flows.absorb import Overtaken
from genie.flows.carry_out import carry_out
from genie.flows.check_key import note_access_lost
from genie.flows.follow_calendar import follow_calendar
from genie.flows.forget_mirror import forget_mirror_if_unused
from genie.flows.keep_channels import keep_channels
from genie.flows.keep_time import lapse
from genie.flows.look import look
from genie.flows.measure import measured
from genie.flows.pull import pull
from genie.flows.push import push
from genie.flows.renew_key import renewal_of
from genie.flows.report_put_aside import report_put_aside
from genie.flows.report_silence import report_silence
from genie.flows.vanish import vanish
from genie.providers.port import CalendarProvider
from genie.providers.registry import ProviderSettings, kind_of, open_provider, pushing
from genie.store import frozen
from genie.store.locks import Busy, calendar_lock
from genie.store.models import Connection, EventLink, RemoteCalendar
from genie.store.queries import drains
from genie.store.queries.drains import Step
from genie.store.queries.remote_calendars import zone_about
from genie.store.sealed import Unreadable, unseal

log = logging.getLogger(__name__)

PARKED_AGAIN = 900.0
"""Seconds until a calendar that could not be read, or an event put aside, is tried again by itself."""
UNEXPECTED = 300.0
"""Seconds until a link that met an error of our own is tried again."""


def drain(*, calendar_id: int, settings: ProviderSettings, now: datetime) -> bool:
    """One round: pay what is due, read what is stale, look at what differs. True: call again, `now` anew.

    Faults become `next_attempt`, a parked link or a key that needs re-authorization; none is raised. False
    means that nothing is due, or that another drain is at it (which looks once more after letting go).
    """
    for link_id in drains.due_links(Step.UNANSWERED, calendar_id, now):
        lapse(link_id=link_id, now=now)
    if not drains.is_due(calendar_id, now, pushing(settings)):
        _finish_removals(calendar_id, now)
        return False
    try:
        with calendar_lock(calendar_id):
            calendar = frozen.get(_calendar, calendar_id)
            with measured(calendar=calendar, settings=settings, now=now) as counting:
                _work(calendar, counting, now)
    except Busy:
        return False
    return True


def _calendar(calendar_id: int) -> QuerySet[RemoteCalendar]:
    return RemoteCalendar.objects.select_related("key").filter(id=calendar_id)


def _work(calendar: RemoteCalendar, settings: ProviderSettings, now: datetime) -> None:
    key = calendar.key
    try:
        there = replace(settings, zone=zone_about(calendar.id))
        provider = open_provider(key.kind, unseal(key.secret), there, renew=renewal_of(key))
    except Unreadable as exc:
        _park_calendar(calendar, str(exc), now)
        return
    try:
        _go_through(calendar, provider, settings, now)
    except AccessLost as fault:
        note_access_lost(key=calendar.key, trouble=str(fault), now=now)
    except CalendarGone as fault:
        _park_calendar(calendar, str(fault), now)
    except Overtaken:
        log.info("calendar %s: overtaken by another worker", calendar.id)
    except ProviderFault as fault:
        _put_off_calendar(calendar, fault, now)
    finally:
        provider.close()


def _go_through(
    calendar: RemoteCalendar, provider: CalendarProvider, settings: ProviderSettings, now: datetime
) -> None:
    """A calendar that is not there is looked for once under another id; later it is waited for."""
    try:
        _links(calendar.id, Step.DECIDED, carry_out, provider, now)
        _links(calendar.id, Step.MISSING, vanish, provider, now)
        _links(calendar.id, Step.OWING, push, provider, now)
        _links(calendar.id, Step.PUT_ASIDE, push, provider, now)
        if drains.is_stale(calendar.id, now):
            pull(calendar_id=calendar.id, provider=provider, now=now)
            _rest(calendar, now)
        _links(calendar.id, Step.TO_LOOK_AT, look, provider, now)
        if calendar.state == RemoteCalendar.State.PARKED:
            _welcome_back(calendar.id, now)
        if calendar.quiet_since:
            _speak_again(calendar.id)
        # last, so that a slow answer holds up nothing of the sync
        keep_channels(calendar_id=calendar.id, provider=provider, settings=settings, now=now)
    except CalendarGone:
        if calendar.state != RemoteCalendar.State.OK or not follow_calendar(
            calendar=calendar, provider=provider, now=now
        ):
            raise


def _rest(calendar: RemoteCalendar, now: datetime) -> None:
    """Some systems are not to be asked every minute. A nudge that came meanwhile is heeded at once."""
    seconds = kind_of(calendar.key.kind).read_every
    if seconds:
        row = RemoteCalendar.objects.filter(id=calendar.id, nudged_at=None)
        row.update(next_attempt=now + timedelta(seconds=seconds))


def _links(
    calendar_id: int, which: Step, step: Callable[..., object], provider: CalendarProvider, now: datetime
) -> None:
    """Take one step for each due link; a link's own fault stays its own."""
    for link_id in drains.due_links(which, calendar_id, now):
        try:
            step(link_id=link_id, provider=provider, now=now)
        except (Rejected, Malformed) as fault:
            _park(link_id, fault, now)
        except Transient as fault:
            _put_off(link_id, fault, now)
            if not fault.outcome_unknown:
                raise  # the provider says *later*: that holds for the whole calendar
        except (ProviderFault, Overtaken, DatabaseError):
            raise
        except Exception as exc:  # one link we cannot handle must not hold up the others
            log.exception("link %s", link_id)
            reason = f"Schedule Genie made a mistake here ({type(exc).__name__}); it tries again by itself."
            _put_off(link_id, Transient(reason, retry_after=UNEXPECTED), now)


def _park(link_id: UUID, fault: ProviderFault, now: datetime) -> None:
    aside: dict[str, Any] = {
        "state": EventLink.State.PARKED,
        "reason": str(fault)[:300],
        "next_attempt": next_attempt(attempts=1, now=now, jitter=0, retry_after=PARKED_AGAIN),
        "version": F("version") + 1,
    }
    with transaction.atomic():
        if isinstance(fault, Rejected):
            report_put_aside(link_id=link_id, why=str(fault), now=now)
        EventLink.objects.filter(id=link_id).exclude(state=EventLink.State.ENDED).update(**aside)
    log.warning("link %s parked: %s", link_id, fault)


def _put_off(link_id: UUID, fault: Transient, now: datetime) -> None:
    attempts = EventLink.objects.values_list("attempts", flat=True).get(id=link_id) + 1
    later = next_attempt(
        attempts=attempts,
        now=now,
        jitter=random.random(),  # noqa: S311 -- spreads retries, guards nothing
        retry_after=fault.retry_after,
    )
    EventLink.objects.filter(id=link_id).update(
        attempts=attempts, next_attempt=later, reason=str(fault)[:300]
    )


def _put_off_calendar(calendar: RemoteCalendar, fault: ProviderFault, now: datetime) -> None:
    attempts = calendar.attempts + 1
    later = next_attempt(
        attempts=attempts,
        now=now,
        jitter=random.random(),  # noqa: S311 -- spreads retries, guards nothing
        retry_after=fault.retry_after if isinstance(fault, Transient) else None,
    )
    RemoteCalendar.objects.filter(id=calendar.id).update(
        attempts=attempts, next_attempt=later, trouble=str(fault)[:300]
    )
    report_silence(calendar=calendar, why=str(fault), gone=False, now=now)


def _park_calendar(calendar: RemoteCalendar, reason: str, now: datetime) -> None:
    """The calendar itself does not answer: nothing is concluded from it; it is tried again now and then."""
    later = next_attempt(attempts=1, now=now, jitter=0, retry_after=PARKED_AGAIN)
    RemoteCalendar.objects.filter(id=calendar.id).update(
        state=RemoteCalendar.State.PARKED, trouble=reason[:300], next_attempt=later
    )
    report_silence(calendar=calendar, why=reason, gone=True, now=now)


def _welcome_back(calendar_id: int, now: datetime) -> None:
    """A calendar that was gone, was read in full, and every link was looked at: deletions count again."""
    parked = RemoteCalendar.objects.filter(
        id=calendar_id, state=RemoteCalendar.State.PARKED, next_attempt=None
    )
    if parked.exists() and not drains.differing(calendar_id).exists():
        parked.update(state=RemoteCalendar.State.OK, trouble="")


def _speak_again(calendar_id: int) -> None:
    """A backup was restored; since then it was read in full, and every link was looked at."""
    quiet = RemoteCalendar.objects.filter(id=calendar_id, quiet_since__isnull=False, nudged_at=None)
    if quiet.exists() and not drains.differing(calendar_id).exists():
        quiet.update(quiet_since=None)


def _finish_removals(calendar_id: int, now: datetime) -> None:
    """*Unlink, remove the copies* ends when the last copy is gone."""
    with transaction.atomic():
        ended = (
            drains.removed()
            .filter(calendar_id=calendar_id)
            .update(state=Connection.State.ENDED, ended_at=now, epoch=F("epoch") + 1)
        )
    if ended:
        forget_mirror_if_unused(calendar_id=calendar_id)
