"""Notifications: which channel is told what and when, and the task that really posts them.

Changes are gathered: while a message of a channel waits or is on its way, further changes make only one more.
Numbers grow, but not by one. A receiver that answers 500, 502, 503 or 504 is asked again, later each time;
every other answer ends it (guide "Push notifications").
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import httpx

from calendar_sandbox.google.faults import PUSH, Asked, Faults
from calendar_sandbox.google.state import Channel, World

AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
ASKED_AGAIN = (500, 502, 503, 504)
MOST_ATTEMPTS = 8
PATIENCE = httpx.Timeout(10, connect=3, pool=None)  # seconds
AT_ONCE = httpx.Limits(max_connections=50, max_keepalive_connections=50)
REORDERED_FOR = timedelta(seconds=10)  # a message that waits for the next one waits no longer than this


@dataclass
class Message:
    """A notification that is to be posted at `due`."""

    key: str
    channel: Channel
    state: str  # sync, exists
    number: int
    due: datetime
    attempts: int = 0
    held: bool = False  # until another message of the channel was sent

    @property
    def headers(self) -> dict[str, str]:
        channel = self.channel
        said = {
            "User-Agent": AGENT,
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(channel.expires, usegmt=True),
            "X-Goog-Resource-State": self.state,
            "X-Goog-Message-Number": str(self.number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": channel.resource_uri,
        }
        return said | ({"X-Goog-Channel-Token": channel.token} if channel.token else {})


@dataclass(frozen=True)
class Delivery:
    """What became of a message; `status` is 0 when nobody answered."""

    at: datetime
    channel_id: str
    state: str
    number: int
    status: int


@dataclass
class Outbox:
    """The messages that wait. Whoever posts them calls `take` and then `done`."""

    world: World
    faults: Faults
    waiting: list[Message] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)  # keys of channels a message of which is being posted
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=5000))
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  repeatable on purpose
    wake: Callable[[], None] = lambda: None

    def clear(self) -> None:
        self.dice = random.Random(self.world.seed)  # noqa: S311  repeatable on purpose
        self.waiting.clear()
        self.under_way.clear()
        self.deliveries.clear()

    def heard(self, resource: str) -> None:
        """A resource changed; the world calls this."""
        if resource.startswith("channel:"):
            key = resource.removeprefix("channel:")
            self._put(key, self.world.channels[key], "sync")
            return
        for key, channel in self.world.channels.items():
            if channel.resource == resource and self.lives(channel) and not self._has_one(key):
                self._put(key, channel, "exists")

    def _has_one(self, key: str) -> bool:
        return any(m.key == key and m.state == "exists" and not m.held for m in self.waiting)

    def lives(self, channel: Channel) -> bool:
        if channel.stopped or channel.expires <= self.world.now():
            return False
        kind, _, name = channel.resource.partition(":")
        return kind != "events" or self._sees(channel.account, name)

    def _sees(self, email: str, calendar_id: str) -> bool:
        account = self.world.accounts.get(email)
        return account is not None and self.world.calendar_of(account, calendar_id) is not None

    def _put(self, key: str, channel: Channel, state: str) -> None:
        if state == "sync":
            number = channel.message_number
        else:
            number = channel.message_number = channel.message_number + self.dice.randint(1, 3000)
        message = Message(key, channel, state, number, self.world.now())
        fault = self.faults.take(Asked(channel.resource, "PUSH", channel.id, channel.account), PUSH)
        kind = fault.kind if fault else ""
        if fault is not None and kind == "push_late":
            message.due += timedelta(seconds=fault.seconds)
        if kind == "push_reordered":
            message.held, message.due = True, message.due + REORDERED_FOR
        if kind != "push_lost":
            self.waiting.append(message)
        if kind == "push_doubled":
            self.waiting.append(Message(key, channel, state, number, message.due, held=message.held))
        self.wake()

    def take(self) -> list[Message]:
        """The messages to post now, one of each channel at most."""
        now, found = self.world.now(), []
        for message in list(self.waiting):
            if not self.lives(message.channel):
                self.waiting.remove(message)
            elif message.due <= now and message.key not in self.under_way:
                self.waiting.remove(message)
                self.under_way.add(message.key)
                found.append(message)
        return found

    def done(self, message: Message, status: int) -> None:
        """Say what the receiver answered; 0 when it did not."""
        if self.world.channels.get(message.key) is not message.channel:
            return  # the world was emptied meanwhile
        now = self.world.now()
        self.under_way.discard(message.key)
        self.deliveries.append(Delivery(now, message.channel.id, message.state, message.number, status))
        for other in self.waiting:
            if other.held and other.key == message.key:
                other.held, other.due = False, now
        if status in ASKED_AGAIN and message.attempts + 1 < MOST_ATTEMPTS:
            message.attempts += 1
            message.due = now + timedelta(seconds=0.25 * 2**message.attempts)
            self.waiting.append(message)
        self.wake()

    def flush(self, post: Callable[[Message], int]) -> int:
        """Deliver in process all that is due, by a function that returns a status; return how many."""
        sent = 0
        while messages := self.take():
            for message in messages:
                self.done(message, post(message))
                sent += 1
        return sent

    def seconds_to_next(self) -> float | None:
        """How long until something is due; None: nothing waits."""
        free = [m.due for m in self.waiting if m.key not in self.under_way]
        return max(0.0, (min(free) - self.world.now()).total_seconds()) if free else None

    @property
    def idle(self) -> bool:
        """Say that nothing is due or under way."""
        pause = self.seconds_to_next()
        return not self.under_way and (pause is None or pause > 0)


async def deliver(outbox: Outbox) -> None:
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


async def _post(http: httpx.AsyncClient, outbox: Outbox, message: Message) -> None:
    try:
        answer = await http.post(message.channel.address, headers=message.headers, content=b"")
        status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        status = 0
    with outbox.world.lock:
        outbox.done(message, status)
