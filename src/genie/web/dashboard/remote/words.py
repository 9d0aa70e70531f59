"""How keys, links and faults are said to people."""

from __future__ import annotations

from genie.core.errors import AccessLost, ProviderFault, Transient
from genie.providers import registry
from genie.store.models import RemoteKey

KEY_NAMES = {"caldav": "CalDAV key", "microsoft": "Azure key", "google": "Cloud key"}
NEXT_VERSION = "comes with the next version"


def key_name(kind: str) -> str:
    return KEY_NAMES.get(kind, f"{kind.capitalize()} key")


def kinds() -> list[tuple[str, str, bool]]:
    """The drop-down of *Create a new Remote Auth*: kind, label, can it be chosen today."""
    return [
        (kind, registry.label_of(kind), kind in registry.OFFERED)
        for kind in registry.LABELS
        if kind in KEY_NAMES
    ]


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


def _sentence(fault: ProviderFault) -> str:
    text = str(fault).strip() or "the calendar server did not say why"
    return text if text.endswith((".", "!", "?")) else f"{text}."
