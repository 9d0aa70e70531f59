"""Signing in with Google, renewing access, giving it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.providers.google_script import NOW, SECRET, Asked, Reply, Script, event, refusal

from genie.core import errors
from genie.providers.google.auth import EVENTS, LIST, SCOPES
from genie.providers.port import Secret
from genie.providers.registry import ProviderSettings, sign_in

BACK = "https://genie.example.com/connect/return/google"
TOKENS = {
    "access_token": "ya29.first",
    "expires_in": 3599,
    "refresh_token": "1//first",
    "scope": " ".join(["https://www.googleapis.com/auth/userinfo.email", "openid", EVENTS, LIST]),
    "token_type": "Bearer",
}
ANA = {"sub": "1234567890", "email": "ana@example.org", "email_verified": True}
TEAM = {"id": "team@group.calendar.google.com", "summary": "Team", "accessRole": "writer"}
OWN = {"id": "ana@example.org", "summary": "ana@example.org", "accessRole": "owner", "primary": True}


def pages(google: Script) -> Any:
    found = sign_in("google", google.settings())
    assert found is not None
    return found


def answering(tokens: Reply, *, account: Reply | None = None, calendars: Reply | None = None) -> Any:
    """What each of Google's addresses answers."""
    by_path = {
        "/token": tokens,
        "/v1/userinfo": account or Reply(200, ANA),
        "/calendar/v3/users/me/calendarList": calendars or Reply(200, {"items": [TEAM, OWN]}),
    }
    return lambda asked: by_path[asked.path]


def exchange(google: Script) -> Any:
    return pages(google).exchange(code="4/code", verifier="v" * 43, redirect_uri=BACK)


# --- the way there


def test_the_address_asks_for_the_chooser_consent_and_lasting_access():
    options = {"google": {"client_id": "ours", "client_secret": "s3cret"}}
    found = sign_in("google", ProviderSettings(options=options))
    assert found is not None
    address = found.address(state="st", challenge="ch", redirect_uri=BACK, account="ana@example.org")
    assert address.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query == {
        "client_id": "ours",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": "st",
        "access_type": "offline",
        "prompt": "select_account consent",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "login_hint": "ana@example.org",
    }
    assert "s3cret" not in address


# --- the way back


def test_a_code_becomes_a_grant(google):
    google.will(answering(Reply(200, TOKENS)))
    grant = exchange(google)
    assert (grant.account.identity, grant.account.label) == ("1234567890", "ana@example.org")
    assert [info.id for info in grant.calendars] == ["ana@example.org", "team@group.calendar.google.com"]
    assert grant.may_write
    assert grant.granted.startswith("View and edit events on your calendars; See the list of your calendars")
    assert grant.secret == {
        "refresh_token": "1//first",
        "access_token": "ya29.first",
        "expires_at": (NOW + timedelta(seconds=3599)).isoformat(),
        "scopes": TOKENS["scope"].split(),
        "sub": "1234567890",
        "email": "ana@example.org",
    }
    asked = google.asked[0]
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": "4/code",
        "code_verifier": "v" * 43,
        "redirect_uri": BACK,
        "client_id": "ours.apps.googleusercontent.com",
        "client_secret": "s3cret",
    }
    assert [one.headers.get("Authorization") for one in google.asked[1:]] == ["Bearer ya29.first"] * 2
    assert "ya29" not in repr(grant)
    assert "1//first" not in repr(grant)


def test_an_access_that_ends_by_itself_says_when(google):
    google.will(answering(Reply(200, {**TOKENS, "refresh_token_expires_in": 604_799})))
    assert "Google ends this access on 2026-12-01" in exchange(google).granted


@pytest.mark.parametrize(("left", "said"), [(EVENTS, "View and edit events"), (LIST, "See the list")])
def test_a_permission_without_its_tick_is_noticed_and_nothing_is_revoked(google, left, said):
    """A revoke would end what other companies' keys live by, too."""
    google.will(answering(Reply(200, {**TOKENS, "scope": TOKENS["scope"].replace(left, "")})))
    with pytest.raises(errors.PermissionMissing, match="The calendar permission was not granted") as caught:
        exchange(google)
    assert said in str(caught.value)
    assert "Nothing was saved." in str(caught.value)
    assert [one.path for one in google.asked] == ["/token"]


def test_a_wider_permission_is_enough(google):
    google.will(answering(Reply(200, {**TOKENS, "scope": "openid https://www.googleapis.com/auth/calendar"})))
    assert exchange(google).account.label == "ana@example.org"


def test_without_a_lasting_token_there_is_no_key(google):
    google.will(answering(Reply(200, {**TOKENS, "refresh_token": None})))
    with pytest.raises(errors.PermissionMissing, match=r"myaccount\.google\.com/connections"):
        exchange(google)


@pytest.mark.parametrize(
    ("tokens", "fault"),
    [
        (Reply(400, {"error": "invalid_grant", "error_description": "Bad Request"}), errors.SignInExpired),
        (Reply(400, {"error": "redirect_uri_mismatch"}), errors.NotAllowedThere),
        (Reply(401, {"error": "invalid_client"}), errors.NotAllowedThere),
        (Reply(401, {"error": "deleted_client"}), errors.NotAllowedThere),
        (Reply(400, {"error": "something_new"}), errors.NotAllowedThere),
        (Reply(404, b"<html>"), errors.NotAllowedThere),
        (Reply(503, {"error": "temporarily_unavailable"}), errors.Unreachable),
        (Reply(429, {}), errors.Unreachable),
        (Reply(200, {}), errors.Unreachable),
        (Reply(200, b"<html>"), errors.Unreachable),
        (Reply(hang_up=True), errors.Unreachable),
        (Reply(200, TOKENS, cut=20), errors.Unreachable),
    ],
)
def test_a_code_that_brings_nothing(google, tokens, fault):
    google.will(answering(tokens))
    with pytest.raises(fault, match="Nothing was saved") as caught:
        exchange(google)
    assert "4/code" not in str(caught.value)


@pytest.mark.parametrize(
    ("places", "fault"),
    [
        ({"account": Reply(500)}, errors.Unreachable),
        ({"account": Reply(200, {})}, errors.PermissionMissing),
        ({"calendars": Reply(200, {"items": []})}, errors.NoCalendars),
        ({"calendars": refusal(403, "notACalendarUser")}, errors.NoCalendars),
        ({"calendars": refusal(403, "accessNotConfigured")}, errors.Unreachable),
        ({"calendars": refusal(403, "insufficientPermissions")}, errors.PermissionMissing),
        ({"calendars": refusal(403, "domainPolicy")}, errors.NotAllowedThere),
    ],
)
def test_what_can_go_wrong_behind_the_sign_in(google, places, fault):
    google.will(answering(Reply(200, TOKENS), **places))
    with pytest.raises(fault, match="Nothing was saved"):
        exchange(google)


@pytest.mark.parametrize(
    ("error", "fault", "said"),
    [
        ("access_denied", errors.Denied, "declined"),
        ("admin_policy_enforced", errors.NotAllowedThere, "administrator"),
        ("access_not_configured", errors.NotAllowedThere, "administrator"),
        ("org_internal", errors.NotAllowedThere, "one organisation"),
        ("disallowed_useragent", errors.NotAllowedThere, "ordinary browser"),
        ("invalid_scope", errors.NotAllowedThere, "permissions"),
        ("temporarily_unavailable", errors.Unreachable, "just now"),
        ("something_new", errors.NotAllowedThere, "something_new"),
        ("", errors.NotAllowedThere, "nothing"),
        ("x" * 5_000, errors.NotAllowedThere, "xxx"),
    ],
)
def test_a_refusal_is_said_in_three_parts(google, error, fault, said):
    refused = pages(google).refusal(error=error, description="whatever")
    assert type(refused) is fault
    assert said in str(refused)
    assert "Nothing was saved." in str(refused)
    assert len(str(refused)) < 400


# --- giving it back


def test_a_grant_is_given_back_in_the_body_of_a_request(google):
    google.will(Reply(200, {}))
    pages(google).revoke(SECRET)
    (asked,) = google.asked
    assert (asked.path, asked.query, asked.form) == ("/revoke", {}, {"token": "1//lasting"})


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Reply(400, {"error": "invalid_token"}), None),
        (Reply(503, {}), errors.Transient),
        (Reply(429, {}), errors.Transient),
        (Reply(hang_up=True), errors.Transient),
        (Reply(400, {"error": "invalid_request"}), errors.Rejected),
    ],
)
def test_giving_back_what_cannot_be_given_back(google, answer, fault):
    google.will(answer)
    if fault is None:
        pages(google).revoke(SECRET)
        return
    with pytest.raises(fault):
        pages(google).revoke(SECRET)


# --- renewing


def api(asked: Asked) -> Reply:
    """An API that knows only the second token."""
    if asked.path == "/token":
        return Reply(200, {"access_token": "ya29.second", "expires_in": 3599})
    if asked.headers["Authorization"] != "Bearer ya29.second":
        return refusal(401, "authError")
    return Reply(200, event())


