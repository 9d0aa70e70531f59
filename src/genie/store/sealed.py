"""Secrets at rest: sealed with MultiFernet under the installation's keys, newest first."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Unreadable(Exception):
    """The secret was sealed under a key this installation does not have (GENIE_ENCRYPTION_KEYS)."""


def new_key() -> str:
    """A fresh key for GENIE_ENCRYPTION_KEYS: 32 random bytes, as URL-safe base64 (Fernet's form)."""
    return Fernet.generate_key().decode()


def _keys() -> list[Fernet]:
    given: list[str] = settings.GENIE_ENCRYPTION_KEYS
    if not given:
        raise ImproperlyConfigured(
            "GENIE_ENCRYPTION_KEYS is empty. Make a key with `python manage.py new_key` and set it; "
            "without it no calendar can be connected."
        )
    keys = []
    for number, key in enumerate(given, start=1):
        try:
            keys.append(Fernet(key))
        except ValueError:
            # the key itself is never said: it may be a true one with a slip
            raise ImproperlyConfigured(
                f"GENIE_ENCRYPTION_KEYS holds as its key no. {number} something that is no Fernet key, so no "
                "secret can be sealed or read. A key has 44 characters and ends with =; make one with "
                "`python manage.py new_key`."
            ) from None
    return keys


def seal(secret: dict[str, Any]) -> bytes:
    return MultiFernet(_keys()).encrypt(json.dumps(secret, sort_keys=True).encode())


def unseal(sealed: bytes | memoryview) -> dict[str, Any]:
    """Raise Unreadable when no configured key fits."""
    try:
        plain = MultiFernet(_keys()).decrypt(bytes(sealed))
    except InvalidToken:
        raise Unreadable("The encryption key this was sealed with is not configured any more.") from None
    opened: dict[str, Any] = json.loads(plain)
    return opened


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same secret under the newest key (rotation). Raises Unreadable when no configured key fits."""
    try:
        return MultiFernet(_keys()).rotate(bytes(sealed))
    except InvalidToken:
        raise Unreadable("None of the configured encryption keys opens this.") from None


def is_newest(sealed: bytes | memoryview) -> bool:
    """Does the newest key open it?"""
    try:
        _keys()[0].decrypt(bytes(sealed))
    except InvalidToken:
        return False
    return True
