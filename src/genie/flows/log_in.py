"""Log in: check a password, and slow down whoever guesses."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db.models import Count, Q

from genie.store.keyed import keyed
from genie.store.models import LoginTry, User

WINDOW = timedelta(minutes=15)
PER_PAIR = 5
"""Failed tries of one account from one address, or from one known device, within the window."""
PER_ACCOUNT = 50
PER_ADDRESS = 50
"""Wider nets for devices that are not known: one account guessed from many addresses, many accounts guessed
from one."""
KEPT = timedelta(days=1)


class LoginRefused(Exception):
    """E-mail and password do not belong together; never says which of them is wrong."""


class TooManyTries(LoginRefused):
    """Too many failed tries; the message says how long to wait."""


def log_in(*, email: str, password: str, address: str, now: datetime, device: str = "") -> User:
    """The user whose password this is. `address` is the visitor's network address, "" if it is not known;
    `device` the id of a device that the account is known on (`known_device`).

    Raises LoginRefused or TooManyTries. A try is counted before the password is looked at, so that many
    parallel tries cannot pass the limit together; a success forgets the pair's failures. On a known device
    only its own failures count, so nobody elsewhere can lock the user out of it.
    """
    account = email.strip().lower()
    who = keyed("account", account)
    where = keyed("device", device) if device else keyed("address", address) if address else ""
    LoginTry.objects.create(account=who, address=where, at=now)
    if guessed_too_often(account=who, address=where, is_known=bool(device), now=now):
        elsewhere = "" if device else ", or log in with a browser that you have logged in with before"
        raise TooManyTries(
            "There were too many failed tries. No password is checked for a while, to protect the account. "
            f"Wait 15 minutes and try again{elsewhere}."
        )
    user = authenticate(username=account, password=password)
    if not isinstance(user, User):
        raise LoginRefused(
            "E-mail and password do not belong together. You are not logged in. "
            "Check both for typing mistakes and try again."
        )
    LoginTry.objects.filter(Q(account=who, address=where) | Q(at__lt=now - KEPT)).delete()
    return user


def forget_failures(*, email: str) -> None:
    """Let the account's next tries be checked at once."""
    LoginTry.objects.filter(account=keyed("account", email.strip().lower())).delete()


def guessed_too_often(*, account: str, address: str, is_known: bool, now: datetime) -> bool:
    recent = LoginTry.objects.filter(Q(account=account) | Q(address=address), at__gt=now - WINDOW)
    counts = recent.aggregate(
        pair=Count("id", filter=Q(account=account, address=address)),
        account=Count("id", filter=Q(account=account)),
        address=Count("id", filter=Q(address=address)),
    )
    limits = {"pair": PER_PAIR}
    if not is_known:
        limits["account"] = PER_ACCOUNT
        if address:
            limits["address"] = PER_ADDRESS
    return any(counts[name] > limit for name, limit in limits.items())
