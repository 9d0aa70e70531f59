"""Signing in with Microsoft, renewing access, and what becomes of a grant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.providers.microsoft_script import (
    CLIENT,
    NOW,
    OID,
    SECRET,
    TID,
    Reply,
    Script,
    denial,
    event,
    id_token,
    listed,
    refusal,
)

from genie.core import errors
from genie.providers.microsoft.auth import SCOPES
from genie.providers.registry import ProviderSettings, sign_in

BACK = "https://genie.example.com/connect/return/microsoft"
TOKENS = {
    "token_type": "Bearer",
    "scope": "Calendars.ReadWrite openid profile User.Read email",
    "expires_in": 3736,
    "ext_expires_in": 3736,
    "access_token": "eyJ.first",
    "refresh_token": "M.first",
    "id_token": id_token(),
}
ME = {
    "id": OID,
    "displayName": "Ana",
    "mail": "ana@contoso.example",
    "userPrincipalName": "ana@contoso.example",
}
TEAM = {"id": "AAMkTeam", "name": "Team", "canEdit": True, "hexColor": "#a6d1f5", "isDefaultCalendar": False}
OWN = {"id": "AAMkOwn", "name": "Calendar", "canEdit": True, "hexColor": "", "isDefaultCalendar": True}


def pages(microsoft: Script, **options: str) -> Any:
    found = sign_in("microsoft", microsoft.settings(options=options))
    assert found is not None
    return found


def answering(tokens: Reply, *, me: Reply | None = None, calendars: Reply | None = None) -> Any:
    """What each of Microsoft's addresses answers."""
    by_path = {
        "/common/oauth2/v2.0/token": tokens,
        "/v1.0/me": me or Reply(200, ME),
        "/v1.0/me/calendars": calendars or listed(TEAM, OWN),
    }
    return lambda asked: by_path[asked.path]


def exchange(microsoft: Script) -> Any:
    return pages(microsoft).exchange(code="0.code", verifier="v" * 43, redirect_uri=BACK)


# --- the way there


def asked_for(**options: str) -> dict[str, str]:
    options = {"client_id": "ours", "client_secret": "s3cret", **options}
    found = sign_in("microsoft", ProviderSettings(options={"microsoft": options}))
    assert found is not None
    address = found.address(state="st", challenge="ch", redirect_uri=BACK, account="ana@contoso.example")
    assert "s3cret" not in address
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return {"": address.partition("?")[0], **query}


def test_the_address_asks_for_the_chooser_and_lasting_access():
    assert asked_for() == {
        "": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "client_id": "ours",
        "redirect_uri": BACK,
        "response_type": "code",
        "response_mode": "query",
        "scope": "openid profile offline_access User.Read Calendars.ReadWrite",
        "state": "st",
        "prompt": "select_account",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "login_hint": "ana@contoso.example",
    }


@pytest.mark.parametrize(
    ("tenant", "shared"), [("common", False), ("consumers", False), ("organizations", True), (TID, True)]
)
def test_shared_calendars_are_asked_for_only_where_no_personal_account_can_come(tenant, shared):
    """Personal accounts fail when they are asked for it."""
    found = asked_for(tenant=tenant)
    assert f"/{tenant}/oauth2" in found[""]
    assert ("Calendars.ReadWrite.Shared" in found["scope"].split()) is shared


def test_what_is_asked_for_is_said_in_microsoft_s_words(microsoft):
    assert pages(microsoft).access == (
        "Maintain access to data you have given access to",
        "Read your profile",
        "Read, update, create and delete events in your calendars",
    )


# --- the way back


