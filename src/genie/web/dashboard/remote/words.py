"""How keys, links and faults are said to people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from genie.core.errors import AccessLost, ProviderFault, Transient
from genie.providers import registry
from genie.providers.registry import ProviderSettings
from genie.store.models import RemoteKey


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of *Create a new Remote Auth*. `why_not` is empty where it can be chosen today."""

    kind: str
    label: str
    why_not: str = ""


def key_name(kind: str) -> str:
    return registry.kind_of(kind).key_name


def kinds(settings: ProviderSettings) -> list[Choice]:
    """The drop-down of *Create a new Remote Auth*, those that can be chosen today marked."""
    return [Choice(kind, registry.label_of(kind), _why_not(kind, settings)) for kind in registry.choices()]


def _why_not(kind: str, settings: ProviderSettings) -> str:
    missing = registry.missing_options(kind, settings)
    return "not set up on this installation" if missing else ""


def not_listed(key: RemoteKey, fault: ProviderFault) -> str:
    """Three parts: what happened, what it means, what to do."""
    happened = f"The calendars of {key.label} could not be listed: {_sentence(fault)}"
    if isinstance(fault, AccessLost):
        return (
            f"{happened} The key does not open the account any more, so nothing can be connected with it. "
            "Press Re-authorize beside the key and have the account's owner sign in again."
        )
    if isinstance(fault, Transient):
        return f"{happened} Nothing was changed. Try again in a minute."
    return f"{happened} Nothing was changed. Check with the calendar's provider that the account is well."


def not_checked(key: RemoteKey, fault: ProviderFault) -> str:
    return (
        f"{key.label} could not be checked: {_sentence(fault)} The key was left as it is. "
        "Try again in a minute."
    )


def discarded(key: RemoteKey, *, taken_back: bool) -> str:
    """What became of a key that was discarded. Not said: whether others here live by the same account."""
    kind = registry.kind_of(key.kind)
    what = "access" if kind.sign_in else "password"
    said = f"The key of {key.label} is discarded and its {what} forgotten."
    if taken_back:
        return said
    return (
        f"{said} The access could not be taken back at {kind.signs_in_at}, so it stays open there, although "
        f"nobody here can use it. The account's owner can close it: {kind.take_back}."
    )


def _sentence(fault: ProviderFault) -> str:
    text = str(fault).strip() or "the calendar server did not say why"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def span(length: timedelta) -> str:
    """*40 s*, *5 min*, *3 h*, *2 d*."""
    seconds = int(length.total_seconds())
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{max(seconds, 0)} s"
