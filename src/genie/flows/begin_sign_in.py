"""Send an account's owner to the provider's own sign-in pages."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from genie.flows.create_registration_link import NotOffered, hash_of
from genie.flows.open_registration_link import count_try, open_registration_link
from genie.providers.port import SignIn
from genie.providers.registry import ProviderSettings, UnknownKind, missing_options, sign_in
from genie.store.models import SignInAttempt
from genie.store.sealed import seal

LIVES = timedelta(minutes=15)
"""From our button to the way back: time to find a password, not to lure somebody."""
KEPT = timedelta(days=1)
"""So long a sign-in that is over can still be told from one that never was."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it must show on its way back."""

    address: str = field(repr=False)
    state: str = field(repr=False)
    browser: str = field(repr=False)


def sign_in_pages(kind: str, settings: ProviderSettings) -> SignIn | None:
    """The pages on which accounts of this kind are granted; None where the owner types it here.

    Raises NotOffered when this installation is not, or no longer, set up for the kind.
    """
    try:
        if missing_options(kind, settings):
            raise NotOffered(kind)
        return sign_in(kind, settings)
    except UnknownKind as exc:
        raise NotOffered(kind) from exc


def begin_sign_in(*, token: str, redirect_uri: str, settings: ProviderSettings, now: datetime) -> Begun:
    """One try of the link, kept with hashes of its `state` and of the browser that shall bring it back.

    The PKCE verifier never leaves us but for the exchange. Raises LinkClosed and NotOffered.
    """
    link = open_registration_link(token=token, now=now)
    pages = sign_in_pages(link.kind, settings)
    if pages is None:
        raise NotOffered(link.kind)
    state, browser, verifier = (secrets.token_urlsafe(32) for _ in range(3))  # 256 bit each
    with transaction.atomic():
        count_try(link)
        SignInAttempt.objects.filter(created_at__lt=now - KEPT).delete()
        SignInAttempt.objects.create(
            link=link,
            state_hash=hash_of(state),
            browser_hash=hash_of(browser),
            verifier=seal({"verifier": verifier}),
            redirect_uri=redirect_uri,
            created_at=now,
        )
    address = pages.address(
        state=state,
        challenge=_challenge(verifier),
        redirect_uri=redirect_uri,
        account=link.key.label if link.key else "",
    )
    return Begun(address, state, browser)


def _challenge(verifier: str) -> str:
    """S256 (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