def test_a_code_becomes_a_grant(microsoft):
    microsoft.will(answering(Reply(200, TOKENS)))
    grant = exchange(microsoft)
    assert (grant.account.identity, grant.account.label) == (f"{TID}:{OID}", "ana@contoso.example")
    assert [info.id for info in grant.calendars] == ["AAMkOwn", "AAMkTeam"]
    assert grant.may_write
    assert grant.granted.startswith("Read, update, create and delete events in your calendars; Read your")
    assert grant.secret == {
        "refresh_token": "M.first",
        "access_token": "eyJ.first",
        "expires_at": (NOW + timedelta(seconds=3736)).isoformat(),
        "scopes": TOKENS["scope"].split(),
        "tid": TID,
        "oid": OID,
        "preferred_username": "ana@contoso.example",
        "email": "ana@contoso.example",
    }
    assert microsoft.asked[0].form == {
        "grant_type": "authorization_code",
        "code": "0.code",
        "code_verifier": "v" * 43,
        "redirect_uri": BACK,
        "scope": " ".join(SCOPES),
        "client_id": CLIENT,
        "client_secret": "s3cret",
    }
    assert [one.headers.get("Authorization") for one in microsoft.asked[1:]] == ["Bearer eyJ.first"] * 2
    assert "eyJ" not in repr(grant)
    assert "M.first" not in repr(grant)


def test_a_personal_account_is_known_by_the_end_of_its_object(microsoft):
    oid = "00000000-0000-0000-48d3-1887fad3b9a6"
    tid = "9188040d-6c67-4c5b-b112-36a304b66dad"
    tokens = {**TOKENS, "id_token": id_token(tid=tid, oid=oid, preferred_username="ana@outlook.com")}
    me = {"id": "48d31887fad3b9a6", "displayName": "Ana", "userPrincipalName": "ana@outlook.com"}
    microsoft.will(answering(Reply(200, tokens), me=Reply(200, me)))
    assert exchange(microsoft).account.identity == f"{tid}:{oid}"


def test_another_object_behind_the_same_token_is_another_account(microsoft):
    microsoft.will(Reply(200, {**ME, "id": "00000000-1111-2222-3333-444444444444"}))
    assert microsoft.provider().account().identity == f"{TID}:00000000-1111-2222-3333-444444444444"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no.token",
        "a.b.c",
        id_token(aud="another"),
        id_token(oid=None),
        id_token(tid=""),
        "..",
        "a.bnVsbA.c",
    ],
)
def test_without_a_word_whose_it_is_there_is_no_key(microsoft, token):
    microsoft.will(answering(Reply(200, {**TOKENS, "id_token": token})))
    with pytest.raises(errors.NotAllowedThere, match="did not say whose account"):
        exchange(microsoft)


@pytest.mark.parametrize(
    "changes", [{"scope": "openid profile User.Read"}, {"refresh_token": ""}], ids=["scope", "lasting"]
)
def test_what_is_lacking_is_noticed(microsoft, changes):
    microsoft.will(answering(Reply(200, {**TOKENS, **changes})))
    with pytest.raises(errors.PermissionMissing, match=r"Nothing was saved\."):
        exchange(microsoft)


def test_permissions_may_be_named_with_their_resource(microsoft):
    scope = "https://graph.microsoft.com/Calendars.ReadWrite https://graph.microsoft.com/User.Read"
    microsoft.will(answering(Reply(200, {**TOKENS, "scope": scope})))
    assert exchange(microsoft).may_write


@pytest.mark.parametrize("code", ["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"])
def test_a_mailbox_elsewhere_makes_no_key_and_says_why(microsoft, code):
    microsoft.will(answering(Reply(200, TOKENS), calendars=refusal(404, code)))
    with pytest.raises(errors.NotAllowedThere, match="mailbox is not at Microsoft") as caught:
        exchange(microsoft)
    assert "Nothing was saved." in str(caught.value)
    assert "choose an account whose mailbox is at" in str(caught.value)


def test_an_account_without_a_calendar_makes_no_key(microsoft):
    microsoft.will(answering(Reply(200, TOKENS), calendars=listed()))
    with pytest.raises(errors.NoCalendars, match="has no calendar"):
        exchange(microsoft)


def test_an_outage_behind_the_sign_in_is_said(microsoft):
    microsoft.will(answering(Reply(200, TOKENS), calendars=refusal(503, "ServiceUnavailable")))
    with pytest.raises(errors.Unreachable, match=r"Nothing was saved\. Open the link again"):
        exchange(microsoft)


