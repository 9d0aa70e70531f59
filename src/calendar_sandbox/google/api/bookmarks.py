"""Page and sync tokens: opaque texts that carry where the reader was, safe against being made up."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from calendar_sandbox.google.state import World


def write(world: World, kind: str, **values: Any) -> str:
    """Make a token. The same world and values give the same text."""
    said = json.dumps([kind, values], separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(_sign(world, said) + said).decode()


def read(world: World, kind: str, token: str) -> dict[str, Any] | None:
    """Return what a token of this kind carries, or None for one this world never made."""
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except ValueError:
        return None
    mark, said = raw[:6], raw[6:]
    if mark != _sign(world, said):
        return None
    found, values = json.loads(said)
    return dict(values) if found == kind else None


def digest(*parts: Any) -> str:
    """A short text that differs when any part does."""
    said = json.dumps(parts, separators=(",", ":"), sort_keys=True).encode()
    return hashlib.blake2b(said, digest_size=6).hexdigest()


def _sign(world: World, said: bytes) -> bytes:
    return hashlib.blake2b(said, digest_size=6, key=f"calendar {world.seed}".encode()).digest()
