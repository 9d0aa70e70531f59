"""Use This Key, Connect Calendar, real-time updates, the options, availability calendars, Retry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.connect_scene import NOW, SETTINGS, Scene, scene, woken

from genie.core.errors import AccessLost, Transient
from genie.flows.add_availability_calendar import CannotRead, add_availability_calendar
from genie.flows.check_key import check_key
from genie.flows.connect_calendar import CannotConnect, connect_calendar
from genie.flows.delete_key import KeyInUse, delete_key
from genie.flows.delete_schedule import delete_schedule
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.remove_availability_calendar import remove_availability_calendar
from genie.flows.retry_link import retry_calendar, retry_link
from genie.flows.set_inbound_rules import set_inbound_rules
from genie.flows.set_realtime import set_realtime
from genie.flows.watch_calendar import watch_calendar
from genie.store.models import (
    Access,
    AvailabilityCalendar,
    BusyTime,
    Connection,
    EventLink,
    Message,
    Module,
    RemoteCalendar,
    RemoteKey,
    RemoteObject,
    Schedule,
)


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def connect(acme: Scene, key: RemoteKey, remote_id: str = "work", module: Module | None = None) -> Connection:
    return connect_calendar(
        module=module or acme.module, key=key, remote_id=remote_id, user=acme.admin, now=NOW
    )


# --- Use This Key


def test_listing_keeps_names_colours_and_rights(acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("holidays", "Holidays", may_write=False)
    rows = acme.listed(key)
    assert [(r.remote_id, r.name, r.may_write) for r in rows] == [
        ("work", "Work", True),
        ("holidays", "Holidays", False),
    ]
    acme.owner().let_write("holidays", True)
    assert [r.may_write for r in acme.listed(key)] == [True, True]
    assert RemoteCalendar.objects.count() == 2


def test_a_calendar_that_is_gone_leaves_the_list_unless_it_is_used(acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("tours", "Tours")
    acme.owner().add_calendar("other", "Other")
    acme.listed(key)
    connect(acme, key, "tours")
    acme.owner().drop_calendar("tours")
    acme.owner().drop_calendar("other")
    assert [r.remote_id for r in acme.listed(key)] == ["work"]
    assert set(RemoteCalendar.objects.values_list("remote_id", flat=True)) == {"work", "tours"}


def test_a_refused_grant_turns_the_key_to_needs_re_authorization(acme: Scene) -> None:
    key = acme.key()
    acme.owner().change_password("another")
    with pytest.raises(AccessLost):
        list_remote_calendars(key=key, settings=SETTINGS, now=NOW)
    key.refresh_from_db()
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION and key.trouble
    assert check_key(key=key, settings=SETTINGS, now=NOW) is False
    acme.owner().change_password("open sesame")
    assert check_key(key=key, settings=SETTINGS, now=NOW) is True
    key.refresh_from_db()
    assert (key.state, key.trouble) == (RemoteKey.State.ACTIVE, "")


def test_admins_are_told_once_each_time_the_access_ends(acme: Scene) -> None:
    Access.objects.get_or_create(user=acme.admin, company=acme.company)
    key = acme.key()
    for letters in (1, 2):
        acme.owner().change_password("another")
        for _ in range(3):
            assert check_key(key=key, settings=SETTINGS, now=NOW) is False
        told = list(Message.objects.filter(company=acme.company, recipient=acme.admin.email))
        assert len(told) == letters
        assert key.label in told[0].details["heading"]
        assert "press Re-authorize" in told[0].details["reason"]
        assert told[0].details["path"] == f"/company/{acme.company.slug}/keys/{key.id}/reauthorize"
        acme.owner().change_password("open sesame")
        assert check_key(key=key, settings=SETTINGS, now=NOW) is True


def test_a_refusal_of_the_old_secret_does_not_spoil_a_key_renewed_meanwhile(acme: Scene) -> None:
    key = acme.key()
    acme.owner().change_password("another")
    RemoteKey.objects.update(secret_version=2)  # renewed while we were asking
    assert check_key(key=key, settings=SETTINGS, now=NOW) is False
    key.refresh_from_db()
    assert key.state == RemoteKey.State.ACTIVE


def test_a_secret_that_cannot_be_read_here_any_more_needs_re_authorization(
    acme: Scene, settings: Any
) -> None:
    key = acme.key()
    settings.GENIE_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert check_key(key=key, settings=SETTINGS, now=NOW) is False
    with pytest.raises(AccessLost):
        acme.listed(key)
    key.refresh_from_db()
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert acme.world.requests == []


def test_a_server_that_does_not_answer_says_nothing_about_the_key(acme: Scene) -> None:
    key = acme.key()

    def down(*_: object) -> None:
        raise Transient("The server does not answer.")

    acme.world.before = down
    with pytest.raises(Transient):
        check_key(key=key, settings=SETTINGS, now=NOW)
    key.refresh_from_db()
    assert key.state == RemoteKey.State.ACTIVE


# --- Connect Calendar


def test_connecting_owes_the_appointments_to_come_and_mails_nobody(acme: Scene) -> None:
    key = acme.key()
    (calendar,) = acme.listed(key)
    acme.appointment(hours=-48)
    acme.appointment(hours=24, state="cancelled")
    to_come = [acme.appointment(hours=48), acme.appointment(hours=72)]
    acme.appointment(hours=96, module=acme.another_module())
    connection = connect(acme, key)
    assert (connection.state, connection.realtime, connection.linked_by) == ("linked", False, acme.admin)
    links = EventLink.objects.all()
    assert {link.appointment_id for link in links} == {a.id for a in to_come}
    assert {(link.state, link.calendar_id, link.connection_id) for link in links} == {
        ("owes_push", calendar.id, connection.id)
    }
    assert set(woken()) == {calendar.id}
    assert not Message.objects.exists()


def test_a_module_is_linked_to_one_calendar(acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("tours", "Tours")
    acme.listed(key)
    connect(acme, key)
    with pytest.raises(CannotConnect, match="Unlink Token first"):
        connect(acme, key, "tours")
    with pytest.raises(CannotConnect):
        connect(acme, key)
    assert Connection.objects.count() == 1


def test_modules_may_share_a_key_and_a_calendar(acme: Scene) -> None:
    key = acme.key()
    acme.listed(key)
    connect(acme, key)
    connect(acme, key, module=acme.another_module())
    assert Connection.objects.filter(calendar__remote_id="work").count() == 2


def test_what_cannot_be_written_is_refused_with_the_reason(acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("holidays", "Holidays", may_write=False)
    acme.listed(key)
    with pytest.raises(CannotConnect, match="may only read Holidays"):
        connect(acme, key, "holidays")
    with pytest.raises(CannotConnect, match="not in the account's list"):
        connect(acme, key, "never-heard-of")
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    with pytest.raises(CannotConnect, match="needs re-authorization"):
        connect(acme, key)
    assert not Connection.objects.exists()


def test_a_key_of_another_company_opens_nothing(acme: Scene) -> None:
    rival = scene("rival")
    key = rival.key()
    rival.listed(key)
    with pytest.raises(RemoteKey.DoesNotExist):
        connect(acme, key)
    with pytest.raises(RemoteKey.DoesNotExist):
        add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)


# --- Remote Calendar Options


def test_switching_real_time_updates_on_has_the_calendar_read(acme: Scene) -> None:
    key = acme.key()
    (calendar,) = acme.listed(key)
    connection = connect(acme, key)
    before = len(woken())
    later = NOW + timedelta(minutes=5)
    company = acme.company.id
    assert set_realtime(company_id=company, connection_id=connection.id, on=True, now=later).realtime
    calendar.refresh_from_db()
    assert calendar.nudged_at == later and woken()[before:] == [calendar.id]
    assert not set_realtime(company_id=company, connection_id=connection.id, on=False, now=later).realtime
    assert woken()[before:] == [calendar.id] * 2, "off: a channel may have to be stopped"
    with pytest.raises(Connection.DoesNotExist):
        set_realtime(company_id=scene("rival").company.id, connection_id=connection.id, on=True, now=later)


def test_the_rules_for_what_comes_in(acme: Scene) -> None:
    chosen = {
        "conflict_rule": Module.ConflictRule.DASHBOARD_WINS,
        "inbound_rule": Module.InboundRule.APPLY_SILENTLY,
    }
    set_inbound_rules(company_id=acme.company.id, module_id=acme.module.id, **chosen)
    module = Module.objects.get(id=acme.module.id)
    assert (module.conflict_rule, module.inbound_rule) == ("dashboard_wins", "apply_silently")
    with pytest.raises(Module.DoesNotExist):
        set_inbound_rules(company_id=scene("rival").company.id, module_id=acme.module.id, **chosen)


# --- keys that are used


def test_a_used_key_cannot_be_deleted_and_says_where_it_is_used(acme: Scene) -> None:
    key = acme.key()
    acme.listed(key)
    connect(acme, key)
    entry = add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)
    with pytest.raises(KeyInUse) as caught:
        delete_key(company_id=acme.company.id, key_id=key.id, settings=SETTINGS, now=NOW)
    assert caught.value.places == [
        "Main office (linked to Work)",
        "the schedule Opening hours (reads Work)",
    ]
    Connection.objects.update(state="ended")
    remove_availability_calendar(company_id=acme.company.id, entry_id=entry.id, settings=SETTINGS)
    delete_key(company_id=acme.company.id, key_id=key.id, settings=SETTINGS, now=NOW)
    assert not RemoteKey.objects.exists() and not RemoteCalendar.objects.exists()


def test_another_company_cannot_delete_a_key(acme: Scene) -> None:
    key = acme.key()
    with pytest.raises(RemoteKey.DoesNotExist):
        delete_key(company_id=scene("rival").company.id, key_id=key.id, settings=SETTINGS, now=NOW)


# --- availability calendars


def test_a_schedule_reads_any_calendar_once_also_a_read_only_one(acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("holidays", "Holidays", may_write=False)
    _, holidays = acme.listed(key)
    for _ in range(2):
        add_availability_calendar(schedule=acme.schedule, key=key, remote_id="holidays", now=NOW)
    assert AvailabilityCalendar.objects.get().calendar == holidays
    assert set(woken()) == {holidays.id}
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    with pytest.raises(CannotRead):
        add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)


def test_the_mirror_goes_with_its_last_user(acme: Scene) -> None:
    key = acme.key()
    (calendar,) = acme.listed(key)
    connection = connect(acme, key)
    entry = add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)
    BusyTime.objects.create(
        calendar=calendar, remote_id="x", start=NOW, end=NOW + timedelta(hours=1), kind="busy"
    )
    RemoteObject.objects.create(calendar=calendar, remote_id="x", etag="1")
    RemoteCalendar.objects.update(cursor="42", read_at=NOW)

    remove_availability_calendar(company_id=acme.company.id, entry_id=entry.id, settings=SETTINGS)
    assert BusyTime.objects.exists()  # the module is still linked to it

    entry = add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)
    Connection.objects.filter(id=connection.id).update(state="ended")
    version = RemoteCalendar.objects.get().version
    remove_availability_calendar(company_id=acme.company.id, entry_id=entry.id, settings=SETTINGS)
    calendar.refresh_from_db()
    assert not BusyTime.objects.exists() and not RemoteObject.objects.exists()
    assert (calendar.cursor, calendar.read_at) == ("", None)
    assert calendar.version == version + 1  # a read under way cannot bring it back


def test_the_mirror_goes_with_the_schedule_that_read_it(acme: Scene) -> None:
    key = acme.key()
    (calendar,) = acme.listed(key)
    other = Schedule.objects.create(company=acme.company, name="Summer", zone="UTC")
    add_availability_calendar(schedule=other, key=key, remote_id="work", now=NOW)
    BusyTime.objects.create(
        calendar=calendar, remote_id="x", start=NOW, end=NOW + timedelta(hours=1), kind="busy"
    )
    delete_schedule(company_id=acme.company.id, schedule_id=other.id, settings=SETTINGS)
    assert not BusyTime.objects.exists()


def test_another_company_cannot_remove_an_availability_calendar(acme: Scene) -> None:
    key = acme.key()
    acme.listed(key)
    entry = add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)
    with pytest.raises(AvailabilityCalendar.DoesNotExist):
        remove_availability_calendar(
            company_id=scene("rival").company.id, entry_id=entry.id, settings=SETTINGS
        )


# --- Retry, and being watched


def test_retry_owes_a_parked_event_again(acme: Scene) -> None:
    key = acme.key()
    (calendar,) = acme.listed(key)
    acme.appointment()
    connect(acme, key)
    link = EventLink.objects.get()
    assert not retry_link(company_id=acme.company.id, link_id=link.id, now=NOW)
    EventLink.objects.update(state="parked", reason="too large", attempts=9, stale_streak=3)
    before = len(woken())
    assert not retry_link(company_id=scene("rival").company.id, link_id=link.id, now=NOW)
    assert retry_link(company_id=acme.company.id, link_id=link.id, now=NOW)
    link.refresh_from_db()
    assert (link.state, link.reason, link.attempts, link.stale_streak) == ("owes_push", "", 0, 0)
    assert woken()[before:] == [calendar.id]


def test_retry_of_a_whole_calendar(acme: Scene) -> None:
    key = acme.key()
    acme.listed(key)
    connection = connect(acme, key)
    RemoteCalendar.objects.update(state="parked", trouble="gone", attempts=4, next_attempt=NOW)
    retry_calendar(company_id=acme.company.id, connection_id=connection.id, now=NOW)
    calendar = RemoteCalendar.objects.get()
    assert (calendar.attempts, calendar.next_attempt) == (0, None)
    assert calendar.nudged_at and calendar.nudged_at >= NOW
    assert (calendar.state, calendar.trouble) == ("parked", "gone"), (
        "until it was read: then it is there again"
    )


def test_being_watched_is_written_once_in_five_seconds(acme: Scene) -> None:
    (calendar,) = acme.listed(acme.key())
    for seconds in (0, 3, 4.9, 5):
        watch_calendar(calendar_id=calendar.id, now=NOW + timedelta(seconds=seconds))
        calendar.refresh_from_db()
        assert calendar.watched_at == NOW + timedelta(seconds=5 if seconds == 5 else 0)
