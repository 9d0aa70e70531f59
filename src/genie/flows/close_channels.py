"""Close a calendar's channels once nothing flows back from it: by whoever ends that, not by the worker.

After the end was answered nothing is asked of the provider, so what cannot be stopped now is forgotten: it
ends by itself, and what it still posts is unknown here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from django.db import transaction

from genie.core.errors import ProviderFault
from genie.flows.keep_channels import as_asked
from genie.flows.open_key import open_key
from genie.providers.port import Pushes
from genie.providers.registry import ProviderSettings
from genie.store.locks import Busy, calendar_lock
from genie.store.models import Channel, RemoteCalendar, RemoteKey
from genie.store.queries.channels import flowing_back

log = logging.getLogger(__name__)

WAIT = 5.0
"""Seconds to wait for the calendar."""
PATIENCE = 2.0
"""Seconds for the provider to take a connection, and to answer."""


def close_channels(*, calendar_id: int, settings: ProviderSettings) -> None:
    """Call while holding the calendar, outside a transaction. A few seconds; no fault is raised."""
    _stop(forget_channels(calendar_id=calendar_id), settings)


def close_forgotten(*, calendar_id: int, channels: Sequence[Channel], settings: ProviderSettings) -> None:
    """The same for channels forgotten before. Takes the calendar, and gives up if it does not come free."""
    if not channels:
        return
    try:
        with calendar_lock(calendar_id, wait_seconds=WAIT):
            _stop(channels, settings)
    except Busy:
        log.info("calendar %s: its channel ends by itself", calendar_id)


@transaction.atomic
def forget_channels(*, calendar_id: int) -> list[Channel]:
    """Those that are open, to be stopped. None while something still flows back from the calendar."""
    if flowing_back().filter(id=calendar_id).exists():
        return []
    channels = Channel.objects.filter(calendar_id=calendar_id)
    there = list(channels.exclude(state=Channel.State.ASKED))
    channels.delete()
    return there


def _stop(channels: Sequence[Channel], settings: ProviderSettings) -> None:
    if not channels:
        return
    calendar = RemoteCalendar.objects.select_related("key").get(id=channels[0].calendar_id)
    if calendar.key.state != RemoteKey.State.ACTIVE:
        return
    brief = replace(settings, timeout=PATIENCE, connect_timeout=PATIENCE)
    try:
        with closing(open_key(key=calendar.key, settings=brief)) as provider:
            for channel in channels:
                if isinstance(provider, Pushes):
                    provider.unwatch(as_asked(channel))
    except ProviderFault as fault:  # one that does not answer is not asked again
        log.info("calendar %s: its channel ends by itself: %s", calendar.id, fault)
    except Exception:  # what we cannot handle here must not undo the end
        log.exception("calendar %s: its channel", calendar.id)
