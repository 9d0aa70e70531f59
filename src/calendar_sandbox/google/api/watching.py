"""events.watch, calendarList.watch, settings.watch and channels.stop: who is told when something changes."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from calendar_sandbox.google import errors
from calendar_sandbox.google.api import bookmarks
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Channel, Resource

DEFAULT_TTL = timedelta(seconds=604_800)
LONGEST_TTL = timedelta(days=30)  # undocumented; clients must use the expiration of the answer
CHANNEL_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
LONGEST_TOKEN = 256


def events(call: Call) -> Resource:
    """Raise Refusal when the calendar is of a kind that cannot be watched."""
    calendar = call.calendar()
    if calendar.refuses_push:
        raise errors.calendar_says(
            "pushNotSupportedForRequestedResource", "Push notifications are not supported by this resource."
        )
    path = f"calendars/{quote(calendar.id, safe='@')}/events"
    return _watch(call, f"events:{calendar.id}", path)


def calendar_list(call: Call) -> Resource:
    return _watch(call, f"list:{call.account.email}", "users/me/calendarList")


def settings(call: Call) -> Resource:
    return _watch(call, f"settings:{call.account.email}", "users/me/settings")


def stop(call: Call) -> None:
    body = call.body
    for name in ("id", "resourceId"):
        if not body.get(name):
            raise errors.required(f"Required: {name}")
    channel = call.world.channels.get(_key(call, body["id"]))
    known = channel is not None and not channel.stopped and channel.expires > call.world.now()
    if channel is None or not known or channel.resource_id != body["resourceId"]:
        raise errors.not_found(f"Channel '{body['id']}' not found for project '{_project(call)}'")
    channel.stopped = True


def _watch(call: Call, resource: str, path: str) -> Resource:
    body, world = call.body, call.world
    channel_id = body.get("id")
    if not channel_id:
        raise errors.required("Required: id")
    if not CHANNEL_ID.fullmatch(channel_id):
        raise errors.Refusal(
            400, "channelIdInvalid", r"Channel id must match the pattern [A-Za-z0-9\-_\+/=]+"
        )
    if body.get("type") not in ("web_hook", "webhook"):
        raise errors.Refusal(400, "push.channelTypeUnknown", f"Unknown channel type: {body.get('type')}")
    if len(body.get("token") or "") > LONGEST_TOKEN:
        raise errors.invalid(f"Channel token is longer than {LONGEST_TOKEN} characters.")
    _check_address(str(body.get("address") or ""))
    key = _key(call, channel_id)
    if key in world.channels:
        raise errors.Refusal(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
    channel = Channel(
        id=channel_id,
        resource=resource,
        resource_id=bookmarks.digest(call.account.email, resource) + bookmarks.digest(resource),
        resource_uri=f"{call.base_url}/calendar/v3/{path}?alt=json",
        address=body["address"],
        account=call.account.email,
        client_id=call.client_id,
        expires=_expires(call),
        token=body.get("token") or "",
    )
    world.open_channel(key, channel)
    shown = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(int(channel.expires.timestamp() * 1000)),
    }
    return shown | ({"token": channel.token} if channel.token else {})


def _key(call: Call, channel_id: str) -> str:
    return f"{call.client_id} {channel_id}"


def _project(call: Call) -> str:
    return call.client_id.partition("-")[0] or "0"


def _expires(call: Call) -> datetime:
    """The wish of the client, in its two forms, but not longer than is allowed."""
    now, body = call.world.now(), call.body
    wanted = now + DEFAULT_TTL
    try:
        if ttl := (body.get("params") or {}).get("ttl"):
            wanted = now + timedelta(seconds=int(ttl))
        if body.get("expiration"):
            wanted = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC)
    except (ValueError, OverflowError):
        raise errors.invalid("Invalid channel expiration.") from None
    if wanted <= now:
        raise errors.invalid("Channel expiration lies in the past.")
    return min(wanted, now + LONGEST_TTL).replace(microsecond=0)


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if not parts.hostname:
        raise errors.Refusal(
            400, "push.webhookUrlNoHostOrAddress", f"WebHook callback has no host: {address}"
        )
    plain = parts.scheme == "http" and _is_loopback(parts.hostname)
    if parts.scheme != "https" and not plain:
        raise errors.Refusal(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
