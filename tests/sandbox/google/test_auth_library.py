"""Google's own sign-in libraries for Python, pointed at the stand-in: only the endpoints are changed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from tests.google_sandbox import GoogleSandbox

from calendar_sandbox.google.clients import DEMO

ANA = "ana@example.org"
BACK = "http://localhost:8000/oauth2callback"
AUTH = "https://www.googleapis.com/auth"
SCOPES = [
    "openid",
    f"{AUTH}/userinfo.email",
    f"{AUTH}/calendar.events",
    f"{AUTH}/calendar.calendarlist.readonly",
]


@pytest.fixture(autouse=True)
def _http_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the library's own switch for plain http


def flow_at(sandbox: GoogleSandbox, scopes: list[str] = SCOPES) -> Flow:
    """The library's flow, configured as by the file one downloads from Google."""
    secrets = {
        "client_id": DEMO.id,
        "client_secret": DEMO.secret,
        "auth_uri": f"{sandbox.base_url}/o/oauth2/v2/auth",
        "token_uri": f"{sandbox.base_url}/token",
    }
    return Flow.from_client_config({"web": secrets}, scopes=scopes, redirect_uri=BACK)


def walked(address: str, *ticks: str) -> str:
    """The person: chooses Ana, ticks, continues. Returns the address the browser ends at."""
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(address)
        base = f"{page.url.scheme}://{page.url.netloc.decode()}"
        carried = {"request": urlsplit(address).query, "account": ANA}
        browser.post(f"{base}/signin/oauth/accountchooser", data=carried)
        decided = carried | {"decision": "continue", "scope": list(ticks)}
        answer = browser.post(f"{base}/signin/oauth/consent", data=decided, follow_redirects=False)
        return str(answer.headers["location"])


def credentials_of(sandbox: GoogleSandbox, **values: Any) -> Credentials:
    sandbox.account(ANA, name="Ana Ortiz")
    flow = flow_at(sandbox)
    address, _state = flow.authorization_url(access_type="offline", prompt="consent", **values)
    flow.fetch_token(authorization_response=walked(address, *SCOPES[2:]))
    found: Credentials = flow.credentials
    return found


def test_the_flow_ends_with_credentials_that_work_and_refresh(google_sandbox: GoogleSandbox):
    credentials = credentials_of(google_sandbox)
    assert credentials.valid
    assert set(credentials.granted_scopes or []) == set(SCOPES)
    first = credentials.token
    session = AuthorizedSession(credentials)
    assert session.get(f"{google_sandbox.api}users/me/calendarList").json()["items"][0]["id"] == ANA
    assert session.get(f"{google_sandbox.base_url}/v1/userinfo").json()["email"] == ANA
    google_sandbox.world.access_tokens[first].revoked = True
    assert session.get(f"{google_sandbox.base_url}/v1/userinfo").status_code == 200  # it refreshed by itself
    assert credentials.token != first


def test_the_library_sends_and_checks_a_code_challenge(google_sandbox: GoogleSandbox):
    google_sandbox.account(ANA)
    flow = flow_at(google_sandbox)
    address, _state = flow.authorization_url()
    assert "code_challenge_method=S256" in address
    back = walked(address, *SCOPES[2:])
    flow.code_verifier = "x" * 64
    with pytest.raises(InvalidGrantError, match="Invalid code verifier"):
        flow.fetch_token(authorization_response=back)


def test_the_id_token_is_checked_with_the_certificates(google_sandbox: GoogleSandbox):
    token = credentials_of(google_sandbox).id_token
    certificates = f"{google_sandbox.base_url}/oauth2/v1/certs"
    claims = id_token.verify_token(token, Request(), audience=DEMO.id, certs_url=certificates)
    assert (claims["email"], claims["iss"]) == (ANA, "https://accounts.google.com")
    with pytest.raises(ValueError, match="audience"):
        id_token.verify_token(token, Request(), audience="another", certs_url=certificates)
    forged = re.sub(r"\.[^.]+$", ".c2ln", str(token))
    with pytest.raises(Exception, match=r"signature|verify"):
        id_token.verify_token(forged, Request(), audience=DEMO.id, certs_url=certificates)


def test_a_tick_that_was_left_out_is_noticed_by_the_library(google_sandbox: GoogleSandbox):
    google_sandbox.account(ANA)
    flow = flow_at(google_sandbox)
    address, _state = flow.authorization_url(access_type="offline")
    with pytest.raises(Warning, match="Scope has changed") as caught:
        flow.fetch_token(authorization_response=walked(address, SCOPES[3]))
    assert f"{AUTH}/calendar.events" not in caught.value.new_scope


def test_a_revoked_grant_ends_the_credentials(google_sandbox: GoogleSandbox):
    credentials = credentials_of(google_sandbox)
    answer = requests.post(
        f"{google_sandbox.base_url}/revoke",
        params={"token": credentials.token},
        headers={"content-type": "application/x-www-form-urlencoded"},
        timeout=10,
    )
    assert answer.status_code == 200
    with pytest.raises(RefreshError, match="Token has been expired or revoked") as caught:
        credentials.refresh(Request())
    assert caught.value.args[1]["error"] == "invalid_grant"
    assert not caught.value.retryable
