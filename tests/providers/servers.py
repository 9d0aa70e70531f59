"""Real CalDAV servers on the loopback, and an owner who works on them with plain requests of their own."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
from radicale import app as radicale_app
from radicale import config

USER, PASSWORD = "ana", "app pass: ümlaut"
MKCALENDAR = (
    '<?xml version="1.0" encoding="utf-8"?><c:mkcalendar xmlns:d="DAV:" '
    'xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/"><d:set><d:prop><d:displayname>{name}</d:displayname>'
    "<c:supported-calendar-component-set>{components}</c:supported-calendar-component-set>{more}"
    "</d:prop></d:set></c:mkcalendar>"
)

RIGHTS = (
    "[root]\nuser: .+\ncollection:\npermissions: R\n"
    "[principal]\nuser: .+\ncollection: {user}\npermissions: RW\n"
    "[readonly]\nuser: .+\ncollection: {user}/readonly[^/]*\npermissions: r\n"
    "[calendars]\nuser: .+\ncollection: {user}/[^/]+\npermissions: rw\n"
)


@dataclass(frozen=True)
class Server:
    url: str
    home: str
    """Path of the account's calendars."""
    folder: Path


class Owner:
    """The calendar's owner with a program of their own: nothing here is shared with the product."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.url, auth=(USER.encode(), PASSWORD.encode()), trust_env=False, timeout=20
        )

    def close(self) -> None:
        self.http.close()

    def make_calendar(self, name: str, *, components: tuple[str, ...] = ("VEVENT",), more: str = "") -> str:
        """Returns the calendar's path."""
        path = f"{self.server.home}{name}/"
        kinds = "".join(f'<c:comp name="{kind}"/>' for kind in components)
        body = MKCALENDAR.format(name=name, components=kinds, more=more)
        self.http.request("MKCALENDAR", path, content=body.encode()).raise_for_status()
        return path

    def drop_calendar(self, path: str) -> None:
        self.http.delete(path).raise_for_status()

    def put(self, calendar: str, name: str, text: str, **headers: Any) -> None:
        answer = self.http.put(
            calendar + name, content=text.encode(), headers={"Content-Type": "text/calendar", **headers}
        )
        answer.raise_for_status()

    def read(self, calendar: str, name: str) -> str:
        answer = self.http.get(calendar + name)
        answer.raise_for_status()
        return answer.text

    def delete(self, calendar: str, name: str) -> None:
        self.http.delete(calendar + name).raise_for_status()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], url: str, log: Path) -> Iterator[None]:
    """A server process, answering, until the block ends."""
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": ""})
        try:
            wait_for(url, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, trust_env=False)
            return
        time.sleep(0.05)  # waiting for a process to listen, not for a result
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@contextlib.contextmanager
def radicale(folder: Path) -> Iterator[Server]:
    port = free_port()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\nbo:secret\n")
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\nmax_content_length = 100000000\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder / 'users'}\nhtpasswd_encryption = plain\n"
        f"delay = 0\n[rights]\ntype = from_file\nfile = {folder / 'rights'}\n"
        f"[storage]\nfilesystem_folder = {folder / 'collections'}\n[logging]\nlevel = warning\n"
    )
    (folder / "rights").write_text(RIGHTS)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
    with running(command, url, folder / "log"):
        yield Server(url, f"/{USER}/", folder)


@contextlib.contextmanager
def xandikos(folder: Path) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "xandikos", "serve", "-d", str(folder / "data"), "-l", "127.0.0.1"]
    command += ["-p", str(port), "--current-user-principal", f"/{USER}/", "--defaults"]
    with running(command, url, folder / "log"):
        yield Server(url, f"/{USER}/calendars/", folder)


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """A WSGI application on the loopback, in a thread of this process; its URL."""
    with make_server("127.0.0.1", 0, app, server_class=Threaded, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


@contextlib.contextmanager
def old_radicale(folder: Path) -> Iterator[Server]:
    """Radicale as an older server would be: it knows no sync-collection and hands out no sync token."""
    configuration = config.load()
    configuration.update(
        {
            "auth": {"type": "http_x_remote_user"},
            "storage": {"filesystem_folder": str(folder / "collections")},
            "logging": {"level": "error"},
            "rights": {"type": "from_file", "file": str(folder / "rights")},
        },
        "test",
    )
    (folder / "rights").write_text(RIGHTS)
    inner = radicale_app.Application(configuration)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ["HTTP_X_REMOTE_USER"] = USER
        given = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if environ.get("HTTP_AUTHORIZATION") != f"Basic {given}":
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="old"')])
            return [b""]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body.replace(b"<d:sync-token/>", b""))
        environ["CONTENT_LENGTH"] = str(len(body.replace(b"<d:sync-token/>", b"")))
        if b"sync-collection" in body:
            start_response("415 Unsupported Media Type", [])
            return [b""]
        return inner(environ, start_response)

    with serving(app) as url:
        yield Server(url, f"/{USER}/", folder)
