"""Which kinds of calendar system there are, what people call them, and how to open one.

Adding a provider is a folder whose `__init__` has a `KIND`, a line in `FOLDERS`, and a page in
`docs/providers/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from genie.providers.counting import Requests
from genie.providers.kind import Kind
from genie.providers.pace import AtOnce, Places
from genie.providers.port import (
    CalendarProvider,
    Notifications,
    Renew,
    Secret,
    SignIn,
    TypedSignIn,
    renew_alone,
)

if TYPE_CHECKING:
    import httpx

FOLDERS: dict[str, str] = {
    "microsoft": "genie.providers.microsoft",
    "google": "genie.providers.google",
    "caldav": "genie.providers.caldav",
    "ics": "genie.providers.ics",
    "memory": "genie.providers.memory",
}
"""Each kind's folder, in the order of *Create a new Remote Auth*."""


IN_THIS_PROCESS = Places()


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
    sign_in_seconds: float = 30.0
    """Seconds for a whole registration, however many requests it takes: somebody waits for its page."""
    user_agent: str = "ScheduleGenie/0.1 (calendar sync)"
    ca_file: str = ""
    """A PEM file of certificates to trust beside the usual ones: for a server with its own authority."""
    zone: str = ""
    """The IANA zone of times without one, and of whole days, on calendars that name no zone of their own."""
    max_event_bytes: int = 1_000_000
    """An event larger than this is not parsed: it becomes a problem, shown to a person."""
    max_answer_bytes: int = 64_000_000
    """An answer larger than this is not read to its end."""
    ticks: Callable[[], float] = time.monotonic
    """Seconds that only go forward: how long a conversation has taken."""
    webhooks: str = ""
    """Where a calendar system can tell us of changes, without the kind and without a slash at the end:
    https://genie.example.com/hooks. Empty: nothing reaches us there, so every calendar is polled."""
    clock: Callable[[], datetime] = _utc_now
    """The time written into DTSTAMP and LAST-MODIFIED, and by which access tokens run out; nothing else is
    decided by it."""
    wire: Callable[[], httpx.BaseTransport] | None = None
    """What carries requests in place of the network, made for each conversation: for calendar systems that
    are functions in this process. Nobody guards where such requests go."""
    place: AtOnce = IN_THIS_PROCESS.place
    """Held around each request to a service that takes only so many at once for one account."""
    requests: Requests = field(default_factory=Requests, compare=False)
    """Where requests are counted."""
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Per kind, its own settings by name (`Kind.options`): the client's id and secret, addresses."""

    def of(self, kind: str) -> Mapping[str, str]:
        """The kind's own settings: what the operator set, else what the kind says is usual."""
        known = kind_of(kind).options
        return {name: self.options.get(kind, {}).get(name) or usual for name, usual in known.items()}


@cache
def kind_of(name: str) -> Kind:
    """What the provider's folder says of itself. Raises UnknownKind."""
    if name not in FOLDERS:
        raise UnknownKind(f"There is no calendar system named {name!r} here.")
    return cast(Kind, import_module(FOLDERS[name]).KIND)


def label_of(kind: str) -> str:
    """What people call this kind. Raises UnknownKind."""
    return kind_of(kind).label


def choices() -> tuple[str, ...]:
    """The kinds a person may be shown when a key is made, in order."""
    return tuple(name for name in FOLDERS if not kind_of(name).for_tests and not kind_of(name).public)


def public_kinds() -> tuple[str, ...]:
    """The kinds whose calendars need no account, only an address."""
    return tuple(name for name in FOLDERS if kind_of(name).public)


def offered(settings: ProviderSettings) -> tuple[str, ...]:
    """The kinds a key can be made of here today: those the operator has set up."""
    return tuple(name for name in choices() if not missing_options(name, settings))


def missing_options(kind: str, settings: ProviderSettings) -> tuple[str, ...]:
    """The settings of the kind that the operator has yet to give."""
    given = settings.of(kind)
    return tuple(need for need in kind_of(kind).needs if not any(given[name] for name in need.split("|")))


def open_provider(
    kind: str, secret: Secret, settings: ProviderSettings, *, renew: Renew = renew_alone
) -> CalendarProvider:
    """A provider that speaks for one key; no request is made yet. Raises UnknownKind.

    `secret` is what the kind's authorization returned, unsealed. Call `close()` when done.
    """
    return cast(CalendarProvider, _found(kind_of(kind).provider)(secret, settings, renew))


def sign_in(kind: str, settings: ProviderSettings) -> SignIn | None:
    """How this kind's accounts are granted on the provider's pages; None where the owner types it here."""
    where = kind_of(kind).sign_in
    return cast(SignIn, _found(where)(settings)) if where else None


def typed_sign_in(kind: str, settings: ProviderSettings) -> TypedSignIn | None:
    """What an owner types to grant accounts of this kind; None where there are pages for that."""
    where = kind_of(kind).typed
    return cast(TypedSignIn, _found(where)(settings)) if where else None


def public_calendar(kind: str, settings: ProviderSettings) -> TypedSignIn | None:
    """What somebody types to have a public calendar of this kind read; None where an account is needed."""
    where = kind_of(kind).public
    return cast(TypedSignIn, _found(where)(settings)) if where else None


def of_host(host: str) -> str:
    """The kind a person means who names this host, or one below it; "" if it is none's."""
    whole = f".{host.lower().rstrip('.')}"
    for name in choices():
        if any(whole.endswith(f".{one}") for one in kind_of(name).hosts):
            return name
    return ""


def notifications(kind: str) -> Notifications | None:
    """What reads this kind's webhook messages; None where the system has no push. Raises UnknownKind."""
    where = kind_of(kind).notifications
    return cast(Notifications, _found(where)) if where else None


def pushing(settings: ProviderSettings) -> dict[str, str]:
    """The kinds whose calendars can be watched here, with the address each one posts to."""
    if not settings.webhooks:
        return {}
    return {kind: f"{settings.webhooks}/{kind}" for kind in FOLDERS if kind_of(kind).notifications}


def _found(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
