"""Faults on demand: each kind does what it says, where it is told to; the dice fall the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, timed

from calendar_sandbox.google.faults import KINDS, Asked, Fault, Faults
from calendar_sandbox.google.state import CALENDAR

EVENTS = "calendars/primary/events"
BODY = timed("2026-11-25T10:00", "2026-11-25T11:00")


@pytest.fixture
def client(google: GoogleSandbox) -> Iterator[httpx.Client]:
    with google.client(ANA, lifetime=10**8) as client:
        yield client


def titles(google: GoogleSandbox) -> list[str]:
    with google.owner(ANA) as owner:
        return [one["summary"] for one in owner.get(EVENTS).json()["items"]]


def reason_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["errors"][0]["reason"])


# --- kinds -----------------------------------------------------------------------------------------------


def test_a_reset_before_does_nothing_and_one_after_has_done_it(google: GoogleSandbox, client: httpx.Client):
    google.fault("reset_before")
    with pytest.raises(httpx.TransportError):
        client.post(EVENTS, json=BODY)
    assert titles(google) == []
    google.fault("reset_after")
    with pytest.raises(httpx.TransportError):
        client.post(EVENTS, json=BODY)
    assert titles(google) == ["Visit"]
    assert client.post(EVENTS, json=BODY).status_code == 200
    assert [one.fault for one in google.requests()] == ["reset_before", "reset_after", ""]


@pytest.mark.parametrize(("kind", "done"), [("error_before", []), ("error_after", ["Visit"])])
def test_an_error_comes_before_or_after(
    google: GoogleSandbox, client: httpx.Client, kind: str, done: list[str]
):
    google.fault(kind, code=503, retry_after=7)
    answer = client.post(EVENTS, json=BODY)
    assert (answer.status_code, reason_of(answer)) == (503, "backendError")
    assert answer.headers["retry-after"] == "7"
    assert titles(google) == done


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (403, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (403, "quotaExceeded"),
        (403, "calendarUsageLimitsExceeded"),
        (429, "rateLimitExceeded"),
        (500, "backendError"),
        (401, "authError"),
        (404, "notFound"),
        (410, "updatedMinTooLongAgo"),
    ],
)
def test_any_error_of_google_can_be_played(
    google: GoogleSandbox, client: httpx.Client, code: int, reason: str
):
    google.fault("error_before", code=code, reason=reason)
    answer = client.get(EVENTS)
    assert (answer.status_code, reason_of(answer)) == (code, reason)
    if "xceeded" in reason:
        assert answer.json()["error"]["errors"][0]["domain"] == "usageLimits"
    assert "retry-after" not in answer.headers


def test_an_answer_can_be_slow(google: GoogleSandbox, client: httpx.Client):
    google.fault("slow", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.post(EVENTS, json=BODY, timeout=0.1)
    assert titles(google) == ["Visit"]
    google.fault("slow", seconds=0.01)
    assert client.get(EVENTS).status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_can_break_off_in_the_middle(google: GoogleSandbox, client: httpx.Client, encoding: str):
    client.post(EVENTS, json=BODY)
    google.fault("truncated")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get(EVENTS, headers={"Accept-Encoding": encoding})


def test_a_list_can_be_older_than_our_own_write_and_loses_nothing(
    google: GoogleSandbox, client: httpx.Client
):
    first = client.post(EVENTS, json=BODY).json()
    client.patch(f"{EVENTS}/{first['id']}", json={"summary": "Newer"})
    client.post(EVENTS, json=BODY | {"summary": "Second"})
    google.fault("stale", changes=2)
    old = client.get(EVENTS).json()
    assert [one["summary"] for one in old["items"]] == ["Visit"]
    assert old["items"][0]["etag"] == first["etag"]
    news = client.get(EVENTS, params={"syncToken": old["nextSyncToken"]}).json()
    assert [one["summary"] for one in news["items"]] == ["Newer", "Second"]
    google.fault("stale", changes=1)
    again = client.get(EVENTS, params={"syncToken": old["nextSyncToken"]}).json()
    assert [one["summary"] for one in again["items"]] == ["Newer"]
    last = client.get(EVENTS, params={"syncToken": again["nextSyncToken"]}).json()
    assert [one["summary"] for one in last["items"]] == ["Second"]


def test_a_stale_increment_does_not_go_back_in_time(google: GoogleSandbox, client: httpx.Client):
    client.post(EVENTS, json=BODY)
    token = client.get(EVENTS).json()["nextSyncToken"]
    google.fault("stale", changes=1)
    stale = client.get(EVENTS, params={"syncToken": token}).json()
    assert (stale["items"], stale["nextSyncToken"]) == ([], token)


def test_a_list_lags_behind_no_longer_than_it_should(google: GoogleSandbox, client: httpx.Client):
    google.stop_clock(google.world.now())
    client.post(EVENTS, json=BODY)
    google.advance(timedelta(seconds=31))
    client.post(EVENTS, json=BODY | {"summary": "Second"})
    google.fault("stale", changes=9, within=30.0)
    assert [one["summary"] for one in client.get(EVENTS).json()["items"]] == ["Visit"]


def test_an_expired_token_is_a_410_of_that_request_alone(google: GoogleSandbox, client: httpx.Client):
    token = client.get(EVENTS).json()["nextSyncToken"]
    google.fault("expired")
    assert client.get(EVENTS).status_code == 200  # it waits for a request with a token
    gone = client.get(EVENTS, params={"syncToken": token})
    assert (gone.status_code, reason_of(gone)) == (410, "fullSyncRequired")


def test_a_grant_can_be_withdrawn_at_any_request(google: GoogleSandbox, client: httpx.Client):
    google.fault("revoked", call="calendar.events.insert")
    assert client.get(EVENTS).status_code == 200
    refused = client.post(EVENTS, json=BODY)
    assert (refused.status_code, reason_of(refused)) == (401, "authError")
    assert client.get(EVENTS).status_code == 401
    assert titles(google) == []


def test_the_services_clock_can_be_wrong(google: GoogleSandbox, client: httpx.Client):
    with google.world.lock:
        google.world.skew = timedelta(minutes=-10)
    made = client.post(EVENTS, json=BODY)
    assert made.json()["updated"] == "2026-11-24T11:50:00.000Z"
    assert made.headers.get_list("date") == ["Tue, 24 Nov 2026 11:50:00 GMT"]


def test_signing_in_has_faults_too(google: GoogleSandbox):
    account = google.account(ANA)
    with google.world.lock:
        app = next(iter(google.world.clients.values()))
        refresh = google.world.issue_refresh_token(account, app.id, [CALENDAR]).token
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh,
        "client_id": app.id,
        "client_secret": app.secret,
    }
    address = f"{google.base_url}/token"
    google.fault("error_before", call="oauth.token", code=400, reason="invalid_grant")
    assert httpx.post(address, data=form).json()["error"] == "invalid_grant"
    for kind in ("reset_before", "reset_after", "truncated"):
        google.fault(kind, call="oauth.*")
        with pytest.raises(httpx.TransportError):
            httpx.post(address, data=form)
    google.fault("error_after", call="oauth.token", code=503)
    assert httpx.post(address, data=form).json()["error"] == "internal_failure"
    google.fault("slow", call="oauth.token", seconds=0.01)
    assert httpx.post(address, data=form).json()["access_token"].startswith("ya29.")
    assert len(google.world.access_tokens) == 4


# --- where and when --------------------------------------------------------------------------------------


def test_a_fault_waits_for_its_request(google: GoogleSandbox, client: httpx.Client):
    google.fault(
        "error_before", call="calendar.events.*", verb="POST", path="primary", account=ANA, skip=1, times=2
    )
    answers = [client.post(EVENTS, json=BODY).status_code for _ in range(4)]
    assert answers == [200, 503, 503, 200]
    google.fault("error_before", account=BEN)
    assert client.get(EVENTS).status_code == 200
    google.fault("error_before", call="calendar.colors.get", times=0)
    assert [client.get("colors").status_code for _ in range(3)] == [503] * 3
    google.no_faults()
    assert client.get("colors").status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"kind": "bad luck"}, {"kind": "slow", "seconds": -1}, {"kind": "slow", "path": "("}]
)
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, Any]):
    with pytest.raises((ValueError, Exception), match=r"no such fault|negative|unterminated|missing"):
        Fault(**wrong)


def course(seed: int, requests: int = 300) -> list[str]:
    faults = Faults()
    faults.roll(dict.fromkeys(KINDS, 0.05), seed=seed)
    asked = Asked("calendar.events.list", "GET", "/x", sync_token=True)
    met = (faults.take(asked) for _ in range(requests))
    return [repr(fault) for fault in met]


def test_the_dice_fall_the_same_with_the_same_seed():
    assert course(1) == course(1) != course(2)
    kinds = {kind for kind in KINDS if any(f"kind='{kind}'" in one for one in course(1))}
    assert kinds == {kind for kind in KINDS if not kind.startswith("push")}


def test_chances_count_for_what_they_are_meant_for(google: GoogleSandbox, client: httpx.Client):
    google.chances({"error_before": 1.0}, seed=1, only="calendar.events.*")
    assert client.get("colors").status_code == 200
    assert client.get(EVENTS).status_code in (403, 429, 500, 503)
    with pytest.raises(ValueError, match="no such fault"):
        google.chances({"bad luck": 1.0}, seed=1)


# --- quota -----------------------------------------------------------------------------------------------


def test_a_quota_is_held_per_minute_and_account(google: GoogleSandbox, client: httpx.Client):
    with google.world.lock:
        google.google.per_minute = 3
    assert [client.get(EVENTS).status_code for _ in range(5)] == [200, 200, 200, 403, 403]
    assert reason_of(client.get(EVENTS)) == "userRateLimitExceeded"
    with google.client(BEN) as other:
        assert other.get(EVENTS).status_code == 200
    google.advance(timedelta(seconds=60))
    assert client.get(EVENTS).status_code == 200
