"""The four calendar systems as functions in this process, each with a business linked to a calendar there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx
import radicale
from django.db.models import F
from radicale import config as radicale_config
from tests.caldav_owner import CalDavOwner
from tests.caldav_scene import PASSWORD, QUICK, CalDavScene, admin_of, register
from tests.flows.standin_scripts import CHANCES, AtStandIn
from tests.flows.test_sync_on_caldav import OnServer
from tests.flows.test_sync_scripts import InMemory, rewritten
from tests.flows.two_way import There
from tests.google_sandbox import GoogleSandbox
from tests.google_scene import on_google
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.microsoft_scene import on_microsoft
from tests.outside import RADICALE, RIGHTS, Radicale
from tests.providers import google_side, microsoft_side
from tests.push_scene import deliver, push_stage
from tests.simulation.in_process import Answering, loop_of_its_own
from tests.simulation.way import Way, Wire, connection_lost
from tests.standin_scene import Posted, Webhook
from tests.sync_crash import dying_when
from tests.sync_scene import MONDAY, Business, office, stage

from calendar_sandbox.app import create_app
from calendar_sandbox.settings import Settings
from genie.core.errors import Rejected, Transient
from genie.flows.complete_registration import wake_calendars_of
from genie.flows.connect_calendar import connect_calendar
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.set_realtime import set_realtime
from genie.store.models import RemoteCalendar, RemoteKey
from genie.store.sealed import seal, unseal

HOOKS = "https://genie.example/hooks"
START = MONDAY - timedelta(days=3)


class Stage(There, Protocol):
    """A calendar system, and the way of our requests there."""

    way: Way
    lists_are_fresh: bool
    """Does a list show what is there now, and never an earlier moment?"""

    def hear(self) -> bool:
        """What the system has to tell of its changes by now is heard. Was there anything?"""
        ...

    def lose_messages(self) -> None:
        """What the system has to tell of its changes by now is lost on the way."""
        ...

    def showing_old_copies(self) -> AbstractContextManager[None]:
        """Who asks for one event gets it as it was when it was shown last, where the system tells its age."""
        ...

    def lists_lagging(self) -> AbstractContextManager[None]:
        """Lists show the calendar as it was some changes ago, where the system's lists lag."""
        ...

    def refusing(self) -> AbstractContextManager[None]:
        """The calendar does not take the next event that is made or changed, and says so."""
        ...

    def end_access(self) -> None:
        """The account's owner takes the access back."""
        ...

    def give_access(self) -> None:
        """The owner grants it anew, by the link that was sent to them: the key holds a new secret."""
        ...


Opened = Callable[[int, bool], Stage]
"""Opens a system anew, from a seed; the second says whether it may tell of changes."""


class _OnTheWay:
    """What goes wrong on the way is alike for all."""

    way: Way
    lists_are_fresh = True
    _refuses = False
    """Is the next write to be refused?"""

    @contextmanager
    def cutting(self, request: int, *, effect: bool, dies: bool) -> Iterator[None]:
        lost = False

        def lose() -> None:
            nonlocal lost
            lost = True
            self.way.lose()

        self.way.plan(request, lose, after=effect)
        with ExitStack() as dying:
            if dies:
                dying.enter_context(dying_when(lambda: lost))
            try:
                yield
            finally:
                self.way.forget_plans()

    def lists_lagging(self) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        self._refuses = True
        try:
            yield
        finally:
            self._refuses = False

    @contextmanager
    def showing_old_copies(self) -> Iterator[None]:
        self.way.old_copies = True
        try:
            yield
        finally:
            self.way.old_copies = False


def _renew(scene: Business, secret: Mapping[str, Any]) -> None:
    """As a re-authorization by the same account leaves it (flows/complete_registration)."""
    RemoteKey.objects.filter(id=scene.key.id).update(
        secret=seal(dict(secret)),
        secret_version=F("secret_version") + 1,
        state=RemoteKey.State.ACTIVE,
        trouble="",
    )
    wake_calendars_of(key=scene.key, now=scene.now)


# --- memory


