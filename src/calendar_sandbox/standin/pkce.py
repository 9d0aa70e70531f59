"""Proof Key for Code Exchange, RFC 7636: what both sign-in stand-ins do alike."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

METHODS = ("S256", "plain")


def is_challenge(text: str) -> bool:
    """Say whether it has the form of a code challenge, 4.2."""
    return bool(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", text))


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier, 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def proves(verifier: str, challenge: str, method: str) -> bool:
    """Check a verifier against the challenge of the request, 4.6."""
    proof = challenge_of(verifier) if method == "S256" else verifier
    return hmac.compare_digest(proof.encode(), challenge.encode())
