"""Subscriptions to changes of events: made after a handshake, renewed, reauthorized, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from calendar_sandbox.microsoft import errors, times
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.state import LONGEST_SUBSCRIPTION, Calendar, Resource, Subscription

RESOURCE = re.compile(
    r"/?(?:v1\.0/)?(?:me|users(?:/|\(')(?P<user>[^/']+)(?:'\))?)"
    r"(?:/calendar|/calendars(?:/|\(')(?P<calendar>[^/']+)(?:'\))?)?/events/?",
    re.IGNORECASE,
)
KINDS = ("created", "updated", "deleted")
SHORTEST = timedelta(minutes=45)  # what is asked for less gets this
MOST = 1000  # subscriptions of one mailbox, over all apps
LONGEST_STATE = 128  # characters of a clientState
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def to_prove(call: Call) -> list[str]:
    """The addresses a request wants notifications at: they are asked before it is carried out.

    Raise Refusal when the request is refused anyway.
    """
    if "subscription" in call.args:
        _mine(call)
        _expires(call)
    else:
        _wanted(call)
    names = ("notificationUrl", "lifecycleNotificationUrl")
    return list(dict.fromkeys(call.body[name] for name in names if call.body.get(name)))


def create(call: Call) -> Answer:
    made = _wanted(call)
    _hold_proven(call.proven, made.notification_url, made.lifecycle_url)
    call.world.subscriptions[made.id] = made
    call.world.edition += 1
    return _answered(call, made, 201)


def _wanted(call: Call) -> Subscription:
    """The subscription of a request, not opened yet."""
    body = call.body
    kinds = [kind.strip() for kind in (body.get("changeType") or "").split(",") if kind.strip()]
    if not kinds or any(kind not in KINDS for kind in kinds):
        raise errors.bad("InvalidRequest", "ChangeType is missing or not supported for this resource.")
    if body.get("includeResourceData"):
        raise errors.not_offered("notifications with resource data")
    if len(body.get("clientState") or "") > LONGEST_STATE:
        raise errors.bad("InvalidRequest", "ClientState is longer than 128 characters.")
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        if body.get(name) or name == "notificationUrl":
            _hold_address(body.get(name) or "")
    calendar = _watched(call, body.get("resource") or "")
    return Subscription(
        id=call.world.new_guid(),
        resource=body["resource"],
        watched=calendar.key,
        change_type=",".join(kinds),
        notification_url=body["notificationUrl"],
        account=call.account.oid,
        client_id=call.client_id,
        expires=_expires(call),
        lifecycle_url=body.get("lifecycleNotificationUrl") or "",
        client_state=body.get("clientState") or "",
        immutable_ids=call.immutable,
    )


def _watched(call: Call, resource: str) -> Calendar:
    """The calendar of a resource; without one named it is the default one, and that one only."""
    found = RESOURCE.fullmatch(resource.strip())
    if found is None:
        raise errors.bad("InvalidRequest", f"Resource '{resource}' is not supported for subscriptions here.")
    mailbox = call.world.account_of(found["user"]) if found["user"] else call.account
    if mailbox is None:
        raise errors.no_such_user(found["user"])
    if not mailbox.mailbox:
        raise errors.no_mailbox()
    if found["calendar"]:
        calendar = call.world.calendar_of(mailbox, found["calendar"])
        if calendar is None:
            raise _not_allowed(404, "NotFound", "The specified object was not found in the store.")
    else:
        calendar = call.world.default_calendar(mailbox)
    if calendar.owner != call.account.oid or not call.account.may_subscribe:
        raise _not_allowed(403, "Forbidden", "Access is denied. Check credentials and try again.")
    call.must_see(calendar)
    alive = [one for one in call.world.subscriptions.values() if lives(call, one)]
    if sum(one.account == call.account.oid for one in alive) >= MOST:
        raise _not_allowed(403, "Forbidden", "The maximum number of subscriptions was reached.")
    return calendar


def _not_allowed(status: int, name: str, reason: str) -> errors.Refusal:
    message = f"Operation: Create; Exception: [Status Code: {name}; Reason: {reason}]"
    return errors.Refusal(status, "ExtensionError", message)


def _hold_address(address: str) -> None:
    parts = urlsplit(address)
    if not parts.netloc or parts.scheme not in ("http", "https"):
        raise errors.bad("InvalidRequest", "NotificationUrl is missing or not an address.")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise errors.bad("InvalidRequest", "The Notification URL should start with 'https'.")


def _expires(call: Call) -> datetime:
    text = call.body.get("expirationDateTime") or ""
    try:
        asked = times.parse_instant(text)
    except ValueError:
        raise errors.bad("InvalidRequest", "ExpirationDateTime is missing or not a time.") from None
    now = call.world.now()
    if asked <= now:
        raise errors.bad("InvalidRequest", "Subscription expiration must be in the future.")
    if asked - now > LONGEST_SUBSCRIPTION:
        minutes = int(LONGEST_SUBSCRIPTION.total_seconds() / 60)
        raise errors.bad(
            "ExtensionError", f"Subscription expiration can only be {minutes} minutes in the future."
        )
    return max(asked, (now + SHORTEST).replace(microsecond=0))


def _hold_proven(proven: Mapping[str, str], *addresses: str) -> None:
    for address in addresses:
        if address and proven.get(address):
            raise errors.bad("ValidationError", proven[address])


def lives(call: Call, subscription: Subscription) -> bool:
    return not subscription.removed and subscription.expires > call.world.now()


def _mine(call: Call) -> Subscription:
    """The subscription of the path, of this app and account. Raise Refusal when there is none."""
    found = call.world.subscriptions.get(call.args["subscription"])
    mine = found is not None and (found.account, found.client_id) == (call.account.oid, call.client_id)
    if found is None or not mine or not lives(call, found):
        raise errors.Refusal(404, "ResourceNotFound", "The object was not found.")
    return found


def listed(call: Call) -> Answer:
    mine = [
        one
        for one in call.world.subscriptions.values()
        if (one.account, one.client_id) == (call.account.oid, call.client_id) and lives(call, one)
    ]
    value = [_shown(call, one) for one in mine]
    return Answer({"@odata.context": call.context("subscriptions"), "value": value})


def get(call: Call) -> Answer:
    return _answered(call, _mine(call))


def update(call: Call) -> Answer:
    """Renew, which also reauthorizes; a lifecycle address cannot come later."""
    found = _mine(call)
    if call.body.get("lifecycleNotificationUrl"):
        raise errors.bad("InvalidRequest", "LifecycleNotificationUrl cannot be changed.")
    found_expires = _expires(call)
    if address := call.body.get("notificationUrl"):
        _hold_address(address)
        _hold_proven(call.proven, address)
        found.notification_url = address
    found.expires, found.unauthorized = found_expires, False
    call.world.edition += 1
    return _answered(call, found)


def reauthorize(call: Call) -> Answer:
    _mine(call).unauthorized = False
    call.world.edition += 1
    return Answer(status=204)


def delete(call: Call) -> Answer:
    _mine(call).removed = True
    call.world.edition += 1
    return Answer(status=204)


def _answered(call: Call, found: Subscription, status: int = 200) -> Answer:
    said: Resource = {"@odata.context": call.context("subscriptions/$entity")} | _shown(call, found)
    if status == 201:
        said["clientState"] = found.client_state or None
    return Answer(said, status)


def _shown(call: Call, found: Subscription) -> Resource:
    """What is answered of a subscription; its clientState only to the request that made it."""
    account = call.world.accounts[found.account]
    return {
        "id": found.id,
        "resource": found.resource,
        "applicationId": found.client_id,
        "changeType": found.change_type,
        "clientState": None,
        "notificationUrl": found.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": found.lifecycle_url or None,
        "expirationDateTime": times.offset_text(found.expires),
        "creatorId": account.oid,
        "includeResourceData": None,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }
