"""Calendars, who may see and write what, tokens and scopes, people, schedules, batches, limits, controls."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.microsoft_sandbox import CONTROL, MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, BEN, CORA, Json, got, made, refused, timed

from calendar_sandbox.microsoft import control
from calendar_sandbox.microsoft.api.methods import METHODS, found

VISIT = timed("2026-11-25T10:00", "2026-11-25T11:00")
DENIED = (403, "ErrorAccessDenied")


def test_own_calendars(ana: httpx.Client):
    (first,) = got(ana, "me/calendars")["value"]
    assert (first["isDefaultCalendar"], first["canEdit"], first["hexColor"]) == (True, True, "")
    assert first["owner"] == {"name": "Ana", "address": ANA}
    assert got(ana, "me/calendar")["id"] == first["id"]
    answer = ana.post("me/calendars", json={"name": "Desk", "color": "lightgreen"})
    desk = answer.json()
    assert (answer.status_code, desk["color"], desk["hexColor"]) == (201, "lightGreen", "#87d28e")
    assert refused(ana.post("me/calendars", json={"name": "desk"})) == (409, "ErrorFolderExists")
    assert ana.patch(f"me/calendars/{desk['id']}", json={"name": "Counter"}).json()["name"] == "Counter"
    assert ana.delete(f"me/calendars/{desk['id']}").status_code == 204
    assert refused(ana.get(f"me/calendars/{desk['id']}"))[0] == 404
    assert refused(ana.delete(f"me/calendars/{first['id']}"))[0] == 400


def test_a_shared_calendar_has_an_id_of_its_own_on_each_list(
    microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client
):
    team = microsoft.calendar(ANA, "Team")
    theirs = microsoft.share(team, BEN, "write")
    assert theirs != microsoft.calendar_id(ANA, team)
    seen = got(ben, f"me/calendars/{theirs}")
    assert (seen["name"], seen["canEdit"], seen["canShare"]) == ("Team", True, False)
    assert seen["owner"]["address"] == ANA
    event = made(ben, VISIT, f"me/calendars/{theirs}/events")
    assert got(ana, f"me/events/{event['id']}")["organizer"]["emailAddress"]["address"] == ANA
    assert got(ben, f"users/{ANA}/events/{event['id']}")["id"] == event["id"]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("freeBusyRead", False, False),
        ("limitedRead", True, False),
        ("read", True, False),
        ("write", True, True),
    ],
)
def test_roles(microsoft: MicrosoftSandbox, ben: httpx.Client, role: str, reads: bool, writes: bool):
    path = f"me/calendars/{microsoft.share(microsoft.calendar(ANA, 'Team'), BEN, role)}"
    assert got(ben, path)["canEdit"] is writes
    assert ben.get(f"{path}/events").status_code == (200 if reads else 403)
    assert ben.post(f"{path}/events", json=VISIT).status_code == (201 if writes else 403)


def test_a_calendar_nobody_may_write(microsoft: MicrosoftSandbox, ana: httpx.Client):
    calendar = microsoft.calendar(ANA, "Holidays")
    path = f"me/calendars/{microsoft.calendar_id(ANA, calendar)}"
    event = made(ana, VISIT, f"{path}/events")
    calendar.read_only = True
    assert got(ana, path)["canEdit"] is False
    for answer in (
        ana.post(f"{path}/events", json=VISIT),
        ana.patch(f"me/events/{event['id']}", json={"subject": "x"}),
        ana.delete(f"me/events/{event['id']}"),
    ):
        assert refused(answer) == DENIED


def test_private_events_of_others_are_veiled(
    microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client
):
    team = microsoft.calendar(ANA, "Team")
    path = f"me/calendars/{microsoft.share(team, BEN, 'read')}/events"
    made(ana, VISIT | {"sensitivity": "private"}, f"me/calendars/{microsoft.calendar_id(ANA, team)}/events")
    assert got(ben, path)["value"][0]["subject"] == "Private Appointment"


def test_a_calendar_that_was_not_shared_is_out_of_reach(ana: httpx.Client, ben: httpx.Client):
    made(ana, VISIT)
    assert refused(ben.get(f"users/{ANA}/calendar/events")) == DENIED
    assert refused(ben.get("users/nobody@contoso.example/events")) == (404, "ErrorInvalidUser")


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["User.Read"], (200, 403, 403, 403)),
        (["Calendars.Read"], (403, 200, 403, 403)),
        (["Calendars.ReadWrite"], (403, 200, 201, 403)),
        (["User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared"], (200, 200, 201, 200)),
        (["https://graph.microsoft.com/Calendars.ReadWrite.Shared"], (403, 200, 201, 200)),
    ],
)
def test_scopes(microsoft: MicrosoftSandbox, scopes: list[str], statuses: tuple[int, ...]):
    shared = microsoft.share(microsoft.calendar(ANA, "Team"), BEN, "read")
    with microsoft.client(BEN, scopes) as client:
        answers = (
            client.get("me"),
            client.get("me/events"),
            client.post("me/events", json=VISIT),
            client.get(f"me/calendars/{shared}/events"),
        )
    assert tuple(answer.status_code for answer in answers) == statuses


def test_tokens(microsoft: MicrosoftSandbox, ana: httpx.Client):
    for header in ({}, {"Authorization": "Bearer nonsense"}):
        answer = httpx.get(f"{microsoft.api}me", headers=header)
        assert refused(answer) == (401, "InvalidAuthenticationToken")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    with microsoft.client(ANA, lifetime=-1) as client:
        assert "expired" in client.get("me").json()["error"]["message"]
    microsoft.fault("revoked")
    assert ana.get("me").status_code == 401
    assert ana.get("me").status_code == 401


def test_people(microsoft: MicrosoftSandbox, ana: httpx.Client):
    assert got(ana, "me?$select=displayName,mail")["mail"] == ANA
    microsoft.account(CORA, personal=True)
    with microsoft.client(CORA) as cora:
        said = got(cora, "me")
        assert (len(said["id"]), said["userPrincipalName"]) == (16, CORA)


def test_a_mailbox_on_a_companys_own_server(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.account(ANA).mailbox = False
    assert ana.get("me").status_code == 200
    assert refused(ana.get("me/calendars")) == (404, "MailboxNotEnabledForRESTAPI")


def schedule(client: httpx.Client, *names: str) -> httpx.Response:
    window = {"startTime": VISIT["start"], "endTime": timed("2026-11-25T10:00", "2026-11-25T12:00")["end"]}
    body = {"Schedules": list(names), "AvailabilityViewInterval": 30, **window}
    return client.post("me/calendar/getSchedule", json=body)


def test_schedules(microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client):
    made(ben, VISIT | {"showAs": "oof"})
    known, unknown = schedule(ana, BEN, "nobody@contoso.example").json()["value"]
    assert known["availabilityView"] == "3300"
    assert [item["status"] for item in known["scheduleItems"]] == ["oof"]
    assert "subject" not in known["scheduleItems"][0]
    assert unknown["error"]["responseCode"] == "ErrorMailRecipientNotFound"
    microsoft.account(CORA, personal=True)
    with microsoft.client(CORA) as cora:
        assert refused(schedule(cora, CORA)) == DENIED


def test_a_calendar_gets_another_id_soon_after_it_was_made(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.fault("renamed")
    desk = ana.post("me/calendars", json={"name": "Desk"}).json()
    assert refused(ana.get(f"me/calendars/{desk['id']}"))[0] == 404
    names = {one["name"]: one["id"] for one in got(ana, "me/calendars")["value"]}
    assert names["Desk"] != desk["id"]


# --- batches ---


def batch(client: httpx.Client, *requests: Json) -> httpx.Response:
    return client.post("$batch", json={"requests": list(requests)})


def test_a_batch_carries_out_its_requests(ana: httpx.Client):
    post = {"id": "1", "method": "POST", "url": "/me/events", "body": VISIT}
    answer = batch(
        ana,
        post | {"headers": {"Content-Type": "application/json"}},
        {"id": "2", "method": "GET", "url": "/me/events?$select=subject", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": "/me/events/AAA="},
        {"id": "4", "method": "GET", "url": "/me", "dependsOn": ["3"]},
    ).json()["responses"]
    assert [one["status"] for one in answer] == [201, 200, 404, 424]
    assert answer[1]["body"]["value"][0]["subject"] == "Visit"


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": str(number), "method": "GET", "url": "/me"} for number in range(21)],
        [{"id": "1", "method": "GET", "url": "/me"}] * 2,
        [{"id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]}],
        [{"id": "1", "method": "POST", "url": "/me/events", "body": {}}],
    ],
)
def test_what_is_no_batch_is_refused(ana: httpx.Client, requests: list[Json]):
    assert refused(batch(ana, *requests)) == (400, "BadRequest")


# --- faults and limits ---


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"code": 503}, 503, "ServiceUnavailable"),
        ({"code": 504}, 504, "GatewayTimeout"),
        ({"code": 429, "retry_after": 7}, 429, "ApplicationThrottled"),
        ({"code": 403, "reason": "ErrorQuotaExceeded"}, 403, "ErrorQuotaExceeded"),
    ],
)
@pytest.mark.parametrize("kind", ["error_before", "error_after"])
def test_errors_on_demand(
    microsoft: MicrosoftSandbox, ana: httpx.Client, kind: str, values: Json, status: int, code: str
):
    microsoft.fault(kind, call="events.create", **values)
    answer = ana.post("me/events", json=VISIT)
    assert refused(answer) == (status, code)
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert len(got(ana, "me/events")["value"]) == (1 if kind == "error_after" else 0)


def test_a_412_out_of_nothing_and_an_error_that_saved(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.fault("saved_error")
    assert refused(ana.post("me/events", json=VISIT)) == DENIED
    (event,) = got(ana, "me/events")["value"]
    microsoft.fault("conflict")
    path = f"me/events/{event['id']}"
    assert refused(ana.patch(path, json={"subject": "x"})) == (412, "ErrorIrresolvableConflict")
    assert got(ana, path)["subject"] == "Visit"


def test_broken_and_stale_answers(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.fault("reset_after", call="events.create")
    with pytest.raises(httpx.HTTPError):
        ana.post("me/events", json=VISIT)
    assert len(got(ana, "me/events")["value"]) == 1
    microsoft.fault("stale")
    assert got(ana, "me/events")["value"] == []
    microsoft.fault("truncated")
    with pytest.raises(httpx.HTTPError):
        ana.get("me/events")


def test_a_list_lags_behind_no_longer_than_it_should(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.stop_clock(microsoft.world.now())
    made(ana, VISIT)
    microsoft.advance(timedelta(seconds=31))
    made(ana, VISIT | {"subject": "Second"})
    microsoft.fault("stale", changes=9, within=30.0)
    assert [one["subject"] for one in got(ana, "me/events")["value"]] == ["Visit"]
    microsoft.fault("stale", changes=9, within=30.0)
    view = "me/calendarView/delta?startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-12-07T00:00:00Z"
    assert [one["subject"] for one in got(ana, view)["value"]] == ["Visit"]


def test_with_the_switch_an_event_is_found_under_any_calendar_of_the_mailbox(
    microsoft: MicrosoftSandbox, ana: httpx.Client, ben: httpx.Client
):
    event = made(ana, VISIT)
    other = microsoft.calendar_id(ANA, microsoft.calendar(ANA, "Other"))
    bens = microsoft.share(microsoft.calendar(BEN, "Ben's"), ANA, "write")
    assert ana.get(f"me/calendars/{other}/events/{event['id']}").status_code == 404
    with microsoft.world.lock:
        microsoft.world.finds_anywhere = True
    assert got(ana, f"me/calendars/{other}/events/{event['id']}")["subject"] == "Visit"
    assert ana.get(f"me/calendars/{bens}/events/{event['id']}").status_code == 404
    with microsoft.owner(ANA) as owner:
        assert owner.get(f"me/calendars/{other}/events/{event['id']}").status_code == 404


def test_a_fifth_request_at_once_is_throttled(microsoft: MicrosoftSandbox, ana: httpx.Client):
    microsoft.graph.latency = 0.3
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(ana.get("me/events"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 2
    throttled = next(answer for answer in answers if answer.status_code == 429)
    assert "MailboxConcurrency" in throttled.json()["error"]["message"]
    load = httpx.get(f"{microsoft.base_url}{CONTROL}/load").json()["most"]
    assert max(load.values()) == 5  # the one too many was counted too


# --- the table and the controls ---


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.id)
def test_a_method_is_found_by_its_paths(method: Any):
    for path in method.paths:
        names = {"calendar": "AAA=", "event": "BBB=", "subscription": "1"}
        place = path.format(**names)
        for root in [""] if method.alone else ["me/", f"users/{ANA}/"]:
            hit = found(method.verb, f"{root}{place}".rstrip("/"))
            assert hit is not None
            assert hit[0] is method


def test_what_graph_does_not_have_is_no_segment(ana: httpx.Client):
    assert refused(ana.get("me/dreams")) == (400, "BadRequest")
    assert refused(ana.post("me/events", content=b"{", headers={"Content-Type": "application/json"})) == (
        400,
        "BadRequest",
    )


def test_each_control_is_in_the_list():
    listed = control.__doc__ or ""
    for route in control.routes:
        path = str(getattr(route, "path", "")).removeprefix(control.PREFIX).partition("{path")[0]
        assert path.rstrip("/") in listed, f"{path} is missing in the docstring of control.py"


def test_controls(microsoft: MicrosoftSandbox):
    root = f"{microsoft.base_url}{CONTROL}"

    def ask(path: str, **body: Any) -> Json:
        answer = httpx.post(f"{root}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        said: Json = answer.json()
        return said

    assert len(ask("reset", seed=5, demo=True)["accounts"]) == 3
    state = httpx.get(f"{root}/state").json()
    calendars = {(one["owner"], one["name"]): one for one in state["calendars"]}
    desk = calendars[ANA, "Front desk"]
    assert desk["shares"] == {BEN: "write"}
    token = ask("token", upn=ANA)["access_token"]
    with httpx.Client(base_url=microsoft.api, headers={"Authorization": f"Bearer {token}"}) as client:
        event = made(client, VISIT)
        moved = ask("move", event=event["id"], calendar=desk["key"])
        assert got(client, f"me/events/{moved['id']}/calendar")["id"] == desk["id"]
        renewed = ask(f"calendars/{desk['key']}/renew-id", upn=ANA)["id"]
        assert got(client, f"me/calendars/{renewed}")["name"] == "Front desk"
        with microsoft.owner(ANA) as owner:
            assert owner.get("me/calendars").json()["value"][0]["isDefaultCalendar"]
        ask("faults", kind="error_before", code=503)
        assert client.get("me").status_code == 503
        ask("revoke", upn=ANA, clientId="test-client")
        assert client.get("me").status_code == 401
    switched = ask("switches", strictMatch=True, findsAnywhere=True)
    assert (switched["strictMatch"], switched["findsAnywhere"], switched["rotatesStrictly"]) == (
        True,
        True,
        False,
    )
    assert ask("clock", advance=60)["now"].startswith("2026-11-24T12:01")
    assert httpx.post(f"{root}/share", json={"calendar": "x", "upn": ANA, "role": "read"}).status_code == 404
    assert httpx.post(f"{root}/faults", json={"kind": "tea"}).status_code == 400
    assert httpx.get(f"{root}/log?call=me.get").json()["requests"]
