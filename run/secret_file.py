"""Secrets of an installation: made once, kept in a file only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

WORDS = (
    "amber birch cedar coral delta ember fjord grove heron iris jade lake maple nova opal pine reef sage tide"
)


def readable_password() -> str:
    """About 39 bits, easy to copy by eye: three words and two numbers."""
    chosen = [secrets.choice(WORDS.split()) for _ in range(3)]
    return "-".join([*chosen, str(secrets.randbelow(9000) + 1000), str(secrets.randbelow(9000) + 1000)])


def fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MAKERS = {
    "GENIE_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "GENIE_ENCRYPTION_KEYS": fernet_key,
    "GENIE_DEMO_PASSWORD": readable_password,
    "GENIE_DEMO_CALDAV_PASSWORD": readable_password,
}


def load_or_make(path: Path) -> dict[str, str]:
    """All secrets of MAKERS; what is missing is made and written. The file is 0600 from its first byte."""
    known = read(path)
    missing = {name: make() for name, make in MAKERS.items() if name not in known}
    if missing:
        known |= missing
        half = path.with_suffix(".tmp")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("# Made at the first start. Keep a copy: without the keys the calendars must be\n")
            file.write("# connected anew. Never commit or mail this file.\n")
            file.writelines(f"{name}={value}\n" for name, value in known.items())
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    return known


def read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
