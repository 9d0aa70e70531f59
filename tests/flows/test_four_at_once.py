"""One mailbox with many calendars, drained by several processes with several threads each: never more than
four requests at once, as Graph allows; nobody is told to slow down, nothing is put off."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.microsoft_side import ANA, granted, settings_for
from tests.sync_scene import MONDAY, Business, office

from genie.flows.drain import drain
from genie.flows.wired import provider_settings
from genie.providers.registry import ProviderSettings
from genie.store.locks import place
from genie.store.models import Connection, EventLink, Module, RemoteCalendar, RemoteKey
from genie.store.sealed import seal

pytestmark = pytest.mark.django_db(transaction=True)

CALENDARS = 10
PROCESSES = 2
LATENCY = 0.05  # seconds for each answer


def test_never_more_than_four_over_all_processes(microsoft_sandbox: MicrosoftSandbox) -> None:
    scenes = mailbox(microsoft_sandbox)
    for scene in scenes:
        scene.book(MONDAY)
    microsoft_sandbox.graph.latency = LATENCY
    halves = [scenes[number::PROCESSES] for number in range(PROCESSES)]
    in_processes([lambda half=half: drain_all(half) for half in halves])
    log = microsoft_sandbox.requests()
    assert [one.call for one in log].count("events.create") == CALENDARS
    assert {one.status for one in log} <= {200, 201}
    (most,) = microsoft_sandbox.graph.most_under_way.values()
    assert most == 4, "as many as Graph takes, and no more"
    assert set(EventLink.objects.values_list("state", flat=True)) == {EventLink.State.CLEAN}


def test_who_finds_no_place_in_time_comes_back_later(microsoft_sandbox: MicrosoftSandbox) -> None:
    scene, *_ = mailbox(microsoft_sandbox, calendars=1, requests_at_once="1")
    appointment = scene.book(MONDAY)
    patience, scene.settings = scene.settings, replace(scene.settings, timeout=0.01)
    with place(f"microsoft:{scene.key.identity}", most=1, wait_seconds=0), ThreadPoolExecutor(1) as other:
        other.submit(drained, scene).result()
    assert "takes only 1 request" in scene.link(appointment).reason
    assert microsoft_sandbox.requests() == []
    scene.settings = patience
    scene.later(minutes=5)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN


def mailbox(sandbox: MicrosoftSandbox, *, calendars: int = CALENDARS, **options: str) -> list[Business]:
    """Ana's calendars behind one key, and for each a module of the company."""
    sandbox.stop_clock(now := MONDAY - timedelta(days=3))
    secret = granted(sandbox)
    module = office(f"mailbox-{uuid.uuid4().hex[:12]}", now=now)
    key = RemoteKey.objects.create(
        company=module.company,
        kind="microsoft",
        identity=f"{secret['tid']}:{secret['oid']}",
        label=ANA,
        secret=seal(dict(secret)),
        created_at=now,
    )
    settings = settings_for(sandbox, clock=lambda: now, place=provider_settings().place)
    settings = replace(settings, options={"microsoft": {**settings.options["microsoft"], **options}})
    return [room(sandbox, number, key, module, settings) for number in range(calendars)]


def room(
    sandbox: MicrosoftSandbox, number: int, key: RemoteKey, first: Module, settings: ProviderSettings
) -> Business:
    """A calendar of its own, linked to a module of its own."""
    name = f"room-{number}"
    module = Module.objects.create(
        company=first.company, name=name, slug=name, schedule=first.schedule, created_at=first.created_at
    )
    calendar = RemoteCalendar.objects.create(
        key=key, remote_id=sandbox.calendar_id(ANA, sandbox.calendar(ANA, name)), name=name, may_write=True
    )
    link = Connection.objects.create(
        module=module, calendar=calendar, realtime=True, linked_at=first.created_at
    )
    return Business(module=module, key=key, calendar=calendar, connection=link, settings=settings)


def in_processes(works: list[Callable[[], None]]) -> None:
    """Do each in a process of its own, all at the same time."""
    children = [forked(work) for work in works]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(works)


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            connections["default"].connection = None  # the parent's; this process opens its own
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def drain_all(scenes: list[Business]) -> None:
    """As a worker does: so many at once as there are."""
    with ThreadPoolExecutor(len(scenes)) as threads:
        list(threads.map(drained, scenes))


def drained(scene: Business) -> None:
    try:
        while drain(calendar_id=scene.calendar.id, settings=scene.settings, now=scene.now):
            pass
    finally:
        connections.close_all()
