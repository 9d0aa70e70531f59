"""A company with a module, an admin and a key into a calendar world in memory, for tests of connecting."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db import connection, connections

from genie.flows.list_remote_calendars import list_remote_calendars
from genie.providers.memory.sign_in import Pages, challenge_of
from genie.providers.memory.world import Owner, World
from genie.providers.port import Grant
from genie.providers.registry import ProviderSettings
from genie.store.models import (
    Agency,
    Appointment,
    Company,
    Lead,
    Module,
    RemoteCalendar,
    RemoteKey,
    Role,
    Schedule,
    User,
)
from genie.store.sealed import seal

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SETTINGS = ProviderSettings(allow_private_networks=True)
_numbers = itertools.count(1)


@dataclass
class Scene:
    company: Company
    admin: User
    schedule: Schedule
    module: Module
    world: World

    def key(self, account: str = "desk@acme.example", **fields: Any) -> RemoteKey:
        if self.world.person(account) is None:
            self.world.add_account(account)
        values = {
            "company": self.company,
            "kind": "memory",
            "identity": f"memory:{self.world.name}:{account}",
            "label": account,
            "secret": seal(self.world.secret(account)),
            "created_by": self.admin,
            "created_at": NOW,
        }
        return RemoteKey.objects.create(**(values | fields))

    def granted_key(self, account: str = "desk@acme.example", **fields: Any) -> RemoteKey:
        """A key whose owner signed in on the world's pages: it holds tokens."""
        if self.world.person(account) is None:
            self.world.add_account(account)
        grant = grant_of(self.world, account)
        return self.key(account, secret=seal(dict(grant.secret)), granted=grant.granted, **fields)

    def owner(self, account: str = "desk@acme.example") -> Owner:
        return self.world.owner(account)

    def listed(self, key: RemoteKey) -> list[RemoteCalendar]:
        listed = list_remote_calendars(key=key, settings=SETTINGS, now=NOW)
        return [one.calendar for one in listed]

    def another_module(self, name: str = "Branch") -> Module:
        return Module.objects.create(
            company=self.company, name=name, slug=name.lower(), schedule=self.schedule, created_at=NOW
        )

    def appointment(self, *, hours: int = 24, module: Module | None = None, **fields: Any) -> Appointment:
        """A visit of an hour that begins `hours` from NOW."""
        lead = Lead.objects.create(
            company=self.company, name="Ann Lee", email="ann@example.com", created_at=NOW
        )
        start = NOW + timedelta(hours=hours)
        values = {
            "company": self.company,
            "module": module or self.module,
            "lead": lead,
            "state": "confirmed",
            "start": start,
            "end": start + timedelta(hours=1),
            "zone": "Europe/London",
            "lane": 0,
            "title": "Tour",
            "created_at": NOW,
            "changed_at": NOW,
        }
        return Appointment.objects.create(**(values | fields))


def scene(name: str = "acme") -> Scene:
    number = next(_numbers)
    agency = Agency.objects.create(name=f"Agency of {name}")
    company = Company.objects.create(agency=agency, name=name.title(), slug=name, created_at=NOW)
    admin = User.objects.create_user(
        f"admin@{name}.example",
        "correct horse battery",
        name="Ada Admin",
        role=Role.AGENCY_ADMIN,
        agency=agency,
        created_at=NOW,
    )
    schedule = Schedule.objects.create(company=company, name="Opening hours", zone="Europe/London")
    module = Module.objects.create(
        company=company, name="Main office", slug="main-office", schedule=schedule, created_at=NOW
    )
    return Scene(company, admin, schedule, module, World(f"{name}-{number}"))


def grant_of(world: World, account: str) -> Grant:
    """What the owner of the account grants on the world's pages."""
    pages, verifier, back = Pages(SETTINGS), "v" * 43, "https://genie.example/back"
    address = pages.address(state="s", challenge=challenge_of(verifier), redirect_uri=back)
    code = parse_qs(urlsplit(world.owner(account).allow(address)).query)["code"][0]
    return pages.exchange(code=code, verifier=verifier, redirect_uri=back)


def woken() -> list[int]:
    """The calendars a wake-up waits for, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->>'calendar_id')::int FROM procrastinate_jobs WHERE task_name = 'genie.drain' "
            "ORDER BY id"
        )
        return [row[0] for row in cursor.fetchall()]


def waiting() -> int:
    """Sessions of this database that wait for an advisory lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def wait_for(true: Callable[[], bool]) -> None:
    """Ask until it is so; for what another thread is about to do."""
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up, "the others did not come to wait"


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run each call in a thread with a connection of its own, all let go together; errors are results."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        try:
            ready.wait()
            return call()
        except Exception as exc:
            return exc
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
