"""Subscriptions: the handshake, notifications that are really posted, lifecycle, renewal, expiry, retries."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests import graph_metadata
from tests.microsoft_sandbox import CONTROL, MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, BEN, IMMUTABLE, NOW, Json, got, made, refused, timed

VISIT = timed("2026-11-25T10:00", "2026-11-25T11:00")


@dataclass
class Receiver:
    """A web server that notifications are posted to; `statuses` are what it answers before 202."""

    url: str
    bodies: list[Json] = field(default_factory=list)
    handshakes: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    proof: str | None = None  # what it answers to a handshake instead of the token

    @property
    def changes(self) -> list[Json]:
        return [one for body in self.bodies for one in body["value"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            token = parse_qs(urlsplit(self.path).query).get("validationToken")
            if token:
                found.handshakes.append(token[0])
                self.answer(200, token[0] if found.proof is None else found.proof)
                return
            faults = graph_metadata.faults_of_notification(body)
            assert not faults, faults
            found.bodies.append(json.loads(body))
            self.answer(found.statuses.pop(0) if found.statuses else 202, "")

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/notify")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def wanted(receiver: Receiver, **more: Any) -> Json:
    until = (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": receiver.url,
        "lifecycleNotificationUrl": f"{receiver.url}/lifecycle",
        "resource": "me/events",
        "expirationDateTime": until,
        "clientState": "secret",
        **more,
    }


def subscribed(client: httpx.Client, receiver: Receiver, **more: Any) -> Json:
    answer = client.post("subscriptions", json=wanted(receiver, **more))
    assert answer.status_code == 201, answer.text
    said: Json = answer.json()
    return said


def test_each_address_proves_itself_first(ana: httpx.Client, receiver: Receiver):
    made_one = subscribed(ana, receiver)
    assert len(set(receiver.handshakes)) == 2
    assert made_one["clientState"] == "secret"
    read = got(ana, f"subscriptions/{made_one['id']}")
    assert (read["clientState"], read["resource"]) == (None, "me/events")
    assert [one["id"] for one in got(ana, "subscriptions")["value"]] == [made_one["id"]]


@pytest.mark.parametrize("proof", ["", "something else"])
def test_a_wrong_proof_is_refused(ana: httpx.Client, receiver: Receiver, proof: str):
    receiver.proof = proof
    answer = ana.post("subscriptions", json=wanted(receiver))
    assert refused(answer) == (400, "ValidationError")
    assert got(ana, "subscriptions")["value"] == []


def test_an_address_where_nobody_is_is_refused(ana: httpx.Client, receiver: Receiver):
    body = wanted(receiver, notificationUrl="http://127.0.0.1:1/x", lifecycleNotificationUrl=None)
    assert refused(ana.post("subscriptions", json=body)) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"expirationDateTime": "2026-12-02T12:00:00Z"}, (400, "ExtensionError")),
        ({"expirationDateTime": "2026-11-24T11:00:00Z"}, (400, "InvalidRequest")),
        ({"changeType": "moved"}, (400, "InvalidRequest")),
        ({"notificationUrl": "http://example.org/x"}, (400, "InvalidRequest")),
        ({"resource": "me/messages"}, (400, "InvalidRequest")),
        ({"resource": "me/calendars/AAA=/events"}, (404, "ExtensionError")),
        ({"clientState": "x" * 129}, (400, "InvalidRequest")),
    ],
)
def test_what_cannot_be_subscribed_is_refused_and_asks_nobody(
    ana: httpx.Client, receiver: Receiver, more: Json, expected: tuple[int, str]
):
    assert refused(ana.post("subscriptions", json=wanted(receiver, **more))) == expected
    assert receiver.handshakes == []


def test_a_change_is_told_with_id_etag_and_state(
    microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver
):
    subscription = subscribed(ana, receiver)
    event = made(ana, VISIT)
    microsoft.settle()
    changed = ana.patch(f"me/events/{event['id']}", json={"subject": "x"}).json()
    microsoft.settle()
    ana.delete(f"me/events/{event['id']}")
    microsoft.settle()
    assert [one["changeType"] for one in receiver.changes] == ["created", "updated", "deleted"]
    told = receiver.changes[1]
    account = microsoft.account(ANA)
    path = f"Users/{account.id}/Events/{event['id']}"
    assert told == {
        "subscriptionId": subscription["id"],
        "subscriptionExpirationDateTime": subscription["expirationDateTime"],
        "changeType": "updated",
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": path,
            "@odata.etag": changed["@odata.etag"],
            "id": event["id"],
        },
        "clientState": "secret",
        "tenantId": account.tid,
    }


def test_only_the_calendar_and_the_kinds_that_were_asked_for(
    microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver
):
    other = microsoft.calendar_id(ANA, microsoft.calendar(ANA, "Other"))
    subscribed(ana, receiver, changeType="created", resource=f"/me/calendars/{other}/events")
    made(ana, VISIT)
    event = made(ana, VISIT, f"me/calendars/{other}/events")
    ana.delete(f"me/events/{event['id']}")
    microsoft.settle()
    assert [one["resourceData"]["id"] for one in receiver.changes] == [event["id"]]


def test_immutable_ids_are_asked_for_when_subscribing(
    microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver
):
    assert ana.post("subscriptions", json=wanted(receiver), headers=IMMUTABLE).status_code == 201
    event = made(ana, VISIT)
    microsoft.settle()
    immutable = got(ana, f"me/events/{event['id']}", **IMMUTABLE)["id"]
    assert receiver.changes[0]["resourceData"]["id"] == immutable


def test_calendars_of_others_and_some_mailboxes_refuse(
    microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client, receiver: Receiver
):
    shared = microsoft.share(microsoft.calendar(ANA, "Team"), BEN, "write")
    refusal = (403, "ExtensionError")
    body = wanted(receiver, resource=f"me/calendars/{shared}/events")
    assert refused(ben.post("subscriptions", json=body)) == refusal
    microsoft.account(ANA).may_subscribe = False
    assert refused(ana.post("subscriptions", json=wanted(receiver))) == refusal


def test_renewal_and_expiry(microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver):
    path = f"subscriptions/{subscribed(ana, receiver)['id']}"
    later = (NOW + timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    renewed = ana.patch(path, json={"expirationDateTime": later}).json()
    assert renewed["expirationDateTime"] == later
    microsoft.advance(timedelta(days=5))
    made(ana, VISIT)
    microsoft.settle()
    assert len(receiver.changes) == 1
    microsoft.advance(timedelta(days=2))
    made(ana, VISIT)
    microsoft.settle()
    assert len(receiver.changes) == 1
    assert refused(ana.patch(path, json={"expirationDateTime": later}))[0] == 404
    assert got(ana, "subscriptions")["value"] == []


def test_a_short_life_is_lengthened_to_45_minutes(ana: httpx.Client, receiver: Receiver):
    said = subscribed(ana, receiver, expirationDateTime="2026-11-24T12:01:00Z")
    assert said["expirationDateTime"] == "2026-11-24T12:45:00Z"


def test_a_deleted_subscription_says_nothing(
    microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client, receiver: Receiver
):
    path = f"subscriptions/{subscribed(ana, receiver)['id']}"
    assert refused(ben.delete(path)) == (404, "ResourceNotFound")
    assert ana.delete(path).status_code == 204
    made(ana, VISIT)
    microsoft.settle()
    assert receiver.changes == []
    assert refused(ana.get(path)) == (404, "ResourceNotFound")


def lifecycle(microsoft: MicrosoftSandbox, subscription: str, event: str) -> None:
    body = {"subscription": subscription, "event": event}
    answer = httpx.post(f"{microsoft.base_url}{CONTROL}/lifecycle", json=body)
    assert answer.json() == {"told": True}
    microsoft.settle()


@pytest.mark.parametrize("way", ["reauthorize", "renew"])
def test_a_subscription_whose_authorization_lapsed_is_silent_until_it_is_renewed(
    microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver, way: str
):
    subscription = subscribed(ana, receiver)
    lifecycle(microsoft, subscription["id"], "reauthorizationRequired")
    assert receiver.changes[0]["lifecycleEvent"] == "reauthorizationRequired"
    assert receiver.changes[0]["clientState"] == "secret"
    made(ana, VISIT)
    microsoft.settle()
    assert len(receiver.changes) == 1
    path = f"subscriptions/{subscription['id']}"
    if way == "reauthorize":
        assert ana.post(f"{path}/reauthorize").status_code == 204
    else:
        ana.patch(path, json={"expirationDateTime": "2026-11-26T12:00:00Z"})
    made(ana, VISIT)
    microsoft.settle()
    assert receiver.changes[1]["changeType"] == "created"


def test_a_removed_subscription_is_gone(microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver):
    subscription = subscribed(ana, receiver)
    lifecycle(microsoft, subscription["id"], "subscriptionRemoved")
    assert [one["lifecycleEvent"] for one in receiver.changes] == ["subscriptionRemoved"]
    assert refused(ana.get(f"subscriptions/{subscription['id']}"))[0] == 404


def test_lost_late_doubled_and_missed(microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver):
    subscribed(ana, receiver)
    microsoft.fault("push_lost")
    made(ana, VISIT)
    microsoft.settle()
    assert receiver.changes == []
    microsoft.fault("push_doubled")
    made(ana, VISIT)
    microsoft.settle()
    assert len(receiver.changes) == 2
    microsoft.fault("push_missed")
    made(ana, VISIT)
    microsoft.settle()
    assert receiver.changes[2]["lifecycleEvent"] == "missed"
    microsoft.fault("push_late", seconds=60)
    made(ana, VISIT)
    microsoft.settle()
    assert len(receiver.changes) == 3
    microsoft.advance(timedelta(seconds=61))
    microsoft.settle()
    assert len(receiver.changes) == 4


def test_any_other_answer_than_2xx_is_asked_again(
    microsoft: MicrosoftSandbox, ana: httpx.Client, receiver: Receiver
):
    subscribed(ana, receiver)
    receiver.statuses = [404, 500]
    made(ana, VISIT)
    for _ in range(4):
        microsoft.settle()
        microsoft.advance(timedelta(seconds=30))
    microsoft.settle()
    statuses = [one.status for one in microsoft.graph.outbox.deliveries]
    assert statuses == [404, 500, 202]


def test_changes_while_a_message_waits_join_it(microsoft: MicrosoftSandbox, ana: httpx.Client):
    graph = microsoft.graph
    graph.handshake = lambda address, token: ""
    with microsoft.world.lock:
        until = (NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"changeType": "created", "notificationUrl": "http://127.0.0.1:1/", "resource": "me/events"}
    assert ana.post("subscriptions", json=body | {"expirationDateTime": until}).status_code == 201
    microsoft.fault("push_late", seconds=600)
    for _ in range(3):
        made(ana, VISIT)
    with microsoft.world.lock:
        assert [len(one.value) for one in graph.outbox.waiting] == [3]
        graph.outbox.clear()
