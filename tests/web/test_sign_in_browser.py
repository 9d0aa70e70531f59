"""Sign-in by link in a real browser, with pages of another site in between: cookies, policies, history."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from tests.connect_scene import Scene, scene
from tests.sign_in_scene import (
    ACCOUNT,
    paged,  # noqa: F401 -- a fixture
)

from genie.store.models import RemoteKey

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("paged"),
]


@dataclass
class Site:
    """The provider's pages on an origin of their own. Allow and Deny lead back as the owner says."""

    scene: Scene
    url: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def page(self, path: str) -> str:
        owner, address = self.scene.owner(), f"{self.url}{path}"
        allow, deny = owner.allow(address), owner.deny(address)
        return f"<h1>Choose an account</h1><a href='{allow}'>Allow</a> <a href='{deny}'>Deny</a>"


@pytest.fixture
def acme() -> Scene:
    made = scene()
    made.world.add_account(ACCOUNT)
    return made


@pytest.fixture
def site(acme: Scene, live_server: Any, settings: Any) -> Iterator[Site]:
    pages = Site(acme)

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.requests.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages.page(self.path).encode() if "?" in self.path else b"")

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    # another site for the browser than `localhost`, so that SameSite means something
    pages.url = f"http://127.0.0.1:{server.server_port}"
    settings.GENIE_PUBLIC_URL = live_server.url
    settings.GENIE_PROVIDER_OPTIONS = {"memory": {"pages": f"{pages.url}/sign-in"}}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield pages
    server.shutdown()
    server.server_close()


@pytest.fixture
def dashboard(page: Any, acme: Scene, site: Site, live_server: Any) -> Any:
    """The company's admin, looking at Remote Authorization."""
    client = Client()
    client.force_login(acme.admin)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/company/acme/keys")
    page.get_by_label("Which calendar does the account use?").select_option(label="Paged Calendar")
    page.get_by_role("button", name="Create a new Remote Auth").click()
    return page


def test_launch_leads_through_the_provider_s_pages_to_a_key(dashboard: Any, site: Site) -> None:
    with dashboard.context.expect_page() as opened:
        dashboard.get_by_role("link", name="Launch").click()
    owner = opened.value
    owner.get_by_text("Application Access").wait_for()
    assert owner.evaluate("window.opener") is None
    owner.get_by_role("button", name="Continue to Paged").click()

    owner.get_by_role("link", name="Deny").click()
    owner.get_by_role("heading", name="The access was not allowed").wait_for()
    owner.get_by_role("link", name="Try again").click()
    owner.get_by_role("button", name="Continue to Paged").click()
    owner.get_by_role("link", name="Allow").click()
    owner.get_by_role("heading", name="Access granted").wait_for()
    owner.get_by_text("you may close this window").wait_for()

    assert owner.url.endswith("/connect/ended")
    for _ in range(12):  # no page on the way back holds the code
        assert "code=" not in owner.url
        owner.go_back()
    told = [headers.get("Referer", "") for _, headers in site.requests]
    assert told and not [referrer for referrer in told if referrer and not referrer.startswith(site.url)]
    dashboard.get_by_text("Paged key").wait_for()  # by itself, within a poll
    assert RemoteKey.objects.get().label == ACCOUNT


def test_copy_leads_the_owner_there_in_a_browser_of_their_own(
    dashboard: Any, site: Site, browser: Any
) -> None:
    address = dashboard.get_by_label("Link for the account's owner").input_value()
    theirs = browser.new_context()
    try:
        owner = theirs.new_page()
        owner.goto(address)
        owner.get_by_role("button", name="Continue to Paged").click()
        owner.get_by_role("link", name="Allow").click()
        owner.get_by_role("heading", name="Access granted").wait_for()
        assert {cookie["name"] for cookie in theirs.cookies()} == {"sign_in_ended"}
    finally:
        theirs.close()
    dashboard.get_by_text("Paged key").wait_for()
    dashboard.get_by_role("button", name="Discard Paged key").click()
    dashboard.get_by_text("is discarded and its access forgotten").wait_for()
    assert not site.scene.owner().grants_access


def test_an_address_that_is_sent_on_to_somebody_else_ends_there(
    dashboard: Any, site: Site, browser: Any
) -> None:
    """The attack: begin with one's own link, have another person consent, and get their calendar."""
    address = dashboard.get_by_label("Link for the account's owner").input_value()
    mallory, victim = browser.new_context(), browser.new_context()
    try:
        begun = mallory.new_page()
        begun.goto(address)
        begun.get_by_role("button", name="Continue to Paged").click()
        begun.get_by_role("link", name="Allow").wait_for()
        owner = victim.new_page()
        owner.goto(begun.url)
        owner.get_by_role("link", name="Allow").click()
        owner.get_by_role("heading", name="This sign-in was begun in another browser").wait_for()
        assert owner.get_by_role("link", name="Try again").count() == 0
    finally:
        mallory.close()
        victim.close()
    assert not RemoteKey.objects.exists() and not site.scene.owner().grants_access


def test_a_button_pressed_by_another_site_leads_to_the_page_only(
    dashboard: Any, site: Site, browser: Any
) -> None:
    address = dashboard.get_by_label("Link for the account's owner").input_value()
    victim = browser.new_context()
    try:
        owner = victim.new_page()
        owner.goto(f"{site.url}/evil")
        owner.set_content(f"<form method=post action='{address}'><button>Win a prize</button></form>")
        owner.get_by_role("button").click()
        owner.get_by_text("Another website pressed the button for you.").wait_for()
        owner.get_by_role("button", name="Continue to Paged").click()
        owner.get_by_role("link", name="Allow").wait_for()
    finally:
        victim.close()


def test_the_page_does_not_let_a_form_lead_anywhere_else(dashboard: Any, site: Site, browser: Any) -> None:
    """That the redirect above passes is the policy's doing: another origin is stopped."""
    address = dashboard.get_by_label("Link for the account's owner").input_value()
    theirs = browser.new_context()
    try:
        owner = theirs.new_page()
        owner.goto(address)
        other = site.url.replace("127.0.0.1", "localhost")
        with owner.expect_console_message(lambda message: "form-action" in message.text):
            owner.evaluate("to => { document.forms[0].action = to }", f"{other}/evil")
            owner.evaluate("() => document.forms[0].requestSubmit()")
        assert owner.url == address
        assert "/evil" not in [path for path, _ in site.requests]
    finally:
        theirs.close()