def test_a_token_about_to_run_out_is_renewed_first(google):
    google.will(api)
    kept: list[Secret] = []

    def renew(stale: Secret, ask: Any) -> Secret:
        kept.append(ask(stale))
        return kept[-1]

    secret = {**SECRET, "expires_at": (NOW + timedelta(seconds=59)).isoformat()}
    google.provider(secret=secret, renew=renew).get("c", "foreign1")
    assert [one.path for one in google.asked] == ["/token", "/calendar/v3/calendars/c/events/foreign1"]
    assert google.asked[0].form["grant_type"] == "refresh_token"
    assert google.asked[0].form["refresh_token"] == "1//lasting"
    (fresh,) = kept
    assert fresh["access_token"] == "ya29.second"
    assert fresh["refresh_token"] == "1//lasting"
    assert fresh["expires_at"] == (NOW + timedelta(seconds=3599)).isoformat()


def test_a_token_that_is_refused_is_renewed_once(google):
    google.will(api)
    provider = google.provider()
    provider.get("c", "foreign1")
    provider.get("c", "foreign1")
    paths = [one.path.rpartition("/")[2] for one in google.asked]
    assert paths == ["foreign1", "token", "foreign1", "foreign1"]


def test_another_worker_s_token_is_taken_without_asking(google):
    google.will(api)
    provider = google.provider(renew=lambda _stale, _ask: {**SECRET, "access_token": "ya29.second"})
    assert provider.get("c", "foreign1").id == "foreign1"
    assert "/token" not in [one.path for one in google.asked]


def test_refused_again_the_access_is_lost(google):
    google.will(refusal(401, "authError"))
    provider = google.provider(renew=lambda _stale, _ask: {**SECRET, "access_token": "another"})
    with pytest.raises(errors.AccessLost):
        provider.get("c", "foreign1")
    assert len(google.asked) == 2


def test_a_new_refresh_token_replaces_the_one_before(google):
    google.will(Reply(200, {"access_token": "b", "expires_in": 60, "refresh_token": "1//newer"}), api)
    kept: list[Secret] = []
    stale = {**SECRET, "expires_at": "not a time"}
    provider = google.provider(secret=stale, renew=lambda s, ask: kept.append(ask(s)) or kept[-1])
    provider.get("c", "foreign1")
    assert kept[0]["refresh_token"] == "1//newer"


@pytest.mark.parametrize(
    ("answer", "fault", "said"),
    [
        (Reply(400, {"error": "invalid_grant"}), errors.AccessLost, "revoked at Google, or has expired"),
        (
            Reply(400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}),
            errors.AccessLost,
            "sign in again from time to time",
        ),
        (Reply(400, {"error": "admin_policy_enforced"}), errors.AccessLost, "administrator"),
        (Reply(401, {"error": "unauthorized_client"}), errors.AccessLost, "revoked"),
        (Reply(401, {"error": "invalid_client"}), errors.Transient, "this installation's registration"),
        (Reply(401, {"error": "deleted_client"}), errors.Transient, "deleted"),
        (Reply(403, b"<html>a proxy"), errors.Transient, "HTTP 403"),
        (Reply(429, {}, {"Retry-After": "7"}), errors.Transient, "just now"),
        (Reply(503, {}), errors.Transient, "just now"),
        (Reply(200, {}), errors.Transient, "just now"),
        (Reply(hang_up=True), errors.Transient, "broke off"),
    ],
)
def test_a_renewal_that_fails(google, answer, fault, said):
    """Only Google's own word ends a grant; whatever else happens passes."""
    google.will(answer)
    provider = google.provider(secret={**SECRET, "expires_at": NOW.isoformat()})
    with pytest.raises(fault, match=f"(?i){said}") as caught:
        provider.get("c", "foreign1")
    assert "1//lasting" not in str(caught.value)
    if isinstance(caught.value, errors.Transient) and answer.headers:
        assert caught.value.retry_after == 7


def test_secrets_stand_in_no_message_and_no_address(google):
    google.will(refusal(401, "authError"), Reply(400, {"error": "invalid_grant"}))
    with pytest.raises(errors.AccessLost) as caught:
        google.provider().get("c", "foreign1")
    fault: BaseException | None = caught.value
    while fault is not None:
        assert not any(word in repr(fault) for word in ("ya29", "1//", "s3cret"))
        fault = fault.__cause__ or fault.__context__
    assert not any(
        word in f"{one.path}{one.query}" for one in google.asked for word in ("ya29", "1//", "s3cret")
    )
