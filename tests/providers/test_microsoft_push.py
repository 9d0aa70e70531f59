"""Subscriptions of the stand-in that really post: opened, heard, prolonged, closed, refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from tests.microsoft_sandbox import CONTROL, MicrosoftSandbox
from tests.providers.contract import PushContract
from tests.providers.google_script import Asked
from tests.providers.microsoft_script import Reply, Script
from tests.providers.microsoft_side import ANA, BOB, NOVEMBER, SCOPES, MicrosoftSide, granted
from tests.providers.sides import NINE, TEN

from genie.core import errors
from genie.providers.microsoft.notifications import heard
from genie.providers.port import Channel, Notification, Prolongs

TOKEN = "t0ken"


def webhook(asked: Asked) -> Reply:
    """As `web/hooks.py`: the handshake is answered with its token, everything else with nothing."""
    found = heard(asked.headers, asked.query, asked.body.encode())
    if found.echo:
        return Reply(200, found.echo.encode(), {"Content-Type": "text/plain; charset=utf-8"})
    return Reply(204)


class Watched(MicrosoftSide):
    """Ana, and somebody who listens to what her calendar tells."""

    def __init__(self, sandbox: MicrosoftSandbox, receiver: Script) -> None:
        super().__init__(sandbox)
        receiver.will(webhook)
        self.receiver = receiver
        self.hook = f"{receiver.url}/hooks/microsoft"

    @property
    def now(self) -> datetime:
        return self.sandbox.world.now()

    def heard(self) -> list[Notification]:
        self.sandbox.settle()
        posts, self.receiver.asked[:] = list(self.receiver.asked), []
        return [one for asked in posts for one in heard({}, asked.query, asked.body.encode()).notifications]

    def refuse_push(self) -> None:
        with self.sandbox.world.lock:
            self.sandbox.account(ANA).may_subscribe = False

    # --- more than the contract asks for

    def watch(self, calendar: str = "", address: str = "") -> Channel:
        assert isinstance(self.provider, Prolongs)
        return self.provider.watch(
            calendar or self.calendar, channel_id="0" * 32, token=TOKEN, address=address or self.hook
        )

    def lifecycle(self, event: str, channel: Channel) -> None:
        answer = httpx.post(
            f"{self.sandbox.base_url}{CONTROL}/lifecycle",
            json={"subscription": channel.id, "event": event},
        )
        assert answer.is_success, answer.text


@pytest.fixture
def side(microsoft_sandbox: MicrosoftSandbox, microsoft: Script) -> Iterator[Watched]:
    side = Watched(microsoft_sandbox, microsoft)
    yield side
    side.close()


class TestMicrosoftPush(PushContract):
    @pytest.fixture
    def side(self, microsoft_sandbox, microsoft):
        side = Watched(microsoft_sandbox, microsoft)
        yield side
        side.close()


def test_the_address_is_called_back_before_the_answer(side):
    channel = side.watch()
    assert channel.proven
    assert channel.expires_at == NOVEMBER + timedelta(minutes=10_070)
    handshakes = [asked for asked in side.receiver.asked if "validationToken" in asked.query]
    assert handshakes  # one is enough where both addresses are the same
    assert side.heard() == []


def test_a_change_is_told_with_our_state(side):
    channel = side.watch()
    side.move(side.add(NINE), TEN)
    said = side.heard()
    assert said and set(said) == {Notification(channel.id, TOKEN)}


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
def test_what_becomes_of_a_subscription_is_told(side, event):
    channel = side.watch()
    side.heard()
    side.lifecycle(event, channel)
    (said,) = side.heard()
    assert (said.channel_id, said.token, said.renew) == (channel.id, TOKEN, event != "missed")
    if event == "subscriptionRemoved":
        with pytest.raises(errors.Gone):
            side.provider.prolong(channel)
    else:
        assert side.provider.prolong(channel).id == channel.id


def test_one_is_prolonged_and_goes_on_telling(side):
    channel = side.watch()
    side.heard()
    side.sandbox.advance(timedelta(days=4))
    again = side.provider.prolong(channel)
    assert again.id == channel.id
    assert again.expires_at == channel.expires_at + timedelta(days=4)
    side.sandbox.advance(timedelta(days=4))
    side.add(NINE)
    assert [one.channel_id for one in side.heard() if not one.renew] == [channel.id]


def test_one_that_is_over_or_unknown_cannot_be_prolonged(side):
    channel = side.watch()
    side.provider.unwatch(channel)
    for gone in (
        channel,
        replace(channel, id="7f105c7d-2dc5-4530-97cd-4e7ae6534c07"),
        replace(channel, id="x"),
    ):
        with pytest.raises(errors.Gone):
            side.provider.prolong(gone)


def test_somebody_else_s_calendar_cannot_be_watched(side):
    shared = side.sandbox.share(side.sandbox.calendar(BOB, "Shared"), ANA, "write")
    side.secret = granted(side.sandbox, ANA, [*SCOPES, "Calendars.ReadWrite.Shared"])
    side.provider = side.again()
    with pytest.raises(errors.PushRefused, match="to this account"):
        side.watch(shared)


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(404), Reply(200, b"another text"), Reply(204), Reply(hang_up=True)]
)
def test_an_address_that_does_not_answer_the_handshake_is_refused(side, reply):
    side.receiver.will(reply)
    with pytest.raises(errors.PushRefused, match="this installation's address"):
        side.watch()


def test_an_address_that_is_not_https_is_refused(side):
    with pytest.raises(errors.PushRefused, match="https"):
        side.watch(address="http://genie.example.com/hooks/microsoft")


# --- as the reference says it, answer by answer


def test_what_is_asked_for(microsoft):
    made = {
        "id": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "resource": "me/calendars/AAMk/events",
        "expirationDateTime": "2026-12-01T07:50:00.0000000Z",
    }
    microsoft.will(Reply(201, made))
    channel = microsoft.provider().watch(
        "AAMk", channel_id="1" * 32, token=TOKEN, address="https://g.example/hooks/m"
    )
    (asked,) = microsoft.asked
    assert (asked.method, asked.path) == ("POST", "/v1.0/subscriptions")
    assert asked.json == {
        "changeType": "created,updated,deleted",
        "notificationUrl": "https://g.example/hooks/m",
        "lifecycleNotificationUrl": "https://g.example/hooks/m",
        "resource": "me/calendars/AAMk/events",
        "expirationDateTime": "2026-12-01T07:50:00Z",
        "clientState": TOKEN,
    }
    assert 'IdType="ImmutableId"' in asked.headers["Prefer"]
    assert channel.expires_at == NOVEMBER + timedelta(days=7, minutes=-10)
    assert channel.proven


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "ExtensionError", "of this calendar"),
        (401, "ExtensionError", "of this calendar"),
        (404, "ResourceNotFound", "of this calendar"),
        (403, "ErrorAccessDenied", "of this calendar"),
        (400, "ValidationError", "this installation's address"),
        (400, "InvalidRequest", "this installation's address"),
    ],
)
def test_refusals(microsoft, status, code, said):
    microsoft.will(Reply(status, {"error": {"code": code, "message": "No."}}), Reply(200, {"id": "AAMk"}))
    with pytest.raises(errors.PushRefused, match=said):
        microsoft.provider().watch("AAMk", channel_id="1" * 32, token=TOKEN, address="https://g.example")


def test_the_token_stands_in_no_refusal(microsoft):
    microsoft.will(
        Reply(400, {"error": {"code": "ValidationError", "message": json.dumps(TOKEN)}}), Reply(200, {})
    )
    with pytest.raises(errors.PushRefused) as caught:
        microsoft.provider().watch("AAMk", channel_id="1" * 32, token=TOKEN, address="https://g.example")
    assert TOKEN not in str(caught.value)
