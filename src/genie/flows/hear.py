"""Hear what a webhook was told: the calendar may have changed. Nothing else in a message is believed."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from genie.flows.keep_channels import hash_of
from genie.flows.nudge import nudge
from genie.providers.port import Notification
from genie.store.models import Channel

LONGEST = 300
"""No channel has a longer name."""


def hear(*, kind: str, notifications: Sequence[Notification], now: datetime) -> bool:
    """Nudge the calendars of these messages. False when none of them is of a channel of ours."""
    heard = _ours(kind, notifications)
    new = [channel.id for channel, _ in heard if channel.heard_at is None]
    if new:
        Channel.objects.filter(id__in=new).update(heard_at=now)
    over = [channel.id for channel, said in heard if said.renew]
    if over:
        Channel.objects.filter(id__in=over, state=Channel.State.OPEN).update(renew_at=now)
    # in one order, so that two bundles at once do not wait for each other
    for calendar_id in sorted({channel.calendar_id for channel, said in heard if not said.hello}):
        nudge(calendar_id=calendar_id, now=now, pushed=True)
    return bool(heard)


def _ours(kind: str, notifications: Sequence[Notification]) -> list[tuple[Channel, Notification]]:
    """Each message with its channel; one whose answer is not here yet is known by its token alone."""
    plausible = [said for said in notifications if _plausible(said.channel_id)]
    hashes = {said.token: hash_of(said.token) for said in plausible}
    names = {said.channel_id for said in plausible}
    named = Q(channel_id__in=names) | Q(remote_id__in=names)
    early = Q(state=Channel.State.ASKED, token_hash__in=hashes.values())
    channels = list(Channel.objects.filter(named | early, calendar__key__kind=kind)) if plausible else []
    return [
        (channel, said)
        for said in plausible
        for channel in channels
        if (
            said.channel_id in (channel.channel_id, channel.remote_id) or channel.state == Channel.State.ASKED
        )
        and hmac.compare_digest(channel.token_hash, hashes[said.token])
    ]


def _plausible(name: str) -> bool:
    """Can be looked for in a table at all: anybody may post anything."""
    return 0 < len(name) <= LONGEST and name.isprintable()
