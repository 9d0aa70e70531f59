"""Microsoft's own clients for Node, msal-node and microsoft-graph-client: only the addresses are changed.

What they do and expect stands in tests/sandbox/node/microsoft.mjs; their traffic is judged here as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import standin_server
from tests.microsoft_sandbox import MicrosoftSandbox, judge_notifications, verdict
from tests.sandbox.microsoft.conftest import BEN
from tests.sandbox.microsoft.signing_in import ANA, BACK, walked
from tests.sandbox.node.program import played

from calendar_sandbox.app import create_app
from calendar_sandbox.microsoft.clients import DEMO
from calendar_sandbox.microsoft.service import API
from calendar_sandbox.settings import Settings

DRIVEN = {
    *("me.get", "calendars.create", "calendars.update", "calendars.list", "calendars.delete"),
    *("events.create", "events.list", "events.get", "events.update", "events.delete", "events.instances"),
    *("events.count", "calendarView.list", "calendarView.delta", "calendar.getSchedule"),
    *("subscriptions.create", "subscriptions.update", "subscriptions.reauthorize"),
    *("subscriptions.list", "subscriptions.delete"),
}


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[MicrosoftSandbox]:
    """A stand-in over TLS at the present time, judged."""
    port = standin_server.free_port()
    app = create_app(Settings(seed=1))
    judge = standin_server.Judge(app, API, verdict)
    sandbox = MicrosoftSandbox(f"https://127.0.0.1:{port}", app.state.microsoft)
    sandbox.world.root_url = sandbox.base_url
    judge.sandbox = sandbox
    judge_notifications(sandbox)
    public, private = map(str, certificate)
    with standin_server.served(judge, port, ssl_certfile=public, ssl_keyfile=private):
        yield sandbox
    assert not sandbox.violations, "\n".join(dict.fromkeys(sandbox.violations))


def test_they_sign_in_and_drive_calendars_deltas_subscriptions_and_batches(
    secure: MicrosoftSandbox, certificate: tuple[Path, Path]
) -> None:
    secure.account(ANA, name="Ana Ortiz")
    secure.account(BEN)
    secure.fault("error_before", call="calendars.list", code=429, retry_after=0)
    given = {
        "url": secure.base_url,
        "id": DEMO.id,
        "secret": DEMO.secret,
        "back": BACK,
        "ana": ANA,
        "ben": BEN,
    }
    assert played("microsoft.mjs", given, walked, trusting=certificate[0]) == {"done": True}
    assert {one.call for one in secure.requests()} == DRIVEN
    assert [one.status for one in secure.requests("calendars.list")] == [429, 200], "it heeds Retry-After"
