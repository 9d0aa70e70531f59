"""`make run`: starts everything in order, keeps it up, stops it in the reverse order and nothing else."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from run import demo, postgres, programs, secret_file
from run.processes import Program, Register

ROOT = Path(__file__).resolve().parent.parent
TICK = 0.2  # seconds between two looks at the children
READY_SECONDS = 180
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  what HOST says to listen on all addresses of the machine
PREFERRED_PORTS = {"caldav": 5232, "calendar page": 9100, "mail": 1025}


class Trouble(Exception):
    """It cannot start; the message says what happened, what it means and what to do."""


class Stop(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


def say(text: str) -> None:
    print(text, flush=True)


@dataclass
class Installation:
    """One folder's installation. `state` holds data, secrets, logs and the lock."""

    host: str = "127.0.0.1"
    port: int = 8000
    state: Path = ROOT / ".run"
    with_demo: bool = True
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    stopping: bool = False
    cluster: postgres.Cluster | None = None
    running: list[Program] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    lock: IO[str] | None = None

    @cached_property
    def register(self) -> Register:
        return Register(self.state / "processes.json")

    @property
    def address(self) -> str:
        """Where a person on this machine opens the pages."""
        return f"http://{'127.0.0.1' if self.host in (*EVERYWHERE, '') else self.host}:{self.port}"

    # starting, step by step

    def run(self) -> int:
        """Start everything, watch until told to stop, stop. Returns the exit status."""
        return self.serve(self.start)

    def run_sandbox(self) -> int:
        """The demo's outside world alone: for the product started in another way."""
        return self.serve(self.start_sandbox)

    def serve(self, start: Callable[[], None]) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        try:
            start()
            self.watch()
        except Stop:
            say("\nStopping …")
        except (Trouble, postgres.PostgresTrouble) as trouble:
            say(f"\nSchedule Genie cannot run. {trouble}")
            return 1
        finally:
            self.stop()
        say(f"Stopped. The data stays in {self.state}; the next start continues with it.")
        return 0

    def on_signal(self, number: int, frame: Any) -> None:
        self.stopping = True  # only a mark: the places that wait look at it, so nothing is left half started

    def check_stop(self) -> None:
        if self.stopping:
            raise Stop

    def start(self) -> None:
        self.take_lock()
        self.register.stop_leftovers(say)
        if programs.is_taken(self.port, self.host):
            raise Trouble(
                f"Port {self.port} on {self.host} is in use by another program, so the pages cannot be "
                f"served there. Stop that program, or choose another port: PORT={self.port + 1} make run"
            )
        self.secrets = secret_file.load_or_make(self.state / "secrets.env")
        self.secrets |= {name: self.environment[name] for name in self.secrets if self.environment.get(name)}
        self.environment |= self.secrets
        self.choose_ports()
        self.start_database()
        self.environment |= self.product_environment()
        self.write_environment()
        say("Bringing the database up to date …")
        self.manage("prepare", *(["--demo"] if self.with_demo else []))
        if self.with_demo:
            self.start_outside_world()
        self.launch("web", self.web_command())
        self.launch("worker", [sys.executable, "manage.py", "procrastinate", "worker"])
        self.wait_until_healthy()
        say(self.welcome())

    def start_sandbox(self) -> None:
        self.take_lock()
        self.register.stop_leftovers(say)
        self.secrets = secret_file.load_or_make(self.state / "secrets.env")
        self.choose_ports()
        self.environment |= self.product_environment()
        self.start_outside_world()
        say("\n".join(["", *self.demo_addresses(), "", *self.demo_calendar(), "", "Ctrl-C stops it.", ""]))

    def take_lock(self) -> None:
        """One supervisor per folder; the kernel gives the lock back however a process ends."""
        self.state.mkdir(exist_ok=True)
        self.lock = (self.state / "lock").open("a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.lock.seek(0)
            owner = self.lock.read().strip() or "unknown"
            self.lock.close()
            self.lock = None
            raise Trouble(
                f"It already runs from this folder (process {owner}). Stop it with Ctrl-C where it was "
                f"started, or: kill {owner}"
            ) from None
        self.lock.truncate(0)
        self.lock.write(f"{os.getpid()}\n")
        self.lock.flush()

    def choose_ports(self) -> None:
        """The demo's ports stay the same from start to start: connected calendars remember them."""
        remembered = self.state / "ports.json"
        try:
            known = json.loads(remembered.read_text())
        except (OSError, ValueError):
            known = {}
        for name, preferred in PREFERRED_PORTS.items():
            wanted = known.get(name, preferred)
            self.ports[name] = programs.free_port(wanted)
            if name in known and self.ports[name] != wanted:
                say(f"Port {wanted} of the demo's {name} is in use; it is at {self.ports[name]} this time.")
        remembered.write_text(json.dumps(self.ports | known))

    def start_database(self) -> None:
        if self.environment.get("DATABASE_URL"):
            say("Using the PostgreSQL of DATABASE_URL.")
            return
        self.cluster = postgres.Cluster(postgres.home_for(self.state / "postgres"))
        if self.cluster.end_leftover():
            say("Stopped a PostgreSQL left over from a supervisor that was killed.")
        say("Starting PostgreSQL …")
        self.cluster.start()
        assert self.cluster.process is not None
        self.register.note("postgres", self.cluster.process.pid)
        self.environment["DATABASE_URL"] = self.cluster.url()
        self.check_stop()

    def product_environment(self) -> dict[str, str]:
        given = self.environment
        ours = {
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
            "GENIE_PUBLIC_URL": given.get("GENIE_PUBLIC_URL") or self.address,
            "GENIE_INSTALLATION_FILE": given.get("GENIE_INSTALLATION_FILE")
            or str(self.state / "installation.json"),
            "GENIE_STATIC_ROOT": given.get("GENIE_STATIC_ROOT") or str(self.state / "static"),
        }
        if self.host in EVERYWHERE and not given.get("GENIE_PUBLIC_URL"):
            # nobody said what others call this machine, so it answers to whatever they do
            ours["GENIE_ALLOWED_HOSTS"] = given.get("GENIE_ALLOWED_HOSTS") or "*"
        if self.with_demo:
            ours |= {
                "GENIE_DEMO_CALDAV_URL": f"http://127.0.0.1:{self.ports['caldav']}",
                "GENIE_DEMO_CALENDAR_URL": f"http://127.0.0.1:{self.ports['calendar page']}",
                "GENIE_DEMO_MAIL_URL": f"http://127.0.0.1:{self.ports['calendar page']}/mail",
                # whoever tries it out plays all the customers, from one address
                "GENIE_LIMITS_PER_ADDRESS": given.get("GENIE_LIMITS_PER_ADDRESS") or "100/10m",
                "GENIE_LIMITS_PER_EMAIL": given.get("GENIE_LIMITS_PER_EMAIL") or "100/1d",
                "GENIE_APPOINTMENTS_PER_EMAIL": given.get("GENIE_APPOINTMENTS_PER_EMAIL") or "50",
                "GENIE_HOLDS_PER_ADDRESS": given.get("GENIE_HOLDS_PER_ADDRESS") or "30",
                # the demo's calendar systems are on this machine, and reach it at any address it has
                "GENIE_PUSH": given.get("GENIE_PUSH") or "on",
                # the demo calendar is on this machine, which is otherwise refused
                "GENIE_PRIVATE_NETWORKS": given.get("GENIE_PRIVATE_NETWORKS") or "1",
                "GENIE_EMAIL_URL": given.get("GENIE_EMAIL_URL") or f"smtp://127.0.0.1:{self.ports['mail']}",
            }
            if not given.get("GENIE_GOOGLE_CLIENT_ID"):  # else the operator has registered with Google
                ours |= demo.google_settings(ours["GENIE_DEMO_CALENDAR_URL"])
            if not given.get("GENIE_MICROSOFT_CLIENT_ID"):
                ours |= demo.microsoft_settings(ours["GENIE_DEMO_CALENDAR_URL"])
        return ours

    def write_environment(self) -> None:
        """What a person needs to run `manage.py` by hand; the secrets stand in their own file."""
        names = [n for n in self.environment if n == "DATABASE_URL" or n.startswith("GENIE_")]
        lines = [f"{n}='{self.environment[n]}'\n" for n in sorted(names) if n not in secret_file.MAKERS]
        path = self.state / "serving.env"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)

    def manage(self, *command: str) -> None:
        """Run a command of manage.py to its end; its output is shown when it fails."""
        self.check_stop()
        log = self.state / "logs" / f"{command[0]}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            while process.poll() is None:
                if self.stopping:
                    process.terminate()
                    process.wait()
                    raise Stop
                time.sleep(0.05)
        if process.returncode != 0:
            raise Trouble(f"`manage.py {command[0]}` failed:\n{postgres.tail(log)}\n{self.database_hint()}")

    def database_hint(self) -> str:
        if self.cluster is not None:
            return f"The whole text is in {self.state / 'logs'}."
        return (
            "If it says that it cannot connect: is the PostgreSQL of DATABASE_URL running, and do the user, "
            "password and database in it exist? (postgres://user:password@host:5432/name, 15 or newer)"
        )

    def start_outside_world(self) -> None:
        """The demo's CalDAV server, and the page where one plays its owner and reads the mail."""
        folder = self.state / "radicale"
        password = self.secrets["GENIE_DEMO_CALDAV_PASSWORD"]
        today = datetime.now(ZoneInfo(demo.ZONE)).date()
        demo.lay_out(folder, password=password, port=self.ports["caldav"], today=today)
        self.launch(
            "demo CalDAV server", [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
        )
        accounts = self.state / "radicale" / "accounts.json"
        accounts.write_text(json.dumps({demo.OWNER: password, demo.OTHER: password}))
        page = [sys.executable, "-m", "calendar_sandbox", "--host", "127.0.0.1"]
        page += ["--port", str(self.ports["calendar page"])]
        page += ["--caldav-url", self.environment["GENIE_DEMO_CALDAV_URL"]]
        page += ["--accounts", str(accounts), "--smtp-port", str(self.ports["mail"])]
        page += ["--mail-dir", str(self.state / "mail")]
        page += [f"--google-account={address}" for address in demo.GOOGLE_ACCOUNTS]
        page += [f"--microsoft-account={address}" for address in demo.MICROSOFT_ACCOUNTS]
        page += ["--state", str(self.state / "stand-ins.json")]
        page += demo.client_options(self.environment["GENIE_PUBLIC_URL"])
        self.launch("demo calendar page", page)

    def web_command(self) -> list[str]:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "genie.config.wsgi:application"]
        command += ["--host", self.host or "127.0.0.1", "--port", str(self.port)]
        # a thread holds a connection: the server's default of 256 would mean 256 connections a worker
        return [*command, "--workers", "2", "--blocking-threads", "4", "--no-ws"]

    def launch(self, name: str, command: list[str]) -> None:
        self.check_stop()
        log = self.state / "logs" / f"{name.replace(' ', '-')}.log"
        program = Program(name, command, self.environment, log)
        os.chdir(ROOT)
        program.start()
        self.running.append(program)
        assert program.pid is not None
        self.register.note(name, program.pid)

    def wait_until_healthy(self) -> None:
        """Ask /healthz until it says that all of it serves."""
        give_up = time.monotonic() + READY_SECONDS
        while True:
            self.look_after_children()
            missing = self.what_is_missing()
            if not missing:
                return
            if time.monotonic() > give_up:
                raise Trouble(
                    f"Not everything serves after {READY_SECONDS} s: {missing}. See {self.state / 'logs'}."
                )
            time.sleep(TICK)

    def what_is_missing(self) -> str:
        public = urllib.parse.urlsplit(self.environment.get("GENIE_PUBLIC_URL") or self.address)
        asking = urllib.request.Request(f"{self.address}/healthz", headers={"Host": public.netloc})  # noqa: S310
        try:
            with urllib.request.urlopen(asking, timeout=10):  # noqa: S310  our own address
                return ""
        except urllib.error.HTTPError as answer:
            return answer.read(2000).decode(errors="replace")
        except OSError as trouble:
            return f"web does not answer ({trouble})"

    # watching and stopping

    def watch(self) -> None:
        while True:
            self.look_after_children()
            time.sleep(TICK)

    def look_after_children(self) -> None:
        self.check_stop()
        if self.cluster and self.cluster.process and self.cluster.process.poll() is not None:
            say(f"PostgreSQL exited; starting it again.\n{postgres.tail(self.cluster.log, 8)}")
            self.cluster.start()
            self.register.note("postgres", self.cluster.process.pid)
        for program in self.running:
            if program.restart_when_due(say) and program.pid:
                self.register.note(program.name, program.pid)

    def stop(self) -> None:
        """Stop what we started, the last first; without the lock nothing here is ours."""
        if self.lock is None:
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for program in reversed(self.running):
            program.stop()
        if self.cluster is not None:
            self.cluster.stop()
        self.register.clear()
        self.lock.close()

    def welcome(self) -> str:
        """What a newcomer needs: where things are and how to log in."""
        lines = ["", "Schedule Genie™ is ready.", "", f"  Dashboard            {self.address}/"]
        if self.with_demo:
            password = self.secrets["GENIE_DEMO_PASSWORD"]
            lines += [
                f"  Booking page         {self.address}/book/acme-dental/main-office",
                *self.demo_addresses(),
                "",
                f"  Log in to the dashboard with the password  {password}  as",
                "    admin@acme-dental.example     Company Admin",
                "    light@acme-dental.example     Company Light",
                "    admin@bright-agency.example   Agency Admin",
                "    super@bright-agency.example   Agency Super Admin",
                "",
                *self.demo_calendar(),
            ]
        return "\n".join([*lines, "", "Ctrl-C stops it; the data stays.", ""])

    def demo_addresses(self) -> list[str]:
        return [
            f"  Demo calendar page   {self.environment['GENIE_DEMO_CALENDAR_URL']}/   (play its owner)",
            f"  Mail that was sent   {self.environment['GENIE_DEMO_MAIL_URL']}",
        ]

    def demo_calendar(self) -> list[str]:
        return [
            "  Calendars to connect (Apps → Schedule Genie™ → Configure Calendar):",
            f"    Google           choose {demo.GOOGLE_ACCOUNTS[0]}; a stand-in for Google, no password",
            f"    Microsoft        choose {demo.MICROSOFT_ACCOUNTS[0]}; a stand-in, too",
            f"    CalDAV           server address   {self.environment['GENIE_DEMO_CALDAV_URL']}",
            f"                     user             {demo.OWNER}",
            f"                     app password     {self.secrets['GENIE_DEMO_CALDAV_PASSWORD']}",
        ]
