"""The file beside the database that says which installation this is, and whether that is in doubt.

One small JSON object, replaced whole. It holds no secret.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from genie.core.recognition import Doubt, Record

MACHINE = Path("/etc/machine-id")
"""What systemd and its like call this machine; missing or the same everywhere in some containers."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`doubt`, since when: a person has to say what happened, and nothing is sent until then."""

    record: Record | None
    doubt: Doubt | None = None
    since: datetime | None = None


NOTHING = Recorded(None)


def read_record(path: Path) -> Recorded:
    """NOTHING where there is no file, or none that can be read."""
    try:
        known = json.loads(path.read_text())
        name, since = known["installation"], known["since"]
        return Recorded(
            Record(str(name), int(known["turn"]), str(known["place"])) if name else None,
            Doubt(known["doubt"]) if known["doubt"] else None,
            datetime.fromisoformat(since) if since else None,
        )
    except (OSError, ValueError, TypeError, KeyError):
        return NOTHING


def write_record(path: Path, what: Recorded) -> None:
    """The old one or the new one is there, whatever happens. Raises OSError."""
    record = what.record
    known = {
        "installation": record.name if record else "",
        "turn": record.turn if record else 0,
        "place": record.place if record else "",
        "doubt": what.doubt or "",
        "since": what.since.isoformat() if what.since else "",
    }
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def doubt_there(path: str) -> Doubt | None:
    """What the file says; None as well where there is no such file (an empty path)."""
    return read_record(Path(path)).doubt if path else None


def place_of(path: Path) -> str:
    """This machine and this folder, in a form that gives neither away."""
    machine = ""
    with suppress(OSError):
        machine = MACHINE.read_text().strip()
    return sha256(f"{machine}\0{path.resolve()}".encode()).hexdigest()[:32]
