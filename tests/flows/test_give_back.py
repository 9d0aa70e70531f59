"""A grant is given back with the account's last key on this installation, and nobody's key dies by it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connections
from tests.connect_scene import NOW, SETTINGS, Scene, scene, wait_for, waiting
from tests.sign_in_scene import (
    ACCOUNT,
    begin,
    came_back,
    finish,
    new_link,
    paged,  # noqa: F401 -- a fixture
    signed_in,
)

from genie.core.errors import Transient
from genie.flows import give_back as giving_back
from genie.flows.delete_key import delete_key
from genie.flows.open_key import open_key
from genie.store.locks import while_granting
from genie.store.models import RemoteKey
from genie.store.sealed import unseal

pytestmark = pytest.mark.usefixtures("paged")


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def discard(key: RemoteKey) -> bool:
    return delete_key(company_id=key.company_id, key_id=key.id, settings=SETTINGS, now=NOW)


def revokes(acme: Scene) -> int:
    return [name for name, _ in acme.world.requests].count("revoke")


def works(key: RemoteKey) -> bool:
    with closing(open_key(key=key, settings=SETTINGS)) as provider:
        return provider.account().identity == key.identity


def second_company(acme: Scene) -> Scene:
    """Another company in whose calendar system the same people have their accounts."""
    rival = scene("rival")
    rival.world = acme.world
    return rival


def test_the_last_key_takes_the_grant_with_it(acme: Scene) -> None:
    key = signed_in(acme)
    assert discard(key)
    assert revokes(acme) == 1 and not acme.owner().grants_access and not RemoteKey.objects.exists()


def test_another_company_s_key_of_the_account_goes_on_working(acme: Scene) -> None:
    ours, theirs = signed_in(acme), signed_in(second_company(acme))
    assert discard(ours)
    assert revokes(acme) == 0 and works(theirs)
    assert discard(theirs)
    assert revokes(acme) == 1 and not acme.owner().grants_access


def test_a_key_of_another_account_does_not_keep_the_grant(acme: Scene) -> None:
    acme.world.add_account("rita@acme.example")
    key, other = signed_in(acme), signed_in(acme, "rita@acme.example")
    assert discard(key)
    assert not acme.owner().grants_access and works(other)


def test_a_grant_that_has_ended_already_is_no_trouble(acme: Scene) -> None:
    key = signed_in(acme)
    acme.owner().take_back_access()
    assert discard(key)


def test_a_password_is_only_forgotten(acme: Scene) -> None:
    key = acme.key(kind="caldav")
    assert discard(key) and acme.world.requests == []


def test_a_provider_that_does_not_take_it_back_is_said_and_logged_without_secrets(
    acme: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    key = signed_in(acme)
    secret = unseal(key.secret)

    def down(method: str, _: object) -> None:
        raise Transient("The server does not answer")

    acme.world.before = down
    with caplog.at_level(logging.DEBUG):
        assert discard(key) is False
    assert not RemoteKey.objects.exists()
    assert "not given back: The server does not answer" in caplog.text
    assert secret["access"] not in caplog.text and secret["refresh"] not in caplog.text


def test_a_secret_that_cannot_be_read_cannot_be_given_back(acme: Scene) -> None:
    key = signed_in(acme)
    RemoteKey.objects.update(secret=b"sealed under a key that is gone")
    assert discard(key) is False
    assert not RemoteKey.objects.exists()


# --- at once


def in_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    return run


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_is_being_finished_is_not_killed_by_a_revoke() -> None:
    """Its new tokens belong to the very grant that the revoke would end; its key is not yet to be seen."""
    acme = scene()
    key = signed_in(acme)
    begun = begin(new_link(second_company(acme)))
    back = came_back(acme.owner().allow(begun.address))
    discarded: list[Future[bool]] = []

    with ThreadPoolExecutor(1) as admin:

        def discard_now(method: str, _: object) -> None:
            if method == "exchange":  # granted there, not yet kept here
                discarded.append(admin.submit(in_thread(lambda: discard(key))))
                wait_for(lambda: waiting() == 1)

        acme.world.after = discard_now
        made = finish(back, begun.browser)
        assert discarded[0].result(20) is True
    assert revokes(acme) == 0 and works(made)


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_waits_for_a_revoke_that_is_under_way() -> None:
    acme = scene()
    key = signed_in(acme)
    begun = begin(new_link(second_company(acme)))
    back = came_back(acme.owner().allow(begun.address))
    finished: list[Future[RemoteKey]] = []

    with ThreadPoolExecutor(1) as owner:

        def finish_now(method: str, _: object) -> None:
            if method == "revoke":
                finished.append(owner.submit(in_thread(lambda: finish(back, begun.browser))))
                wait_for(lambda: waiting() == 1)

        acme.world.before = finish_now
        assert discard(key)
        made = finished[0].result(20)
    assert [name for name, _ in acme.world.requests][-2:] == ["revoke", "exchange"]
    assert works(made)


@pytest.mark.django_db(transaction=True)
def test_two_companies_that_discard_at_once_leave_no_grant() -> None:
    acme = scene()
    keys = [signed_in(acme), signed_in(second_company(acme))]
    ready = Barrier(2)

    def work(key: RemoteKey) -> bool:
        ready.wait()
        return discard(key)

    with ThreadPoolExecutor(2) as admins:
        assert all(admins.map(lambda key: in_thread(lambda: work(key))(), keys))
    assert revokes(acme) >= 1 and not acme.owner().grants_access


@pytest.mark.django_db(transaction=True)
def test_sign_ins_that_do_not_end_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    acme = scene()
    key = signed_in(acme)
    monkeypatch.setattr(giving_back, "WAIT", 0.05)
    held, done = Event(), Event()

    def hold() -> None:
        with while_granting("paged", wait_seconds=0):
            held.set()
            done.wait(20)

    with ThreadPoolExecutor(1) as other:
        other.submit(in_thread(hold))
        assert held.wait(20)
        try:
            assert discard(key) is False
        finally:
            done.set()
    assert revokes(acme) == 0 and not RemoteKey.objects.exists()


def test_the_account_is_the_same_in_every_company(acme: Scene) -> None:
    """What the query across companies rests on."""
    ours, theirs = signed_in(acme), signed_in(second_company(acme))
    assert ours.identity == theirs.identity and ours.company != theirs.company and ours.label == ACCOUNT
