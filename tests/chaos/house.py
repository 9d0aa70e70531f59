"""The product as programs that die: PostgreSQL, web, two workers, and the calendar systems beside them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from run.processes import sweep_group

from run import postgres, programs

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
UP_SECONDS = 120
"""Within so long everything serves again; the machine may be busy with other things."""


@dataclass
class House:
    """What runs. Only the thread that made it starts programs: they end with it, however it ends (Linux)."""

    cluster: postgres.Cluster
    url: str
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    wanted: dict[str, list[str]] = field(default_factory=dict)
    """The commands of what is to run now. A program that ends by itself is started again."""
    killed: int = 0
    ended_by_themselves: list[str] = field(default_factory=list)

    @property
    def workers(self) -> list[str]:
        return [f"worker {number + 1}" for number in range(WORKERS)]

    def start_all(self) -> None:
        self.start_web()
        self.start_workers(self.workers)

    def start_web(self) -> None:
        port = self.url.rpartition(":")[2]
        command = ["-m", "granian", "--interface", "wsgi", "genie.config.wsgi:application", "--port", port]
        self._start("web", [*command, "--workers", "2", "--blocking-threads", "4", "--no-ws"])

    def start_workers(self, names: Sequence[str]) -> None:
        for name in names:
            self._start(name, ["manage.py", "procrastinate", "worker"])

    def kill(self, name: str) -> None:
        """SIGKILL: no clean-up, no last words."""
        self.wanted.pop(name, None)
        if (process := self.running.pop(name, None)) is not None:
            sweep_group(process.pid)
            process.wait()
            self.killed += 1

    def kill_database(self, how: signal.Signals) -> None:
        """SIGKILL takes the postmaster alone, and its children find out; SIGQUIT ends all at once."""
        if (process := self.cluster.process) is not None:
            process.send_signal(how)
            process.wait()
            self.cluster.process = None
            self.killed += 1

    def start_database(self) -> None:
        """As a supervisor does: again until nothing of the one before stands in its way."""
        if self.cluster.process is not None:
            return

        def up() -> bool:
            try:
                self.cluster.start()
            except postgres.PostgresTrouble:
                return False
            return True

        until(up, what="PostgreSQL serves again")

    def tend(self) -> None:
        """Start what ended by itself, as `make run` does; not while there is no database."""
        if self.cluster.process is None:
            return
        for name, command in list(self.wanted.items()):
            if self.running[name].poll() is not None:
                self.ended_by_themselves.append(name)
                sweep_group(self.running[name].pid)
                self._start(name, command)

    def wait_until_web_answers(self) -> None:
        def answers() -> bool:
            try:
                return httpx.get(f"{self.url}/healthz", timeout=10).status_code > 0
            except httpx.TransportError:
                return False

        until(answers, what="the web server answers")

    def wait_until_healthy(self) -> None:
        def healthy() -> bool:
            self.tend()
            try:
                return httpx.get(f"{self.url}/healthz", timeout=10).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        until(healthy, what="everything serves")

    def stop(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def _start(self, name: str, command: list[str]) -> None:
        self.wanted[name] = command
        if name in self.running and self.running[name].poll() is None:
            return
        with (self.logs / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postgres.die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )


@contextlib.contextmanager
def database(folder: Path, logs: Path) -> Iterator[postgres.Cluster]:
    """An own cluster with everything that keeps data safe switched on."""
    folder.chmod(0o755)  # the unprivileged account has to pass
    cluster = postgres.Cluster(folder / "postgres", tied=True)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        with contextlib.suppress(OSError):
            shutil.copy(cluster.log, logs / "postgres.log")


@contextlib.contextmanager
def stand_ins(logs: Path, *, google: list[str], microsoft: list[str], seed: int) -> Iterator[str]:
    """The stand-ins for Google and Microsoft with these accounts; their base URL."""
    port = programs.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "calendar_sandbox", "--port", str(port), "--seed", str(seed)]
    for option, accounts in (("--google-account", google), ("--microsoft-account", microsoft)):
        for account in accounts:
            command += [option, account]
    with (logs / "calendars.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdout=log,
            stderr=log,
            preexec_fn=postgres.die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError("the stand-ins ended at once; see calendars.log")
        try:
            return httpx.get(f"{url}/healthz", timeout=5).is_success
        except httpx.TransportError:
            return False

    try:
        until(answers, what="the stand-ins serve")
        yield url
    finally:
        process.terminate()
        process.wait(20)


class Late(Exception):
    """Something did not happen within its bounded time."""


def until(holds: Callable[[], bool], *, what: str, seconds: float = UP_SECONDS, pause: float = 0.05) -> None:
    """Ask again and again until it holds. Raises Late."""
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            raise Late(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
