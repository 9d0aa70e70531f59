"""The modules of a round, each linked to a calendar of another sort, real-time updates on."""

from __future__ import annotations

import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from bench import microsoft_pull
from bench.google_sync import SCOPES
from bench.pushed_sync import token_of
from bench.sync import Linked, linked_module
from tests.chaos.people import CarefulOwner, Desk, Hand
from tests.google_owner import GoogleOwner
from tests.microsoft_owner import MicrosoftOwner
from tests.outside import CalDavServer
from tests.providers import servers
from tests.proxy import HANG_UP, Asked, Proxy, Reply, standing_before

from run import demo

GOOGLE = ["gina@example.org", "gus@example.org"]
MICROSOFT = ["mia@contoso.example", "max@contoso.example"]
RADICALE = "radicale"


@dataclass(frozen=True)
class StandIn:
    """A stand-in as an owner's hand needs it (`tests.standin_owner.Sandbox`)."""

    base_url: str
    name: str
    api: str

    @property
    def control(self) -> str:
        return f"{self.base_url}/_sandbox/{self.name}"

    def owner(self, email: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.control}/as/{email}{self.api}", timeout=60, trust_env=False)


@dataclass(frozen=True)
class Radicale:
    """A CalDAV server; the product reaches it through a proxy that can break requests.

    `created`: when the product created an object of this name, by `time.monotonic`, answered or not.
    """

    server: servers.Server
    proxy: Proxy
    created: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def break_requests(self, seed: int) -> None:
        dice = random.Random(seed)
        self.mend_requests()
        self.proxy.before.append(lambda _: HANG_UP if dice.random() < 0.1 else None)
        self.proxy.after.append(lambda _, reply: HANG_UP if dice.random() < 0.1 else reply)

    def mend_requests(self) -> None:
        self.proxy.heal()
        self.proxy.after.append(self._write_down)

    def _write_down(self, asked: Asked, reply: Reply) -> Reply:
        if asked.method == "PUT" and reply.status == 201:
            self.created[asked.path.rpartition("/")[2]].append(time.monotonic())
        return reply


def google(stand_in: str) -> StandIn:
    return StandIn(stand_in, "google", "/calendar/v3/")


def microsoft(stand_in: str) -> StandIn:
    return StandIn(stand_in, "microsoft", "/v1.0/")


@contextlib.contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    folder.mkdir()
    with servers.radicale(folder) as server, standing_before(server.url) as proxy:
        made = Radicale(server, proxy)
        made.mend_requests()
        yield made


def desks(stand_in: str, dav: Radicale) -> list[Desk]:
    """Two at Google, two at Microsoft, one on CalDAV; of each pair one lets the dashboard win a conflict."""
    made = [_google(stand_in, email) for email in GOOGLE]
    made += [_microsoft(stand_in, email) for email in MICROSOFT]
    made += [_caldav(dav)]
    from genie.store.models import Module

    losing = [one.module_id for one in made[1::2]]
    rule = Module.ConflictRule
    other = next(one for one in rule.values if one != rule.CALENDAR_WINS)
    Module.objects.filter(id__in=losing).update(conflict_rule=other)
    for one in made:
        Module.objects.filter(id=one.module_id).update(recipients=[f"desk-{one.module_id}@acme.example"])
    return made


def _google(stand_in: str, email: str) -> Desk:
    there = google(stand_in)
    calendars = f"{there.control}/as/{email}/calendar/v3/calendars"
    calendar = httpx.post(calendars, json={"summary": "Desk"}).raise_for_status().json()["id"]
    asked = {"email": email, "scopes": SCOPES, "client_id": demo.GOOGLE_CLIENT[0]}
    secret = {**token_of(there.control, asked), "scopes": SCOPES, "sub": email, "email": email}
    linked = linked_module("google", email, secret, calendar, _slug(email))
    return _desk(linked, "google", GoogleOwner(there, email, [calendar]))  # type: ignore[arg-type]


def _microsoft(stand_in: str, email: str) -> Desk:
    there = microsoft(stand_in)
    mailbox = f"{there.control}/as/{email}/v1.0/me"
    calendar = httpx.post(f"{mailbox}/calendars", json={"name": "Desk"}).raise_for_status().json()["id"]
    person = next(
        one for one in httpx.get(f"{there.control}/state").json()["accounts"] if one["upn"] == email
    )
    claims = {"tid": person["tid"], "oid": person["oid"], "preferred_username": email}
    asked = {"upn": email, "scopes": microsoft_pull.SCOPES, "clientId": demo.MICROSOFT_CLIENT[0]}
    secret = {**token_of(there.control, asked), **claims, "scopes": microsoft_pull.SCOPES}
    identity = f"{claims['tid']}:{claims['oid']}"
    linked = linked_module("microsoft", identity, secret, calendar, _slug(email))
    return _desk(linked, "microsoft", MicrosoftOwner(there, email, [calendar]))  # type: ignore[arg-type]


def _caldav(dav: Radicale) -> Desk:
    from genie.providers.caldav.auth import authorize
    from genie.providers.registry import ProviderSettings

    person = servers.Owner(dav.server)
    path = person.make_calendar("desk")
    person.close()
    settings = ProviderSettings(allow_private_networks=True, timeout=60)
    grant = authorize(address=dav.proxy.url, user=servers.USER, password=servers.PASSWORD, settings=settings)
    (info,) = (one for one in grant.calendars if "desk" in one.id)
    linked = linked_module("caldav", grant.account.identity, dict(grant.secret), info.id, RADICALE)
    server = CalDavServer(
        base_url=f"{dav.server.url}/",
        user=servers.USER,
        password=servers.PASSWORD,
        storage=dav.server.folder,
        log=dav.server.folder / "log",
    )
    owner = CarefulOwner(server, servers.USER, f"{dav.server.url}{path}")
    owner.http.auth = httpx.BasicAuth(servers.USER.encode(), servers.PASSWORD.encode())
    return _desk(linked, "caldav", owner)  # type: ignore[arg-type]


def _desk(linked: Linked, kind: str, owner: Hand) -> Desk:
    module: Any = linked.module
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Desk(
        name=module.company.slug,
        kind=kind,
        module_id=module.id,
        calendar_id=linked.calendar.id,
        page=f"/book/{module.company.slug}/{module.slug}/details",
        owner=owner,
        first=today + timedelta(days=2),
    )


def _slug(email: str) -> str:
    return email.partition("@")[0]
