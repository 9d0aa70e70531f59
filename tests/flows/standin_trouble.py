"""Trouble at a calendar system: what is stored, what a person reads, who is told, and how it catches up.

In each case an appointment was changed here and another one there when it began; nothing is cancelled and no
customer hears of it, and when it is over both changes have arrived. What is the same at every stand-in; a
class of tests for a calendar system inherits `Trouble` and has the fixtures `scene`, `ending` and `limit`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import httpx
import pytest
from django.test import Client
from tests.desk import Desk
from tests.standin_scene import StandInScene
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
from genie.flows.unlink import unlink
from genie.store.models import (
    Appointment,
    EventLink,
    Message,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
)

PASSES = "Nothing is lost, and there is nothing to do: it is tried again by itself."
READ_ONLY = "This account may not change this calendar."
BACK = "https://genie.example/back"
shared = pytest.mark.parametrize("scene", ["shared"], indirect=True)
"""The calendar is somebody else's, who decides what the account may do."""


@dataclass(frozen=True)
class Ending:
    """A way for a grant to end, and the sentence that says so."""

    happens: Callable[[StandInScene], None]
    said: str


@dataclass(frozen=True)
class Limit:
    """A refusal that passes: a fault, the sentence for it, and how long it is waited for."""

    fault: dict[str, object]
    said: str
    waits: timedelta


class Changed:
    """One appointment changed here, another there, neither in step yet."""

    def __init__(self, scene: StandInScene) -> None:
        self.scene = scene
        self.here, self.there = scene.booked(), scene.booked(2, name="Joe")
        scene.move(self.there, scene.at(4))
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
            self.scene.seen(here).content.title == "Changed here"
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


def letters(scene: StandInScene) -> list[tuple[str, str]]:
    """What the admins are going to read: to whom, and its heading."""
    owed = Message.objects.filter(company=scene.company, kind="attention").order_by("created_at")
    return [(letter.recipient, letter.details["heading"]) for letter in owed]


def said(scene: StandInScene) -> str:
    """Why, in the one letter."""
    return str(Message.objects.get(company=scene.company, kind="attention").details["reason"])


def calendar_of(scene: StandInScene) -> RemoteCalendar:
    return RemoteCalendar.objects.get(id=scene.calendar.id)


def key_of(scene: StandInScene) -> RemoteKey:
    return RemoteKey.objects.get(id=scene.key.id)


