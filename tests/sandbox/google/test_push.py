"""Watch channels really post: what is refused, what arrives, when, in which order, and when no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, NOW, Connect, Service, refused, timed

WEEK = timedelta(seconds=604_800)


@dataclass
class Hook:
    """A webhook: it keeps what arrives and answers the statuses it is told to, then 200."""

    url: str = ""
    heard: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    @property
    def states(self) -> list[str]:
        return [one["x-goog-resource-state"] for one in self.heard]

    @property
    def numbers(self) -> list[int]:
        return [int(one["x-goog-message-number"]) for one in self.heard]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            hook.heard.append({name.lower(): value for name, value in self.headers.items()})
            hook.before_answer()
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield hook
    server.shutdown()
    server.server_close()


def watch(service: Service, hook: Hook, calendar: str = "primary", **body: Any) -> dict[str, Any]:
    asked = {"id": "channel-1", "type": "web_hook", "address": hook.url, **body}
    found = service.events().watch(calendarId=calendar, body=asked).execute()
    assert isinstance(found, dict)
    return found


def add(service: Service, calendar: str = "primary") -> dict[str, Any]:
    body = timed("2026-11-25T10:00", "2026-11-25T11:00")
    made = service.events().insert(calendarId=calendar, body=body).execute()
    assert isinstance(made, dict)
    return made


# --- opening a channel -----------------------------------------------------------------------------------


def test_a_channel_says_sync_first_and_exists_after_a_change(google: GoogleSandbox, ana: Service, hook: Hook):
    channel = watch(ana, hook, token="secret=1")
    assert channel == {
        "kind": "api#channel",
        "id": "channel-1",
        "resourceId": channel["resourceId"],
        "resourceUri": f"{google.api}calendars/{ANA}/events?alt=json",
        "token": "secret=1",
        "expiration": str(int((NOW + WEEK).timestamp() * 1000)),
    }
    google.settle()
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists"]
    assert hook.bodies == [b"", b""]
    assert hook.numbers[0] == 1
    assert hook.numbers[1] > 1
    for message in hook.heard:
        assert message["x-goog-channel-id"] == "channel-1"
        assert message["x-goog-channel-token"] == "secret=1"
        assert message["x-goog-resource-id"] == channel["resourceId"]
        assert message["x-goog-resource-uri"] == channel["resourceUri"]
        assert parsedate_to_datetime(message["x-goog-channel-expiration"]) == NOW + WEEK
        assert message["content-length"] == "0"
        assert message["user-agent"].startswith("APIs-Google;")


def test_no_token_no_header(google: GoogleSandbox, ana: Service, hook: Hook):
    assert "token" not in watch(ana, hook)
    google.settle()
    assert "x-goog-channel-token" not in hook.heard[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"id": None}, "required"),
        ({"id": "a b"}, "channelIdInvalid"),
        ({"id": "x" * 65}, "channelIdInvalid"),
        ({"type": "email"}, "push.channelTypeUnknown"),
        ({"address": "http://example.org/hook"}, "push.webhookUrlNotHttps"),
        ({"address": "https:///hook"}, "push.webhookUrlNoHostOrAddress"),
        ({"address": None}, "push.webhookUrlNoHostOrAddress"),
        ({"token": "x" * 257}, "invalid"),
        ({"params": {"ttl": "soon"}}, "invalid"),
        ({"expiration": "1000"}, "invalid"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(ana: Service, hook: Hook, body: dict[str, Any], reason: str):
    asked = {"id": "channel-1", "type": "web_hook", "address": hook.url} | body
    assert refused(ana.events().watch(calendarId="primary", body=asked)) == (400, reason)


def test_a_channel_id_is_used_once(connect: Connect, ana: Service, hook: Hook):
    channel = watch(ana, hook)
    again = {"id": "channel-1", "type": "web_hook", "address": hook.url}
    assert refused(ana.events().watch(calendarId="primary", body=again)) == (400, "channelIdNotUnique")
    ana.channels().stop(body={"id": "channel-1", "resourceId": channel["resourceId"]}).execute()
    assert refused(ana.events().watch(calendarId="primary", body=again)) == (400, "channelIdNotUnique")
    other_app = connect(ANA, client_id="another")
    assert other_app.events().watch(calendarId="primary", body=again).execute()["id"] == "channel-1"


def test_some_calendars_cannot_be_watched(google: GoogleSandbox, ana: Service, hook: Hook):
    with google.world.lock:
        holidays = google.world.add_calendar(None, "Holidays", refuses_push=True)
        google.world.share(holidays, "default", "reader")
    asked = {"id": "channel-1", "type": "web_hook", "address": hook.url}
    request = ana.events().watch(calendarId=holidays.id, body=asked)
    assert refused(request) == (400, "pushNotSupportedForRequestedResource")
    assert refused(ana.events().watch(calendarId="nobody@example.org", body=asked)) == (404, "notFound")


@pytest.mark.parametrize(
    ("asked", "lasts"),
    [
        ({"params": {"ttl": "3600"}}, timedelta(hours=1)),
        ({"expiration": str(int((NOW + timedelta(days=2)).timestamp() * 1000))}, timedelta(days=2)),
        ({"params": {"ttl": "99999999"}}, timedelta(days=30)),
    ],
)
def test_a_channel_lasts_as_long_as_is_asked_for_within_bounds(
    google: GoogleSandbox, ana: Service, hook: Hook, asked: dict[str, Any], lasts: timedelta
):
    channel = watch(ana, hook, **asked)
    assert channel["expiration"] == str(int((NOW + lasts).timestamp() * 1000))
    google.settle()
    google.advance(lasts - timedelta(seconds=1))
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists"]
    google.advance(timedelta(seconds=1))
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists"]


# --- who is told what ------------------------------------------------------------------------------------


def test_every_kind_of_change_is_told_to_every_channel_of_the_calendar(
    google: GoogleSandbox, ana: Service, ben: Service, hook: Hook
):
    desk, other = google.calendar(ANA, "Desk"), google.calendar(ANA, "Other")
    google.share(desk, BEN, "reader")
    watch(ana, hook, desk)
    watch(ben, hook, desk, id="channel-2")
    google.settle()
    events = ana.events()
    made = add(ana, desk)
    google.settle()
    events.patch(calendarId=desk, eventId=made["id"], body={"summary": "x"}).execute()
    google.settle()
    events.move(calendarId=desk, eventId=made["id"], destination=other).execute()
    google.settle()
    add(ana, other)
    google.settle()
    for channel in ("channel-1", "channel-2"):
        told = [one for one in hook.heard if one["x-goog-channel-id"] == channel]
        assert [one["x-goog-resource-state"] for one in told] == ["sync"] + ["exists"] * 3


def test_a_stopped_channel_is_silent(google: GoogleSandbox, ana: Service, ben: Service, hook: Hook):
    channel = watch(ana, hook)
    google.settle()
    body = {"id": channel["id"], "resourceId": channel["resourceId"]}
    assert refused(ana.channels().stop(body=body | {"resourceId": "else"})) == (404, "notFound")
    assert refused(ana.channels().stop(body={"id": channel["id"]})) == (400, "required")
    assert ana.channels().stop(body=body).execute() == ""
    assert refused(ana.channels().stop(body=body)) == (404, "notFound")
    add(ana)
    google.settle()
    assert hook.states == ["sync"]


def test_channels_end_with_the_grant_and_with_access(
    google: GoogleSandbox, ana: Service, ben: Service, hook: Hook
):
    desk = google.calendar(ANA, "Desk")
    google.share(desk, BEN, "reader")
    watch(ana, hook, desk)
    watch(ben, hook, desk, id="channel-2")
    google.settle()
    google.share(desk, BEN, "none")
    with google.owner(ANA) as owner:
        owner.post(f"calendars/{desk}/events", json=timed("2026-11-25T10:00", "2026-11-25T11:00"))
        google.settle()
        assert [one["x-goog-channel-id"] for one in hook.heard[2:]] == ["channel-1"]
        with google.world.lock:
            assert google.world.revoke_grant(google.world.account(ANA), "1234-test")
        owner.post(f"calendars/{desk}/events", json=timed("2026-11-25T10:00", "2026-11-25T11:00"))
        google.settle()
    assert len(hook.heard) == 3


def test_the_list_of_calendars_can_be_watched(google: GoogleSandbox, ana: Service, hook: Hook):
    body = {"id": "channel-1", "type": "web_hook", "address": hook.url}
    channel = ana.calendarList().watch(body=body).execute()
    assert channel["resourceUri"] == f"{google.api}users/me/calendarList?alt=json"
    google.settle()
    google.share(google.calendar(BEN, "New"), ANA, "reader")
    google.settle()
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists"]


# --- delivery --------------------------------------------------------------------------------------------


def test_changes_while_a_message_is_on_its_way_make_one_more(google: GoogleSandbox, ana: Service, hook: Hook):
    watch(ana, hook)
    google.settle()
    arrived, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        arrived.set()
        assert go_on.wait(20)

    hook.before_answer = wait
    add(ana)
    assert arrived.wait(20)
    for _ in range(10):
        add(ana)
    go_on.set()
    google.settle()
    assert hook.states == ["sync", "exists", "exists"]
    assert hook.numbers == sorted(set(hook.numbers))


def test_only_some_failures_are_tried_again_later_each_time(google: GoogleSandbox, ana: Service, hook: Hook):
    watch(ana, hook)
    google.settle()
    hook.answers = [503, 500]
    add(ana)
    google.settle()
    assert len(hook.heard) == 2  # the clock stands still
    google.advance(timedelta(seconds=0.5))
    google.settle()
    assert len(hook.heard) == 3
    google.advance(timedelta(seconds=0.5))
    google.settle()
    assert len(hook.heard) == 3
    google.advance(timedelta(seconds=0.5))
    google.settle()
    assert len(hook.heard) == 4
    assert len(set(hook.numbers[1:])) == 1
    for final in (404, 429, 301, 102):
        hook.answers = [final]
        add(ana)
        google.settle()
        google.advance(timedelta(minutes=10))
        google.settle()
    assert len(hook.heard) == 8


def test_a_hook_that_is_not_there_costs_nothing(google: GoogleSandbox, ana: Service):
    watch(ana, Hook("http://127.0.0.1:9/hook"))
    add(ana)
    google.settle()
    assert [one.status for one in google.google.outbox.deliveries] == [0, 0]


def test_sixty_channels_are_told_each_of_their_own(google: GoogleSandbox, ana: Service, hook: Hook):
    google.check_traffic = False
    calendars = [google.calendar(ANA, f"Desk {number}") for number in range(60)]
    for number, calendar in enumerate(calendars):
        watch(ana, hook, calendar, id=f"channel-{number}")
    google.settle()
    with google.owner(ANA) as owner:
        for calendar in calendars:
            owner.post(f"calendars/{calendar}/events", json=timed("2026-11-25T10:00", "2026-11-25T11:00"))
    google.settle()
    told = {one["x-goog-channel-id"] for one in hook.heard if one["x-goog-resource-state"] == "exists"}
    assert len(told) == 60
    assert all(one.status == 200 for one in google.google.outbox.deliveries)


# --- faults ----------------------------------------------------------------------------------------------


def test_a_message_can_be_lost_and_doubled(google: GoogleSandbox, ana: Service, hook: Hook):
    watch(ana, hook)
    google.settle()
    google.fault("push_lost")
    add(ana)
    google.settle()
    assert hook.states == ["sync"]
    google.fault("push_doubled", path="channel-1", account=ANA)
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists", "exists"]
    assert hook.numbers[1] == hook.numbers[2]


def test_a_message_can_be_late(google: GoogleSandbox, ana: Service, hook: Hook):
    watch(ana, hook)
    google.settle()
    google.fault("push_late", seconds=60)
    add(ana)
    google.settle()
    assert hook.states == ["sync"]
    google.advance(timedelta(seconds=60))
    google.settle()
    assert hook.states == ["sync", "exists"]


def test_messages_can_come_in_another_order(google: GoogleSandbox, ana: Service, hook: Hook):
    watch(ana, hook)
    google.settle()
    google.fault("push_reordered")
    add(ana)
    google.settle()
    assert hook.states == ["sync"]
    add(ana)
    google.settle()
    assert hook.states == ["sync", "exists", "exists"]
    assert hook.numbers[1] > hook.numbers[2] > hook.numbers[0]


def test_messages_can_wait_until_a_test_wants_them(google: GoogleSandbox, ana: Service, hook: Hook):
    google.google.outbox.paused = True
    watch(ana, hook)
    add(ana)
    google.settle()
    assert hook.states == []
    with google.world.lock:
        google.google.outbox.paused = False
        google.google.outbox.wake()
    google.settle()
    assert hook.states == ["sync", "exists"]


def test_in_process_there_is_no_need_of_a_server(google: GoogleSandbox):
    """A simulator delivers by hand."""
    from calendar_sandbox.google.api import watching, writing
    from calendar_sandbox.google.api.call import Call
    from calendar_sandbox.google.push import Message
    from calendar_sandbox.google.service import Google
    from calendar_sandbox.google.state import World

    alone = Google(World(clock=lambda: NOW, seed=3))
    account = alone.world.add_account(ANA)
    body = {"id": "c", "type": "web_hook", "address": "https://genie.example/hook"}
    call = {"world": alone.world, "account": account, "args": {"calendarId": "primary"}}
    watching.events(Call(**call, body=body))
    writing.insert(Call(**call, body=timed("2026-11-25T10:00", "2026-11-25T11:00")))
    posted: list[Message] = []

    def post(message: Message) -> int:
        posted.append(message)
        return 200

    assert alone.outbox.flush(post) == 2
    assert [one.state for one in posted] == ["sync", "exists"]
    assert posted[0].headers["X-Goog-Channel-ID"] == "c"
