"""Trouble at Google: what is stored, what a person reads, who is told, and how it catches up.

In each case an appointment was changed here and another one there when it began; nothing is cancelled and no
customer hears of it, and when it is over both changes have arrived.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from tests.desk import Desk
from tests.google_owner import times
from tests.google_sandbox import CONTROL, GoogleSandbox, google_sandbox, google_server  # noqa: F401  fixtures
from tests.google_scene import GoogleScene, on_google
from tests.providers.google_side import ANA, CLIENT, SCOPES
from tests.providers.test_google_sign_in import BACK, Owner
from tests.sync_scene import CUSTOMER

from genie.flows.begin_sign_in import begin_sign_in
from genie.flows.cancel import cancel
from genie.flows.check_key import check_key
from genie.flows.complete_registration import WrongAccount
from genie.flows.connect_calendar import connect_calendar
from genie.flows.create_registration_link import token_of
from genie.flows.edit import edit
from genie.flows.finish_sign_in import CameBack, NotFinished, finish_sign_in
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.store.models import (
    Appointment,
    EventLink,
    Message,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
)
from genie.store.sealed import unseal

pytestmark = pytest.mark.django_db

REVOKED = "The access was revoked at Google, or has expired there."
GONE = "This calendar is not at Google any more, or is not shared with this account."
READ_ONLY = "This account may not change this calendar."
HIDDEN = "This account may not see what this event says any more, so it cannot change it."
SLOWER = "Google asks to slow down."
USED_UP = "The use of its calendars that Google allows this account is used up for now."
BROKEN = "Google Calendar failed (HTTP 503)."
PASSES = "Nothing is lost, and there is nothing to do: it is tried again by itself."


@pytest.fixture
def scene(google_sandbox: GoogleSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleScene]:  # noqa: F811
    """The pages' clock is the scene's."""
    with on_google(google_sandbox) as made:
        monkeypatch.setattr(timezone, "now", lambda: made.now)
        yield made


@pytest.fixture
def desk(scene: GoogleScene, client: Client, settings: object) -> Desk:
    options = settings.GENIE_PROVIDER_OPTIONS | scene.settings.options  # type: ignore[attr-defined]
    settings.GENIE_PROVIDER_OPTIONS = options  # type: ignore[attr-defined]
    client.force_login(scene.admin)
    return Desk(scene, client)


class Changed:
    """One appointment changed here, another there, neither in step yet."""

    def __init__(self, scene: GoogleScene) -> None:
        self.scene = scene
        self.here, self.there = scene.booked(), scene.booked(2, name="Joe")
        scene.change(self.there, **times(scene.at(4)))
        edit(
            company_id=scene.company.id,
            appointment_id=self.here.id,
            title="Changed here",
            actor=CUSTOMER,
            now=scene.now,
        )
        scene.asked()

    def wait(self) -> bool:
        """Neither has come through; both appointments stand."""
        here, there = self._fresh()
        return (
            (here.state, here.title) == ("confirmed", "Changed here")
            and (there.state, there.start) == ("confirmed", self.scene.at(2).start)
            and self.told() == []
        )

    def arrived(self) -> bool:
        """Both have, once; the one customer it is about will hear of it."""
        here, there = self._fresh()
        return (
            self.scene.event_of(here)["summary"] == "Changed here"
            and there.start == self.scene.at(4).start
            and {self.scene.link(one).state for one in (here, there)} == {EventLink.State.CLEAN}
            and (here.revision, there.revision) == (2, 2)
            and self.told() == [("rescheduled", there.id)]
        )

    def told(self) -> list[tuple[str, object]]:
        """What customers are going to hear."""
        owed = Message.objects.filter(
            company=self.scene.company, audience="customer", state=Message.State.OWED
        )
        return list(owed.values_list("kind", "appointment_id"))

    def _fresh(self) -> tuple[Appointment, Appointment]:
        return Appointment.objects.get(id=self.here.id), Appointment.objects.get(id=self.there.id)


@pytest.fixture
def changed(scene: GoogleScene) -> Changed:
    return Changed(scene)


def letters(scene: GoogleScene) -> list[tuple[str, str]]:
    """What the admins are going to read: to whom, and its heading."""
    owed = Message.objects.filter(company=scene.company, kind="attention").order_by("created_at")
    return [(letter.recipient, letter.details["heading"]) for letter in owed]


def said(scene: GoogleScene) -> str:
    """Why, in the one letter."""
    return str(Message.objects.get(company=scene.company, kind="attention").details["reason"])


def calendar_of(scene: GoogleScene) -> RemoteCalendar:
    return RemoteCalendar.objects.get(id=scene.calendar.id)


def renewed(scene: GoogleScene, desk: Desk, *, account: str = ANA) -> RemoteKey:
    """The admin presses *Re-authorize*; the account's owner follows the link and signs in at Google."""
    desk.press(f"keys/{scene.key.id}/reauthorize")
    link = RegistrationLink.objects.get(key=scene.key, used_at=None, revoked_at=None)
    begun = begin_sign_in(token=token_of(link), redirect_uri=BACK, settings=scene.settings, now=scene.now)
    with httpx.Client(timeout=30) as http:
        back = Owner(scene.sandbox.base_url, http).answer(begun.address, account=account)
    return finish_sign_in(
        kind="google",
        back=CameBack(back["state"], back["code"]),
        browser=begun.browser,
        settings=scene.settings,
        now=scene.now,
    )


