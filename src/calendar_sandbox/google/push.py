"""Notifications: which channel is told what and when. How they are posted is in standin/outbox.py.

Changes are gathered: while a message of a channel waits or is on its way, further changes make only one more.
Numbers grow, but not by one. A receiver that answers 500, 502, 503 or 504 is asked again, later each time;
every other answer ends it (guide "Push notifications").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from calendar_sandbox.google.faults import PUSH, Asked, Faults
from calendar_sandbox.google.state import Channel, World
from calendar_sandbox.standin import outbox
from calendar_sandbox.standin.outbox import deliver

__all__ = ["Delivery", "Message", "Outbox", "deliver"]

AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
ASKED_AGAIN = (500, 502, 503, 504)
MOST_ATTEMPTS = 8
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
    def address(self) -> str:
        return self.channel.address

    @property
    def content(self) -> bytes:
        return b""

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


class Outbox(outbox.Outbox[Message]):
    """The messages that wait for Google's channels."""

    world: World

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__(world)
        self.faults = faults

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

    def wanted(self, message: Message) -> bool:
        return self.lives(message.channel)

    def known(self, message: Message) -> bool:
        return self.world.channels.get(message.key) is message.channel

    def again(self, message: Message, status: int) -> timedelta | None:
        if status in ASKED_AGAIN and message.attempts + 1 < MOST_ATTEMPTS:
            return timedelta(seconds=0.25 * 2 ** (message.attempts + 1))
        return None

    def delivered(self, message: Message, status: int) -> Delivery:
        return Delivery(self.world.now(), message.channel.id, message.state, message.number, status)
