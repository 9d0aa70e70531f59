"""Trouble at Google: what is stored, what a person reads, who is told, and how it catches up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from tests.desk import Desk
from tests.flows.standin_trouble import Changed, Ending, Limit, Trouble, letters
from tests.google_sandbox import GoogleSandbox
from tests.google_scene import GoogleScene, on_google
from tests.providers.google_side import ANA, CLIENT, SCOPES
from tests.providers.test_google_sign_in import Owner

from genie.store.models import Appointment, EventLink, RemoteKey
from genie.store.sealed import unseal

pytestmark = pytest.mark.django_db

REVOKED = "The access was revoked at Google, or has expired there."
HIDDEN = "This account may not see what this event says any more, so it cannot change it."
SLOWER = "Google asks to slow down."
USED_UP = "The use of its calendars that Google allows this account is used up for now."
BROKEN = "Google Calendar failed (HTTP 503)."


@pytest.fixture
def scene(google_sandbox: GoogleSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleScene]:
    """The pages' clock is the scene's."""
    with on_google(google_sandbox) as made:
        monkeypatch.setattr(timezone, "now", lambda: made.now)
        yield made


def by_its_owner_on_google_s_page(scene: GoogleScene) -> None:
    scene.owner.withdraw(CLIENT.id)


def by_the_api(scene: GoogleScene) -> None:
    token = unseal(RemoteKey.objects.get(id=scene.key.id).secret)["refresh_token"]
    assert httpx.post(f"{scene.sandbox.base_url}/revoke", data={"token": token}).status_code == 200


def silently_as_the_oldest_of_more_than_a_hundred(scene: GoogleScene) -> None:
    """Nothing is said; the access token still works for the rest of its hour."""
    world = scene.sandbox.world
    with world.lock:
        for _ in range(100):
            world.issue_refresh_token(world.account(ANA), CLIENT.id, SCOPES)
    scene.later(hours=1)


ENDS: list[Any] = [
    by_its_owner_on_google_s_page,
    by_the_api,
    silently_as_the_oldest_of_more_than_a_hundred,
]
SOON = timedelta(seconds=2)
LIMITS = [
    Limit({"code": 403, "reason": "quotaExceeded"}, USED_UP, timedelta(hours=2)),
    Limit({"code": 403, "reason": "dailyLimitExceeded"}, USED_UP, timedelta(hours=2)),
    Limit({"code": 403, "reason": "userRateLimitExceeded"}, SLOWER, SOON),
    Limit({"code": 403, "reason": "rateLimitExceeded"}, SLOWER, SOON),
    Limit({"code": 429, "reason": "rateLimitExceeded", "retry_after": 600}, SLOWER, timedelta(minutes=10)),
    Limit({"code": 503, "retry_after": 300}, BROKEN, timedelta(minutes=5)),
]


class TestWithGoogle(Trouble):
    system = "Google"
    gone = "This calendar is not at Google any more, or is not shared with this account."
    broken = BROKEN
    suspended = "Google says that this account was suspended or deleted."
    somebody_else = "bob@example.org"
    calls = "calendar.*"
    key_name = "Cloud key"

    @pytest.fixture(params=ENDS)
    def ending(self, request: pytest.FixtureRequest) -> Ending:
        return Ending(request.param, REVOKED)

    @pytest.fixture(params=LIMITS, ids=lambda limit: str(limit.fault.get("reason", limit.fault["code"])))
    def limit(self, request: pytest.FixtureRequest) -> Limit:
        assert isinstance(request.param, Limit)
        return request.param

    def signs_in(self, scene: Any, http: httpx.Client, address: str, account: str) -> dict[str, str]:
        back: dict[str, str] = Owner(scene.sandbox.base_url, http).answer(address, account=account)
        return back

    def test_a_role_that_shows_free_and_busy_only_claims_nothing(
        self, scene: GoogleScene, desk: Desk, changed: Changed
    ) -> None:
        """What an event says is hidden then: that is no change of it, and what we send does not arrive."""
        scene.share("free and busy")
        scene.poll()
        here = Appointment.objects.get(id=changed.here.id)
        assert (here.title, here.state) == ("Changed here", "confirmed")
        link = scene.link(changed.here)
        assert (link.state, link.reason) == (EventLink.State.PARKED, HIDDEN)
        assert HIDDEN in desk.configuration()
        assert letters(scene) == [(scene.admin.email, "An appointment needs a person: Team")]
        scene.share("write")
        scene.later(minutes=16)
        scene.drain()
        scene.poll()
        assert changed.arrived()
