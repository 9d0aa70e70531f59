"""Open a registration link by its token, or say why it cannot be used."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from genie.flows.create_registration_link import hash_of
from genie.store.models import RegistrationLink

TRIES = 20
"""Sign-ins one link is good for: enough for a person who mistypes, too few to guess a password."""


class Closed(StrEnum):
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"
    TOO_MANY_TRIES = "too_many_tries"


class LinkClosed(Exception):
    """The link cannot be used; `reason` tells the cases apart."""

    def __init__(self, reason: Closed) -> None:
        super().__init__(reason.value)
        self.reason = reason


def open_registration_link(*, token: str, now: datetime, lock: bool = False) -> RegistrationLink:
    """The link, its company and the key it renews. `lock` holds its row until the transaction ends.

    Raises LinkClosed.
    """
    links = RegistrationLink.objects.select_related("company", "key", "created_by")
    if lock:
        links = links.select_for_update(of=("self",))
    link = links.filter(token_hash=hash_of(token)).first()
    if link is None:
        raise LinkClosed(Closed.UNKNOWN)
    reason = why_closed(link, now=now)
    if reason is not None:
        raise LinkClosed(reason)
    return link


def why_closed(link: RegistrationLink, *, now: datetime) -> Closed | None:
    """None while it is open. Used comes first: whoever has answered it is told so, however late."""
    if link.used_at is not None:
        return Closed.USED
    if link.revoked_at is not None:
        return Closed.REVOKED
    if link.expires_at <= now:
        return Closed.EXPIRED
    return None if link.tries < TRIES else Closed.TOO_MANY_TRIES
