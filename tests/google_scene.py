"""A business on a stage, linked by our own flows to a calendar of the Google stand-in, over real HTTP."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any

from tests.caldav_scene import admin_of
from tests.google_owner import Event, GoogleOwner
from tests.google_sandbox import GoogleSandbox
from tests.providers.google_side import ANA, granted, settings_for
from tests.sync_scene import MONDAY, Business, office

from genie.core.event import When
from genie.flows.connect_calendar import connect_calendar
from genie.flows.hear import hear
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.set_realtime import set_realtime
from genie.providers.registry import ProviderSettings, notifications
from genie.store.models import (
    Appointment,
    Company,
    EventLink,
    Message,
    RemoteCalendar,
    RemoteKey,
    User,
)
from genie.store.queries.busy import busy_stretches
from genie.store.sealed import seal

WRITES = ("insert", "patch", "update", "delete", "move", "import")
EVENTS = "calendar.events."


@dataclass
class Webhook:
    """Where the stand-in posts its notifications; they lie here until somebody hears them."""

    url: str = ""
    posted: SimpleQueue[Mapping[str, str]] = field(default_factory=SimpleQueue)

    def taken(self) -> Iterator[Mapping[str, str]]:
        """The headers of each message so far, once."""
        with contextlib.suppress(Empty):
            while True:
                yield self.posted.get_nowait()


@dataclass(kw_only=True)
class GoogleScene(Business):
    """`owner` is Ana at her calendars, *Team* and *Private*. Both clocks go together."""

    sandbox: GoogleSandbox
    owner: GoogleOwner
    admin: User
    hook: Webhook | None = None

    # --- time

    def later(self, **span: float) -> None:
        super().later(**span)
        self.sandbox.advance(timedelta(**span))

    def settle(self) -> None:
        """With channels: a lost message is made up for within the hour."""
        self.heal()
        if self.hook:
            self.later(hours=1.1)
            self.hear()
        super().settle()
        if self.hook:
            self.later(hours=1.1)
            self.hear()
            self.drain()

    def heal(self) -> None:
        self.sandbox.no_faults()

    def hear(self) -> None:
        """The messages that have arrived by now are heard."""
        read = notifications("google")
        assert self.hook and read
        self._deliver(True)
        self.sandbox.settle()
        self._deliver(False)
        for headers in self.hook.taken():
            hear(kind="google", notifications=read(headers, {}, b"").notifications, now=self.now)

    def _deliver(self, on: bool) -> None:
        """Messages come when they are heard, not before: else each run would be another."""
        with self.sandbox.world.lock:
            self.sandbox.google.outbox.paused = not on
            self.sandbox.google.outbox.wake()

    # --- here

    @property
    def company(self) -> Company:
        return self.module.company

    def booked(self, hours: float = 0, *, name: str = "Jane Doe") -> Appointment:
        """A visit that is on the calendar, with everybody told."""
        appointment = self.book(self.at(hours).start, name=name)
        self.drain()
        assert self.link(appointment).state == EventLink.State.CLEAN, self.link(appointment).reason
        Message.objects.filter(company=self.company).update(state=Message.State.SENT, sent_at=self.now)
        return appointment

    def at(self, hours: float) -> When:
        """One hour, starting `hours` after nine on the day of the scene's visits."""
        start = self.nine + timedelta(hours=hours)
        return When(start, start + timedelta(hours=1), "UTC")

    @property
    def nine(self) -> datetime:
        day = self.connection.linked_at + timedelta(days=3)
        return day.replace(hour=9, minute=0, second=0, microsecond=0)

    def busy(self, hours: float) -> bool:
        """Is that hour taken by the connected calendars?"""
        span = self.at(hours)
        return bool(
            busy_stretches(
                module_id=self.module.id,
                schedule_id=self.module.schedule_id,
                kinds=["busy", "tentative", "unanswered", "out_of_office"],
                start=span.start,
                end=span.end,
            )
        )

    # --- there

    @property
    def team(self) -> str:
        return self.owner.calendars[0]

    @property
    def private(self) -> str:
        return self.owner.calendars[1]

    def event_of(self, appointment: Appointment) -> Event:
        return self.owner.get(self.link(appointment).remote_id)

    def change(self, appointment: Appointment, **body: Any) -> Event:
        """The owner changes the appointment's event."""
        return self.owner.patch(self.link(appointment).remote_id, **body)

    def asked(self) -> list[str]:
        """The API methods our side called since the last time, in order."""
        with self.sandbox.world.lock:
            calls = [one.call.removeprefix(EVENTS) for one in self.sandbox.world.request_log]
            self.sandbox.world.request_log.clear()
        return calls

    def granted_anew(self) -> None:
        """The key holds a new grant, as after a sign-in."""
        secret = seal(dict(granted(self.sandbox)))
        RemoteKey.objects.filter(id=self.key.id).update(secret=secret, state=RemoteKey.State.ACTIVE)


@contextlib.contextmanager
def on_google(
    sandbox: GoogleSandbox, *, now: datetime = MONDAY - timedelta(days=3), hook: Webhook | None = None
) -> Iterator[GoogleScene]:
    """A new business and Ana's account, granted, linked to *Team*, and both ways in step."""
    sandbox.stop_clock(now)
    calendars = [sandbox.calendar(ANA, name) for name in ("Team", "Private")]
    secret = granted(sandbox)
    module = office(f"google-{uuid.uuid4().hex[:12]}", now=now)
    admin = admin_of(module.company)
    key = RemoteKey.objects.create(
        company=module.company,
        kind="google",
        identity=secret["sub"],
        label=ANA,
        secret=seal(dict(secret)),
        created_at=now,
    )
    settings: ProviderSettings = settings_for(sandbox, webhooks=hook.url if hook else "")
    list_remote_calendars(key=key, settings=settings, now=now)
    connection = connect_calendar(module=module, key=key, remote_id=calendars[0], user=admin, now=now)
    set_realtime(company_id=module.company_id, connection_id=connection.id, on=True, now=now)
    connection.refresh_from_db()
    scene = GoogleScene(
        module=module,
        key=key,
        calendar=RemoteCalendar.objects.get(key=key, remote_id=calendars[0]),
        connection=connection,
        settings=settings,
        now=now,
        sandbox=sandbox,
        owner=GoogleOwner(sandbox, ANA, calendars),
        admin=admin,
        hook=hook,
    )
    scene.asked()
    if hook:
        sandbox.google.outbox.paused = True
    try:
        yield scene
    finally:
        scene.owner.close()


@contextlib.contextmanager
def listening() -> Iterator[Webhook]:
    """A web server that takes whatever is posted."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hook.posted.put(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
