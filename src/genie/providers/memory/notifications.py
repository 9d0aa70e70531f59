"""What a message of a channel of the world says: a bundle in JSON, and a handshake by `?echo=`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genie.core.errors import Malformed
from genie.providers.port import Heard, Notification


def heard(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Heard:
    if "echo" in query:
        return Heard(echo=query["echo"])
    try:
        bundle = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("This is not JSON.") from None
    if not isinstance(bundle, list):
        raise Malformed("This is no bundle of messages.")
    return Heard(tuple(_message(said) for said in bundle))


def _message(said: Any) -> Notification:
    match said:
        case {"channel": str(channel), "token": str(token), "says": str(says)}:
            return Notification(channel, token, hello=says == "hello", renew=says == "renew")
    raise Malformed("This is no message of a channel.")
