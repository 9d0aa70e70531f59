"""Sign-in on a provider's own pages: bound to link and browser, once, in time; else no key and a reason."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from tests.connect_scene import NOW, SETTINGS, Scene, at_once, scene
from tests.sign_in_scene import (
    ACCOUNT,
    BACK,
    asked,
    begin,
    came_back,
    finish,
    new_link,
    paged,  # noqa: F401 -- a fixture
    signed_in,
)

from genie.core.errors import Denied, NotAllowedThere, PermissionMissing, SignInExpired, Unreachable
from genie.flows.begin_sign_in import LIVES, begin_sign_in
from genie.flows.complete_registration import WrongAccount
from genie.flows.create_registration_link import NotOffered
from genie.flows.finish_sign_in import CameBack, NotFinished, Refusal, SignInRefused
from genie.flows.open_registration_link import TRIES, Closed, LinkClosed, open_registration_link
from genie.flows.revoke_registration_link import revoke_registration_link
from genie.store.models import RegistrationLink, RemoteKey, SignInAttempt
from genie.store.sealed import unseal

pytestmark = pytest.mark.usefixtures("paged")


@pytest.fixture
def acme(db: None) -> Scene:
    made = scene()
    made.world.add_account(ACCOUNT)
    return made


def refused(back: CameBack, browser: str, **fields: Any) -> NotFinished:
    with pytest.raises(NotFinished) as caught:
        finish(back, browser, **fields)
    return caught.value


def reason(failed: NotFinished) -> Refusal:
    assert isinstance(failed.why, SignInRefused)
    return failed.why.reason


# --- there


def test_the_address_asks_for_what_the_way_back_needs(acme: Scene) -> None:
    begun = begin(new_link(acme))
    sent = asked(begun.address)
    assert sent["redirect_uri"] == BACK and sent["code_challenge_method"] == "S256"
    assert sent["state"] == begun.state and len(begun.state) >= 43 and len(begun.browser) >= 43
    assert begun.browser not in begun.address


def test_neither_state_nor_browser_nor_verifier_is_kept_in_the_open(acme: Scene) -> None:
    begun = begin(new_link(acme))
    row = SignInAttempt.objects.values().get()
    verifier = unseal(row["verifier"])["verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert asked(begun.address)["code_challenge"].encode() == _base64url(digest)
    assert 43 <= len(verifier) <= 128  # RFC 7636, 4.1
    for secret in (begun.state, begun.browser, verifier):
        assert secret not in str(row) and secret not in repr(begun)
        assert secret.encode() not in bytes(row["verifier"])


def _base64url(digest: bytes) -> bytes:
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def test_each_sign_in_is_a_try_of_the_link_and_the_last_one_may_end_well(acme: Scene) -> None:
    token = new_link(acme)
    begun = [begin(token) for _ in range(TRIES)]
    with pytest.raises(LinkClosed) as caught:
        begin(token)
    assert caught.value.reason is Closed.TOO_MANY_TRIES
    assert finish(came_back(acme.owner().allow(begun[-1].address)), begun[-1].browser).label == ACCOUNT


def test_a_re_authorization_hints_at_its_account(acme: Scene) -> None:
    key = signed_in(acme)
    assert asked(begin(new_link(acme, reauthorizes=key)).address)["login_hint"] == ACCOUNT


def test_a_link_whose_kind_is_typed_here_has_no_pages(acme: Scene) -> None:
    with pytest.raises(NotOffered):
        begin(new_link(acme, kind="caldav"))


def test_a_kind_that_is_not_set_up_any_more(acme: Scene) -> None:
    token, begun = new_link(acme), begin(new_link(acme))
    RegistrationLink.objects.update(kind="given-up")
    with pytest.raises(NotOffered):
        begin(token)
    failed = refused(came_back(acme.owner().allow(begun.address)), begun.browser, kind="given-up")
    assert isinstance(failed.why, NotOffered)


def test_sign_ins_that_are_long_over_are_forgotten(acme: Scene) -> None:
    token = new_link(acme)
    begin(token)
    begin(token, now=NOW + timedelta(hours=25))
    assert SignInAttempt.objects.get().created_at == NOW + timedelta(hours=25)


# --- and back


def test_an_owner_who_allows_it_makes_a_key(acme: Scene) -> None:
    token = new_link(acme)
    begun = begin(token)
    key = finish(came_back(acme.owner().allow(begun.address)), begun.browser)
    assert (key.company, key.kind, key.label) == (acme.company, "paged", ACCOUNT)
    assert key.granted == "View and edit events on your calendars" and key.created_by == acme.admin
    assert set(unseal(key.secret)) == {"world", "account", "access", "refresh"}
    attempt = SignInAttempt.objects.get()
    assert attempt.used_at == NOW and bytes(attempt.verifier) == b""
    with pytest.raises(LinkClosed):
        open_registration_link(token=token, now=NOW)


def test_another_browser_is_refused_and_uses_nothing_up(acme: Scene) -> None:
    """An attacker sends on the address of a sign-in they began: consent must not land in their company."""
    begun, other = begin(new_link(acme)), begin(new_link(acme))
    back = came_back(acme.owner().allow(begun.address))
    for browser in ("", other.browser, begun.browser + "x"):
        failed = refused(back, browser)
        assert reason(failed) is Refusal.ANOTHER_BROWSER and failed.link is None
    assert not RemoteKey.objects.exists() and not acme.owner().grants_access
    assert finish(back, begun.browser).label == ACCOUNT


def test_a_state_that_was_changed_or_made_up_is_unknown(acme: Scene) -> None:
    begun = begin(new_link(acme))
    back = acme.owner().allow(begun.address)
    for state in ("", "made-up", begun.state[:-1], begun.state + "x", begun.state.swapcase(), "\x00é"):
        failed = refused(came_back(back, state=state), begun.browser)
        assert reason(failed) is Refusal.UNKNOWN and failed.link is None
    assert finish(came_back(back), begun.browser)


def test_the_state_of_one_kind_is_unknown_to_another(acme: Scene) -> None:
    begun = begin(new_link(acme))
    back = came_back(acme.owner().allow(begun.address))
    assert reason(refused(back, begun.browser, kind="memory")) is Refusal.UNKNOWN


def test_a_replay_is_told_so_and_asks_nobody(acme: Scene) -> None:
    begun = begin(new_link(acme))
    back = came_back(acme.owner().allow(begun.address))
    finish(back, begun.browser)
    acme.world.requests.clear()
    failed = refused(back, begun.browser)
    assert reason(failed) is Refusal.FINISHED_BEFORE and acme.world.requests == []
    assert RemoteKey.objects.count() == 1


def test_a_code_of_another_sign_in_does_not_fit(acme: Scene) -> None:
    """PKCE: whoever smuggles in a code that was given for another sign-in gets nothing."""
    acme.world.add_account("mallory@evil.example")
    theirs, ours = begin(new_link(acme)), begin(new_link(acme))
    stolen = came_back(acme.owner("mallory@evil.example").allow(theirs.address)).code
    failed = refused(CameBack(ours.state, stolen), ours.browser)
    assert isinstance(failed.why, SignInExpired) and not RemoteKey.objects.exists()


def test_after_15_minutes_it_counts_no_more(acme: Scene) -> None:
    late, last = begin(new_link(acme)), begin(new_link(acme))
    second = timedelta(seconds=1)
    back = came_back(acme.owner().allow(late.address))
    assert reason(refused(back, late.browser, now=NOW + LIVES)) is Refusal.TOO_LATE
    assert finish(came_back(acme.owner().allow(last.address)), last.browser, now=NOW + LIVES - second)


def test_what_the_owner_refuses_keeps_the_link_open(acme: Scene) -> None:
    token = new_link(acme)
    ends = [
        (lambda address: acme.owner().deny(address), Denied),
        (lambda address: acme.owner().deny(address, error="admin_policy_enforced"), NotAllowedThere),
        (lambda address: acme.owner().allow(address, calendars=False), PermissionMissing),
    ]
    for answer, fault in ends:
        begun = begin(token)
        failed = refused(came_back(answer(begun.address)), begun.browser)
        assert isinstance(failed.why, fault)
        assert failed.link is not None and open_registration_link(token=token, now=NOW)
    assert not RemoteKey.objects.exists() and not acme.owner().grants_access


def test_a_way_back_with_neither_code_nor_error(acme: Scene) -> None:
    begun = begin(new_link(acme))
    assert isinstance(refused(CameBack(begun.state), begun.browser).why, NotAllowedThere)


def test_a_provider_that_is_down_keeps_the_link_open(acme: Scene) -> None:
    token = new_link(acme)
    begun = begin(token)

    def down(*_: object) -> None:
        raise Unreachable("Paged does not answer. Nothing was saved. Try again in a minute.")

    acme.world.before = down
    failed = refused(came_back(acme.owner().allow(begun.address)), begun.browser)
    assert isinstance(failed.why, Unreachable)
    acme.world.before = None
    again = begin(token)
    assert finish(came_back(acme.owner().allow(again.address)), again.browser)


@pytest.mark.parametrize("end", [Closed.USED, Closed.REVOKED, Closed.EXPIRED])
def test_a_link_that_was_closed_meanwhile_makes_no_key_and_asks_nobody(acme: Scene, end: Closed) -> None:
    token = new_link(acme)
    begun = begin(token)
    back = came_back(acme.owner().allow(begun.address))
    link = RegistrationLink.objects.get()
    now = NOW + timedelta(minutes=1)
    if end is Closed.USED:
        other = begin(token)
        finish(came_back(acme.owner().allow(other.address)), other.browser)
    elif end is Closed.REVOKED:
        revoke_registration_link(company_id=acme.company.id, link_id=link.id, now=NOW)
    else:
        RegistrationLink.objects.update(expires_at=now)
    before = acme.world.requests.copy()
    failed = refused(back, begun.browser, now=now)
    assert isinstance(failed.why, LinkClosed) and failed.why.reason is end
    assert acme.world.requests == before
    assert RemoteKey.objects.count() == (1 if end is Closed.USED else 0)


def test_a_link_that_closes_during_the_exchange_leaves_no_grant_behind(acme: Scene) -> None:
    begun = begin(new_link(acme))
    link = RegistrationLink.objects.get()

    def revoke(method: str, _: object) -> None:
        if method == "exchange":
            revoke_registration_link(company_id=acme.company.id, link_id=link.id, now=NOW)

    acme.world.after = revoke
    failed = refused(came_back(acme.owner().allow(begun.address)), begun.browser)
    assert isinstance(failed.why, LinkClosed) and failed.why.reason is Closed.REVOKED
    assert not failed.left and not acme.owner().grants_access and not RemoteKey.objects.exists()


# --- re-authorization


def test_the_same_account_renews_its_key(acme: Scene) -> None:
    key = signed_in(acme)
    acme.owner().take_back_access()
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION, trouble="ended")
    renewed = signed_in(acme, reauthorizes=key)
    assert renewed.id == key.id and renewed.state == RemoteKey.State.ACTIVE
    assert unseal(renewed.secret)["refresh"] != unseal(key.secret)["refresh"]


def test_another_account_is_refused_by_name_and_its_grant_given_back(acme: Scene) -> None:
    key = signed_in(acme)
    acme.world.add_account("rita@acme.example")
    begun = begin(new_link(acme, reauthorizes=key))
    failed = refused(came_back(acme.owner("rita@acme.example").allow(begun.address)), begun.browser)
    assert isinstance(failed.why, WrongAccount)
    assert (failed.why.wanted, failed.why.signed_in) == (ACCOUNT, "rita@acme.example")
    assert not failed.left and not acme.owner("rita@acme.example").grants_access
    assert acme.owner().grants_access and RemoteKey.objects.get().secret_version == 1


def test_another_account_that_has_a_key_of_its_own_keeps_its_grant(acme: Scene) -> None:
    rival = scene("rival")
    rival.world = acme.world
    rita = signed_in(rival, "rita@acme.example")
    key = signed_in(acme)
    begun = begin(new_link(acme, reauthorizes=key))
    failed = refused(came_back(acme.owner("rita@acme.example").allow(begun.address)), begun.browser)
    assert isinstance(failed.why, WrongAccount)
    assert acme.owner("rita@acme.example").grants_access and RemoteKey.objects.get(id=rita.id)


# --- at once


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_back_at_once_with_one_code_one_makes_the_key() -> None:
    acme = scene()
    acme.world.add_account(ACCOUNT)
    begun = begin(new_link(acme))
    back = came_back(acme.owner().allow(begun.address))
    results = at_once(*[lambda: finish(back, begun.browser) for _ in range(8)])
    assert [type(one) for one in results].count(RemoteKey) == 1
    assert {reason(one) for one in results if isinstance(one, NotFinished)} == {Refusal.FINISHED_BEFORE}
    assert [name for name, _ in acme.world.requests] == ["exchange"]


@pytest.mark.django_db(transaction=True)
def test_no_more_sign_ins_begin_at_once_than_the_link_allows() -> None:
    token = new_link(scene())
    RegistrationLink.objects.update(tries=TRIES - 2)
    results = at_once(
        *[lambda: begin_sign_in(token=token, redirect_uri=BACK, settings=SETTINGS, now=NOW) for _ in range(8)]
    )
    assert len([one for one in results if isinstance(one, LinkClosed)]) == 6
    assert SignInAttempt.objects.count() == 2