class Memory(_OnTheWay, InMemory):
    """The provider's own in-process world."""

    def __init__(self, seed: int, push: bool) -> None:
        scene = push_stage(page_size=1 + seed % 3) if push else stage(page_size=1 + seed % 3)
        super().__init__(scene)
        self.seed, self.push = seed, push
        scene.world.cursors = bool(seed % 5) or push
        if seed % 3 == 0:  # a system that changes what it is sent, as real ones do
            scene.world.rewrite = rewritten
        self.way = Way(lambda: Transient("cut", outcome_unknown=True))
        # with channels a lost message is made up for within the hour
        scene.heal = lambda: scene.later(hours=1.1 if push else 0)  # type: ignore[method-assign]
        scene.world.before, scene.world.after = self._before, self._after

    def _before(self, method: str, *_asked: Any) -> None:
        if self._refuses and method in ("create", "update"):
            self._refuses = False
            raise Rejected("The calendar does not take this event.")
        self.way.begin()

    def _after(self, *_asked: Any) -> None:
        self.way.end()

    def hear(self) -> bool:
        return self.push and any(deliver(self.scene))

    def lose_messages(self) -> None:
        self.scene.world.delivered()

    def end_access(self) -> None:
        self.owner.change_password(f"password {self.way.requests}")

    def give_access(self) -> None:
        _renew(self.scene, self.scene.world.secret("desk@acme.example"))

    def faults_stop(self) -> None:
        self.way.roll(0, seed=0)

    def faults_go_on(self) -> None:
        self.seed += 1
        self.way.roll(0.08, seed=self.seed)

    def close(self) -> None:
        self.scene.world.before = self.scene.world.after = None


# --- Google and Microsoft


class StandIn(_OnTheWay, AtStandIn):
    """A stand-in, asked in this process; its own dice decide what goes wrong."""

    lists_are_fresh = False

    def __init__(self, system: InProcessGoogle | InProcessMicrosoft, seed: int, push: bool) -> None:
        system.reset(seed=seed)
        self.client = system.our_client
        list(system.hook.taken())
        self.way = Way(connection_lost)
        wire = Wire(self.way, system.app.answer)
        system.wire = lambda: wire
        opened = ExitStack()
        hook = system.hook if push else None
        scene: Any = opened.enter_context(
            on_google(system, hook=hook)
            if isinstance(system, InProcessGoogle)
            else on_microsoft(system, hook=hook)
        )
        super().__init__(scene, CHANCES, seed, opened)

    def hear(self) -> bool:
        return bool(self.scene.hook) and self.scene.hear()

    def lose_messages(self) -> None:
        if self.scene.hook:
            self.scene.arrived()

    @contextmanager
    def lists_lagging(self) -> Iterator[None]:
        self.scene.sandbox.fault("stale", times=0, changes=2)
        try:
            yield
        finally:
            self.scene.standin.faults.waiting.clear()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        writes = [call for call, what in self.scene.writing.items() if what != "delete"]
        for call in writes:
            self.scene.sandbox.fault("error_before", call=f"{self.scene.events}{call}", code=400)
        try:
            yield
        finally:
            self.scene.standin.faults.waiting.clear()

    def end_access(self) -> None:
        world = self.scene.sandbox.world
        world.revoke_grant(self.scene.sandbox.account(self.scene.owner.email), self.client)

    def give_access(self) -> None:
        _renew(self.scene, self.scene.grant())


class _InProcess:
    """A sandbox fixture without a server."""

    app: Answering
    hook: Webhook
    control: str

    def owner(self, email: str) -> httpx.Client:
        self.account(email)  # type: ignore[attr-defined]
        return httpx.Client(transport=self.app, base_url=f"{self.base_url}{self.control}/{email}{self.root}")  # type: ignore[attr-defined]

    def settle(self) -> None:
        self.inside.outbox.flush(self._post)  # type: ignore[attr-defined]

    def _post(self, message: Any) -> int:
        address = urlsplit(message.address)
        self.hook.posted.put(Posted(message.headers, dict(parse_qsl(address.query)), message.content))
        return 200


class InProcessGoogle(_InProcess, GoogleSandbox):
    control, root = "/_sandbox/google/as", "/calendar/v3/"
    our_client = google_side.CLIENT.id

    @property
    def inside(self) -> Any:
        return self.google


class InProcessMicrosoft(_InProcess, MicrosoftSandbox):
    control, root = "/_sandbox/microsoft/as", "/v1.0/"
    our_client = microsoft_side.CLIENT.id

    @property
    def inside(self) -> Any:
        return self.graph


@cache
def _stand_ins() -> tuple[InProcessGoogle, InProcessMicrosoft]:
    app = create_app(Settings(seed=1))
    app.state.http = httpx.AsyncClient(transport=httpx.MockTransport(_greeted))
    answering = Answering(app, loop_of_its_own())
    google = InProcessGoogle("http://google.example", app.state.google)
    microsoft = InProcessMicrosoft("http://graph.example", app.state.microsoft)
    for system in (google, microsoft):
        system.app, system.hook = answering, Webhook(url=HOOKS)
        system.world.root_url = system.base_url
    return google, microsoft


