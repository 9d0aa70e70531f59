"""Trouble at Microsoft: what is stored, what a person reads, who is told, and how it catches up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from tests.desk import Desk
from tests.flows.standin_trouble import Changed, Ending, Limit, Trouble, calendar_of, key_of, letters, shared
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.microsoft_scene import MicrosoftScene, on_microsoft
from tests.providers.microsoft_side import ANA, CLIENT
from tests.providers.test_microsoft_sign_in import Owner

from genie.core.errors import NotAllowedThere
from genie.flows.finish_sign_in import NotFinished
from genie.store.models import RemoteCalendar, RemoteKey

pytestmark = pytest.mark.django_db

REVOKED = "The access was revoked at Microsoft, or has expired there."
WITHDRAWN = "The approval of this app was taken back, by the owner or an administrator."
SIGN_IN_AGAIN = "Microsoft wants the account's owner to sign in again."
SLOWER = "Microsoft asks to slow down."
BROKEN = "Outlook failed (HTTP 503)."
NO_READING = "This account may not read this calendar any more."


@pytest.fixture
def scene(
    microsoft_sandbox: MicrosoftSandbox, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[MicrosoftScene]:
    """The pages' clock is the scene's. As a parameter "shared" has it, the calendar is Bob's."""
    with on_microsoft(microsoft_sandbox, shared=getattr(request, "param", "") == "shared") as made:
        monkeypatch.setattr(timezone, "now", lambda: made.now)
        yield made


def by_its_owner_on_microsoft_s_page(scene: MicrosoftScene) -> None:
    scene.owner.withdraw(CLIENT.id)


def by_an_administrator(scene: MicrosoftScene) -> None:
    """*Revoke sessions*, or the password was changed."""
    scene.revoke()


def silently_unused_for_ninety_days(scene: MicrosoftScene) -> None:
    """The access token still works for the rest of its hour."""
    with scene.sandbox.world.lock:
        for grant in scene.sandbox.world.grants.values():
            for token in grant.refresh_tokens:
                token.last_used -= timedelta(days=90)
    scene.later(hours=2)


def by_an_answer_that_was_lost_where_old_tokens_end_at_once(scene: MicrosoftScene) -> None:
    """The renewal took effect, so the token we hold has been replaced by one that nobody knows."""
    scene.sandbox.world.rotates_strictly = True
    scene.sandbox.fault("reset_after", call="oauth.token")
    scene.later(hours=2)


def by_a_rule_of_the_organisation(scene: MicrosoftScene) -> None:
    """Conditional access: from now on a second factor is wanted."""
    scene.sandbox.fault("error_before", call="oauth.token", code=400, reason="interaction_required")
    scene.later(hours=2)


ENDS = [
    (by_its_owner_on_microsoft_s_page, WITHDRAWN),
    (by_an_administrator, REVOKED),
    (silently_unused_for_ninety_days, REVOKED),
    (by_an_answer_that_was_lost_where_old_tokens_end_at_once, REVOKED),
    (by_a_rule_of_the_organisation, SIGN_IN_AGAIN),
]
LIMITS = [
    Limit({"code": 429, "retry_after": 600}, SLOWER, timedelta(minutes=10)),
    Limit({"code": 429}, SLOWER, timedelta(seconds=2)),
    Limit({"code": 503, "retry_after": 300}, BROKEN, timedelta(minutes=5)),
]


