"""`make run` as its user sees it: started, stopped, killed and started again, as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
from run.processes import birth_of
from run.supervisor import Installation

from run import programs, secret_file

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Started:
    """A supervisor started as `make run` does, on a folder of its own."""

    process: subprocess.Popen[str]
    address: str
    state: Path
    output: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def said(self) -> str:
        return self.output.read_text()

    def wait_until(self, sign: str) -> None:
        give_up = time.monotonic() + 200
        while sign not in self.said():
            if self.process.poll() is not None or time.monotonic() > give_up:
                pytest.fail(f"it never said {sign!r}:\n{self.said()}")
            time.sleep(0.05)

    def pids(self) -> dict[str, int]:
        entries = json.loads((self.state / "processes.json").read_text())
        return {name: entry["pid"] for name, entry in entries.items()}

    def end(self, how: signal.Signals) -> int:
        """Send a signal to the supervisor alone; returns its exit status."""
        self.process.send_signal(how)
        return self.process.wait(60)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        url = secret_file.read(self.state / "serving.env")["DATABASE_URL"].strip("'")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


class Starter:
    """Starts supervisors on one state folder, and leaves none behind."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.started: list[Started] = []

    def start(self, *, ready: bool = True, **environment: str) -> Started:
        clean = {n: v for n, v in os.environ.items() if not n.startswith("GENIE_") and n != "DATABASE_URL"}
        clean.pop("DJANGO_SETTINGS_MODULE")
        port = environment.get("PORT") or str(programs.free_port())
        output = self.state.with_name(f"{self.state.name}-{len(self.started)}.txt")
        with output.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "run", "--state", str(self.state)],
                cwd=ROOT,
                env=clean | {"PYTHONUNBUFFERED": "1"} | environment | {"PORT": port},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started = Started(process, f"http://127.0.0.1:{port}", self.state, output)
        self.started.append(started)
        if ready:
            started.wait_until("Ctrl-C stops it")
        return started

    def clean_up(self) -> None:
        for started in self.started:
            if started.process.poll() is None:
                started.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    started.process.wait(40)
                started.process.kill()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with ports of its own, so that two sessions of tests do not meet."""
    folder = tmp_path_factory.mktemp("installation") / "state"
    folder.mkdir()
    folder.parent.chmod(0o755)
    folder.parent.parent.chmod(0o755)
    ports = {name: programs.free_port() for name in ("caldav", "calendar page", "mail")}
    (folder / "ports.json").write_text(json.dumps(ports))
    return folder


@pytest.fixture
def starter(state: Path, static_files: None) -> Iterator[Starter]:
    starter = Starter(state)
    yield starter
    starter.clean_up()


def test_the_life_of_an_installation(starter, state):
    """Fresh start, Ctrl-C, second start, a killed supervisor, third start: each takes some seconds."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        first = starter.start()
        pids = first.pids()
        everything_serves(first)
        secrets = secret_file.read(state / "secrets.env")
        first.ask("UPDATE store_company SET name = 'Renamed by a person'")
        bookings = first.ask("SELECT count(*) FROM store_appointment")
        assert bookings[0][0] >= 3, "the demo has bookings"

        # Ctrl-C stops all of it, and nothing else
        assert first.end(signal.SIGINT) == 0
        assert [name for name, pid in pids.items() if birth_of(pid)] == []
        assert not programs.answers(first.port)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()

    # a second start goes on with the same data, secrets and addresses
    second = starter.start(PORT=str(first.port))
    assert second.ask("SELECT name FROM store_company") == [("Renamed by a person",)]
    assert second.ask("SELECT count(*) FROM store_appointment") == bookings
    assert secret_file.read(state / "secrets.env") == secrets

    # what exits by itself is started again
    worker = second.pids()["worker"]
    os.kill(worker, signal.SIGKILL)
    second.wait_until("worker exited (-9); starting it again")
    give_up = time.monotonic() + 60
    while second.pids()["worker"] == worker and time.monotonic() < give_up:
        time.sleep(0.05)
    assert birth_of(second.pids()["worker"])

    # another supervisor on the same folder is refused, and harms nothing
    refused = starter.start(ready=False)
    assert refused.process.wait(60) == 1
    assert f"already runs from this folder (process {second.process.pid})" in refused.said()
    assert all(birth_of(pid) for pid in second.pids().values())

    # after a killed supervisor its children live on; the next start stops them and takes their place
    left = second.pids()
    assert second.end(signal.SIGKILL) == -signal.SIGKILL
    assert all(birth_of(pid) for pid in left.values())
    third = starter.start(PORT=str(first.port))
    assert not set(left.values()) & set(third.pids().values())
    assert [name for name, pid in left.items() if birth_of(pid)] == []
    assert third.ask("SELECT name FROM store_company") == [("Renamed by a person",)]
    assert third.end(signal.SIGTERM) == 0


