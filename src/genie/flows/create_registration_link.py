"""Make a registration link: what a company sends to the owner of a calendar account."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from genie.providers.registry import ProviderSettings, offered
from genie.store.models import Company, RegistrationLink, RemoteKey, User
from genie.store.sealed import seal, unseal


class NotOffered(Exception):
    """No key of this kind can be made on this installation."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """The link as stored, and the token that stands in its address: shown to people, never logged."""

    link: RegistrationLink
    token: str


def create_registration_link(
    *,
    company: Company,
    kind: str,
    user: User,
    hours: int,
    settings: ProviderSettings,
    now: datetime,
    reauthorizes: RemoteKey | None = None,
) -> NewLink:
    """A single-use link, open for `hours`. With `reauthorizes` only that key's own account may answer it.

    Earlier open links for the same key are revoked: one account is asked once. Raises NotOffered.
    """
    if kind not in offered(settings):
        raise NotOffered(kind)
    token = secrets.token_urlsafe(32)  # 256 bit
    with transaction.atomic():
        if reauthorizes is not None:
            revoke_open_links(key=reauthorizes, now=now)
        link = RegistrationLink.objects.create(
            company=company,
            kind=kind,
            token_hash=hash_of(token),
            token_secret=seal({"token": token}),
            created_by=user,
            created_at=now,
            expires_at=now + timedelta(hours=hours),
            key=reauthorizes,
        )
    return NewLink(link, token)


def revoke_open_links(*, key: RemoteKey, now: datetime) -> None:
    RegistrationLink.objects.filter(key=key, used_at=None, revoked_at=None).update(revoked_at=now)


def hash_of(token: str) -> str:
    """What a link is found by: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(link: RegistrationLink) -> str:
    """The token again, so that Copy works while the link is open. Raises sealed.Unreadable."""
    token: str = unseal(link.token_secret)["token"]
    return token