class TestWithMicrosoft(Trouble):
    system = "Microsoft"
    gone = "This calendar is not at Microsoft any more, or is not shared with this account."
    broken = BROKEN
    suspended = "Microsoft says that this account was disabled."
    somebody_else = "dora@contoso.example"
    calls = "[!o]*"
    key_name = "Azure key"

    @pytest.fixture(params=ENDS, ids=lambda end: end[0].__name__)
    def ending(self, request: pytest.FixtureRequest) -> Ending:
        return Ending(*request.param)

    @pytest.fixture(params=LIMITS, ids=lambda limit: "-".join(str(one) for one in limit.fault.values()))
    def limit(self, request: pytest.FixtureRequest) -> Limit:
        assert isinstance(request.param, Limit)
        return request.param

    def signs_in(self, scene: Any, http: httpx.Client, address: str, account: str) -> dict[str, str]:
        return Owner(scene.sandbox.base_url, http).answer(address, account=account)

    def test_an_administrator_who_ended_it_has_to_approve_it_anew(
        self, scene: MicrosoftScene, desk: Desk, changed: Changed
    ) -> None:
        world = scene.sandbox.world
        with world.lock:
            tenant = world.tenants[scene.sandbox.account(ANA).tid]
            tenant.users_may_consent = False
        scene.owner.withdraw(CLIENT.id)
        scene.poll()
        assert key_of(scene).trouble == WITHDRAWN
        with pytest.raises(NotFinished) as caught:
            self.renewed(scene, desk)
        assert isinstance(caught.value.why, NotAllowedThere)
        assert "An administrator of this account's organisation has to approve this app" in str(caught.value)
        assert key_of(scene).state == RemoteKey.State.NEEDS_REAUTHORIZATION
        assert changed.wait()
        with world.lock:
            tenant.consented.append(CLIENT.id)
        assert self.renewed(scene, desk) == scene.key
        scene.drain()
        scene.poll()
        assert changed.arrived()

    @shared
    def test_a_role_that_shows_free_and_busy_only_is_as_if_it_was_gone(
        self, scene: MicrosoftScene, desk: Desk, changed: Changed
    ) -> None:
        scene.share("free and busy")
        scene.poll()
        calendar = calendar_of(scene)
        assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.PARKED, NO_READING)
        assert NO_READING in desk.configuration()
        assert changed.wait()
        scene.share("write")
        scene.later(minutes=16)
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert letters(scene) == []

    def test_the_registration_s_secret_has_run_out(
        self, scene: MicrosoftScene, desk: Desk, changed: Changed
    ) -> None:
        """That is nobody's access ended: it waits for the operator, and goes on."""
        scene.sandbox.fault("error_before", call="oauth.token", code=401, reason="invalid_client", times=0)
        scene.later(hours=2)
        scene.drain()
        assert key_of(scene).state == RemoteKey.State.ACTIVE
        said = (
            "This installation's registration with Microsoft has another secret, or its secret has run out."
        )
        assert f"{said} Its operator has to look." in desk.configuration()
        assert changed.wait()
        scene.heal()
        scene.later(hours=1.1)
        scene.drain()
        scene.poll()
        assert changed.arrived()
        assert letters(scene) == []

    def test_a_mailbox_that_moved_to_the_organisation_s_own_server(
        self, scene: MicrosoftScene, desk: Desk, changed: Changed
    ) -> None:
        account = scene.sandbox.account(ANA)
        account.mailbox = False
        scene.poll()
        said = (
            "This account's mailbox is not at Microsoft: its organisation has a server of its own, or it has "
            "none."
        )
        assert (calendar_of(scene).state, calendar_of(scene).trouble) == (RemoteCalendar.State.PARKED, said)
        assert said in desk.configuration()
        assert changed.wait()
        account.mailbox = True
        scene.later(minutes=16)
        scene.drain()
        scene.poll()
        assert changed.arrived()

    def test_a_calendar_that_got_another_id_is_followed(
        self, scene: MicrosoftScene, desk: Desk, changed: Changed
    ) -> None:
        """As Exchange gives one soon after a calendar was made. The product has listed it meanwhile."""
        with scene.sandbox.world.lock:
            team = scene.stored()[0]
            renamed = scene.sandbox.world.renew_calendar_id(scene.sandbox.account(ANA), team)
        desk.press("apps/main/calendar/use-key", key=scene.key.id)
        assert RemoteCalendar.objects.filter(key=scene.key, remote_id=renamed).exists()
        scene.owner.calendars[0] = renamed
        scene.poll()
        scene.poll()
        assert (calendar_of(scene).remote_id, calendar_of(scene).state) == (renamed, "ok")
        assert changed.arrived()
        assert len(scene.owner.events()) == 2
        assert "In step." in desk.configuration()
        assert letters(scene) == []

    def test_another_calendar_of_the_same_name_is_not_taken_for_it(
        self, scene: MicrosoftScene, changed: Changed
    ) -> None:
        scene.drop_calendar()
        scene.sandbox.calendar(ANA, "Team")
        scene.poll()
        assert (calendar_of(scene).state, calendar_of(scene).trouble) == ("parked", self.gone)
        assert changed.wait()

    def test_old_tokens_that_end_at_once_cost_nothing_while_answers_arrive(
        self, scene: MicrosoftScene, changed: Changed
    ) -> None:
        scene.sandbox.world.rotates_strictly = True
        for _ in range(4):
            scene.later(hours=2)
            scene.drain()
        assert key_of(scene).state == RemoteKey.State.ACTIVE
        assert changed.arrived()
