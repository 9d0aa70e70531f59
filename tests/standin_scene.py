"""A business on a stage, linked by our own flows to a calendar of a stand-in, over real HTTP."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, urlsplit

from django.db.models import F
from tests.caldav_scene import admin_of
from tests.standin_owner import Event, Seen, StandInOwner
from tests.sync_scene import MONDAY, Business, office

from genie.core.event import BusyKind, When
from genie.flows.connect_calendar import connect_calendar
from genie.flows.hear import hear
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.offer import is_offered
from genie.flows.set_realtime import set_realtime
from genie.providers.port import Secret
from genie.providers.registry import ProviderSettings, notifications
from genie.store.models import Appointment, RemoteCalendar, RemoteKey, User
from genie.store.queries.slots import ALONE, Wanted, busy_events
from genie.store.sealed import seal

FRIDAY = MONDAY - timedelta(days=3)


@dataclass(frozen=True)
class Posted:
    """A message as it came."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass
class Webhook:
    """Where a stand-in posts its notifications; they lie here until somebody hears them."""

    url: str = ""
    posted: SimpleQueue[Posted] = field(default_factory=SimpleQueue)

    def taken(self) -> Iterator[Posted]:
        """Each message so far, once."""
        with contextlib.suppress(Empty):
            while True:
                yield self.posted.get_nowait()


@dataclass(kw_only=True)
class StandInScene(Business):
    """`owner` is Ana at her calendars, *Team* and *Private*. Both clocks go together."""

    sandbox: Any
    owner: StandInOwner
    admin: User
    hook: Webhook | None = None

    kind: ClassVar[str]
    events: ClassVar[str]
    """What the stand-in's calls of events begin with."""
    writing: ClassVar[Mapping[str, str]]
    """Those that write an event, in plain words."""
    reading: ClassVar[str]
    """The one that asks what changed."""

    @property
    def standin(self) -> Any:
        """Its inside: faults, outbox."""
        raise NotImplementedError

    def grant(self) -> Secret:
        """A new grant of Ana's, without anybody being asked."""
        raise NotImplementedError

    def expire_cursors(self) -> None:
        """It is forgotten there how far a calendar was read."""
        raise NotImplementedError

    def refuse_cursor(self) -> None:
        """The next cursor is refused in another way than as an old one."""
        raise NotImplementedError

    def revoke(self) -> None:
        """The access ends there."""
        raise NotImplementedError

    def share(self, what: str) -> None:
        """What *Team* is to Ana from now on: nothing, free and busy, read, write."""
        raise NotImplementedError

    def drop_calendar(self) -> None:
        """*Team* is deleted."""
        raise NotImplementedError

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

    def hear(self) -> bool:
        """The messages that have arrived by now are heard. Was there one of a channel of ours?"""
        read = notifications(self.kind)
        assert read
        ours = False
        for posted in self.arrived():
            heard = read(posted.headers, posted.query, posted.body).notifications
            ours |= hear(kind=self.kind, notifications=heard, now=self.now)
        return ours

    def arrived(self) -> list[Posted]:
        """The messages that have arrived by now, each once."""
        assert self.hook
        self._deliver(True)
        self.sandbox.settle()
        self._deliver(False)
        return list(self.hook.taken())

    def _deliver(self, on: bool) -> None:
        """Messages come when they are heard, not before: else each run would be another."""
        with self.sandbox.world.lock:
            self.standin.outbox.paused = not on
            self.standin.outbox.wake()

    # --- here

    def busy(self, hours: float) -> bool:
        """Is that hour taken by the connected calendars?"""
        span = self.at(hours)
        wanted = Wanted(
            module_id=self.module.id,
            between=self.module.between,
            staff_id=None,
            kinds=list(BusyKind),
            low=span.start,
            high=span.end,
            now=self.now,
            oldest=self.now,
            ignoring=None,
            holder="",
        )
        return bool(busy_events(wanted, desk_id=ALONE))

    def offered(self, hours: float) -> bool:
        return is_offered(module=self.module, start=self.at(hours).start, now=self.now)

    # --- there

    @property
    def team(self) -> str:
        return self.owner.calendars[0]

    @property
    def private(self) -> str:
        return self.owner.calendars[1]

    def event_of(self, appointment: Appointment) -> Event:
        return self.owner.get(self.link(appointment).remote_id)

    def seen(self, appointment: Appointment) -> Seen:
        return self.owner.seen(self.link(appointment).remote_id)

    def change(self, appointment: Appointment, **body: Any) -> Event:
        """The owner changes the appointment's event."""
        return self.owner.patch(self.link(appointment).remote_id, **body)

    def move(self, appointment: Appointment, when: When) -> None:
        self.owner.move(self.link(appointment).remote_id, when)

    def edit(self, appointment: Appointment, **texts: str) -> None:
        self.owner.edit(self.link(appointment).remote_id, **texts)

    def asked(self) -> list[str]:
        """The API methods our side called since the last time, in order."""
        with self.sandbox.world.lock:
            calls = [one.call.removeprefix(self.events) for one in self.sandbox.world.request_log]
            self.sandbox.world.request_log.clear()
        return calls

    def wrote(self) -> list[str]:
        """How our side wrote events since the last time anything of this was asked."""
        return [self.writing[call] for call in self.asked() if call in self.writing]

    def granted_anew(self) -> None:
        """The key holds a new grant, as after a sign-in."""
        secret = seal(dict(self.grant()))
        RemoteKey.objects.filter(id=self.key.id).update(
            secret=secret, secret_version=F("secret_version") + 1, state=RemoteKey.State.ACTIVE
        )


S = TypeVar("S", bound=StandInScene)


@contextlib.contextmanager
def linked(
    scene: type[S],
    sandbox: Any,
    owner: StandInOwner,
    *,
    identity: str,
    secret: Secret,
    settings: ProviderSettings,
    now: datetime,
    hook: Webhook | None = None,
) -> Iterator[S]:
    """A new business and the owner's account, granted, linked to the first calendar, both ways in step."""
    module = office(f"{scene.kind}-{uuid.uuid4().hex[:12]}", now=now)
    admin = admin_of(module.company)
    key = RemoteKey.objects.create(
        company=module.company,
        kind=scene.kind,
        identity=identity,
        label=owner.email,
        secret=seal(dict(secret)),
        created_at=now,
    )
    list_remote_calendars(key=key, settings=settings, now=now)
    team = owner.calendars[0]
    connection = connect_calendar(module=module, key=key, remote_id=team, user=admin, now=now)
    set_realtime(company_id=module.company_id, connection_id=connection.id, on=True, now=now)
    connection.refresh_from_db()
    made = scene(
        module=module,
        key=key,
        calendar=RemoteCalendar.objects.get(key=key, remote_id=team),
        connection=connection,
        settings=settings,
        now=now,
        sandbox=sandbox,
        owner=owner,
        admin=admin,
        hook=hook,
    )
    made.asked()
    if hook:
        made.standin.outbox.paused = True
    try:
        yield made
    finally:
        owner.close()


@contextlib.contextmanager
def listening() -> Iterator[Webhook]:
    """A web server that takes whatever is posted, and answers a handshake."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(urlsplit(self.path).query))
            echo = query.get("validationToken", "").encode()
            if not echo:
                hook.posted.put(Posted(dict(self.headers), query, body))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(echo)))
            self.end_headers()
            self.wfile.write(echo)

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
