"""Channels of the stand-in that really post: opened, heard, closed, refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.providers.contract import PushContract
from tests.providers.google_script import Reply, Script
from tests.providers.google_side import ANA, NOVEMBER, GoogleSide
from tests.providers.sides import NINE, TEN

from genie.core import errors
from genie.providers.google.notifications import heard
from genie.providers.port import Channel, Notification, Pushes

CHANNEL = "0123456789abcdef" * 2


@pytest.fixture
def side(google_sandbox: GoogleSandbox) -> Iterator[GoogleSide]:
    side = GoogleSide(google_sandbox)
    yield side
    side.close()


def opened(side: GoogleSide, receiver: Script, channel_id: str = CHANNEL) -> Channel:
    receiver.will(Reply(200))
    assert isinstance(side.provider, Pushes)
    address = f"{receiver.url}/hooks/google"
    return side.provider.watch(side.calendar, channel_id=channel_id, token="t0ken", address=address)


def messages(receiver: Script) -> list[Notification]:
    return [one for asked in receiver.asked for one in heard(asked.headers, {}, b"").notifications]


def test_a_channel_greets_and_tells_of_each_change(side, google):
    channel = opened(side, google)
    side.sandbox.settle()
    assert messages(google) == [Notification(CHANNEL, "t0ken", hello=True)]
    assert channel.id == CHANNEL
    assert NOVEMBER < channel.expires_at <= NOVEMBER + timedelta(days=7)
    google.asked.clear()
    side.move(side.add(NINE), TEN)
    side.sandbox.settle()
    assert messages(google)
    assert set(messages(google)) == {Notification(CHANNEL, "t0ken")}
    assert all(
        (asked.method, asked.path, asked.body) == ("POST", "/hooks/google", "") for asked in google.asked
    )


def test_a_closed_channel_is_silent_and_closing_again_is_no_fault(side, google):
    channel = opened(side, google)
    assert isinstance(side.provider, Pushes)
    side.provider.unwatch(channel)
    side.sandbox.settle()
    google.asked.clear()
    side.add(NINE)
    side.sandbox.settle()
    assert google.asked == []
    side.provider.unwatch(channel)


def test_a_calendar_that_cannot_be_watched_is_told_apart(side, google):
    with side.sandbox.world.lock:
        side.sandbox.world.calendars[side.calendar].refuses_push = True
    with pytest.raises(errors.PushRefused, match="of this calendar"):
        opened(side, google)


def test_an_address_that_is_not_https_is_refused(side):
    assert isinstance(side.provider, Pushes)
    with pytest.raises(errors.PushRefused, match="https"):
        side.provider.watch(
            side.calendar, channel_id=CHANNEL, token="t", address="http://genie.example.com/hooks/google"
        )


def test_an_id_is_used_once(side, google):
    opened(side, google)
    with pytest.raises(errors.Rejected, match="channelIdNotUnique"):
        opened(side, google)


def test_watching_without_the_grant_is_access_lost(side, google):
    with side.sandbox.world.lock:
        side.sandbox.world.revoke_grant(side.sandbox.account(ANA), "ours.apps.example")
    with pytest.raises(errors.AccessLost):
        opened(side, google)


class Watched(GoogleSide):
    """Ana, and somebody who listens to what her calendar tells."""

    def __init__(self, sandbox: GoogleSandbox, receiver: Script) -> None:
        super().__init__(sandbox)
        receiver.will(Reply(200))
        self._receiver = receiver
        self.hook = f"{receiver.url}/hooks/google"

    @property
    def now(self) -> datetime:
        return self.sandbox.world.now()

    def heard(self) -> list[Notification]:
        self.sandbox.settle()
        said = messages(self._receiver)
        self._receiver.asked.clear()
        return said

    def refuse_push(self) -> None:
        with self.sandbox.world.lock:
            self.sandbox.world.calendars[self.calendar].refuses_push = True


class TestGooglePush(PushContract):
    @pytest.fixture
    def side(self, google_sandbox, google):
        side = Watched(google_sandbox, google)
        yield side
        side.close()
