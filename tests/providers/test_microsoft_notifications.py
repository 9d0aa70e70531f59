"""What Graph posts to the webhook: the handshake, changes, lifecycle, and strangers' nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genie.core.errors import Malformed
from genie.providers.port import Heard, Notification
from genie.providers.registry import notifications
from genie.web.hooks import LARGEST

# as the reference shows them
CHANGE = {
    "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
    "subscriptionExpirationDateTime": "2026-12-01T11:00:00.0000000Z",
    "clientState": "secretClientValue",
    "changeType": "updated",
    "resource": "Users/bc55b173/Events/AAMkADAw",
    "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
    "resourceData": {
        "@odata.type": "#Microsoft.Graph.Event",
        "@odata.id": "Users/bc55b173/Events/AAMkADAw",
        "@odata.etag": 'W/"DwAAABYAAA=="',
        "id": "AAMkADAw",
    },
}
LIFECYCLE = {
    "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
    "subscriptionExpirationDateTime": "2026-12-01T11:00:00.0000000Z",
    "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
    "clientState": "secretClientValue",
}


def heard(*said: Any, query: dict[str, str] | None = None, body: bytes | None = None) -> Heard:
    read = notifications("microsoft")
    assert read is not None
    return read({}, query or {}, json.dumps({"value": said}).encode() if body is None else body)


def test_the_handshake_is_echoed():
    token = "Validation: Testing client application reachability for subscription. <&>"
    assert heard(query={"validationToken": token}, body=b"") == Heard(echo=token)
    assert heard(query={"validationToken": "x" * 5_000}, body=b"") == Heard()


def test_a_change_names_its_subscription_and_shows_its_state():
    (one,) = heard(CHANGE).notifications
    assert one == Notification(CHANGE["subscriptionId"], "secretClientValue")


def test_each_of_a_bundle_shows_a_state_of_its_own():
    said = heard(CHANGE, {**CHANGE, "clientState": "another"}, {**CHANGE, "clientState": None})
    assert [one.token for one in said.notifications] == ["secretClientValue", "another", ""]


@pytest.mark.parametrize(
    ("event", "renew"),
    [
        ("reauthorizationRequired", True),
        ("subscriptionRemoved", True),
        ("missed", False),
        ("unheardOf", False),
    ],
)
def test_what_becomes_of_a_subscription(event, renew):
    """What was missed is read with the next delta: a look is all it takes."""
    (one,) = heard({**LIFECYCLE, "lifecycleEvent": event}).notifications
    assert (one.renew, one.hello, one.token) == (renew, False, "secretClientValue")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"value": {}}', b"[" * 60_000, b"\xff"])
def test_what_is_no_message_is_malformed(body):
    with pytest.raises(Malformed):
        heard(body=body)


def test_what_names_no_subscription_in_a_bundle_is_left_out():
    said = heard({}, 7, None, {"subscriptionId": 3}, {"subscriptionId": ""}, CHANGE)
    assert len(said.notifications) == 1


def test_an_absurd_bundle_is_cut():
    assert len(heard(*[CHANGE] * 5_000).notifications) == 1_000


def test_a_bundle_of_a_hundred_fits_into_a_post():
    long = {**CHANGE, "resource": f"Users/{'1' * 36}/Events/{'A' * 152}"}
    long["resourceData"] = {**CHANGE["resourceData"], "@odata.id": long["resource"], "id": "A" * 152}
    assert len(json.dumps({"value": [long] * 100})) < LARGEST
