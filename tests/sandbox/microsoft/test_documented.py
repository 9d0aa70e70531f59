"""docs/sandbox.md says what the Microsoft stand-in does: each fault, and the options that start it."""

from __future__ import annotations

from pathlib import Path

import pytest

from calendar_sandbox.__main__ import settings_from
from calendar_sandbox.app import create_app
from calendar_sandbox.microsoft.demo import ACCOUNTS
from calendar_sandbox.microsoft.faults import KINDS
from calendar_sandbox.microsoft.service import Request
from calendar_sandbox.settings import Settings
from calendar_sandbox.standin import keeping

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_documented(kind: str):
    assert f"`{kind}`" in PAGE, f"describe the fault {kind} in docs/sandbox.md"


def test_accounts_are_named_or_the_usual_ones():
    settings, _host, _port = settings_from(["--microsoft-account", "dora@fabrikam.example"])
    assert settings.microsoft_accounts == ("dora@fabrikam.example",)
    assert settings_from([])[0].microsoft_accounts == ACCOUNTS


def test_both_worlds_live_in_one_file_and_an_old_file_has_google_alone(tmp_path: Path):
    file = tmp_path / "state.json"
    settings = Settings(google_accounts=("ana@example.org",), microsoft_accounts=ACCOUNTS, seed=3)
    before = create_app(settings).state
    keeping.save({"google": before.google}, file)  # as it was written before there was a Microsoft
    old = create_app(Settings(state=file)).state
    assert (len(old.google.world.accounts), len(old.microsoft.world.accounts)) == (1, 0)
    keeping.save({"google": before.google, "microsoft": before.microsoft}, file)
    after = create_app(Settings(state=file)).state
    assert after.microsoft.world.as_saved() == before.microsoft.world.as_saved()
    assert after.google.world.as_saved() == before.google.world.as_saved()


def test_the_owner_acts_without_a_token():
    state = create_app(Settings(microsoft_accounts=ACCOUNTS)).state
    account = state.microsoft.world.account(ACCOUNTS[0])
    reply = state.microsoft.answer_owner(Request("GET", "/v1.0/me/calendars"), account)
    names = [one["name"] for one in reply.json()["value"]]
    assert names == ["Calendar", "United States holidays", "Front desk"]
