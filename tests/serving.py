"""The whole product as it is run: web server and worker as programs, on the session's test database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from run.processes import sweep_group
from tests.outside import SmtpSink

from run import postgres, programs

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "src/genie/web/static/build"


@dataclass
class GenieServer:
    """A running product. `base_url` has no slash at its end; `logs` holds web.log and worker.log."""

    base_url: str
    environment: dict[str, str]
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_web(self) -> None:
        port = self.base_url.rpartition(":")[2]
        command = ["-m", "granian", "--interface", "wsgi", "genie.config.wsgi:application"]
        command += ["--port", port, "--workers", "1", "--blocking-threads", "4", "--no-ws"]
        self._start("web", command)

    def start_worker(self) -> None:
        self._start("worker", ["manage.py", "procrastinate", "worker"])

    def kill_worker(self) -> None:
        """As a power cut would: no clean-up, no last words."""
        self._kill("worker")

    def wait_until_healthy(self, seconds: float = 60) -> None:
        give_up = time.monotonic() + seconds
        said = ""
        while time.monotonic() < give_up and all(p.poll() is None for p in self.running.values()):
            try:
                answer = httpx.get(f"{self.base_url}/healthz", timeout=10)
                if answer.status_code == 200:
                    return
                said = answer.text
            except httpx.TransportError as exc:
                said = repr(exc)
            time.sleep(0.05)
        logs = "\n".join(f"{log.name}:\n{postgres.tail(log)}" for log in self.logs.glob("*.log"))
        pytest.fail(f"the product does not serve: {said}\n{logs}")

    def stop(self) -> None:
        for name in list(self.running):
            self._kill(name)

    def _start(self, name: str, command: list[str]) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postgres.die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def _kill(self, name: str) -> None:
        process = self.running.pop(name)
        sweep_group(process.pid)
        process.wait()


@pytest.fixture(scope="session")
def static_files() -> None:
    """Scripts and styles where the web server finds them."""
    if not (BUILD / "dashboard.js").exists():
        pytest.fail(
            "The front end is not built, so no page can be tested. Run: make test (or: npm run build)"
        )
    call_command("collectstatic", "--no-input", verbosity=0)


@pytest.fixture
def serving_environment() -> dict[str, str]:
    """Variables the served product is to have beside the usual ones; a test module overrides this."""
    return {}


@pytest.fixture
def genie_server(
    transactional_db: None,
    static_files: None,
    smtp_sink: SmtpSink,
    serving_environment: dict[str, str],
    tmp_path: Path,
) -> Iterator[GenieServer]:
    """Web server and worker on the test database, private networks allowed, mail to `smtp_sink`."""
    base_url = f"http://127.0.0.1:{programs.free_port()}"
    environment = os.environ | {
        "DATABASE_URL": url_of_test_database(),
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "1",
        "GENIE_PUBLIC_URL": base_url,
        "GENIE_PRIVATE_NETWORKS": "1",
        "GENIE_EMAIL_URL": smtp_sink.url,
        **serving_environment,
    }
    server = GenieServer(base_url, environment, tmp_path)
    server.start_web()
    server.start_worker()
    try:
        server.wait_until_healthy()
        yield server
    finally:
        server.stop()


def url_of_test_database() -> str:
    """The address of the database this test sees, for another process."""
    now = connection.settings_dict
    password = f":{quote(now['PASSWORD'])}" if now["PASSWORD"] else ""
    place = {"host": now["HOST"]} | ({"port": now["PORT"]} if now["PORT"] else {})
    return f"postgres://{quote(now['USER'])}{password}@/{now['NAME']}?{urlencode(place, safe='/')}"