def _greeted(request: httpx.Request) -> httpx.Response:
    """Our webhook's answer to a handshake."""
    token = request.url.params.get("validationToken", "")
    return httpx.Response(200, text=token)


# --- CalDAV


@dataclass
class InProcessRadicale(Radicale):
    """A real Radicale, called as the WSGI application it is."""

    app: httpx.WSGITransport | None = None

    def client(self, user: str | None = None) -> httpx.Client:
        name = user or self.user
        auth = (name, self.users[name])
        return httpx.Client(transport=self.app, base_url=self.base_url, auth=auth)


@cache
def _radicale() -> InProcessRadicale:
    folder = Path(tempfile.mkdtemp(prefix="genie-radicale-", dir=_memory_folder()))
    server = InProcessRadicale(
        base_url="http://radicale.example/",
        user="",
        password="",
        storage=folder / "collections",
        log=folder / "log",
    )
    server._write_users()
    (folder / "rights").write_text(RIGHTS.replace("READING", "-"))
    (folder / "config").write_text(
        RADICALE.format(port=5232, folder=folder).replace("level = info", "level = error")
    )
    settings = radicale_config.load([(str(folder / "config"), False)])
    settings.update({"storage": {"_filesystem_fsync": "False"}}, "simulation", privileged=True)
    server.app = httpx.WSGITransport(radicale.Application(settings))
    return server


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class NoProxy:
    """Nothing stands before the server here."""

    asked: list[Any] = []

    def heal(self) -> None:
        """There is nothing to mend."""


class CalDav(_OnTheWay, OnServer):
    def __init__(self, seed: int, push: bool) -> None:
        server = _radicale()
        user = f"owner-{seed}"
        shutil.rmtree(server.storage / "collection-root" / user, ignore_errors=True)
        server.set_password(user, PASSWORD)
        self.way, self.seed = Way(connection_lost), seed
        assert server.app
        self.written = 0
        wire = Wire(self.way, self._asked)
        self.app = server.app
        scene = _on_caldav(server, user, replace(QUICK, wire=lambda: wire))
        super().__init__(scene, ExitStack())

    def _asked(self, request: httpx.Request) -> httpx.Response:
        if self._refuses and request.method == "PUT":
            self._refuses = False
            return httpx.Response(507, request=request)
        self.written += request.method in ("PUT", "DELETE")
        return self.app.handle_request(request)

    def writes(self) -> int:
        return self.written

    def hear(self) -> bool:
        """No CalDAV server tells."""
        return False

    def lose_messages(self) -> None:
        """There are none."""

    def end_access(self) -> None:
        """The app password is revoked; in its place there is another one, which only the owner knows."""
        scene = self.scene
        scene.server.set_password(scene.owner.user, f"password {self.way.requests}")
        for owner in self.owners:
            owner.http = scene.server.client(scene.owner.user)

    def give_access(self) -> None:
        key, server = self.scene.key, self.scene.server
        key.refresh_from_db()
        _renew(self.scene, {**unseal(key.secret), "password": server.users[self.scene.owner.user]})

    def faults_stop(self) -> None:
        self.way.roll(0, seed=0)

    def faults_go_on(self) -> None:
        self.seed += 1
        self.way.roll(0.08, seed=self.seed)


def _on_caldav(server: InProcessRadicale, user: str, settings: Any) -> CalDavScene:
    calendar = server.make_calendar("work", name="Work", user=user)
    module = office(user, now=START)
    admin = admin_of(module.company)
    key = register(
        admin,
        module.company,
        address=server.base_url,
        user=user,
        password=PASSWORD,
        now=START,
        settings=settings,
    )
    (listed,) = list_remote_calendars(key=key, settings=settings, now=START)
    connection = connect_calendar(
        module=module, key=key, remote_id=listed.calendar.remote_id, user=admin, now=START
    )
    set_realtime(company_id=module.company_id, connection_id=connection.id, on=True, now=START)
    connection.refresh_from_db()
    return CalDavScene(
        module=module,
        key=key,
        calendar=RemoteCalendar.objects.get(id=listed.calendar.id),
        connection=connection,
        settings=settings,
        now=START,
        server=server,
        proxy=NoProxy(),  # type: ignore[arg-type]
        owner=CalDavOwner(server, user, calendar),
        admin=admin,
    )


SYSTEMS: Mapping[str, Opened] = {
    "memory": Memory,
    "google": lambda seed, push: StandIn(_stand_ins()[0], seed, push),
    "microsoft": lambda seed, push: StandIn(_stand_ins()[1], seed, push),
    "caldav": CalDav,
}
"""What a seed may be played on, in turn."""