class Trouble:
    """`system` is who says it, `gone` what is said of a calendar that is not there."""

    system: ClassVar[str]
    gone: ClassVar[str]
    broken: ClassVar[str]
    """What is said of an answer 503, or of another of its kind."""
    suspended: ClassVar[str]
    somebody_else: ClassVar[str]
    """Another account's address."""
    calls: ClassVar[str]
    """All calls of the API, none of the sign-in."""
    key_name: ClassVar[str]

    @pytest.fixture
    def desk(self, scene: StandInScene, client: Client, settings: object) -> Desk:
        options = settings.GENIE_PROVIDER_OPTIONS | scene.settings.options  # type: ignore[attr-defined]
        settings.GENIE_PROVIDER_OPTIONS = options  # type: ignore[attr-defined]
        client.force_login(scene.admin)
        return Desk(scene, client)

    @pytest.fixture
    def changed(self, scene: StandInScene) -> Changed:
        return Changed(scene)

    @pytest.fixture
    def ending(self) -> Ending:
        """The ways are the parameters."""
        raise NotImplementedError

    @pytest.fixture
    def limit(self) -> Limit:
        raise NotImplementedError

    def signs_in(self, scene: StandInScene, http: httpx.Client, address: str, account: str) -> dict[str, str]:
        """The account's owner follows an address to the system's pages; what they bring back."""
        raise NotImplementedError

    def renewed(self, scene: StandInScene, desk: Desk, *, account: str = "") -> RemoteKey:
        """The admin presses *Re-authorize*; the account's owner follows the link and signs in."""
        desk.press(f"keys/{scene.key.id}/reauthorize")
        link = RegistrationLink.objects.get(key=scene.key, used_at=None, revoked_at=None)
        begun = begin_sign_in(token=token_of(link), redirect_uri=BACK, settings=scene.settings, now=scene.now)
        with httpx.Client(timeout=30) as http:
            back = self.signs_in(scene, http, begun.address, account or scene.owner.email)
        return finish_sign_in(
            kind=scene.kind,
            back=CameBack(
                back["state"],
                back.get("code", ""),
                back.get("error", ""),
                back.get("error_description", ""),
            ),
            browser=begun.browser,
            settings=scene.settings,
            now=scene.now,
        )

    # --- the access ends

    def test_an_access_that_ended_waits_for_its_owner(
        self, scene: StandInScene, desk: Desk, changed: Changed, ending: Ending
    ) -> None:
        account = scene.owner.email
        ending.happens(scene)
        scene.poll()
        key = key_of(scene)
        assert (key.state, key.trouble) == (RemoteKey.State.NEEDS_REAUTHORIZATION, ending.said)
        assert scene.link(changed.here).state == EventLink.State.OWES_PUSH
        assert changed.wait()
        page = desk.configuration()
        assert (
            f"{account} needs re-authorization: nothing can be sent or read until its owner signs in again."
            in page
        )
        assert "1 change is waiting." in page
        assert (
            "Press Remote Auth Config, then Re-authorize beside the key, and send the link to the account's "
            "owner. What changes meanwhile waits and is not lost." in page
        )
        keys = desk.authorization()
        assert (
            "1 key needs re-authorization: what waits for it is sent as soon as its owner has signed in "
            "again." in keys
        )
        assert f"{self.key_name} {account}" in keys and f"needs re-authorization {ending.said}" in keys
        assert f"The access to {account} has ended; it needs re-authorization." in desk.appointment(
            changed.here
        )

        scene.asked()
        for _ in range(3):
            scene.later(hours=1)
            scene.drain()
        assert scene.asked() == [], "a key that is refused is not tried again and again"
        assert letters(scene) == [(scene.admin.email, f"The access to {account} has ended")], "told once"
        assert said(scene) == (
            f"{ending.said} Until it is renewed, nothing is sent to its calendars or read from them; what "
            "changes meanwhile waits and is not lost. Open the page below, press Re-authorize, and have the "
            "account's owner sign in again with the link it makes."
        )

        assert self.renewed(scene, desk) == scene.key
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert "In step." in desk.configuration()
        assert "1 key, and it works." in desk.authorization()
        assert len(letters(scene)) == 1

    def test_another_account_does_not_renew_it(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.sandbox.account(self.somebody_else)
        scene.revoke()
        scene.poll()
        with pytest.raises(NotFinished) as caught:
            self.renewed(scene, desk, account=self.somebody_else)
        assert isinstance(caught.value.why, WrongAccount)
        assert key_of(scene).state == RemoteKey.State.NEEDS_REAUTHORIZATION
        assert changed.wait()

    def test_an_account_that_is_suspended_waits_and_goes_on(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        """Its grant outlives it: when the account is back, *Check* is enough."""
        account = scene.sandbox.account(scene.owner.email)
        account.suspended = True
        scene.poll()
        key = key_of(scene)
        assert (key.state, key.trouble) == (RemoteKey.State.NEEDS_REAUTHORIZATION, self.suspended)
        assert f"needs re-authorization {self.suspended}" in desk.authorization()
        assert letters(scene) == [(scene.admin.email, f"The access to {scene.owner.email} has ended")]
        assert said(scene).startswith(f"{self.suspended} Until it is renewed,")
        assert not check_key(key=key, settings=scene.settings, now=scene.now)
        assert changed.wait()
        account.suspended = False
        assert check_key(key=key_of(scene), settings=scene.settings, now=scene.now)
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert len(letters(scene)) == 1

    # --- the calendar is out of reach

    @shared
    def test_a_calendar_that_is_not_shared_any_more_is_waited_for(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.share("nothing")
        scene.poll()
        calendar = calendar_of(scene)
        assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.PARKED, self.gone)
        assert changed.wait()
        page = desk.configuration()
        assert f"{self.gone} 1 change is waiting." in page
        assert (
            f"Make sure that {scene.owner.email} still has this calendar: it is tried again every 15 "
            "minutes, and nothing is lost. If it is gone for good, press Unlink Token and connect another."
            in page
        )
        assert "1 key, and it works." in desk.authorization(), "it is not the key's fault"
        assert letters(scene) == [], "it may be back in a minute"
        scene.asked()
        for _ in range(8):
            scene.later(minutes=16)
            scene.drain()
        assert len(scene.asked()) <= 16, "twice each time: the event, and whether the calendar answers"
        assert letters(scene) == [
            (scene.admin.email, f"The calendar {scene.calendar.name} cannot be reached")
        ], "told once"
        assert said(scene) == (
            f"{self.gone} Until it can be read again, appointments wait here and are not lost, and changes "
            "made there do not come in. Times go on being offered, so one that is taken there may be booked. "
            "Once it is back it catches up by itself; if it is gone for good, unlink it and connect another."
        )
        assert changed.wait()
        scene.share("write")
        scene.later(minutes=16)
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert "In step." in desk.configuration()

    def test_a_calendar_that_was_deleted_is_left_for_another(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.drop_calendar()
        scene.poll()
        scene.later(minutes=30)
        scene.drain()
        assert calendar_of(scene).state == RemoteCalendar.State.PARKED
        assert self.gone in desk.configuration()
        assert letters(scene) == [
            (scene.admin.email, f"The calendar {scene.calendar.name} cannot be reached")
        ]
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

    # --- lists that lag behind

    def test_a_calendar_that_is_linked_again_while_lists_lag_behind_shows_each_visit_once(
        self, scene: StandInScene
    ) -> None:
        """A read by id does not lag: no list has to show the event that is there."""
        visit = scene.booked()
        for _ in range(10):
            scene.sandbox.fault("stale", changes=1000, within=10**9)
        unlink(
            company_id=scene.company.id,
            connection_id=scene.connection.id,
            keep_copies=True,
            settings=scene.settings,
            now=scene.now,
        )
        scene.connection = connect_calendar(
            module=scene.module,
            key=scene.key,
            remote_id=scene.calendar.remote_id,
            user=scene.admin,
            now=scene.now,
        )
        scene.drain()
        scene.sandbox.no_faults()
        scene.settle()
        assert [event.id for event in scene.owner.events()] == [scene.link(visit).remote_id]
        assert scene.link(visit).state == EventLink.State.CLEAN

    # --- the account may less

    @shared
    def test_a_calendar_that_became_read_only_still_tells_what_changes_there(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.share("read")
        scene.poll()
        link = scene.link(changed.here)
        assert (link.state, link.reason) == (EventLink.State.PARKED, READ_ONLY)
        there = Appointment.objects.get(id=changed.there.id)
        assert there.start == scene.at(4).start, "what is readable is read"
        page = desk.configuration()
        assert "1 appointment needs a person, see below." in page
        assert f"Changed here, Jane Doe {READ_ONLY} Retry" in page
        assert (
            "What is listed below is not in step with the calendar, and nothing of it is lost. Put right "
            "what is said beside it, then press Retry." in page
        )
        late = scene.book(scene.at(6).start, name="Jim")
        for _ in range(8):
            scene.later(minutes=16)
            scene.drain()
        assert scene.link(late).state == EventLink.State.PARKED
        assert letters(scene) == [
            (scene.admin.email, f"An appointment needs a person: {scene.calendar.name}")
        ], "told once"
        assert said(scene) == (
            f"{READ_ONLY} What changed here waits and is not lost, but it is not on the calendar. Open the "
            "page below, which lists each appointment it is about; put right what is said there, then press "
            "Retry."
        )
        scene.share("write")
        scene.later(minutes=16)
        scene.drain()
        assert changed.arrived()
        assert scene.link(late).state == EventLink.State.CLEAN
        assert "In step." in desk.configuration()

    @shared
    def test_a_cancellation_that_may_not_be_sent_waits(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.share("read")
        cancel(company_id=scene.company.id, appointment_id=changed.here.id, actor=CUSTOMER, now=scene.now)
        scene.poll()
        assert (scene.link(changed.here).state, scene.link(changed.here).reason) == ("parked", READ_ONLY)
        assert READ_ONLY in desk.configuration()
        scene.share("write")
        scene.later(minutes=16)
        scene.drain()
        assert scene.link(changed.here).state == EventLink.State.ENDED
        assert [event.content.title for event in scene.owner.events()] == ["Visit: Joe"]

    # --- it asks to wait

    def test_a_limit_is_kept_to_and_passes(
        self, scene: StandInScene, desk: Desk, changed: Changed, limit: Limit
    ) -> None:
        scene.sandbox.fault("error_before", call=self.calls, times=0, **limit.fault)
        scene.poll()
        assert scene.asked() == ["get"], "one refusal is enough"
        calendar = calendar_of(scene)
        assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.OK, limit.said)
        assert calendar.next_attempt is not None
        waited = calendar.next_attempt - scene.now
        assert waited == limit.waits if limit.waits > timedelta(minutes=1) else waited <= limit.waits
        page = desk.configuration()
        waiting = rf"1 change is waiting\. {re.escape(limit.said)} Trying again in \d+ (s|min|h)\."
        assert re.search(waiting, page), page
        assert PASSES in page
        assert "1 key, and it works." in desk.authorization()
        assert changed.wait()
        scene.heal()
        scene.later(seconds=waited.total_seconds() + 1)
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert letters(scene) == [], "it passes by itself"

    def test_an_outage_of_an_hour_is_waited_out(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        scene.sandbox.fault("error_before", code=503, call=self.calls, times=0)
        asked = []
        for _ in range(60):
            scene.poll()
            asked.append(len(scene.asked()))
        assert sum(asked[:30]) < 60 and 0 < sum(asked[30:]) < 30, asked
        page = desk.configuration()
        assert self.broken in page and PASSES in page
        assert changed.wait()
        self._goes_on(scene, changed)
        assert letters(scene) == []

    def test_answers_that_are_lost_for_an_hour_write_nothing_twice(
        self, scene: StandInScene, desk: Desk, changed: Changed
    ) -> None:
        """Every request takes effect, and none is answered."""
        scene.sandbox.fault("error_after", code=500, call=self.calls, times=0)
        for _ in range(60):
            scene.poll()
        assert changed.told() == []
        assert self.broken.replace("503", "500") in desk.configuration()
        self._goes_on(scene, changed)

    def test_the_token_endpoint_is_down(self, scene: StandInScene, desk: Desk, changed: Changed) -> None:
        scene.sandbox.fault("error_before", code=503, call="oauth.token", times=0)
        scene.later(hours=2)  # the access token has run out
        scene.drain()
        assert key_of(scene).state == RemoteKey.State.ACTIVE
        assert f"{self.system} did not renew the access just now (HTTP 503)." in desk.configuration()
        assert changed.wait()
        self._goes_on(scene, changed)
        assert letters(scene) == []

    def _goes_on(self, scene: StandInScene, changed: Changed) -> None:
        scene.heal()
        scene.later(minutes=16)
        scene.drain()
        scene.poll()
        assert changed.arrived()

    # --- how far it was read is forgotten

    @pytest.mark.parametrize("how", ["410", "400"])
    def test_an_expired_cursor_is_one_full_read(
        self, scene: StandInScene, desk: Desk, changed: Changed, how: str
    ) -> None:
        own = scene.owner.add(scene.at(6))
        if how == "410":
            scene.expire_cursors()
        else:
            scene.refuse_cursor()
        scene.poll()
        assert scene.asked().count(scene.reading) == 2, "the refusal, and one full read"
        assert changed.arrived()
        assert scene.busy(6)
        assert letters(scene) == []
        assert "In step." in desk.configuration()
        scene.owner.delete(own)
        scene.poll()
        assert not scene.busy(6), "the new cursor works"

    def test_what_was_deleted_while_the_cursor_was_lost_is_found_by_the_full_read(
        self, scene: StandInScene
    ) -> None:
        appointment, other = scene.booked(), scene.booked(2, name="Joe")
        own = scene.owner.add(scene.at(6))
        scene.poll()
        scene.owner.delete(own)
        scene.owner.delete(scene.link(appointment).remote_id)
        scene.expire_cursors()
        scene.poll()
        assert not scene.busy(6)
        assert Appointment.objects.get(id=appointment.id).state == "cancelled"
        assert Appointment.objects.get(id=other.id).state == "confirmed"

    # --- clocks

    @pytest.mark.parametrize("hours", [-3, 3])
    def test_its_clock_may_be_wrong(self, scene: StandInScene, changed: Changed, hours: int) -> None:
        """Its stamps are only compared with its own."""
        with scene.sandbox.world.lock:
            scene.sandbox.world.skew = timedelta(hours=hours)
        scene.poll()
        assert changed.arrived()

    def test_a_stamp_that_went_back_is_believed_when_it_stays(
        self, scene: StandInScene, changed: Changed
    ) -> None:
        """At first it may be an old copy, of which nothing is concluded; an old copy does not stay.
        Meanwhile nothing else is held up."""
        with scene.sandbox.world.lock:
            scene.sandbox.world.skew = timedelta(days=9)
        scene.edit(changed.there, place="Room 1")
        scene.poll()
        with scene.sandbox.world.lock:
            scene.sandbox.world.skew = timedelta(0)
        scene.edit(changed.there, title="Said later")
        other = scene.booked(7, name="Jim")
        scene.edit(other, title="Seen at once")
        scene.poll()
        assert Appointment.objects.get(id=other.id).title == "Seen at once"
        assert Appointment.objects.get(id=changed.there.id).title == "Visit: Joe"
        for _ in range(10):
            scene.poll()
        after = Appointment.objects.get(id=changed.there.id)
        assert (after.title, after.place, after.start) == ("Said later", "Room 1", scene.at(4).start)
        assert scene.link(changed.there).state == EventLink.State.CLEAN

    @pytest.mark.parametrize("hours", [-2, 2])
    def test_this_machine_s_clock_may_be_wrong(self, scene: StandInScene, hours: int) -> None:
        """By it access tokens run out here: too early costs a renewal, too late a refusal and a renewal."""
        ours, theirs = timedelta(hours=hours), scene.sandbox.world.now
        scene.now += ours
        scene.settings = replace(scene.settings, clock=lambda: theirs() + ours)
        changed = Changed(scene)
        scene.later(hours=1.5)
        scene.drain()
        assert changed.arrived()
        scene.later(minutes=1)
        scene.drain()
        assert letters(scene) == []
