"""Renewing a key's secret: one asks at a time, what it brought is kept, and a lost access is noted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connections, transaction
from tests.connect_scene import NOW, SETTINGS, Scene, grant_of, scene, wait_for, waiting

from genie.core.errors import AccessLost, Transient
from genie.flows import renew_key as renewing
from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.check_key import check_key, note_access_lost
from genie.flows.delete_key import delete_key
from genie.flows.drain import drain
from genie.flows.open_key import open_key
from genie.flows.renew_key import renew_key, renewal_of
from genie.providers.port import Secret
from genie.store.locks import key_lock
from genie.store.models import Message, RemoteCalendar, RemoteKey
from genie.store.sealed import seal, unseal


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def never(_: Secret) -> Secret:
    raise AssertionError("the provider was asked")


def kept(key: RemoteKey) -> Secret:
    return unseal(RemoteKey.objects.get(id=key.id).secret)


def asked(acme: Scene) -> int:
    """How often a new token was asked for."""
    return [name for name, _ in acme.world.requests].count("renew")


def calendars_of(key: RemoteKey) -> int:
    with closing(open_key(key=key, settings=SETTINGS)) as provider:
        return len(provider.calendars())


# --- one alone


def test_what_was_asked_for_is_kept_sealed_before_it_is_used(acme: Scene) -> None:
    key = acme.granted_key()
    stale = unseal(key.secret)
    fresh = renew_key(key, stale, lambda newest: {**newest, "access": "the-new-one"})
    assert fresh == {**stale, "access": "the-new-one"} == kept(key)
    row = RemoteKey.objects.get(id=key.id)
    assert row.secret_version == 2 == key.secret_version
    assert b"the-new-one" not in bytes(row.secret)


def test_a_newer_secret_that_is_there_already_is_taken(acme: Scene) -> None:
    key, other = acme.granted_key(), RemoteKey.objects.get()
    stale = unseal(key.secret)
    fresh = renew_key(other, stale, lambda newest: {**newest, "access": "a-colleague-s"})
    assert renew_key(key, stale, never) == fresh
    assert key.secret_version == 2


def test_the_newest_secret_is_asked_with(acme: Scene) -> None:
    """Where refresh tokens rotate, an older one would end the grant."""
    key = acme.granted_key()
    acme.world.rotates = True
    for _ in range(3):
        acme.owner().expire_access()
        assert calendars_of(RemoteKey.objects.get()) == 1
    assert asked(acme) == 3 and RemoteKey.objects.get(id=key.id).secret_version == 4


def test_a_drain_goes_on_with_a_new_access(acme: Scene) -> None:
    key = acme.granted_key()
    calendar = read_calendar(acme, key)
    acme.owner().expire_access()
    drain(calendar_id=calendar.id, settings=SETTINGS, now=NOW)
    calendar.refresh_from_db()
    assert calendar.read_at == NOW and asked(acme) == 1


def read_calendar(acme: Scene, key: RemoteKey) -> RemoteCalendar:
    acme.listed(key)
    return add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW).calendar


def test_an_owner_who_signs_in_again_while_we_ask_has_the_last_word(acme: Scene) -> None:
    key = acme.granted_key()
    theirs = dict(grant_of(acme.world, key.label).secret)

    def ask(newest: Secret) -> Secret:
        RemoteKey.objects.filter(id=key.id).update(secret=seal(theirs), secret_version=2)
        return {**newest, "access": "late"}

    assert renew_key(key, unseal(key.secret), ask) == theirs == kept(key)
    assert key.secret_version == 2


def test_a_discarded_key_is_not_renewed(acme: Scene) -> None:
    key = acme.granted_key()
    stale = unseal(key.secret)

    def ask(newest: Secret) -> Secret:
        RemoteKey.objects.filter(id=key.id).delete()
        return {**newest, "access": "nobody-s"}

    with pytest.raises(AccessLost):
        renew_key(key, stale, ask)
    with pytest.raises(AccessLost):
        renew_key(key, stale, never)
    assert not RemoteKey.objects.exists()


def test_a_secret_that_cannot_be_read_any_more_is_lost_access(acme: Scene) -> None:
    key = acme.granted_key()
    RemoteKey.objects.update(secret=b"sealed under a key that is gone")
    with pytest.raises(AccessLost):
        renew_key(key, unseal(key.secret), never)


# --- lost access


def test_an_ended_grant_is_noted_by_the_first_drain_and_told_once(acme: Scene) -> None:
    key = acme.granted_key()
    calendar = read_calendar(acme, key)
    acme.owner().take_back_access()
    for _ in range(3):
        drain(calendar_id=calendar.id, settings=SETTINGS, now=NOW)
    key.refresh_from_db()
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION and "taken back" in key.trouble
    assert asked(acme) == 1, "nothing more is asked until somebody signs in again"
    assert Message.objects.count() == 1


def test_a_renewal_on_the_way_does_not_hide_that_the_access_was_lost(acme: Scene) -> None:
    key = acme.granted_key()
    calendar = read_calendar(acme, key)
    acme.owner().expire_access()

    def end_after_renewal(method: str, _: tuple[Any, ...]) -> None:
        if method == "changes":
            acme.owner().take_back_access()

    acme.world.before = end_after_renewal
    drain(calendar_id=calendar.id, settings=SETTINGS, now=NOW)
    key.refresh_from_db()
    assert (key.secret_version, key.state) == (2, RemoteKey.State.NEEDS_REAUTHORIZATION)
    assert Message.objects.count() == 1


def test_an_older_failure_says_nothing_about_a_newer_secret(acme: Scene) -> None:
    key, other = acme.granted_key(), RemoteKey.objects.get()
    renew_key(other, unseal(other.secret), lambda newest: {**newest, "access": "newer"})
    note_access_lost(key=key, trouble="refused", now=NOW)
    assert RemoteKey.objects.get().state == RemoteKey.State.ACTIVE and not Message.objects.exists()


def test_a_check_that_had_to_renew_finds_the_key_working(acme: Scene) -> None:
    key = acme.granted_key(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    acme.owner().expire_access()
    assert check_key(key=key, settings=SETTINGS, now=NOW)
    key.refresh_from_db()
    assert (key.secret_version, key.state) == (2, RemoteKey.State.ACTIVE)


# --- crashes


@pytest.mark.parametrize("rotates", [False, True], ids=["old tokens live", "old tokens end at once"])
def test_a_crash_after_the_provider_s_answer(acme: Scene, rotates: bool) -> None:
    """Where old tokens live, nothing is lost. Where they end at once, the owner must sign in again, and the
    admins are told (docs/decisions/0051)."""
    key = acme.granted_key()
    acme.world.rotates = rotates
    acme.owner().expire_access()

    def crash(method: str, _: tuple[Any, ...]) -> None:
        if method == "renew":
            raise KeyboardInterrupt

    acme.world.after = crash
    with pytest.raises(KeyboardInterrupt):
        calendars_of(key)
    acme.world.after = None
    assert RemoteKey.objects.get().secret_version == 1
    assert check_key(key=RemoteKey.objects.get(), settings=SETTINGS, now=NOW) is not rotates
    assert (RemoteKey.objects.get().state == RemoteKey.State.ACTIVE) is not rotates
    assert Message.objects.count() == (1 if rotates else 0)


# --- several at once


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_renew_once() -> None:
    acme = scene()
    acme.granted_key()
    acme.world.rotates = True  # a second one asking would find its token spent
    acme.owner().expire_access()
    ready = Barrier(8)

    def hold_until_all_wait(method: str, _: tuple[Any, ...]) -> None:
        if method == "renew":
            wait_for(lambda: waiting() == 7)

    acme.world.before = hold_until_all_wait

    def work(_: int) -> int:
        try:
            with closing(open_key(key=RemoteKey.objects.get(), settings=SETTINGS)) as provider:
                ready.wait()
                return len(provider.calendars())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as workers:
        assert list(workers.map(work, range(8))) == [1] * 8
    assert asked(acme) == 1
    assert RemoteKey.objects.get().secret_version == 2


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_tries_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    key = scene().granted_key()
    monkeypatch.setattr(renewing, "WAIT", 0.05)
    held, done = Event(), Event()

    def hold() -> None:
        try:
            with key_lock(key.id, wait_seconds=0):
                held.set()
                done.wait(20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        other.submit(hold)
        assert held.wait(20)
        try:
            with pytest.raises(Transient):
                renew_key(key, unseal(key.secret), never)
        finally:
            done.set()
    assert renew_key(key, unseal(key.secret), lambda newest: {**newest, "access": "x"})["access"] == "x"


@pytest.mark.django_db(transaction=True)
def test_nobody_asks_inside_a_transaction() -> None:
    key = scene().granted_key()
    with pytest.raises(RuntimeError), transaction.atomic():
        renewal_of(key)(unseal(key.secret), never)


@pytest.mark.django_db(transaction=True)
def test_discarding_while_a_renewal_is_under_way_ends_both() -> None:
    acme = scene()
    key = acme.granted_key()

    def ask(newest: Secret) -> Secret:
        with ThreadPoolExecutor(1) as admin:
            admin.submit(discard).result(20)
        return {**newest, "access": "nobody-s"}

    def discard() -> None:
        try:
            delete_key(company_id=acme.company.id, key_id=key.id, settings=SETTINGS, now=NOW)
        finally:
            connections.close_all()

    with pytest.raises(AccessLost):
        renew_key(key, unseal(key.secret), ask)
    assert not RemoteKey.objects.exists()
