"""Changing the encryption key: everything sealed is sealed anew, by pieces, beside those who renew it."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from tests.connect_scene import NOW, Scene, scene

from genie.flows.create_registration_link import token_of
from genie.flows.rotate_secrets import Rotated, columns, rotate_secrets
from genie.store.models import Module, RegistrationLink, RemoteKey, SignInAttempt
from genie.store.sealed import Unreadable, is_newest, new_key, seal, unseal


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def keys_of(acme: Scene, number: int) -> list[RemoteKey]:
    return [acme.key(account=f"desk{n}@acme.example", identity=f"desk{n}") for n in range(number)]


def link_of(acme: Scene) -> RegistrationLink:
    return RegistrationLink.objects.create(
        company=acme.company,
        kind="caldav",
        token_hash="hash",
        token_secret=seal({"token": "a-token"}),
        created_at=NOW,
        expires_at=NOW,
    )


def sign_in_of(link: RegistrationLink) -> SignInAttempt:
    return SignInAttempt.objects.create(
        link=link,
        state_hash="state",
        browser_hash="browser",
        verifier=seal({"verifier": "a-verifier"}),
        redirect_uri="https://genie.example/back",
        created_at=NOW,
    )


def add_a_key_in_front(settings: Any) -> None:
    settings.GENIE_ENCRYPTION_KEYS = [new_key(), *settings.GENIE_ENCRYPTION_KEYS]


def counts(done: list[Rotated]) -> list[tuple[int, int, int]]:
    return [(column.anew, column.already, len(column.unreadable)) for column in done]


def test_each_sealed_column_is_rotated() -> None:
    """A new one must be added to `columns`, or it is lost when the old key is taken away."""
    binary = {
        (model, field.name)
        for model in apps.get_app_config("store").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField)
    }
    assert {(column.rows.model, column.field) for column in columns()} == binary


def test_afterwards_the_old_key_is_not_needed_any_more(acme: Scene, settings: Any) -> None:
    first, *_ = keys_of(acme, 3)
    link = link_of(acme)
    attempt = sign_in_of(link)
    secret = unseal(first.secret)
    Module.objects.filter(pk=acme.module.pk).update(external_secret=seal({"secret": "a-shared-one"}))
    add_a_key_in_front(settings)
    assert counts(rotate_secrets(batch=2)) == [(3, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0)]
    settings.GENIE_ENCRYPTION_KEYS = settings.GENIE_ENCRYPTION_KEYS[:1]
    first.refresh_from_db()
    link.refresh_from_db()
    assert unseal(first.secret) == secret
    assert token_of(link) == "a-token"
    attempt.refresh_from_db()
    assert unseal(attempt.verifier) == {"verifier": "a-verifier"}
    assert unseal(Module.objects.get(pk=acme.module.pk).external_secret) == {"secret": "a-shared-one"}


def test_a_finished_sign_in_holds_nothing_to_rotate(acme: Scene, settings: Any) -> None:
    attempt = sign_in_of(link_of(acme))
    SignInAttempt.objects.filter(pk=attempt.pk).update(used_at=NOW, verifier=b"")
    add_a_key_in_front(settings)
    assert counts(rotate_secrets())[2] == (0, 0, 0)


def test_only_the_seal_changes(acme: Scene, settings: Any) -> None:
    """A rise of `secret_version` would look like a renewal, and a lost access found meanwhile be ignored."""
    key = acme.key()
    before = RemoteKey.objects.filter(pk=key.pk).values().get()
    add_a_key_in_front(settings)
    rotate_secrets()
    after = RemoteKey.objects.filter(pk=key.pk).values().get()
    assert before.pop("secret") != after.pop("secret")
    assert before == after


def test_a_second_run_goes_on_where_the_first_was_stopped(acme: Scene, settings: Any) -> None:
    keys_of(acme, 3)
    add_a_key_in_front(settings)
    column = columns()[0]
    stopped = RemoteKey.objects.order_by("pk")[0]
    RemoteKey.objects.filter(pk=stopped.pk).update(secret=seal(unseal(stopped.secret)))
    assert counts(rotate_secrets())[0] == (2, 1, 0)
    written = list(column.rows.order_by("pk").values_list("secret", flat=True))
    assert counts(rotate_secrets())[0] == (0, 3, 0)
    assert list(column.rows.order_by("pk").values_list("secret", flat=True)) == written


def test_what_no_key_opens_is_named_and_left_and_the_rest_is_done(acme: Scene, settings: Any) -> None:
    lost, *_ = keys_of(acme, 2)
    foreign = link_of(acme)
    original = settings.GENIE_ENCRYPTION_KEYS
    settings.GENIE_ENCRYPTION_KEYS = [new_key()]
    sealed = seal({"user": "desk", "password": "s3cret"})
    RemoteKey.objects.filter(pk=lost.pk).update(secret=sealed)
    RegistrationLink.objects.filter(pk=foreign.pk).update(token_secret=sealed)
    settings.GENIE_ENCRYPTION_KEYS = [new_key(), *original]
    keys, links, *_ = rotate_secrets()
    assert counts([keys, links]) == [(1, 0, 1), (0, 0, 1)]
    assert "desk0@acme.example" in keys.unreadable[0] and "acme" in keys.unreadable[0]
    assert f"no. {foreign.pk}" in links.unreadable[0]
    lost.refresh_from_db()
    assert bytes(lost.secret) == sealed
    with pytest.raises(Unreadable):
        unseal(lost.secret)


@pytest.mark.django_db(transaction=True)
def test_a_secret_renewed_while_it_is_rotated_is_not_written_over(settings: Any) -> None:
    key = scene().key()
    old = settings.GENIE_ENCRYPTION_KEYS
    add_a_key_in_front(settings)
    # a process that still has only the old key renews the secret
    both, settings.GENIE_ENCRYPTION_KEYS = settings.GENIE_ENCRYPTION_KEYS, old
    renewed = seal({"password": "newer"})
    settings.GENIE_ENCRYPTION_KEYS = both
    holds = Event()

    def renew() -> None:
        try:
            with transaction.atomic():
                RemoteKey.objects.filter(pk=key.pk).update(secret=renewed)
                holds.set()
                wait_until_somebody_wants_the_row()
        finally:
            connection.close()

    other = Thread(target=renew)
    other.start()
    assert holds.wait(10)
    assert counts(rotate_secrets())[0] == (1, 0, 0)
    other.join(10)
    key.refresh_from_db()
    assert is_newest(key.secret)
    assert unseal(key.secret) == {"password": "newer"}


def wait_until_somebody_wants_the_row() -> None:
    waits = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE NOT granted AND locktype = 'transactionid' AND datname = current_database()"
    )
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute(waits)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody came: the rotation did not reach the row")
