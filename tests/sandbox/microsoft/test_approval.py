"""An administrator approves an app for a whole organisation at the stand-in, and the app is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.pages import Page

from calendar_sandbox.microsoft.clients import DEMO
from calendar_sandbox.microsoft.state import Client

BACK = "https://genie.example/connect/return/microsoft"
APP = Client("6731de76-14a6-49ae-97bc-6eba6914391e", "s3cret", "Genie", [BACK, f"{BACK}/second"])
BOSS, ANA = "boss@contoso.example", "ana@contoso.example"
OLD, NEW = "organizations/adminconsent", "contoso.example/v2.0/adminconsent"


@pytest.fixture
def browser(microsoft_sandbox: MicrosoftSandbox) -> Iterator[httpx.Client]:
    sandbox = microsoft_sandbox
    sandbox.world.clients[APP.id] = APP
    sandbox.account(ANA)
    sandbox.account(BOSS, name="Bo Boss").admin = True
    sandbox.account("boss@other.example", name="Else").admin = True
    with httpx.Client(base_url=sandbox.base_url) as client:
        yield client


def asked(browser: httpx.Client, path: str = OLD, **query: str) -> httpx.Response:
    return browser.get(path, params={"client_id": APP.id} | query)


def decided(browser: httpx.Client, page: httpx.Response, path: str = OLD, **form: str) -> dict[str, Any]:
    carried = Page(page.text).hidden(f"/{path}")
    answer = browser.post(path, data=carried | {"account": BOSS} | form)
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    return {"at": f"{address.scheme}://{address.netloc}{address.path}", **dict(parse_qsl(address.query))}


def test_an_approval_holds_for_the_organisation_and_is_told_at_the_first_address(
    microsoft_sandbox: MicrosoftSandbox, browser: httpx.Client
):
    page = asked(browser)
    assert "get access to the specified resources for all users in your organization" in page.text
    assert "Read and write to your and shared calendars" in page.text, "all the app is registered for"
    tenant = microsoft_sandbox.account(BOSS).tid
    told = {"at": BACK, "admin_consent": "True", "tenant": tenant}
    assert decided(browser, page, decision="accept") == told
    consented = {one.name: one.consented for one in microsoft_sandbox.world.tenants.values()}
    assert consented == {"contoso.example": [APP.id], "other.example": []}


def test_the_newer_address_asks_for_what_is_named(browser: httpx.Client):
    query = {"scope": "User.Read Calendars.ReadWrite", "redirect_uri": f"{BACK}/second", "state": "x=1"}
    page = asked(browser, NEW, **query)
    assert "shared calendars" not in page.text
    assert "boss@other.example" not in page.text, "another tenant's"
    told = decided(browser, page, NEW, decision="accept")
    assert (told["at"], told["state"]) == (f"{BACK}/second", "x=1")
    assert told["scope"] == "User.Read Calendars.ReadWrite"


def test_a_refusal_is_told_and_changes_nothing(microsoft_sandbox: MicrosoftSandbox, browser: httpx.Client):
    told = decided(browser, asked(browser), decision="cancel")
    assert (told["error"], told["admin_consent"]) == ("consent_required", "True")
    assert told["error_description"].startswith("AADSTS65004")
    assert all(not one.consented for one in microsoft_sandbox.world.tenants.values())


def test_only_an_administrator_decides(microsoft_sandbox: MicrosoftSandbox, browser: httpx.Client):
    carried = Page(asked(browser).text).hidden(f"/{OLD}")
    answer = browser.post(OLD, data=carried | {"account": ANA, "decision": "accept"})
    assert (answer.status_code, "Who decides" in answer.text) == (200, True)
    microsoft_sandbox.account(BOSS).admin = microsoft_sandbox.account("boss@other.example").admin = False
    assert "No administrator of this organization is known here" in asked(browser).text
    assert all(not one.consented for one in microsoft_sandbox.world.tenants.values())


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        (OLD, {"client_id": "nobody"}, "AADSTS700016"),
        (OLD, {"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        (OLD, {"client_id": DEMO.id}, "AADSTS900144"),  # it has no address of its own
        (NEW, {}, "AADSTS900144"),
        (NEW, {"scope": "Mail.Send"}, "AADSTS650053"),
        ("consumers/adminconsent", {}, "AADSTS90002"),
        ("nowhere.example/adminconsent", {}, "AADSTS90002"),
    ],
)
def test_what_makes_no_sense_is_a_page(browser: httpx.Client, path: str, query: dict[str, str], said: str):
    answer = asked(browser, path, **query)
    assert (answer.status_code, said in answer.text) == (400, True), answer.text
