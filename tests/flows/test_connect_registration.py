"""Registration links: one use, a time to live, revocation; and the keys they make or renew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.connect_scene import NOW, Scene, at_once, scene, woken

from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.complete_registration import WrongAccount, complete_registration
from genie.flows.create_registration_link import (
    NewLink,
    NotOffered,
    create_registration_link,
    token_of,
)
from genie.flows.open_registration_link import TRIES, Closed, LinkClosed, open_registration_link
from genie.flows.revoke_registration_link import revoke_registration_link
from genie.providers.port import Account
from genie.providers.registry import ProviderSettings
from genie.store.models import Message, RegistrationLink, RemoteKey
from genie.store.sealed import unseal

ACCOUNT = Account("https://dav.example/principals/desk/", "desk@dav.example")


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


def new_link(acme: Scene, **fields: object) -> NewLink:
    values = {"company": acme.company, "kind": "caldav", "user": acme.admin, "hours": 72, "now": NOW}
    values["settings"] = ProviderSettings()
    return create_registration_link(**(values | fields))  # type: ignore[arg-type]


def complete(
    token: str, *, account: Account = ACCOUNT, password: str = "s3cret", **fields: object
) -> RemoteKey:
    values = {"secret": {"password": password}, "granted": "read and write", "now": NOW} | fields
    return complete_registration(token=token, account=account, **values)  # type: ignore[arg-type]


def closed(token: str, **fields: object) -> Closed:
    with pytest.raises(LinkClosed) as caught:
        open_registration_link(token=token, **({"now": NOW} | fields))  # type: ignore[arg-type]
    return caught.value.reason


def test_the_token_is_kept_as_a_hash_and_sealed_and_can_be_copied_again(acme: Scene) -> None:
    link, token = (made := new_link(acme)).link, made.token
    row = RegistrationLink.objects.values().get(id=link.id)
    assert len(token) >= 43  # 256 bit
    assert token not in str(row) and token.encode() not in bytes(row["token_secret"])
    assert token_of(link) == token
    assert link.expires_at == NOW + timedelta(hours=72)


def test_only_kinds_of_this_version_are_offered(acme: Scene) -> None:
    for kind in ("google", "microsoft", "memory", "nonsense"):
        with pytest.raises(NotOffered):
            new_link(acme, kind=kind)


def test_an_open_link_is_found_by_its_token(acme: Scene) -> None:
    made = new_link(acme)
    assert open_registration_link(token=made.token, now=NOW).company == acme.company


def test_reasons_are_told_apart(acme: Scene) -> None:
    made, other, spent, used = (new_link(acme) for _ in range(4))
    assert closed("nothing-like-it") is Closed.UNKNOWN
    assert closed(made.token, now=NOW + timedelta(hours=72)) is Closed.EXPIRED
    assert revoke_registration_link(company_id=acme.company.id, link_id=other.link.id, now=NOW)
    assert closed(other.token) is Closed.REVOKED
    RegistrationLink.objects.filter(id=spent.link.id).update(tries=TRIES)
    assert closed(spent.token) is Closed.TOO_MANY_TRIES
    complete(used.token)
    assert closed(used.token, now=NOW + timedelta(days=300)) is Closed.USED


def test_another_company_cannot_revoke_a_link(acme: Scene) -> None:
    made = new_link(acme)
    rival = scene("rival")
    assert not revoke_registration_link(company_id=rival.company.id, link_id=made.link.id, now=NOW)
    assert open_registration_link(token=made.token, now=NOW)


def test_a_link_makes_one_key_whose_secret_is_sealed(acme: Scene) -> None:
    made = new_link(acme)
    key = complete(made.token)
    assert (key.company, key.kind, key.label, key.identity) == (
        acme.company,
        "caldav",
        ACCOUNT.label,
        ACCOUNT.identity,
    )
    assert key.created_by == acme.admin
    assert b"s3cret" not in bytes(key.secret)
    assert unseal(key.secret) == {"password": "s3cret"}
    assert RegistrationLink.objects.get(id=made.link.id).key == key
    with pytest.raises(LinkClosed):
        complete(made.token)


def test_a_second_link_for_the_same_account_renews_its_key(acme: Scene) -> None:
    first = complete(new_link(acme).token)
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION, trouble="refused")
    second = complete(new_link(acme).token, password="newer")
    assert second.id == first.id and RemoteKey.objects.count() == 1
    assert (second.state, second.trouble, second.secret_version) == (RemoteKey.State.ACTIVE, "", 2)
    assert unseal(second.secret) == {"password": "newer"}


def test_two_companies_may_hold_keys_of_one_account(acme: Scene) -> None:
    rival = scene("rival")
    ours, theirs = complete(new_link(acme).token), complete(new_link(rival).token)
    assert ours.id != theirs.id and (ours.company, theirs.company) == (acme.company, rival.company)


def test_re_authorization_keeps_the_key_and_wakes_its_calendars(acme: Scene) -> None:
    key = acme.key(kind="memory")
    (calendar,) = acme.listed(key)
    add_availability_calendar(schedule=acme.schedule, key=key, remote_id="work", now=NOW)
    RemoteKey.objects.update(kind="caldav", state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    calendar.attempts, calendar.next_attempt = 5, NOW + timedelta(hours=3)
    calendar.save()
    before = len(woken())
    made = new_link(acme, reauthorizes=key)
    renewed = complete(made.token, account=Account(key.identity, key.label))
    calendar.refresh_from_db()
    assert renewed.id == key.id and renewed.state == RemoteKey.State.ACTIVE
    assert (calendar.attempts, calendar.next_attempt, calendar.nudged_at) == (0, None, NOW)
    assert woken()[before:] == [calendar.id]
    assert not Message.objects.exists()


def test_another_account_on_re_authorization_is_refused_and_nothing_is_stored(acme: Scene) -> None:
    key = acme.key(kind="caldav", state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    made = new_link(acme, reauthorizes=key)
    with pytest.raises(WrongAccount) as caught:
        complete(made.token)
    assert (caught.value.wanted, caught.value.signed_in) == (key.label, ACCOUNT.label)
    before = bytes(key.secret)
    key.refresh_from_db()
    assert bytes(key.secret) == before and key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert RemoteKey.objects.count() == 1
    assert open_registration_link(token=made.token, now=NOW)  # the right account may still answer


def test_a_new_re_authorization_link_revokes_the_earlier_one(acme: Scene) -> None:
    key = acme.key(kind="caldav")
    first, second = new_link(acme, reauthorizes=key), new_link(acme, reauthorizes=key)
    assert closed(first.token) is Closed.REVOKED
    assert open_registration_link(token=second.token, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_submit_at_once_one_makes_the_key() -> None:
    made = new_link(scene())
    results = at_once(
        *[
            lambda n=n: complete(made.token, account=Account(f"principal-{n}", f"person {n}"))
            for n in range(8)
        ]
    )
    losers = [r for r in results if isinstance(r, LinkClosed)]
    assert len(losers) == 7 and {e.reason for e in losers} == {Closed.USED}
    assert RemoteKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_links_answered_at_once_for_one_account_make_one_key() -> None:
    acme = scene()
    tokens = [new_link(acme).token for _ in range(6)]
    results = at_once(*[lambda t=t: complete(t) for t in tokens])
    assert all(isinstance(r, RemoteKey) for r in results)
    assert RemoteKey.objects.get().secret_version == 6


@pytest.mark.django_db(transaction=True)
def test_revoking_and_registering_at_once_agree_on_one_winner() -> None:
    acme = scene()
    for _ in range(10):
        made = new_link(acme)
        key, revoked = at_once(
            lambda m=made: complete(m.token),
            lambda m=made: revoke_registration_link(company_id=acme.company.id, link_id=m.link.id, now=NOW),
        )
        assert isinstance(key, RemoteKey) != bool(revoked)
