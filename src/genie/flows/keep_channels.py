"""Keep a calendar's channel: open one where changes are to be told at once, renew it, stop the others.

Renewed is what the provider prolongs; where it does not, another is opened before the old one is stopped.

Called by the drain, which holds the calendar's lock. The row is committed before the request, since the
first message may be quicker than the answer; the receipt is compare-and-set. A worker that dies in between
leaves a channel nobody knows: its messages are answered with 404, and it ends by itself.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
import uuid
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from genie.core.errors import AccessLost, Gone, ProviderFault, PushRefused, Transient
from genie.core.retry import next_attempt
from genie.providers import port
from genie.providers.port import CalendarProvider, Prolongs, Pushes
from genie.providers.registry import ProviderSettings, pushing
from genie.store.models import Channel, RemoteCalendar
from genie.store.queries.channels import is_to_tend, lacking, superfluous, worth_keeping
from genie.store.queries.drains import nudged

log = logging.getLogger(__name__)

REFUSED_FOR = timedelta(days=1)
"""A calendar that cannot be watched is polled so long before it is asked again."""
FAILED_AGAIN = 900.0
"""Seconds until a channel is tried again after a fault that is not known to pass."""
AT_LEAST = timedelta(minutes=10)
"""No channel is renewed sooner, however soon it ends: the provider's clock and ours may differ."""


def keep_channels(
    *, calendar_id: int, provider: CalendarProvider, settings: ProviderSettings, now: datetime
) -> None:
    """Raises AccessLost. Any other fault only puts the next attempt off: the sync goes on by polling."""
    addresses = pushing(settings)
    if not is_to_tend(calendar_id, addresses, now):
        return
    calendar = RemoteCalendar.objects.select_related("key").get(id=calendar_id)
    # asked for and never answered: who asked is dead, since we hold the calendar
    Channel.objects.filter(calendar=calendar, state=Channel.State.ASKED).delete()
    try:
        if not isinstance(provider, Pushes):
            raise PushRefused("This calendar system does not tell of changes.")
        if lacking(addresses, now).filter(id=calendar.id).exists():
            due = worth_keeping(addresses, now).filter(calendar=calendar).first()
            if due is None or not _prolonged(due, provider, now):
                _open(calendar, provider, addresses[calendar.key.kind], now)
        for channel_id in list(superfluous(addresses).filter(calendar=calendar).values_list("id", flat=True)):
            _stop(channel_id, provider)
    except (AccessLost, DatabaseError):
        raise
    except ProviderFault as fault:
        _put_off(calendar, fault, now)
    except Exception as exc:  # what we cannot handle here must not hold up the sync
        log.exception("calendar %s: its channel", calendar.id)
        _put_off(calendar, ProviderFault(f"Unexpected: {type(exc).__name__}"), now)


def hash_of(token: str) -> str:
    """What is kept of a channel's token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _open(calendar: RemoteCalendar, provider: Pushes, address: str, now: datetime) -> None:
    """A new channel; the one before is only superseded once this one is there."""
    token = secrets.token_urlsafe(32)
    asked = Channel.objects.create(
        calendar=calendar,
        channel_id=uuid.uuid4().hex,
        token_hash=hash_of(token),
        address=address,
        made_at=now,
    )
    try:
        opened = provider.watch(calendar.remote_id, channel_id=asked.channel_id, token=token, address=address)
    except Exception:
        asked.delete()
        raise
    _receipt(asked, opened, now)


def _prolonged(due: Channel, provider: Pushes, now: datetime) -> bool:
    """False where another has to be opened: this provider prolongs none, or does not keep this one."""
    if not isinstance(provider, Prolongs):
        return False
    try:
        confirmed = provider.prolong(as_asked(due))
    except Gone:
        return False
    _prolonged_receipt(due, confirmed, now)
    return True


@transaction.atomic
def _prolonged_receipt(due: Channel, confirmed: port.Channel, now: datetime) -> None:
    """While the provider waited for it, it may have told nothing: so the calendar is read."""
    mine = Channel.objects.filter(id=due.id, state=Channel.State.OPEN)
    if mine.update(**_lasts(confirmed, now)):
        _works(due.calendar_id, now)


def _lasts(channel: port.Channel, now: datetime) -> dict[str, datetime]:
    renew_at = now + max((channel.expires_at - now) / 2, AT_LEAST)
    return {"renew_at": renew_at, "expires_at": channel.expires_at}


def _works(calendar_id: int, now: datetime) -> None:
    RemoteCalendar.objects.filter(id=calendar_id).update(
        push_refused_at=None,
        push_trouble="",
        push_next_attempt=None,
        push_attempts=0,
        nudged_at=nudged(now),  # what changed after the last read and before the channel, nobody tells
    )


@transaction.atomic
def _receipt(asked: Channel, opened: port.Channel, now: datetime) -> None:
    """Nothing is kept if the row went meanwhile: then the calendar was unlinked and is not asked again."""
    mine = Channel.objects.filter(id=asked.id, state=Channel.State.ASKED)
    if mine.select_for_update().first() is None:
        return
    others = Channel.objects.filter(calendar_id=asked.calendar_id, state=Channel.State.OPEN)
    others.update(state=Channel.State.CLOSING)
    mine.update(
        state=Channel.State.OPEN,
        remote_id=opened.id,
        resource=opened.resource,
        **_lasts(opened, now),
        **({"heard_at": now} if opened.proven else {}),
    )
    _works(asked.calendar_id, now)


def _stop(channel_id: int, provider: Pushes) -> None:
    channel = Channel.objects.filter(id=channel_id).first()
    if channel is None:
        return  # forgotten meanwhile: nothing may be asked about this calendar any more
    try:
        provider.unwatch(as_asked(channel))
    except Transient:
        raise
    except ProviderFault as fault:  # AccessLost, too: it may be of the grant that the channel was made under
        log.info("channel %s ends by itself: %s", channel.channel_id, fault)
    channel.delete()


def as_asked(channel: Channel) -> port.Channel:
    """The channel in the port's words, to stop it."""
    expires_at = channel.expires_at or channel.made_at
    return port.Channel(channel.remote_id or channel.channel_id, channel.resource, expires_at)


def _put_off(calendar: RemoteCalendar, fault: ProviderFault, now: datetime) -> None:
    refused = isinstance(fault, PushRefused)
    attempts = calendar.push_attempts + 1
    wait = fault.retry_after if isinstance(fault, Transient) else FAILED_AGAIN
    later = next_attempt(
        attempts=attempts,
        now=now,
        jitter=random.random(),  # noqa: S311 -- spreads retries, guards nothing
        retry_after=wait,
    )
    RemoteCalendar.objects.filter(id=calendar.id).update(
        push_attempts=attempts,
        push_trouble=str(fault)[:300],
        push_next_attempt=now + REFUSED_FOR if refused else later,
        push_refused_at=now if refused else None,
    )
