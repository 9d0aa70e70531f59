"""`python -m calendar_sandbox`: the command line is a contract with whoever starts it."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from calendar_sandbox.__main__ import settings_from
from calendar_sandbox.app import create_app
from calendar_sandbox.settings import Account
from run import programs

CALDAV = ["--caldav-url", "http://127.0.0.1:5232"]


def test_accounts_come_from_the_line_and_from_a_file(tmp_path: Path):
    file = tmp_path / "accounts.json"
    for shape in (
        {"ben": "b:c"},
        [{"name": "ben", "password": "b:c"}],
        {"accounts": [{"name": "ben", "password": "b:c"}]},
    ):
        file.write_text(json.dumps(shape))
        settings, host, port = settings_from(
            [*CALDAV, "--account", "ana:x:y", "--accounts", str(file), "--port", "9"]
        )
        assert settings.accounts == (Account("ana", "x:y"), Account("ben", "b:c"))
        assert (host, port, settings.smtp_port) == ("127.0.0.1", 9, None)


def test_google_apps_are_registered_and_accounts_named():
    app = "genie:s3cret:http://127.0.0.1:8000/connect/google"
    settings, _host, _port = settings_from(["--google-account", "ana@example.org", "--google-client", app])
    assert settings.google_accounts == ("ana@example.org",)
    world = create_app(settings).state.world
    assert list(world.accounts) == ["ana@example.org"]
    assert world.clients["genie"].redirect_uris == ["http://127.0.0.1:8000/connect/google"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--account", "ana"],
        ["--accounts", "/nowhere.json"],
        ["--zone", "Mars/Base"],
        ["--accounts", __file__],
        ["--google-client", "id:secret"],
    ],
)
def test_a_wrong_line_is_refused_with_a_message(wrong: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        settings_from([*CALDAV, *wrong])
    assert "error:" in capsys.readouterr().err


def test_the_program_serves_pages_and_takes_mail_and_stops_when_asked(tmp_path: Path):
    web, smtp = programs.free_port(), programs.free_port()
    command = [
        sys.executable,
        "-m",
        "calendar_sandbox",
        "--port",
        str(web),
        "--smtp-port",
        str(smtp),
        *CALDAV,
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    process = subprocess.Popen([*command, "--mail-dir", str(tmp_path / "mail")], env=environment)
    try:
        give_up = time.monotonic() + 20
        while not programs.answers(web):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert httpx.get(f"http://127.0.0.1:{web}/healthz").status_code == 200
        with smtplib.SMTP("127.0.0.1", smtp) as connection:
            connection.sendmail("a@b.example", ["c@d.example"], b"Subject: Hi\r\n\r\nHello\r\n")
        assert httpx.get(f"http://127.0.0.1:{web}/mail.json").json()["letters"][0]["subject"] == "Hi"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
