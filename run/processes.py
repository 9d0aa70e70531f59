"""Programs this installation started: named, restarted when they exit, found again after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from run.postgres import tail

CALM_SECONDS = 30  # a program that ran this long is trusted again: the next restart is quick
LONGEST_PAUSE = 30.0
POLITE_SECONDS = 10  # from SIGTERM to SIGKILL
LOG_BYTES = 10_000_000


@dataclass
class Program:
    """A long-running child in a session of its own, writing to a log file.

    A file and not a pipe: when the supervisor dies its children must be able to go on writing.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    exits: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops all in order
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def has_exited(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def pause_after_exit(self) -> float:
        """Seconds until the next try: half a second, doubling while it keeps exiting."""
        if time.monotonic() - self.started_at > CALM_SECONDS:
            self.exits = 0
        self.exits += 1
        return min(0.5 * 2.0 ** (self.exits - 1), LONGEST_PAUSE)

    def restart_when_due(self, say: Callable[[str], None]) -> bool:
        """Start again what exited, after its pause; tell whether a new process runs."""
        if not self.has_exited():
            return False
        now = time.monotonic()
        if not self.not_before:
            assert self.process is not None
            sweep_group(self.process.pid)
            pause = self.pause_after_exit()
            self.not_before = now + pause
            say(f"{self.name} exited ({self.process.returncode}); starting it again in {pause:g} s.")
            say(f"Its last words, from {self.log}:\n{tail(self.log, 8)}")
        if now < self.not_before:
            return False
        self.not_before = 0.0
        self.start()
        return True

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLITE_SECONDS)
        sweep_group(process.pid)
        process.wait()


def sweep_group(pid: int) -> None:
    """Kill what is left of the session that `pid` led: its own children outlive a killed parent."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


@dataclass
class Register:
    """What runs, on disk, so that the next start can stop what a killed supervisor left behind."""

    path: Path
    entries: dict[str, dict[str, int | str]] = field(default_factory=dict)

    def note(self, name: str, pid: int) -> None:
        self.entries[name] = {"pid": pid, "born": birth_of(pid) or ""}
        self.write()

    def clear(self) -> None:
        self.entries = {}
        self.path.unlink(missing_ok=True)

    def write(self) -> None:
        half = self.path.with_suffix(".tmp")
        half.write_text(json.dumps(self.entries))
        half.replace(self.path)

    def stop_leftovers(self, say: Callable[[str], None]) -> None:
        """Stop, in reverse order, each recorded process that is still the one recorded."""
        try:
            self.entries = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.entries = {}
        for name, entry in reversed(self.entries.items()):
            pid, born = int(entry["pid"]), str(entry["born"])
            if not born or birth_of(pid) != born:
                continue
            say(f"Stopping {name} (process {pid}), left over from a supervisor that was killed.")
            end(pid, born, signal.SIGINT if name == "postgres" else signal.SIGTERM)
        self.clear()


def end(pid: int, born: str, politely: signal.Signals) -> None:
    """End a process that is no child of ours, and its group; first politely."""
    for how, patience in ((politely, POLITE_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            if birth_of(pid) != born:
                if politely is not signal.SIGINT:  # PostgreSQL's children each lead a session and end with it
                    sweep_group(pid)
                return
            time.sleep(0.05)


def birth_of(pid: int) -> str | None:
    """When a process was born, as text that a reused number would not share; None when it is gone."""
    if Path("/proc/self/stat").exists():
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in "ZX" else after_name[19]
    asked = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or None
