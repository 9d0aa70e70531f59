"""What a message of a Google channel says: all of it stands in headers (Google's guide to push)."""

from __future__ import annotations

from collections.abc import Mapping

from genie.core.errors import Malformed
from genie.providers.port import Heard, Notification


def heard(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Heard:
    """One message. Raises Malformed where the headers name no channel."""
    named = {name.lower(): value for name, value in headers.items()}
    channel = named.get("x-goog-channel-id", "")
    if not channel:
        raise Malformed("This is no message of a Google channel.")
    state = named.get("x-goog-resource-state", "").lower()
    return Heard((Notification(channel, named.get("x-goog-channel-token", ""), hello=state == "sync"),))
