"""How changes made in a linked calendar are noticed, and if not at once, why: one sentence."""

from __future__ import annotations

from datetime import datetime

from genie.core.saying import said_day, said_moment
from genie.providers import registry
from genie.providers.registry import ProviderSettings
from genie.store.models import Channel, Connection, RemoteCalendar
from genie.store.queries.channels import relied_on
from genie.store.queries.drains import POLL_EVERY


def how_noticed(connection: Connection, settings: ProviderSettings, *, now: datetime) -> str:
    """Empty where nothing is to be noticed: real-time updates are off, or the calendar is being unlinked."""
    if connection.state != Connection.State.LINKED or not connection.realtime:
        return ""
    calendar, zone = connection.calendar, connection.zone
    channel = relied_on(now).filter(calendar=calendar).first()
    if channel is not None and channel.expires_at is not None:
        until = said_day(channel.expires_at, zone, now=now)
        return f"Changes there are noticed at once, by push; the channel is renewed before {until}."
    every = f"{POLL_EVERY.total_seconds():.0f} s"
    return f"Changes there are noticed by asking every {every}, because {_why(calendar, settings, zone, now)}"


def _why(calendar: RemoteCalendar, settings: ProviderSettings, zone: str, now: datetime) -> str:
    """Ends with its full stop."""
    if registry.notifications(calendar.key.kind) is None:
        return "this calendar system does not tell of them by itself."
    if calendar.key.kind not in registry.pushing(settings):
        return "this installation is not set up to be told of them."
    if calendar.push_late_at is not None:
        found = said_moment(calendar.push_late_at, zone, now)
        return f"push seems late: on {found} a change was found that had not been told."
    if calendar.push_trouble:
        again = calendar.push_next_attempt
        when = f" It is tried again on {said_moment(again, zone, now)}." if again and again > now else ""
        return f"push could not be set up: {calendar.push_trouble}{when}"
    if Channel.objects.filter(calendar=calendar, state=Channel.State.OPEN).exists():
        return "no message has come through by push yet."
    return "push is being set up."
