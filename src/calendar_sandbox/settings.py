"""What the sandbox is told when it starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from calendar_sandbox.google.state import Client
from calendar_sandbox.microsoft.state import Client as MicrosoftClient

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present instant; the only place that looks at the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Account:
    """A login on the CalDAV server whose owner one may play."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Addresses and logins; `zone` is an IANA name, or empty to take the calendar's own.

    Without `caldav_url` there is no CalDAV owner to play. `google_accounts` and `microsoft_accounts` are the
    addresses of the stand-ins' accounts; `state` is the file they remember everything in, `seed` makes them
    repeatable.
    """

    caldav_url: str = ""
    accounts: tuple[Account, ...] = ()
    zone: str = ""
    mail_dir: Path | None = None
    smtp_host: str = "127.0.0.1"
    smtp_port: int | None = None  # None: no mail is taken; 0: any free port
    google_accounts: tuple[str, ...] = ()
    google_clients: tuple[Client, ...] = ()  # apps that may ask for access, besides the demo's own
    microsoft_accounts: tuple[str, ...] = ()
    microsoft_clients: tuple[MicrosoftClient, ...] = ()
    state: Path | None = None
    seed: int = 0
    public_url: str = ""  # where links into the stand-ins' calendars lead
    clock: Clock = utc_now


def account_from_pair(pair: str) -> Account:
    """Read `name:password`; raise ValueError when there is no colon or no name."""
    name, colon, password = pair.partition(":")
    if not (name and colon):
        raise ValueError(f"an account is written name:password, not {name!r}")
    return Account(name, password)


def accounts_from_file(path: Path) -> list[Account]:
    """Read `{"name": "password", …}` or `[{"name": …, "password": …}, …]`, also under a key `accounts`."""
    found = json.loads(path.read_text("utf-8"))
    if isinstance(found, dict) and "accounts" in found:
        found = found["accounts"]
    if isinstance(found, dict):
        return [Account(str(name), str(password)) for name, password in found.items()]
    return [Account(str(entry["name"]), str(entry["password"])) for entry in found]
