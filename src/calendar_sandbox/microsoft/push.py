"""Notifications: which subscription is told what and when. How they are posted is in standin/outbox.py.

Changes are gathered: while a message of a subscription waits, further changes join it. A receiver that does
not answer with 2xx is asked again, later each time ("up to 4 hours"); lifecycle notifications go to their own
address. A subscription whose authorization lapsed is told nothing until it is renewed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from calendar_sandbox.microsoft import times
from calendar_sandbox.microsoft.faults import PUSH, Asked, Fault, Faults
from calendar_sandbox.microsoft.state import Change, Resource, Subscription, World
from calendar_sandbox.standin import outbox

MOST_IN_ONE = 100  # changes
RETRIED_FOR = timedelta(hours=4)
REORDERED_FOR = timedelta(seconds=10)  # a message that waits for the next one waits no longer than this
LIFECYCLE = ("reauthorizationRequired", "subscriptionRemoved", "missed")


@dataclass
class Message:
    """A notification that is to be posted at `due`; `event` is set for one about the subscription itself."""

    key: str  # the subscription's id
    subscription: Subscription
    due: datetime
    born: datetime
    value: list[Resource] = field(default_factory=list)
    event: str = ""
    attempts: int = 0
    held: bool = False  # until another message of the subscription was sent

    @property
    def address(self) -> str:
        one = self.subscription
        return one.lifecycle_url if self.event else one.notification_url

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json; charset=utf-8"}

    @property
    def content(self) -> bytes:
        return json.dumps({"value": self.value}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Delivery:
    """What became of a message; `status` is 0 when nobody answered."""

    at: datetime
    subscription_id: str
    kinds: tuple[str, ...]  # changeType of each change, or the lifecycle event
    status: int


class Outbox(outbox.Outbox[Message]):
    """The messages that wait for Graph's subscriptions."""

    world: World

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__(world)
        self.faults = faults

    def heard(self, change: Change) -> None:
        """An event changed; the world calls this."""
        for subscription in list(self.world.subscriptions.values()):
            fits = subscription.watched == change.calendar and change.kind in subscription.change_type
            if fits and self.lives(subscription) and not subscription.unauthorized:
                self._tell(subscription, change)

    def lives(self, subscription: Subscription) -> bool:
        if subscription.removed or subscription.expires <= self.world.now():
            return False
        calendar = self.world.calendars.get(subscription.watched)
        return calendar is not None and not calendar.deleted

    def announce(self, subscription: Subscription, event: str) -> bool:
        """Say something about the subscription itself; False when it has no address for that.

        Raise ValueError for what is none of LIFECYCLE.
        """
        if event not in LIFECYCLE:
            raise ValueError(f"no such lifecycle event: {event}; there are {', '.join(LIFECYCLE)}")
        if event == "reauthorizationRequired":
            subscription.unauthorized = True
        if event == "subscriptionRemoved":
            subscription.removed = True
        if not subscription.lifecycle_url:
            return False
        now = self.world.now()
        value = self._about(subscription) | {"lifecycleEvent": event}
        self.waiting.append(Message(subscription.id, subscription, now, now, [value], event))
        self.wake()
        return True

    def _tell(self, subscription: Subscription, change: Change) -> None:
        value = self._said(subscription, change)
        for message in self.waiting:
            open_ = message.key == subscription.id and not (message.event or message.held or message.attempts)
            if open_ and len(message.value) < MOST_IN_ONE:
                message.value.append(value)
                return
        now = self.world.now()
        asked = Asked(subscription.resource, "PUSH", subscription.id, subscription.account)
        self._put(Message(subscription.id, subscription, now, now, [value]), self.faults.take(asked, PUSH))

    def _put(self, message: Message, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if fault is not None and kind == "push_late":
            message.due += timedelta(seconds=fault.seconds)
        if kind == "push_reordered":
            message.held, message.due = True, message.due + REORDERED_FOR
        if kind not in ("push_lost", "push_missed"):
            self.waiting.append(message)
        if kind == "push_doubled":
            again = Message(message.key, message.subscription, message.due, message.born, list(message.value))
            self.waiting.append(again)
        if kind == "push_missed":
            self.announce(message.subscription, "missed")
        self.wake()

    def _about(self, subscription: Subscription) -> Resource:
        account = self.world.accounts[subscription.account]
        return {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": times.offset_text(subscription.expires),
            "clientState": subscription.client_state or None,
            "tenantId": account.tid if not account.personal else "",
        }

    def _said(self, subscription: Subscription, change: Change) -> Resource:
        event = change.event
        owner = self.world.accounts[self.world.calendars[change.calendar].owner]
        event_id = event.immutable_id if subscription.immutable_ids else event.id
        path = f"Users/{owner.id}/Events/{event_id}"
        data = {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": path,
            "@odata.etag": f'W/"{event.resource["changeKey"]}"',
            "id": event_id,
        }
        more = {"changeType": change.kind, "resource": path, "resourceData": data}
        return self._about(subscription) | more

    def wanted(self, message: Message) -> bool:
        return bool(message.event) or (
            self.lives(message.subscription) and not message.subscription.unauthorized
        )

    def known(self, message: Message) -> bool:
        return self.world.subscriptions.get(message.key) is message.subscription

    def again(self, message: Message, status: int) -> timedelta | None:
        """Anything but 2xx is tried again for four hours."""
        pause = timedelta(seconds=0.25 * 2 ** (message.attempts + 1))
        late = self.world.now() + pause - message.born > RETRIED_FOR
        return None if 200 <= status < 300 or late else pause

    def delivered(self, message: Message, status: int) -> Delivery:
        kinds = (message.event,) if message.event else tuple(one["changeType"] for one in message.value)
        return Delivery(self.world.now(), message.subscription.id, kinds, status)
