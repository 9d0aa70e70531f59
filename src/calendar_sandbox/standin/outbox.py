"""Notifications: what waits to be posted and when, and the task that really posts it.

Each stand-in says in its own `push.py` what is said to whom; here is how it gets there.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import httpx

PATIENCE = httpx.Timeout(10, connect=3, pool=None)  # seconds
AT_ONCE = httpx.Limits(max_connections=50, max_keepalive_connections=50)


class Message(Protocol):
    """A notification that is to be posted at `due`; those of one `key` one after the other."""

    key: str
    due: datetime
    attempts: int
    held: bool  # until another message of the same key was sent

    @property
    def address(self) -> str: ...

    @property
    def headers(self) -> dict[str, str]: ...

    @property
    def content(self) -> bytes: ...


class Timed(Protocol):
    """The world of a stand-in, as far as an outbox needs it."""

    seed: int
    lock: threading.RLock

    def now(self) -> datetime: ...


M = TypeVar("M", bound=Message)


@dataclass
class Outbox(Generic[M]):
    """The messages that wait. Whoever posts them calls `take` and then `done`."""

    world: Timed
    waiting: list[M] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)  # keys a message of which is being posted
    deliveries: deque[Any] = field(default_factory=lambda: deque(maxlen=5000))
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  repeatable on purpose
    wake: Callable[[], None] = lambda: None
    paused: bool = False  # what is due waits, so that a test decides when it comes

    # --- what a stand-in decides ---

    def wanted(self, message: M) -> bool:
        """Say whether a message may still go out."""
        raise NotImplementedError

    def known(self, message: M) -> bool:
        """Say whether whom it is for is still the one it was made for."""
        raise NotImplementedError

    def again(self, message: M, status: int) -> timedelta | None:
        """How long until a message that got this answer is posted again; None: it is not."""
        raise NotImplementedError

    def delivered(self, message: M, status: int) -> Any:
        """What is kept of a delivery."""
        raise NotImplementedError

    # --- what is alike ---

    def clear(self) -> None:
        self.dice = random.Random(self.world.seed)  # noqa: S311  repeatable on purpose
        self.waiting.clear()
        self.under_way.clear()
        self.deliveries.clear()
        self.paused = False

    def take(self) -> list[M]:
        """The messages to post now, one of each key at most."""
        now, found = self.world.now(), []
        if self.paused:
            return []
        for message in list(self.waiting):
            if not self.wanted(message):
                self.waiting.remove(message)
            elif message.due <= now and message.key not in self.under_way:
                self.waiting.remove(message)
                self.under_way.add(message.key)
                found.append(message)
        return found

    def done(self, message: M, status: int) -> None:
        """Say what the receiver answered; 0 when it did not."""
        if not self.known(message):
            return  # the world was emptied meanwhile
        now = self.world.now()
        self.under_way.discard(message.key)
        self.deliveries.append(self.delivered(message, status))
        for other in self.waiting:
            if other.held and other.key == message.key:
                other.held, other.due = False, now
        pause = self.again(message, status)
        if pause is not None:
            message.attempts += 1
            message.due = now + pause
            self.waiting.append(message)
        self.wake()

    def flush(self, post: Callable[[M], int]) -> int:
        """Deliver in process all that is due, by a function that returns a status; return how many."""
        sent = 0
        while messages := self.take():
            for message in messages:
                self.done(message, post(message))
                sent += 1
        return sent

    def seconds_to_next(self) -> float | None:
        """How long until something is due; None: nothing waits."""
        if self.paused:
            return None
        free = [m.due for m in self.waiting if m.key not in self.under_way]
        return max(0.0, (min(free) - self.world.now()).total_seconds()) if free else None

    @property
    def idle(self) -> bool:
        """Say that nothing is due or under way."""
        pause = self.seconds_to_next()
        return not self.under_way and (pause is None or pause > 0)


async def deliver(outbox: Outbox[Any]) -> None:
    """Post what waits, until cancelled."""
    loop, bell = asyncio.get_running_loop(), asyncio.Event()
    outbox.wake = lambda: _ring(loop, bell)
    posting: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(timeout=PATIENCE, limits=AT_ONCE, trust_env=False) as http:
        try:
            while True:
                bell.clear()
                with outbox.world.lock:
                    messages, pause = outbox.take(), outbox.seconds_to_next()
                for message in messages:
                    task = asyncio.create_task(_post(http, outbox, message))
                    posting.add(task)
                    task.add_done_callback(posting.discard)
                try:
                    await asyncio.wait_for(bell.wait(), pause)
                except TimeoutError:
                    continue
        finally:
            outbox.wake = lambda: None
            for task in posting:
                task.cancel()


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(bell.set)


async def _post(http: httpx.AsyncClient, outbox: Outbox[Any], message: Message) -> None:
    try:
        answer = await http.post(message.address, headers=message.headers, content=message.content)
        status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        status = 0
    with outbox.world.lock:
        outbox.done(message, status)