@pytest.mark.parametrize(
    ("answer", "fault", "said"),
    [
        (denial("invalid_grant", "54005"), errors.SignInExpired, "finished before, or took too long"),
        (denial("invalid_grant", "70008"), errors.SignInExpired, "took too long"),
        (
            denial("invalid_grant", "65001", suberror="consent_required"),
            errors.NotAllowedThere,
            "administrator of this account's organisation has to approve",
        ),
        (denial("invalid_grant", "53003"), errors.NotAllowedThere, "rules of this account's organisation"),
        (denial("invalid_client", "7000222"), errors.NotAllowedThere, "secret has run out"),
        (denial("unauthorized_client", "700016"), errors.NotAllowedThere, "is not known to Microsoft"),
        (denial("invalid_request"), errors.NotAllowedThere, "it says: invalid_request"),
        (Reply(429, {}), errors.Unreachable, "just now"),
        (Reply(500, b"<html>"), errors.Unreachable, "just now"),
        (Reply(200, {}), errors.Unreachable, "just now"),
        (Reply(hang_up=True), errors.Unreachable, "broke off"),
    ],
)
def test_a_code_that_brings_nothing(microsoft, answer, fault, said):
    microsoft.will(answer)
    with pytest.raises(fault, match=said) as caught:
        exchange(microsoft)
    assert "Nothing was saved." in str(caught.value)


@pytest.mark.parametrize(
    ("error", "description", "fault", "said"),
    [
        ("access_denied", "AADSTS65004: User declined to consent.", errors.Denied, "press Accept there"),
        ("access_denied", "the user canceled the authentication", errors.Denied, "declined"),
        ("access_denied", "AADSTS90094: needs permission", errors.NotAllowedThere, "has to approve this app"),
        ("consent_required", "", errors.NotAllowedThere, "Send that administrator this address"),
        ("invalid_client", "AADSTS650051", errors.NotAllowedThere, "has to approve this app"),
        ("interaction_required", "AADSTS50105: blocked", errors.NotAllowedThere, "do not allow this sign-in"),
        ("unauthorized_client", "AADSTS50194", errors.NotAllowedThere, "registered for other accounts"),
        ("server_error", "AADSTS90033", errors.Unreachable, "just now"),
        ("temporarily_unavailable", "", errors.Unreachable, "just now"),
        ("x" * 500, "AADSTS123456: odd", errors.NotAllowedThere, "AADSTS123456"),
        ("", "", errors.NotAllowedThere, "it says: nothing"),
    ],
)
def test_a_refusal_on_the_way_back(microsoft, error, description, fault, said):
    found = pages(microsoft).refusal(error=error, description=description)
    assert type(found) is fault
    assert said in str(found)


@pytest.mark.parametrize(
    ("tenant", "whose"),
    [("common", "organizations"), ("organizations", "organizations"), ("contoso.example", "contoso.example")],
)
def test_who_needs_an_approval_is_told_the_address_of_it(microsoft, tenant, whose):
    found = pages(microsoft, tenant=tenant).refusal(error="consent_required", description="")
    assert str(found).endswith(f": {microsoft.url}/{whose}/adminconsent?client_id={CLIENT}")
    assert "Nothing was saved." in str(found)
    assert len(str(found)) < 400


def test_a_grant_cannot_be_given_back_and_nothing_is_asked(microsoft):
    with pytest.raises(errors.Rejected, match="no way for an app"):
        pages(microsoft).revoke(SECRET)
    assert microsoft.asked == []


# --- renewing

EVENT_ANSWERS = (Reply(200, event()), Reply(200, {"id": "AAMkAGI2TGTG="}))
NEWER = {"access_token": "eyJ.newer", "expires_in": 3600, "refresh_token": "M.newer"}