# --- the access ends


def by_its_owner_on_google_s_page(scene: GoogleScene) -> None:
    scene.owner.withdraw(CLIENT.id)


def by_the_api(scene: GoogleScene) -> None:
    token = unseal(RemoteKey.objects.get(id=scene.key.id).secret)["refresh_token"]
    assert httpx.post(f"{scene.sandbox.base_url}/revoke", data={"token": token}).status_code == 200


def silently_as_the_oldest_of_more_than_a_hundred(scene: GoogleScene) -> None:
    """Nothing is said; the access token still works for the rest of its hour."""
    world = scene.sandbox.world
    with world.lock:
        for _ in range(100):
            world.issue_refresh_token(world.account(ANA), CLIENT.id, SCOPES)
    scene.later(hours=1)


ENDS: list[Callable[[GoogleScene], None]] = [
    by_its_owner_on_google_s_page,
    by_the_api,
    silently_as_the_oldest_of_more_than_a_hundred,
]


@pytest.mark.parametrize("ends", ENDS)
def test_an_access_that_ended_waits_for_its_owner(
    scene: GoogleScene, desk: Desk, changed: Changed, ends: Callable[[GoogleScene], None]
) -> None:
    ends(scene)
    scene.poll()
    key = RemoteKey.objects.get(id=scene.key.id)
    assert (key.state, key.trouble) == (RemoteKey.State.NEEDS_REAUTHORIZATION, REVOKED)
    assert scene.link(changed.here).state == EventLink.State.OWES_PUSH
    assert changed.wait()
    page = desk.configuration()
    assert (
        f"{ANA} needs re-authorization: nothing can be sent or read until its owner signs in again." in page
    )
    assert "1 change is waiting." in page
    assert (
        "Press Remote Auth Config, then Re-authorize beside the key, and send the link to the account's "
        "owner. What changes meanwhile waits and is not lost." in page
    )
    keys = desk.authorization()
    assert (
        "1 key needs re-authorization: what waits for it is sent as soon as its owner has signed in again."
        in keys
    )
    assert f"Cloud key {ANA}" in keys and f"needs re-authorization {REVOKED}" in keys
    assert f"The access to {ANA} has ended; it needs re-authorization." in desk.appointment(changed.here)

    scene.asked()
    for _ in range(3):
        scene.later(hours=1)
        scene.drain()
    assert scene.asked() == [], "a key that is refused is not tried again and again"
    assert letters(scene) == [(scene.admin.email, f"The access to {ANA} has ended")], "told once"
    assert said(scene) == (
        f"{REVOKED} Until it is renewed, nothing is sent to its calendars or read from them; what changes "
        "meanwhile waits and is not lost. Open the page below, press Re-authorize, and have the account's "
        "owner sign in again with the link it makes."
    )

    assert renewed(scene, desk) == scene.key
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert "In step." in desk.configuration()
    assert "1 key, and it works." in desk.authorization()
    assert len(letters(scene)) == 1


def test_another_account_does_not_renew_it(scene: GoogleScene, desk: Desk, changed: Changed) -> None:
    scene.sandbox.account("bob@example.org")
    by_the_api(scene)
    scene.poll()
    with pytest.raises(NotFinished) as caught:
        renewed(scene, desk, account="bob@example.org")
    assert isinstance(caught.value.why, WrongAccount)
    assert RemoteKey.objects.get(id=scene.key.id).state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert changed.wait()


