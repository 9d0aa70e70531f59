"""Which kinds of calendar system there are, what people call them, and how to open one.

Adding a provider is a folder, a line in `KINDS`, and a page in `docs/providers/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, cast

from genie.providers.port import CalendarProvider

KINDS: dict[str, str] = {
    "caldav": "genie.providers.caldav.provider:CalDav",
    "memory": "genie.providers.memory.provider:Memory",
}
"""The kinds that can be opened, each with the class that speaks for one key."""

LABELS: dict[str, str] = {
    "microsoft": "Microsoft Outlook Calendar",
    "google": "Google Gmail Calendar",
    "caldav": "CalDAV (Apple iCloud, Fastmail, Nextcloud, …)",
    "memory": "In-process calendar (tests only)",
}
"""What people call each kind, in the order of *Create a new Remote Auth*."""

OFFERED: tuple[str, ...] = tuple(kind for kind in LABELS if kind in KINDS and kind != "memory")
"""The kinds a person may choose today."""


class UnknownKind(LookupError):
    """No provider of this name is part of this installation."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What an operator decides for all providers; passed in, never read from the environment here."""

    allow_private_networks: bool = False
    """Allow loopback, private and link-local addresses, and plain http: for a server in one's own house."""
    timeout: float = 20.0
    """Seconds for one answer, from sending to the last byte of each read."""
    connect_timeout: float = 8.0
    """Seconds until a host must have accepted the connection."""
    user_agent: str = "ScheduleGenie/0.1 (calendar sync)"
    ca_file: str = ""
    """A PEM file of certificates to trust beside the usual ones: for a server with its own authority."""
    max_event_bytes: int = 1_000_000
    """An event larger than this is not parsed: it becomes a problem, shown to a person."""
    max_answer_bytes: int = 64_000_000
    """An answer larger than this is not read to its end."""
    clock: Callable[[], datetime] = _utc_now
    """The time written into DTSTAMP and LAST-MODIFIED; nothing is decided by it."""


def label_of(kind: str) -> str:
    """What people call this kind. Raises UnknownKind."""
    try:
        return LABELS[kind]
    except KeyError:
        raise UnknownKind(f"There is no calendar system named {kind!r} here.") from None


def open_provider(kind: str, secret: Mapping[str, Any], settings: ProviderSettings) -> CalendarProvider:
    """A provider that speaks for one key; no request is made yet. Raises UnknownKind.

    `secret` is what the kind's authorization returned, unsealed. Call `close()` when done.
    """
    try:
        module, _, name = KINDS[kind].partition(":")
    except KeyError:
        raise UnknownKind(f"There is no calendar system named {kind!r} here.") from None
    return cast(CalendarProvider, getattr(import_module(module), name)(secret, settings))
