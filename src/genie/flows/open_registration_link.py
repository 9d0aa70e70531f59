"""Open a registration link by its token, or say why it cannot be used."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db.models import F

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


def open_registration_link(
    *, token: str, now: datetime, lock: bool = False, counted: bool = False
) -> RegistrationLink:
    """The link, its company and the key it renews. `lock` holds its row until the transaction ends; with
    `counted` the try under way is counted already, so that the last one allowed may end well.

    Raises LinkClosed.
    """
    links = RegistrationLink.objects.select_related("company", "key", "created_by")
    if lock:
        links = links.select_for_update(of=("self",))
    link = links.filter(token_hash=hash_of(token)).first()
    if link is None:
        raise LinkClosed(Closed.UNKNOWN)
    reason = why_closed(link, now=now)
    if reason is not None and not (counted and reason is Closed.TOO_MANY_TRIES):
        raise LinkClosed(reason)
    return link


def count_try(link: RegistrationLink) -> None:
    """An UPDATE that can lose: however many try at once, no more than TRIES reach the provider.

    Raises LinkClosed.
    """
    if not RegistrationLink.objects.filter(id=link.id, tries__lt=TRIES).update(tries=F("tries") + 1):
        raise LinkClosed(Closed.TOO_MANY_TRIES)


def why_closed(link: RegistrationLink, *, now: datetime) -> Closed | None:
    """None while it is open. Used comes first: whoever has answered it is told so, however late."""
    if link.used_at is not None:
        return Closed.USED
    if link.revoked_at is not None:
        return Closed.REVOKED
    if link.expires_at <= now:
        return Closed.EXPIRED
    return None if link.tries < TRIES else Closed.TOO_MANY_TRIES
