"""Ask another system for free times, as a company's own software answers them (docs/external-times.md).

No calendar: it has no events and is no key. It stands here because it speaks HTTP outward past the same
guard, and like a provider is handed its settings and its secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx

from genie.core.errors import AddressRefused, ConnectFault, NoSuchHost
from genie.providers.addresses import checked_url, client
from genie.providers.deadline import Deadline
from genie.providers.faults import unreachable_why
from genie.providers.registry import ProviderSettings

VERSION = 1
LARGEST = 300_000
"""Bytes of an answer."""
MOST = 5_000
"""Starts in an answer."""
LONGEST = 40
"""Characters of a start."""
LONGEST_WAIT = 3.0
"""Seconds: a visitor waits for the page."""


class NoAnswer(Exception):
    """It did not answer in time, or not as it should; the message is a sentence and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Starts from `low` to before `high`. `kind` is a slug, `staff` a number; empty for neither."""

    company: str
    module: str
    kind: str = ""
    staff: int | None = None
    low: datetime
    high: datetime
    zone: str
    duration_minutes: int

    def body(self) -> bytes:
        said: dict[str, Any] = {
            "version": VERSION,
            "company": self.company,
            "module": self.module,
            "kind": self.kind or None,
            "staff": self.staff,
            "from": utc_text(self.low),
            "to": utc_text(self.high),
            "zone": self.zone,
            "duration_minutes": self.duration_minutes,
        }
        return json.dumps(said, separators=(",", ":")).encode()


def ask(
    question: Question, *, url: str, secret: str, wait: float, settings: ProviderSettings, now: datetime
) -> list[datetime]:
    """The starts it offers, in order, as UTC datetimes; over within `wait` seconds, at most LONGEST_WAIT.

    Raises NoAnswer. No redirect is followed: the question would be signed for somebody else.
    """
    body = question.body()
    wait = min(wait, LONGEST_WAIT)
    deadline = Deadline(settings.ticks, settings.ticks() + wait)
    headers = {"Content-Type": "application/json", "Accept": "application/json", **signed(body, secret, now)}
    try:
        with (
            client(replace(settings, timeout=wait, connect_timeout=wait), deadline) as http,
            http.stream("POST", checked_url(url, settings), content=body, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise NoAnswer(f"It refused to answer (HTTP {response.status_code}).")
            content = read(response, deadline)
    except httpx.ConnectError as fault:
        raise NoAnswer(unreachable_why(fault).replace("The calendar server", "It")) from fault
    except httpx.TimeoutException as fault:
        raise NoAnswer("It did not answer in time.") from fault
    except httpx.HTTPError as fault:
        raise NoAnswer("The connection to it broke off.") from fault
    except (httpx.InvalidURL, ValueError) as fault:
        raise NoAnswer("Its address is not a web address.") from fault
    except NoSuchHost as fault:
        raise NoAnswer("There is no server of that name.") from fault
    except (AddressRefused, ConnectFault) as fault:
        raise NoAnswer(str(fault)) from fault
    return starts_of(content, question)


def signed(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    """Headers by which the other side knows us, and that the question is of now."""
    moment = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Genie-Timestamp": moment, "Genie-Signature": f"v1={digest}"}


def read(response: httpx.Response, deadline: Deadline) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > LARGEST:
            raise NoAnswer("Its answer is too large.")
        if deadline.passed:
            raise NoAnswer("It did not answer in time.")
        pieces.append(piece)
    return b"".join(pieces)


def starts_of(content: bytes, question: Question) -> list[datetime]:
    """The answer, if all of it is right: one start that makes no sense says that the rest means nothing."""
    try:
        said = json.loads(content)
        listed = said["starts"]
    except (ValueError, RecursionError, TypeError, KeyError) as fault:
        raise NoAnswer("Its answer is not the JSON it should be.") from fault
    if not isinstance(said, dict) or not isinstance(listed, list):
        raise NoAnswer("Its answer is not the JSON it should be.")
    if len(listed) > MOST:
        raise NoAnswer(f"Its answer has more than {MOST:,} starts.")
    starts = [start_of(one) for one in listed]
    if any(not question.low <= start < question.high for start in starts):
        raise NoAnswer("Its answer has a start outside of what was asked.")
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise NoAnswer("The starts of its answer are not in order, each once.")
    return starts


def start_of(value: object) -> datetime:
    """An instant, to the second. Raises NoAnswer."""
    try:
        if not isinstance(value, str) or len(value) > LONGEST:
            raise ValueError("no text of that length")
        start = datetime.fromisoformat(value)
        if start.utcoffset() is None or start.microsecond:
            raise ValueError("no instant")
        return start.astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise NoAnswer("A start of its answer is no time with an offset.") from fault


def utc_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