def everything_serves(started: Started) -> None:
    ports = json.loads((started.state / "ports.json").read_text())
    assert set(started.pids()) == {"postgres", "demo CalDAV server", "demo calendar page", "web", "worker"}
    assert httpx.get(f"{started.address}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{started.address}/book/acme-dental/main-office").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{ports['calendar page']}/").status_code == 200
    assert stat.S_IMODE((started.state / "secrets.env").stat().st_mode) == 0o600
    secrets = secret_file.read(started.state / "secrets.env")
    for words in (started.address, secrets["GENIE_DEMO_PASSWORD"], secrets["GENIE_DEMO_CALDAV_PASSWORD"]):
        assert words in started.said()


def test_a_port_in_use_is_said_plainly(starter):
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        started = starter.start(ready=False, PORT=str(port))
        assert started.process.wait(30) == 1
    assert f"Port {port} on 127.0.0.1 is in use by another program" in started.said()
    assert f"PORT={port + 1} make run" in started.said()


def test_a_given_database_is_used_and_nothing_else_is_started(starter, django_db_setup, tmp_path):
    given = os.environ["DATABASE_URL"]
    name = f"given_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    ours, _, rest = given.partition("?")
    url = f"{ours.rpartition('/')[0]}/{name}" + (f"?{rest}" if rest else "")
    other = Starter(tmp_path / "state")
    try:
        started = other.start(DATABASE_URL=url, DEMO="no")
        assert set(started.pids()) == {"web", "worker"}
        assert not (started.state / "postgres").exists()
        with psycopg.connect(url) as connection:
            schemas = connection.execute(
                "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN "
                "('pg_catalog', 'information_schema')"
            ).fetchall()
            assert schemas == [("public",)]
            assert connection.execute("SELECT count(*) FROM store_company").fetchone() == (0,)
        assert started.end(signal.SIGINT) == 0
    finally:
        other.clean_up()
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("host", "given", "hosts"),
    [
        ("127.0.0.1", {}, None),
        ("192.168.1.5", {}, None),
        ("0.0.0.0", {}, "*"),
        ("::", {}, "*"),
        ("0.0.0.0", {"GENIE_PUBLIC_URL": "https://genie.example"}, None),
        ("0.0.0.0", {"GENIE_ALLOWED_HOSTS": "desk.local"}, "desk.local"),
    ],
)
def test_open_to_the_network_it_answers_to_whatever_people_call_the_machine(tmp_path, host, given, hosts):
    installation = Installation(host=host, state=tmp_path, with_demo=False, environment=dict(given))
    installation.environment |= installation.product_environment()
    assert installation.environment.get("GENIE_ALLOWED_HOSTS") == hosts


def test_health_is_asked_under_the_name_the_product_answers_to(tmp_path):
    heard: list[str] = []

    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Host"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        public = {"GENIE_PUBLIC_URL": "https://genie.example"}
        installation = Installation(port=server.server_port, state=tmp_path, environment=public)
        assert installation.what_is_missing() == ""
    assert heard == ["genie.example"]


def test_an_unreachable_database_is_said_plainly(tmp_path):
    other = Starter(tmp_path / "state")
    url = f"postgres://nobody:nothing@127.0.0.1:{programs.free_port()}/none"
    started = other.start(ready=False, DATABASE_URL=url, DEMO="no")
    assert started.process.wait(60) == 1
    assert "is the PostgreSQL of DATABASE_URL running" in started.said()
    assert "nothing@" not in started.said()
