"""A mail server that keeps every letter with what became of it, and on demand refuses or hangs up."""

from __future__ import annotations

import contextlib
import email
import email.policy
import random
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import icalendar
from aiosmtpd.controller import Controller

from run import programs

LATER = "451 4.3.0 not now"


@dataclass(frozen=True)
class Copy:
    """A letter that was handed over once. `acknowledged`: we said 250; else we hung up after its text."""

    message_id: str
    to: str
    raw: bytes
    acknowledged: bool

    @property
    def words(self) -> list[str]:
        """What must be the same when it is sent again: all but its date and the marks between its parts."""
        lines = self.raw.decode().splitlines()
        return [
            line for line in lines if not line.startswith(("Date:", "--===")) and " boundary=" not in line
        ]

    @property
    def parsed(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def visit(self) -> dict[str, Any] | None:
        """What its calendar file says: uid, revision, start, cancelled; None without a file."""
        for part in self.parsed.walk():
            if part.get_content_type() == "text/calendar":
                text = part.get_payload(decode=True)
                assert isinstance(text, bytes)
                event: Any
                (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
                return {
                    "uid": str(event["UID"]),
                    "revision": int(event["SEQUENCE"]),
                    "start": event["DTSTART"].dt,
                    "cancelled": str(event.get("STATUS", "")) == "CANCELLED",
                }
        return None


@dataclass
class Postbox:
    """`copies` in the order they came."""

    port: int
    copies: list[Copy] = field(default_factory=list)
    refused: int = 0
    hung_up: int = 0
    _dice: random.Random | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def break_down(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def mend(self) -> None:
        self._dice = None

    def taken(self) -> dict[str, list[Copy]]:
        """The acknowledged copies by Message-ID."""
        found: dict[str, list[Copy]] = defaultdict(list)
        with self._lock:
            for copy in self.copies:
                if copy.acknowledged:
                    found[copy.message_id].append(copy)
        return found

    # --- what aiosmtpd calls

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Sequence[str]
    ) -> str:
        if self._chance(0.3):
            self.refused += 1
            return LATER
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self._chance(0.2):
            self.refused += 1
            return LATER
        cut = self._chance(0.3)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self._lock:
            self.copies.append(
                Copy(str(message["Message-ID"]), envelope.rcpt_tos[0], envelope.content, not cut)
            )
        if cut:
            self.hung_up += 1
            server.transport.abort()
        return "250 OK"

    def _chance(self, of_one: float) -> bool:
        dice = self._dice
        return dice is not None and dice.random() < of_one


@contextlib.contextmanager
def taking_letters() -> Iterator[Postbox]:
    box = Postbox(programs.free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=30)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