def test_an_account_that_is_suspended_waits_and_goes_on(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    """Its grant outlives it: when the account is back, *Check* is enough."""
    account = scene.sandbox.account(ANA)
    account.suspended = True
    scene.poll()
    key = RemoteKey.objects.get(id=scene.key.id)
    trouble = "Google says that this account was suspended or deleted."
    assert (key.state, key.trouble) == (RemoteKey.State.NEEDS_REAUTHORIZATION, trouble)
    assert f"needs re-authorization {trouble}" in desk.authorization()
    assert letters(scene) == [(scene.admin.email, f"The access to {ANA} has ended")]
    assert said(scene).startswith(f"{trouble} Until it is renewed,")
    assert not check_key(key=key, settings=scene.settings, now=scene.now)
    assert changed.wait()
    account.suspended = False
    assert check_key(key=RemoteKey.objects.get(id=key.id), settings=scene.settings, now=scene.now)
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert len(letters(scene)) == 1


# --- the calendar is out of reach


def test_a_calendar_that_is_not_shared_any_more_is_waited_for(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    scene.sandbox.share(scene.team, ANA, "none")
    scene.poll()
    assert (calendar_of(scene).state, calendar_of(scene).trouble) == (RemoteCalendar.State.PARKED, GONE)
    assert changed.wait()
    page = desk.configuration()
    assert f"{GONE} 1 change is waiting." in page
    assert (
        f"Make sure that {ANA} still has this calendar: it is tried again every 15 minutes, and nothing is "
        "lost. If it is gone for good, press Unlink Token and connect another." in page
    )
    assert "1 key, and it works." in desk.authorization(), "it is not the key's fault"
    assert letters(scene) == [], "it may be back in a minute"
    scene.asked()
    for _ in range(8):
        scene.later(minutes=16)
        scene.drain()
    assert len(scene.asked()) <= 16, "twice each time: the event, and whether the calendar answers"
    assert letters(scene) == [(scene.admin.email, "The calendar Team cannot be reached")], "told once"
    assert said(scene) == (
        f"{GONE} Until it can be read again, appointments wait here and are not lost, and changes made there "
        "do not come in. Once it is back it catches up by itself; if it is gone for good, unlink it and "
        "connect another."
    )
    assert changed.wait()
    scene.sandbox.share(scene.team, ANA, "writer")
    scene.later(minutes=16)
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert "In step." in desk.configuration()


def test_a_calendar_that_was_deleted_is_left_for_another(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    answer = httpx.delete(f"{scene.sandbox.base_url}{CONTROL}/calendars/{scene.team}")
    assert answer.is_success
    scene.poll()
    scene.later(minutes=30)
    scene.drain()
    assert calendar_of(scene).state == RemoteCalendar.State.PARKED
    assert GONE in desk.configuration()
    assert letters(scene) == [(scene.admin.email, "The calendar Team cannot be reached")]
    assert "Unlinked." in desk.press("apps/main/calendar/unlink")
    list_remote_calendars(key=scene.key, settings=scene.settings, now=scene.now)
    connect_calendar(
        module=scene.module, key=scene.key, remote_id=scene.private, user=scene.admin, now=scene.now
    )
    scene.drain()
    scene.owner.calendars = [scene.private]
    shown = sorted(event.content.title or "" for event in scene.owner.events())
    assert shown == ["Changed here", "Visit: Joe"]
    assert changed.told() == []
    assert not Appointment.objects.exclude(state="confirmed").exists()


# --- the account may less


def test_a_calendar_that_became_read_only_still_tells_what_changes_there(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    scene.sandbox.share(scene.team, ANA, "reader")
    scene.poll()
    link = scene.link(changed.here)
    assert (link.state, link.reason) == (EventLink.State.PARKED, READ_ONLY)
    assert Appointment.objects.get(id=changed.there.id).start == scene.at(4).start, "what is readable is read"
    page = desk.configuration()
    assert "1 appointment needs a person, see below." in page
    assert f"Changed here, Jane Doe {READ_ONLY} Retry" in page
    assert (
        "What is listed below is not in step with the calendar, and nothing of it is lost. Put right what is "
        "said beside it, then press Retry." in page
    )
    late = scene.book(scene.at(6).start, name="Jim")
    for _ in range(8):
        scene.later(minutes=16)
        scene.drain()
    assert scene.link(late).state == EventLink.State.PARKED
    assert letters(scene) == [(scene.admin.email, "An appointment needs a person: Team")], "told once"
    assert said(scene) == (
        f"{READ_ONLY} What changed here waits and is not lost, but it is not on the calendar. Open the page "
        "below, which lists each appointment it is about; put right what is said there, then press Retry."
    )
    scene.sandbox.share(scene.team, ANA, "writer")
    scene.later(minutes=16)
    scene.drain()
    assert changed.arrived()
    assert scene.link(late).state == EventLink.State.CLEAN
    assert "In step." in desk.configuration()


def test_a_role_that_shows_free_and_busy_only_claims_nothing(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    """What an event says is hidden then: that is no change of it, and what we send does not arrive."""
    scene.sandbox.share(scene.team, ANA, "freeBusyReader")
    scene.poll()
    here = Appointment.objects.get(id=changed.here.id)
    assert (here.title, here.state) == ("Changed here", "confirmed")
    link = scene.link(changed.here)
    assert (link.state, link.reason) == (EventLink.State.PARKED, HIDDEN)
    assert HIDDEN in desk.configuration()
    assert letters(scene) == [(scene.admin.email, "An appointment needs a person: Team")]
    scene.sandbox.share(scene.team, ANA, "writer")
    scene.later(minutes=16)
    scene.drain()
    scene.poll()
    assert changed.arrived()


def test_a_cancellation_that_may_not_be_sent_waits(scene: GoogleScene, desk: Desk, changed: Changed) -> None:
    scene.sandbox.share(scene.team, ANA, "reader")
    cancel(company_id=scene.company.id, appointment_id=changed.here.id, actor=CUSTOMER, now=scene.now)
    scene.poll()
    assert (scene.link(changed.here).state, scene.link(changed.here).reason) == ("parked", READ_ONLY)
    assert READ_ONLY in desk.configuration()
    scene.sandbox.share(scene.team, ANA, "writer")
    scene.later(minutes=16)
    scene.drain()
    assert scene.link(changed.here).state == EventLink.State.ENDED
    assert [event.content.title for event in scene.owner.events()] == ["Visit: Joe"]


# --- Google asks to wait


@pytest.mark.parametrize(
    ("refusal", "why", "waits"),
    [
        ({"code": 403, "reason": "quotaExceeded"}, USED_UP, timedelta(hours=2)),
        ({"code": 403, "reason": "dailyLimitExceeded"}, USED_UP, timedelta(hours=2)),
        ({"code": 403, "reason": "userRateLimitExceeded"}, SLOWER, timedelta(seconds=2)),
        ({"code": 403, "reason": "rateLimitExceeded"}, SLOWER, timedelta(seconds=2)),
        ({"code": 429, "reason": "rateLimitExceeded", "retry_after": 600}, SLOWER, timedelta(minutes=10)),
        ({"code": 503, "retry_after": 300}, BROKEN, timedelta(minutes=5)),
    ],
    ids=lambda value: str(value.get("reason", value["code"])) if isinstance(value, dict) else "",
)
def test_a_limit_is_kept_to_and_passes(
    scene: GoogleScene,
    desk: Desk,
    changed: Changed,
    refusal: dict[str, object],
    why: str,
    waits: timedelta,
) -> None:
    scene.sandbox.fault("error_before", call="calendar.*", times=0, **refusal)
    scene.poll()
    assert scene.asked() == ["get"], "one refusal is enough"
    calendar = calendar_of(scene)
    assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.OK, why)
    assert calendar.next_attempt is not None
    waited = calendar.next_attempt - scene.now
    assert waited == waits if waits > timedelta(minutes=1) else waited <= waits
    page = desk.configuration()
    assert re.search(rf"1 change is waiting\. {re.escape(why)} Trying again in \d+ (s|min|h)\.", page), page
    assert PASSES in page
    assert "1 key, and it works." in desk.authorization()
    assert changed.wait()
    scene.sandbox.no_faults()
    scene.later(seconds=waited.total_seconds() + 1)
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert letters(scene) == [], "it passes by itself"


def test_an_outage_of_an_hour_is_waited_out(scene: GoogleScene, desk: Desk, changed: Changed) -> None:
    scene.sandbox.fault("error_before", code=503, call="calendar.*", times=0)
    asked = []
    for _ in range(60):
        scene.poll()
        asked.append(len(scene.asked()))
    assert sum(asked[:30]) < 60 and 0 < sum(asked[30:]) < 30, asked
    assert BROKEN in desk.configuration() and PASSES in desk.configuration()
    assert changed.wait()
    scene.sandbox.no_faults()
    scene.later(minutes=16)
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert letters(scene) == []


def test_answers_that_are_lost_for_an_hour_write_nothing_twice(
    scene: GoogleScene, desk: Desk, changed: Changed
) -> None:
    """Every request takes effect, and none is answered."""
    scene.sandbox.fault("error_after", code=500, call="calendar.*", times=0)
    for _ in range(60):
        scene.poll()
    assert changed.told() == []
    assert "Google Calendar failed (HTTP 500)." in desk.configuration()
    scene.sandbox.no_faults()
    scene.asked()
    scene.later(minutes=16)
    scene.drain()
    scene.poll()
    assert changed.arrived()


def test_the_token_endpoint_is_down(scene: GoogleScene, desk: Desk, changed: Changed) -> None:
    scene.sandbox.fault("error_before", code=503, call="oauth.token", times=0)
    scene.later(hours=2)  # the access token has run out
    scene.drain()
    assert RemoteKey.objects.get(id=scene.key.id).state == RemoteKey.State.ACTIVE
    assert "Google did not renew the access just now (HTTP 503)." in desk.configuration()
    assert changed.wait()
    scene.sandbox.no_faults()
    scene.later(minutes=16)
    scene.drain()
    scene.poll()
    assert changed.arrived()
    assert letters(scene) == []


# --- how far it was read is forgotten


@pytest.mark.parametrize("how", ["410", "400"])
def test_an_expired_sync_token_is_one_full_read(
    scene: GoogleScene, desk: Desk, changed: Changed, how: str
) -> None:
    own = scene.owner.insert(scene.at(6))
    if how == "410":
        with scene.sandbox.world.lock:
            scene.sandbox.world.calendars[scene.team].epoch += 1
    else:
        refused = {"code": 400, "reason": "invalid"}
        scene.sandbox.fault("error_before", call="calendar.events.list", **refused)
    scene.poll()
    assert scene.asked().count("list") == 2, "the refusal, and one full read"
    assert changed.arrived()
    assert scene.busy(6)
    assert letters(scene) == []
    assert "In step." in desk.configuration()
    scene.owner.delete(own)
    scene.poll()
    assert not scene.busy(6), "the new token works"


def test_what_was_deleted_while_the_token_was_lost_is_found_by_the_full_read(
    scene: GoogleScene, desk: Desk
) -> None:
    appointment, other = scene.booked(), scene.booked(2, name="Joe")
    own = scene.owner.insert(scene.at(6))
    scene.poll()
    scene.owner.delete(own)
    scene.owner.delete(scene.link(appointment).remote_id)
    with scene.sandbox.world.lock:
        scene.sandbox.world.calendars[scene.team].epoch += 1
    scene.poll()
    assert not scene.busy(6)
    assert Appointment.objects.get(id=appointment.id).state == "cancelled"
    assert Appointment.objects.get(id=other.id).state == "confirmed"


# --- clocks


@pytest.mark.parametrize("hours", [-3, 3])
def test_google_s_clock_may_be_wrong(scene: GoogleScene, changed: Changed, hours: int) -> None:
    """Its stamps are only compared with its own."""
    with scene.sandbox.world.lock:
        scene.sandbox.world.skew = timedelta(hours=hours)
    scene.poll()
    assert changed.arrived()


def test_a_stamp_that_went_back_is_believed_when_it_stays(scene: GoogleScene, changed: Changed) -> None:
    """At first it may be an old copy, of which nothing is concluded; an old copy does not stay. Meanwhile
    nothing else is held up."""
    with scene.sandbox.world.lock:
        scene.sandbox.world.skew = timedelta(days=9)
    scene.change(changed.there, location="Room 1")
    scene.poll()
    with scene.sandbox.world.lock:
        scene.sandbox.world.skew = timedelta(0)
    scene.change(changed.there, summary="Said later")
    other = scene.booked(7, name="Jim")
    scene.change(other, summary="Seen at once")
    scene.poll()
    assert Appointment.objects.get(id=other.id).title == "Seen at once"
    assert Appointment.objects.get(id=changed.there.id).title == "Visit: Joe"
    for _ in range(10):
        scene.poll()
    after = Appointment.objects.get(id=changed.there.id)
    assert (after.title, after.place, after.start) == ("Said later", "Room 1", scene.at(4).start)
    assert scene.link(changed.there).state == EventLink.State.CLEAN


@pytest.mark.parametrize("hours", [-2, 2])
def test_this_machine_s_clock_may_be_wrong(scene: GoogleScene, hours: int) -> None:
    """By it access tokens run out here: too early costs a renewal, too late a refusal and a renewal."""
    ours, google = timedelta(hours=hours), scene.sandbox.world.now
    scene.now += ours
    scene.settings = replace(scene.settings, clock=lambda: google() + ours)
    changed = Changed(scene)
    scene.later(hours=1.5)
    scene.drain()
    assert changed.arrived()
    scene.later(minutes=1)
    scene.drain()
    assert scene.sandbox.requests("oauth.token") == [] or len(scene.sandbox.requests("oauth.token")) <= 2
    assert letters(scene) == []
