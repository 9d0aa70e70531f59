"""Hashes that only this installation can make: they tell whether two values are the same, not which."""

from __future__ import annotations

from django.utils.crypto import salted_hmac


def keyed(kind: str, *values: str) -> str:
    """HMAC-SHA256 under GENIE_SECRET_KEY, 64 characters. For what is counted and must not be kept: network
    addresses are few enough that a plain hash of one could simply be tried out."""
    text = "\0".join((kind, *values))
    return salted_hmac("genie.store.keyed", text, algorithm="sha256").hexdigest()
