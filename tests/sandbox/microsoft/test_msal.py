"""Microsoft's own sign-in library for Python, pointed at the stand-in: only the authority is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from msal import ConfidentialClientApplication
from tests.certificates import CERTIFICATE, credential_in
from tests.sandbox.conftest import serving
from tests.sandbox.microsoft.signing_in import ANA, BACK, walked

from calendar_sandbox.microsoft.clients import DEMO
from calendar_sandbox.microsoft.state import Client, World
from calendar_sandbox.settings import Settings, utc_now

SCOPES = ["User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared"]


@pytest.fixture(scope="module")
def stand_in(certificate: tuple[Path, Path]) -> Iterator[tuple[str, World]]:
    """The stand-in over TLS, at the present time, which the library compares with."""
    world = World(clock=utc_now, seed=7)
    world.add_account(ANA, name="Ana Ortiz")
    public, private = map(str, certificate)
    with serving(Settings(), None, world, ssl_certfile=public, ssl_keyfile=private) as (url, _app):
        yield url, world


@pytest.fixture
def world(stand_in: tuple[str, World]) -> World:
    world = stand_in[1]
    world.grants.clear()
    world.rotates_strictly = False
    return world


@pytest.fixture(params=["common", "organizations", "contoso.example", "oidc"])
def app(
    request: pytest.FixtureRequest, stand_in: tuple[str, World], certificate: tuple[Path, Path]
) -> ConfidentialClientApplication:
    """The library's app: configured as for a national cloud, or by the discovery document alone."""
    url, tenant = stand_in[0], request.param
    where: dict[str, Any] = {"authority": f"{url}/{tenant}", "validate_authority": False}
    if tenant == "oidc":
        where = {"oidc_authority": f"{url}/common/v2.0"}
    session = requests.Session()
    session.trust_env = False  # else a bundle in the environment counts more than ours
    session.verify = str(certificate[0])
    return ConfidentialClientApplication(
        DEMO.id,
        client_credential=DEMO.secret,
        instance_discovery=False,
        http_client=session,
        **where,
    )


def signed_in(app: ConfidentialClientApplication, **values: Any) -> dict[str, Any]:
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=BACK, **values)
    found: dict[str, Any] = app.acquire_token_by_auth_code_flow(flow, walked(flow["auth_uri"]))
    assert "error" not in found, found
    return found


def test_the_flow_ends_with_tokens_and_the_account(app: ConfidentialClientApplication, world: World):
    found = signed_in(app)  # the library sends a challenge, a nonce and a state, and checks them
    assert set(found["scope"].split()) == {*SCOPES, "openid", "profile"}
    assert found["id_token_claims"]["preferred_username"] == ANA
    assert world.bearer(found["access_token"])
    (account,) = app.get_accounts()
    assert account["username"] == ANA
    known = world.account(ANA)
    assert account["home_account_id"] == f"{known.oid}.{known.tid}"


def test_the_answer_may_come_as_a_form(app: ConfidentialClientApplication, world: World):
    assert signed_in(app, response_mode="form_post")["access_token"]


def test_the_library_refreshes_silently_also_with_strict_rotation(
    app: ConfidentialClientApplication, world: World
):
    world.rotates_strictly = True
    first = signed_in(app)
    (account,) = app.get_accounts()
    seen = {first["access_token"]}
    for _time in range(3):
        found = app.acquire_token_silent(SCOPES, account, force_refresh=True)
        assert found is not None
        assert found["access_token"] not in seen
        seen.add(found["access_token"])
    assert app.acquire_token_silent(SCOPES, account)["access_token"] in seen  # from its cache


def test_the_library_proves_itself_with_a_certificate(
    stand_in: tuple[str, World], world: World, certificate: tuple[Path, Path], tmp_path: Path
):
    url, pem = stand_in[0], credential_in(tmp_path).read_text()
    world.clients["proved"] = Client(
        "proved", redirect_uris=[BACK], certificates=[pem[pem.index(CERTIFICATE) :]]
    )
    session = requests.Session()
    session.trust_env, session.verify = False, str(certificate[0])
    app = ConfidentialClientApplication(
        "proved",
        client_credential={"private_key": pem, "public_certificate": pem[pem.index(CERTIFICATE) :]},
        authority=f"{url}/common",
        instance_discovery=False,
        validate_authority=False,
        http_client=session,
    )
    assert signed_in(app)["access_token"]
    (account,) = app.get_accounts()
    assert app.acquire_token_silent(SCOPES, account, force_refresh=True)["access_token"]
    world.clients["proved"].certificates.clear()
    found = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert (found["error"], found["error_codes"]) == ("invalid_client", [700027])


def test_cancelling_is_told_in_the_librarys_words(app: ConfidentialClientApplication, world: World):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=BACK)
    found = app.acquire_token_by_auth_code_flow(flow, walked(flow["auth_uri"], "cancel"))
    assert found["error"] == "access_denied"
    assert found["error_description"].startswith("AADSTS65004")


def test_a_verifier_of_another_flow_is_refused(app: ConfidentialClientApplication, world: World):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=BACK)
    told = walked(flow["auth_uri"])
    found = app.acquire_token_by_auth_code_flow(flow | {"code_verifier": "x" * 64}, told)
    assert (found["error"], found["error_codes"]) == ("invalid_grant", [501481])
    assert app.acquire_token_by_auth_code_flow(flow, told)["access_token"]
    again = app.acquire_token_by_auth_code_flow(flow, told)
    assert (again["error"], again["error_codes"]) == ("invalid_grant", [54005])


@pytest.mark.parametrize(
    ("by", "code", "kind"),
    [("withdrawn", 65001, "consent_required"), ("revoked", 50173, "bad_token")],
)
def test_the_end_of_a_grant_is_classified_by_the_library(
    app: ConfidentialClientApplication,
    world: World,
    stand_in: tuple[str, World],
    by: str,
    code: int,
    kind: str,
):
    signed_in(app)
    (account,) = app.get_accounts()
    if by == "revoked":
        world.revoke_grant(world.account(ANA), DEMO.id)
    else:
        with httpx.Client(base_url=stand_in[0], verify=False) as person:
            person.post("/connections/remove", data={"account": ANA, "client": DEMO.id})
    found = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert found is not None
    assert (found["error"], found["error_codes"], found["suberror"]) == ("invalid_grant", [code], kind)
    # "bad_token" makes the library forget the token; "consent_required" it tells on as its own classification
    assert found.get("classification", "") == ("consent_required" if by == "withdrawn" else "")
