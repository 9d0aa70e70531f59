"""The outside world of the tests, as real programs: two CalDAV servers, a mail server, a browser."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from run import postgres, programs

USERS = {"alice": "alice-app-password", "bob": "bob-app-password"}

MAKE_CALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{name}</D:displayname>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server of the outside world while it is needed; fails with its log if it does not come up."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=postgres.die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    try:
        give_up = time.monotonic() + 30
        while not programs.answers(port):
            if process.poll() is not None or time.monotonic() > give_up:
                pytest.fail(f"{command[2]} did not start:\n{postgres.tail(log)}")
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@dataclass
class CalDavServer:
    """A running CalDAV server. `base_url` ends with a slash; `log` tells each request it got."""

    base_url: str
    user: str
    password: str
    storage: Path
    log: Path
    users: dict[str, str] = field(default_factory=dict)

    def client(self, user: str | None = None) -> httpx.Client:
        """An independent client: plain requests, logged in as `user`."""
        name = user or self.user
        auth = (name, self.users[name]) if self.users else None
        return httpx.Client(base_url=self.base_url, auth=auth, timeout=30)

    def make_calendar(self, slug: str, *, name: str = "", user: str | None = None) -> str:
        """Make an empty calendar and return its full address."""
        path = f"{user or self.user}/{self.homes}{slug}/"
        with self.client(user) as client:
            answer = client.request("MKCALENDAR", path, content=MAKE_CALENDAR.format(name=name or slug))
            assert answer.status_code == 201, answer.text
        return f"{self.base_url}{path}"

    def put(self, url: str, ics: str, *, user: str | None = None) -> str:
        """Write an event from outside; returns the ETag the server then shows."""
        with self.client(user) as client:
            headers = {"Content-Type": "text/calendar; charset=utf-8"}
            answer = client.put(url, content=ics.encode(), headers=headers)
            assert answer.status_code in (201, 204), answer.text
            return client.head(url).headers["etag"]

    def get(self, url: str, *, user: str | None = None) -> str:
        with self.client(user) as client:
            answer = client.get(url)
            assert answer.status_code == 200, (answer.status_code, answer.text)
            return answer.text

    def delete(self, url: str, *, user: str | None = None) -> None:
        with self.client(user) as client:
            answer = client.delete(url)
            assert answer.status_code in (200, 204), answer.text

    homes = ""


class Xandikos(CalDavServer):
    homes = "calendars/"


RADICALE = """[server]
hosts = 127.0.0.1:{port}
max_connections = 50
max_content_length = 100000000
max_resource_size = 100000000
delay_on_error = 0
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {folder}/rights
[storage]
filesystem_folder = {folder}/collections
[web]
type = none
[logging]
level = info
"""

RIGHTS = """[root]
user: .+
collection:
permissions: R
[principal]
user: .+
collection: {user}
permissions: RW
[reading]
user: .+
collection: READING
permissions: r
[calendars]
user: .+
collection: {user}/[^/]+
permissions: rw
"""


@dataclass
class Radicale(CalDavServer):
    """A Radicale whose operator goes about their business: new users, other rights, a stop."""

    port: int = 0
    reading: set[str] = field(default_factory=set)
    """Calendars, as `user/name`, that may only be read."""
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def folder(self) -> Path:
        return self.storage.parent

    def start(self) -> None:
        self._write_users()
        rights = RIGHTS.replace("READING", "|".join(map(re.escape, sorted(self.reading))) or "-")
        (self.folder / "rights").write_text(rights)
        (self.folder / "config").write_text(RADICALE.format(port=self.port, folder=self.folder))
        command = [sys.executable, "-m", "radicale", "--config", str(self.folder / "config")]
        self._running.enter_context(running(command, self.port, self.log))

    def stop(self) -> None:
        """Nothing listens on the port any more; what was written stays."""
        self._running.close()

    def set_password(self, user: str, password: str) -> None:
        """Also makes a user who was not there; without calendars."""
        self.users[user] = password
        self._write_users()

    def let_write(self, url: str, allowed: bool) -> None:
        """Give or take the right to change a calendar. Radicale reads its rights when it starts."""
        name = url.removeprefix(self.base_url).strip("/")
        (self.reading.discard if allowed else self.reading.add)(name)
        self.stop()
        self.start()

    def place_of(self, url: str) -> Path:
        """Where the server keeps a calendar or an event."""
        return self.storage / "collection-root" / url.removeprefix(self.base_url)

    def _write_users(self) -> None:
        lines = "".join(f"{name}:{password}\n" for name, password in self.users.items())
        (self.folder / "users").write_text(lines)


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """A real Radicale on loopback with the accounts of USERS; no calendar yet."""
    folder = tmp_path_factory.mktemp("radicale")
    port = programs.free_port()
    server = Radicale(
        base_url=f"http://127.0.0.1:{port}/",
        user="alice",
        password=USERS["alice"],
        storage=folder / "collections",
        log=folder / "log",
        users=dict(USERS),
        port=port,
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    """A real Xandikos on loopback: one principal, no password, other habits than Radicale's."""
    folder = tmp_path_factory.mktemp("xandikos")
    port = programs.free_port()
    command = [sys.executable, "-m", "xandikos", "serve", "-d", str(folder / "data"), "--defaults"]
    command += ["--current-user-principal", "/user/", "-l", "127.0.0.1", "-p", str(port)]
    command += ["--state-dir", str(folder / "state"), "--no-detect-systemd"]
    with running(command, port, folder / "log"):
        yield Xandikos(
            base_url=f"http://127.0.0.1:{port}/",
            user="user",
            password="",
            storage=folder / "data",
            log=folder / "log",
        )


@dataclass
class SmtpSink:
    """A mail server that keeps what it is given, in order. `refuse` names addresses it says no to (550)."""

    host: str = "127.0.0.1"
    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """What was delivered to this envelope address (the message knows it as X-Envelope-To)."""
        return [m for m in self.messages if address in str(m["X-Envelope-To"])]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  aiosmtpd's name
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[SmtpSink]:
    sink = SmtpSink(port=programs.free_port())
    controller = Controller(sink, hostname=sink.host, port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@pytest.fixture
def smtp_sink(smtp_server: SmtpSink) -> SmtpSink:
    """The session's mail server, emptied."""
    smtp_server.messages.clear()
    smtp_server.refuse.clear()
    return smtp_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real Chromium (Playwright, synchronous). Without one, tests that need it fail and say what to do."""
    from playwright.sync_api import sync_playwright

    # Playwright runs an event loop in this thread, and Django would refuse the database there
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        try:
            program = programs.system_browser()
        except programs.NoBrowser as trouble:
            pytest.fail(str(trouble))
        if program is None and not Path(chromium.executable_path).exists():
            pytest.fail(programs.NO_BROWSER)
        quiet = ["--disable-gpu", "--disable-background-networking", "--no-first-run"]
        quiet += ["--disable-component-update", "--disable-sync"]
        running_browser = chromium.launch(
            executable_path=str(program) if program else None,
            chromium_sandbox=os.geteuid() != 0,  # Chromium refuses its sandbox to root
            args=quiet,
        )
        yield running_browser
        running_browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh window (no cookies), 1280 × 900. A script error on the page fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="America/New_York")
    context.set_default_timeout(15_000)
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    context.close()
    assert not errors, f"script errors on the page: {errors}"
