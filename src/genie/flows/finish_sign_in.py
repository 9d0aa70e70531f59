"""Take an account's owner back from the provider's sign-in pages: at best with a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest

from genie.core.errors import ConnectFault, SignInExpired
from genie.flows.begin_sign_in import LIVES, sign_in_pages
from genie.flows.complete_registration import WrongAccount, complete_registration
from genie.flows.create_registration_link import NotOffered, hash_of, token_of
from genie.flows.give_back import give_back
from genie.flows.open_registration_link import LinkClosed, open_registration_link
from genie.providers.port import Grant, SignIn
from genie.providers.registry import ProviderSettings
from genie.store.locks import Busy, while_granting
from genie.store.models import RegistrationLink, RemoteKey, SignInAttempt
from genie.store.sealed import Unreadable, unseal

WAIT = 40.0
"""Seconds to wait while a grant is being given back: longer than a provider's own time limit."""


class Refusal(StrEnum):
    UNKNOWN = "unknown"
    """No sign-in of this kind was begun with this `state`: changed on the way, made up, or long over."""
    ANOTHER_BROWSER = "another_browser"
    FINISHED_BEFORE = "finished_before"
    TOO_LATE = "too_late"


class SignInRefused(Exception):
    """What came back does not continue a sign-in of ours; `reason` tells the cases apart."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class NotFinished(Exception):
    """No key was made or renewed. `why` is a SignInRefused, LinkClosed, NotOffered, WrongAccount or
    ConnectFault.

    `link` is None where the browser that came back has no right to know it. `left` is True if a grant was
    made that stays at the provider, since it could not be given back.
    """

    def __init__(self, why: Exception, link: RegistrationLink | None, *, left: bool = False) -> None:
        super().__init__(str(why))
        self.why = why
        self.link = link
        self.left = left


@dataclass(frozen=True, slots=True)
class CameBack:
    """What the provider sent the browser back with: a `code`, or an `error` (RFC 6749, 4.1.2)."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    description: str = ""


def finish_sign_in(
    *, kind: str, back: CameBack, browser: str, settings: ProviderSettings, now: datetime
) -> RemoteKey:
    """The key made or renewed. `browser` is what the browser was given when it left. Raises NotFinished.

    `state` and code work once, within 15 minutes, in the browser that began. The provider is asked between
    two transactions; a grant that comes to nothing here is given back there.
    """
    attempt = _attempt(kind, back.state, browser)
    try:
        token, verifier = _spend(attempt, now)
        open_registration_link(token=token, now=now, counted=True)
        pages = sign_in_pages(kind, settings)
        if pages is None:
            raise NotOffered(kind)
        if back.error or not back.code:
            raise pages.refusal(error=back.error, description=back.description)
        return _registered(attempt, token, verifier, back.code, pages, settings, now)
    except (SignInRefused, LinkClosed, NotOffered, ConnectFault) as why:
        raise NotFinished(why, attempt.link) from why


def _attempt(kind: str, state: str, browser: str) -> SignInAttempt:
    """The sign-in that came back, in the browser it was begun in. Another browser uses nothing up."""
    attempt = (
        SignInAttempt.objects.select_related("link__company", "link__key")
        .filter(state_hash=hash_of(state), link__kind=kind)
        .first()
    )
    if attempt is None:
        raise NotFinished(SignInRefused(Refusal.UNKNOWN), None)
    if not compare_digest(attempt.browser_hash, hash_of(browser)):
        raise NotFinished(SignInRefused(Refusal.ANOTHER_BROWSER), None)
    return attempt


def _spend(attempt: SignInAttempt, now: datetime) -> tuple[str, str]:
    """The link's token and the PKCE verifier; nobody gets them a second time. Raises SignInRefused."""
    row = SignInAttempt.objects.filter(id=attempt.id, used_at=None)
    if not row.update(used_at=now, verifier=b""):
        raise SignInRefused(Refusal.FINISHED_BEFORE)
    if attempt.created_at + LIVES <= now:
        raise SignInRefused(Refusal.TOO_LATE)
    try:
        return token_of(attempt.link), unseal(attempt.verifier)["verifier"]
    except Unreadable as exc:
        raise SignInRefused(Refusal.TOO_LATE) from exc  # the encryption key was changed meanwhile


def _registered(
    attempt: SignInAttempt,
    token: str,
    verifier: str,
    code: str,
    pages: SignIn,
    settings: ProviderSettings,
    now: datetime,
) -> RemoteKey:
    """Exchange the code and keep the key, so that no grant of the account is taken back in between."""
    kind, grant = attempt.link.kind, None
    try:
        with while_granting(kind, wait_seconds=WAIT):
            grant = pages.exchange(code=code, verifier=verifier, redirect_uri=attempt.redirect_uri)
            return complete_registration(
                token=token, account=grant.account, secret=grant.secret, granted=grant.granted, now=now
            )
    except Busy:
        raise SignInExpired(
            "The sign-in could not be finished, because the installation is busy. Nothing was saved. "
            "Begin again in a minute."
        ) from None
    except (LinkClosed, WrongAccount) as why:
        raise NotFinished(why, attempt.link, left=not _given_back(kind, grant, settings)) from why


def _given_back(kind: str, grant: Grant | None, settings: ProviderSettings) -> bool:
    if grant is None:
        return True
    return give_back(kind=kind, identity=grant.account.identity, secret=grant.secret, settings=settings)
