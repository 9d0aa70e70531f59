"""Secrets at rest: sealed with MultiFernet under the installation's keys, newest first."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Unreadable(Exception):
    """The secret was sealed under a key this installation does not have (GENIE_ENCRYPTION_KEYS)."""


def _fernet() -> MultiFernet:
    keys: list[str] = settings.GENIE_ENCRYPTION_KEYS
    if not keys:
        raise ImproperlyConfigured(
            "GENIE_ENCRYPTION_KEYS is empty. Make a key with `python manage.py new_key` and set it; "
            "without it no calendar can be connected."
        )
    return MultiFernet([Fernet(key) for key in keys])


def seal(secret: dict[str, Any]) -> bytes:
    return _fernet().encrypt(json.dumps(secret, sort_keys=True).encode())


def unseal(sealed: bytes | memoryview) -> dict[str, Any]:
    """Raise Unreadable when no configured key fits."""
    try:
        plain = _fernet().decrypt(bytes(sealed))
    except InvalidToken:
        raise Unreadable("The encryption key this was sealed with is not configured any more.") from None
    opened: dict[str, Any] = json.loads(plain)
    return opened


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same secret under the newest key (rotation)."""
    return _fernet().rotate(bytes(sealed))
