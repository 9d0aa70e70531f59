"""Log in: check a password, and slow down whoever guesses."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db.models import Count, Q

from genie.store.models import LoginTry, User

WINDOW = timedelta(minutes=15)
PER_PAIR = 5
"""Failed tries of one account from one address within the window."""
PER_ACCOUNT = 50
PER_ADDRESS = 50
"""Wider nets: one account guessed from many addresses, many accounts guessed from one."""
KEPT = timedelta(days=1)


class LoginRefused(Exception):
    """E-mail and password do not belong together; never says which of them is wrong."""


class TooManyTries(LoginRefused):
    """Too many failed tries; the message says how long to wait."""


def log_in(*, email: str, password: str, address: str, now: datetime) -> User:
    """The user whose password this is. `address` is the visitor's network address.

    Raises LoginRefused or TooManyTries. A try is counted before the password is looked at, so that many
    parallel tries cannot pass the limit together; a success forgets the pair's failures.
    """
    account = email.strip().lower()
    LoginTry.objects.create(account=account, address=address, at=now)
    if guessed_too_often(account=account, address=address, now=now):
        raise TooManyTries(
            "There were too many failed tries. No password is checked for a while, to protect the account. "
            "Wait 15 minutes and try again."
        )
    user = authenticate(username=account, password=password)
    if not isinstance(user, User):
        raise LoginRefused(
            "E-mail and password do not belong together. You are not logged in. "
            "Check both for typing mistakes and try again."
        )
    LoginTry.objects.filter(Q(account=account, address=address) | Q(at__lt=now - KEPT)).delete()
    return user


def guessed_too_often(*, account: str, address: str, now: datetime) -> bool:
    recent = LoginTry.objects.filter(Q(account=account) | Q(address=address), at__gt=now - WINDOW)
    counts = recent.aggregate(
        pair=Count("id", filter=Q(account=account, address=address)),
        account=Count("id", filter=Q(account=account)),
        address=Count("id", filter=Q(address=address)),
    )
    limits = {"pair": PER_PAIR, "account": PER_ACCOUNT, "address": PER_ADDRESS}
    return any(counts[name] > limit for name, limit in limits.items())
