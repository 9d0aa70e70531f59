"""The control API: everything a test does by hand, for programs that are not in this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.google_sandbox import CONTROL, GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, timed

from run import programs

ROOT = Path(__file__).parents[3]


class Control:
    """A client of the control API."""

    def __init__(self, base_url: str) -> None:
        self.client = httpx.Client(base_url=f"{base_url}{CONTROL}", timeout=30)

    def __call__(self, verb: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.client.request(verb, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def control(google: GoogleSandbox) -> Iterator[Control]:
    control = Control(google.base_url)
    yield control
    control.client.close()


def test_accounts_calendars_roles_and_tokens(google: GoogleSandbox, control: Control):
    made = control(
        "POST", "/accounts", {"email": "Cleo@example.org", "name": "Cleo", "timeZone": "Asia/Tokyo"}
    )
    assert made["email"] == "cleo@example.org"
    control("POST", "/accounts", {"email": BEN})
    desk = control("POST", "/calendars", {"owner": BEN, "summary": "Desk"})["id"]
    control("POST", "/share", {"calendar": desk, "email": "cleo@example.org", "role": "writer"})
    token = control("POST", "/token", {"email": "cleo@example.org", "lifetime": 60})["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    found = httpx.get(f"{google.api}users/me/calendarList", headers=headers).json()["items"]
    assert [one["summary"] for one in found] == ["cleo@example.org", "Desk"]
    state = control("GET", "/state")
    assert {one["email"] for one in state["accounts"]} == {"cleo@example.org", BEN}
    assert {one["clientId"] for one in state["grants"]} == {"test-client"}
    control("POST", "/accounts", {"email": "cleo@example.org", "suspended": True})
    assert httpx.get(f"{google.api}colors", headers=headers).status_code == 401
    control("POST", "/accounts", {"email": "cleo@example.org", "suspended": False})
    assert httpx.get(f"{google.api}colors", headers=headers).status_code == 200
    assert control("POST", "/revoke", {"email": "cleo@example.org", "clientId": "test-client"})["revoked"]
    assert httpx.get(f"{google.api}colors", headers=headers).status_code == 401
    control("DELETE", f"/calendars/{desk}")
    assert all(one["id"] != desk for one in control("GET", "/state")["calendars"])


def test_the_owner_acts_by_hand(google: GoogleSandbox, control: Control):
    google.account(ANA)
    google.fault("error_before", times=0)
    with google.owner(ANA) as owner:
        made = owner.post("calendars/primary/events", json=timed("2026-11-25T10:00", "2026-11-25T11:00"))
        assert made.status_code == 200, made.text
        moved = owner.patch(
            f"calendars/{ANA.replace('@', '%40')}/events/{made.json()['id']}", json={"summary": "x"}
        )
        assert moved.json()["summary"] == "x"
        assert owner.delete("calendars/nobody/events/x").status_code == 404
    assert google.requests() == []
    assert control.client.get("/as/nobody@example.org/calendar/v3/colors").status_code == 404


def test_clock_faults_chances_quota_and_log(google: GoogleSandbox, control: Control):
    google.account(ANA)
    assert control("POST", "/clock", {"advance": 90, "skew": -5})["now"].startswith("2026-11-24T12:01:30")
    control("POST", "/faults", [{"kind": "error_before", "code": 500}, {"kind": "slow", "seconds": 0.01}])
    control("POST", "/faults", {"kind": "error_before", "call": "calendar.colors.get"})
    assert len(control("GET", "/faults")["waiting"]) == 3
    with google.client(ANA) as client:
        assert client.get("calendars/primary").status_code == 500
        assert control("DELETE", "/faults")["waiting"] == []
        assert client.get("calendars/primary").status_code == 200
        control("POST", "/chances", {"chances": {"error_before": 1}, "seed": 4})
        assert client.get("calendars/primary").status_code >= 400
        control("DELETE", "/faults")
        token = client.get("calendars/primary/events").json()["nextSyncToken"]
        assert control("POST", "/expire-sync-tokens", {"calendar": ANA}) == {"calendars": 1}
        assert client.get("calendars/primary/events", params={"syncToken": token}).status_code == 410
        control("POST", "/quota", {"perMinute": 1})
        assert [client.get("calendars/primary").status_code for _ in range(2)] == [200, 403]
    log = control("GET", "/log?call=calendar.calendars.*")["requests"]
    assert [one["status"] for one in log[:2]] == [500, 200]
    assert log[0]["fault"] == "error_before"
    assert "authorization" not in log[0]["headers"]
    assert control("GET", f"/log?since={log[-1]['number']}")["requests"] == []
    control("DELETE", "/log")
    assert control("GET", "/log")["requests"] == []
    assert control("GET", "/deliveries") == {"deliveries": []}
    assert control("POST", "/settle") == {"deliveries": 0}


def test_resetting_begins_anew(google: GoogleSandbox, control: Control):
    assert control("POST", "/reset", {"seed": 5, "demo": True})["accounts"] == [ANA, BEN]
    summaries = {one["summary"] for one in control("GET", "/state")["calendars"]}
    assert summaries == {ANA, BEN, "Front desk", "Holidays in United States"}
    control("POST", "/reset", {"accounts": ["solo@example.org"]})
    assert [one["id"] for one in control("GET", "/state")["calendars"]] == ["solo@example.org"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/accounts", {}, 404),
        ("/share", {"calendar": "x", "email": ANA, "role": "reader"}, 404),
        ("/share", {"calendar": ANA, "email": BEN, "role": "king"}, 400),
        ("/token", {"email": "nobody@example.org"}, 404),
        ("/faults", {"kind": "bad luck"}, 400),
        ("/faults", {"kind": "slow", "colour": "red"}, 400),
        ("/chances", {"chances": {"bad luck": 1}}, 400),
        ("/calendars", {"owner": ANA, "summary": "x", "id": ANA}, 400),
        ("/quota", {"perMinute": "many"}, 400),
        ("/clock", {"advance": "soon"}, 400),
    ],
)
def test_what_makes_no_sense_is_said(
    google: GoogleSandbox, control: Control, path: str, body: Any, status: int
):
    google.account(ANA)
    assert control("POST", path, body, status=status)["error"]


def test_a_request_from_another_site_is_refused(google: GoogleSandbox, control: Control):
    answer = control.client.post("/reset", json={}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


# --- the program -----------------------------------------------------------------------------------------


def start(port: int, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "calendar_sandbox", "--port", str(port), *arguments]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    give_up = time.monotonic() + 30
    while not programs.answers(port):
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def test_the_program_alone_has_accounts_and_keeps_them_in_a_file(tmp_path: Path):
    """Without a CalDAV server; what a client made is there after a restart, and its tokens are still good."""
    port, file = programs.free_port(), tmp_path / "google.json"
    options = (
        "--state",
        str(file),
        "--seed",
        "7",
        "--google-account",
        ANA,
        "--google-account",
        "cleo@example.org",
    )
    process = start(port, *options)
    control = Control(f"http://127.0.0.1:{port}")
    api = f"http://127.0.0.1:{port}/calendar/v3/calendars/primary/events"
    try:
        assert [one["email"] for one in control("GET", "/state")["accounts"]] == [ANA, "cleo@example.org"]
        headers = {"Authorization": f"Bearer {control('POST', '/token', {'email': ANA})['access_token']}"}
        made = httpx.post(api, json=timed("2026-11-25T10:00", "2026-11-25T11:00"), headers=headers).json()
        assert made["htmlLink"].startswith(f"http://127.0.0.1:{port}/")
        token = httpx.get(api, headers=headers).json()["nextSyncToken"]
        assert httpx.get(api, headers=headers).headers.get_list("date") != []
    finally:
        stop(process)
    assert json.loads(file.read_text())["seed"] == 7
    process = start(port, *options)
    try:
        httpx.delete(f"{api}/{made['id']}", headers=headers)
        news = httpx.get(api, headers=headers, params={"syncToken": token}).json()
        assert [(one["id"], one["status"]) for one in news["items"]] == [(made["id"], "cancelled")]
    finally:
        control.client.close()
        stop(process)