def test_a_token_is_renewed_before_it_runs_out_and_the_newest_refresh_token_is_kept(microsoft):
    kept: list[Any] = []
    microsoft.will(Reply(200, NEWER), *EVENT_ANSWERS)
    provider = microsoft.provider(
        secret={**SECRET, "expires_at": (NOW + timedelta(seconds=59)).isoformat()},
        renew=lambda stale, ask: kept.append(ask(stale)) or kept[-1],
    )
    provider.get("AAMkAGI2TGTG=", "AAkAforeign")
    assert microsoft.asked[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "M.lasting",
        "client_id": CLIENT,
        "client_secret": "s3cret",
    }
    assert kept == [
        {
            **SECRET,
            "access_token": "eyJ.newer",
            "refresh_token": "M.newer",
            "expires_at": (NOW + timedelta(hours=1)).isoformat(),
        }
    ]
    assert {one.headers["Authorization"] for one in microsoft.asked[1:]} == {"Bearer eyJ.newer"}


def test_a_refused_token_is_renewed_once(microsoft):
    microsoft.will(refusal(401, "InvalidAuthenticationToken"), Reply(200, NEWER), *EVENT_ANSWERS)
    microsoft.provider().get("AAMkAGI2TGTG=", "AAkAforeign")
    microsoft.asked.clear()
    microsoft.will(
        refusal(401, "InvalidAuthenticationToken"),
        Reply(200, NEWER),
        refusal(401, "InvalidAuthenticationToken"),
    )
    with pytest.raises(errors.AccessLost, match="no longer accepts"):
        microsoft.provider().get("AAMkAGI2TGTG=", "AAkAforeign")
    assert len(microsoft.asked) == 3


@pytest.mark.parametrize(
    ("answer", "fault", "said"),
    [
        (denial("invalid_grant", "70008"), errors.AccessLost, "revoked at Microsoft, or has expired"),
        (denial("invalid_grant", "50173", suberror="bad_token"), errors.AccessLost, "revoked"),
        (denial("invalid_grant", "65001", suberror="consent_required"), errors.AccessLost, "taken back"),
        (denial("invalid_grant", "50057"), errors.AccessLost, "was disabled"),
        (denial("invalid_grant", "50076", suberror="basic_action"), errors.AccessLost, "sign in again"),
        (denial("interaction_required", "50079"), errors.AccessLost, "sign in again"),
        (denial("invalid_client", "7000222"), errors.Transient, "operator has to look"),
        (denial("unauthorized_client", "700016"), errors.Transient, "operator has to look"),
        (Reply(403, b"<html>a proxy"), errors.Transient, "HTTP 403"),
        (Reply(429, {}, {"Retry-After": "7"}), errors.Transient, "just now"),
        (Reply(503, {}), errors.Transient, "just now"),
        (Reply(200, {}), errors.Transient, "just now"),
        (Reply(hang_up=True), errors.Transient, "broke off"),
    ],
)
def test_a_renewal_that_fails(microsoft, answer, fault, said):
    microsoft.will(answer)
    provider = microsoft.provider(secret={**SECRET, "expires_at": NOW.isoformat()})
    with pytest.raises(fault, match=f"(?i){said}") as caught:
        provider.get("c", "AAkAforeign")
    assert "M.lasting" not in str(caught.value)
    if isinstance(caught.value, errors.Transient) and answer.headers:
        assert caught.value.retry_after == 7


def test_secrets_stand_in_no_message_and_no_address(microsoft):
    microsoft.will(refusal(401, "InvalidAuthenticationToken"), denial("invalid_grant", "70008"))
    with pytest.raises(errors.AccessLost) as caught:
        microsoft.provider().get("c", "AAkAforeign")
    fault: BaseException | None = caught.value
    while fault is not None:
        assert not any(word in repr(fault) for word in ("eyJ", "M.lasting", "s3cret"))
        fault = fault.__cause__ or fault.__context__
    assert not any(
        word in f"{one.path}{one.query}" for one in microsoft.asked for word in ("eyJ", "M.lasting", "s3cret")
    )
