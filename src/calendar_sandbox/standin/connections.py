"""An app that an account has let in, as the page “Apps with access” shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Connection:
    """`rights` are in the words the person agreed to."""

    client: str
    name: str
    since: datetime | None
    rights: list[str]
