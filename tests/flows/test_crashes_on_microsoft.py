"""A worker dies in a drain with Microsoft: nothing is lost or doubled, and no key is lost by a renewal.

What becomes of keys where refresh tokens end at once, says docs/decisions/0051.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connection
from tests.flows.standin_crashes import FAR, Crashes, a_booking, dies
from tests.flows.test_four_at_once import drain_all, in_processes, mailbox
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.microsoft_scene import MicrosoftScene, on_microsoft
from tests.providers.microsoft_side import ANA, CLIENT
from tests.sync_crash import Crash, dying_when
from tests.sync_scene import MONDAY

from genie.store.models import Appointment, EventLink, Message, RemoteKey

pytestmark = pytest.mark.django_db(transaction=True)

strictly = pytest.mark.parametrize("strict", [False, True], ids=["old ones live on", "old ones end at once"])


@pytest.fixture
def scene(microsoft_sandbox: MicrosoftSandbox) -> Iterator[MicrosoftScene]:
    with on_microsoft(microsoft_sandbox) as made:
        made.drain()
        yield made


class TestWithMicrosoft(Crashes):
    pass


# --- renewals


def expire_access(sandbox: MicrosoftSandbox) -> None:
    """The access tokens run out; no time passes."""
    with sandbox.world.lock:
        for token in sandbox.world.access_tokens.values():
            token.expires = sandbox.world.now()


def renewals(sandbox: MicrosoftSandbox) -> int:
    """How often a refresh token was exchanged."""
    with sandbox.world.lock:
        grant = sandbox.world.grant_of(sandbox.account(ANA), CLIENT.id)
        assert grant
        return sum(token.replaced is not None for token in grant.refresh_tokens)


def is_stranded(scene: MicrosoftScene, appointment: Appointment) -> bool:
    """Whether the key was lost. Then the admins are told, once, and what is owed waits for its owner to sign
    in; in any case the visit is there in the end, once."""
    scene.heal()
    scene.later(minutes=5)
    scene.drain()
    lost = RemoteKey.objects.get(id=scene.key.id).state == RemoteKey.State.NEEDS_REAUTHORIZATION
    letters = Message.objects.filter(company=scene.company, kind="attention")
    assert letters.count() == int(lost)
    if lost:
        letters.delete()
        scene.granted_anew()
    scene.settle()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert sum(event.key == scene.link(appointment).id.hex for event in scene.owner.events()) == 1
    assert Appointment.objects.get(id=appointment.id).state == "confirmed"
    return lost


@strictly
def test_dying_before_any_write_of_a_drain_that_renews(scene: MicrosoftScene, strict: bool) -> None:
    """Where old tokens end at once there is one write before which a death costs the key: the new token's."""
    scene.sandbox.world.rotates_strictly = strict
    stranded = []
    for write in range(1, FAR):
        expire_access(scene.sandbox)
        appointment = a_booking(scene, 2 * write)
        died = dies(scene, write)
        stranded += [write] * is_stranded(scene, appointment)
        if not died:
            assert write > 5
            assert len(stranded) == int(strict)
            return
    raise AssertionError("a drain of one change should be over by now")


@strictly
@pytest.mark.parametrize(
    ("fault", "dies"),
    [
        ("reset_before", True),
        ("reset_after", False),
        ("reset_after", True),
        ("truncated", False),
        ("error_before", False),
        ("error_after", True),
    ],
)
def test_a_renewal_that_fails(scene: MicrosoftScene, fault: str, dies: bool, strict: bool) -> None:
    """Only an answer that was lost costs the key, and only where old tokens end at once."""
    scene.sandbox.world.rotates_strictly = strict
    expire_access(scene.sandbox)
    appointment = a_booking(scene, 0)
    scene.sandbox.fault(fault, call="oauth.token")
    waiting = scene.standin.faults.waiting
    with ExitStack() as dying:
        if dies:
            dying.enter_context(dying_when(lambda: not waiting))
        try:
            scene.drain()
        except Crash:
            connection.close()
    assert is_stranded(scene, appointment) == (strict and not fault.endswith("before"))


@strictly
def test_many_workers_at_once_renew_once(microsoft_sandbox: MicrosoftSandbox, strict: bool) -> None:
    """Ten calendars of one key, in two processes of five threads: a second one that asked would use a token
    that is spent."""
    scenes = mailbox(microsoft_sandbox)
    for scene in scenes:
        scene.book(MONDAY)
    microsoft_sandbox.world.rotates_strictly = strict
    expire_access(microsoft_sandbox)
    microsoft_sandbox.fault("slow", call="oauth.token", seconds=0.3)
    in_processes([lambda half=half: drain_all(half) for half in (scenes[::2], scenes[1::2])])
    assert renewals(microsoft_sandbox) == 1
    assert set(EventLink.objects.values_list("state", flat=True)) == {EventLink.State.CLEAN}
    key = RemoteKey.objects.get(id=scenes[0].key.id)
    assert (key.state, key.secret_version) == (RemoteKey.State.ACTIVE, scenes[0].key.secret_version + 1)
