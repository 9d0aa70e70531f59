"""What Graph posts to a webhook: the handshake, changes, and what becomes of a subscription.

Facts: learn.microsoft.com/graph/change-notifications-delivery-webhooks and
.../change-notifications-lifecycle-events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genie.core.errors import Malformed
from genie.providers.port import Heard, Notification

ENDS = ("reauthorizationRequired", "subscriptionRemoved")
"""Lifecycle events that ask for another subscription, or for this one to be prolonged. After `missed` a look
is enough: a delta read brings what was not told."""
LONGEST_TOKEN = 2_000
MOST = 1_000
"""Messages in one bundle; a real one has about a hundred."""


def heard(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Heard:
    """One POST. Raises Malformed where it is none of Graph's."""
    token = query.get("validationToken", "")
    if token:
        return Heard(echo=token) if len(token) <= LONGEST_TOKEN else Heard()
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise Malformed("This is no message of a Graph subscription.") from fault
    bundle = said.get("value") if isinstance(said, dict) else None
    if not isinstance(bundle, list):
        raise Malformed("This is no message of a Graph subscription.")
    return Heard(tuple(_message(one) for one in bundle[:MOST] if _is_message(one)))


def _is_message(one: Any) -> bool:
    return (
        isinstance(one, dict) and isinstance(one.get("subscriptionId"), str) and bool(one["subscriptionId"])
    )


def _message(one: Mapping[str, Any]) -> Notification:
    """`clientState` counts for each message of a bundle by itself."""
    state = one.get("clientState")
    return Notification(
        channel_id=one["subscriptionId"],
        token=state if isinstance(state, str) else "",
        renew=one.get("lifecycleEvent") in ENDS,
    )
