"""What the token endpoint makes of assertions: what may be wrong with one, in Microsoft's codes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from tests.certificates import CERTIFICATE, credential
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import ANA, NOW, Json

from calendar_sandbox.microsoft.assertions import TYPE
from calendar_sandbox.microsoft.state import Client

APP = "6731de76-14a6-49ae-97bc-6eba6914391e"
SCOPES = ["offline_access", "User.Read"]


@pytest.fixture
def app(microsoft: MicrosoftSandbox) -> Iterator[httpx.Client]:
    """An app that is registered by its certificate alone; the stand-in's control takes it."""
    microsoft.world.clients[APP] = Client(APP)
    with httpx.Client(base_url=microsoft.base_url) as client:
        registered(client, credential())
        yield client
    del microsoft.world.clients[APP]


def registered(app: httpx.Client, pem: str) -> None:
    body = {"clientId": APP, "pem": pem[pem.index(CERTIFICATE) :]}
    assert app.post("/_sandbox/microsoft/certificates", json=body).status_code == 200


def assertion(app: httpx.Client, pem: str = "", *, alg: str = "PS256", **claims: Any) -> str:
    pem = pem or credential()
    key, certificate = load_pem_private_key(pem.encode(), None), load_pem_x509_certificate(pem.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    at = int(NOW.timestamp())
    usual = {"aud": f"{app.base_url}/common/oauth2/v2.0/token", "iss": APP, "sub": APP, "exp": at + 300}
    header = {"alg": alg, "typ": "JWT", "x5t#S256": encoded(certificate.fingerprint(SHA256()))}
    text = ".".join(encoded(json.dumps(one).encode()) for one in (header, usual | claims))
    pads = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(SHA256()), 32)}
    return f"{text}.{encoded(key.sign(text.encode(), pads.get(alg, pads['RS256']), SHA256()))}"


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def asked(app: httpx.Client, microsoft: MicrosoftSandbox, sent: str, **form: str) -> Json:
    with microsoft.world.lock:
        token = microsoft.world.issue_refresh_token(microsoft.account(ANA), APP, SCOPES).token
    usual = {"grant_type": "refresh_token", "refresh_token": token, "client_id": APP}
    proof = {"client_assertion_type": TYPE, "client_assertion": sent}
    said: Json = app.post("/common/oauth2/v2.0/token", data=usual | proof | form).json()
    return said


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_an_assertion_stands_in_place_of_a_secret(microsoft: MicrosoftSandbox, app: httpx.Client, alg: str):
    assert asked(app, microsoft, assertion(app, alg=alg))["access_token"]


def test_who_has_registered_certificates_only_needs_one(microsoft: MicrosoftSandbox, app: httpx.Client):
    said = asked(app, microsoft, "", client_assertion="")
    assert said["error_codes"] == [7000218]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"iss": "other"}, 700021),
        ({"sub": "other"}, 700021),
        ({"aud": "https://login.example/organizations/oauth2/v2.0/token"}, 700023),
        ({"exp": int(NOW.timestamp()) - 301}, 700024),
        ({"nbf": int(NOW.timestamp()) + 301}, 700024),
        ({"exp": "soon"}, 9002313),
        ({"alg": "none"}, 700027),
    ],
)
def test_what_is_wrong_with_an_assertion(
    microsoft: MicrosoftSandbox, app: httpx.Client, wrong: dict[str, Any], code: int
):
    said = asked(app, microsoft, assertion(app, **wrong))
    assert (said["error"], said["error_codes"]) == ("invalid_client", [code])


def test_signatures_and_certificates_count(microsoft: MicrosoftSandbox, app: httpx.Client):
    good = assertion(app)
    for sent, why in (
        (good[:-8] + "AAAAAAAA", "failed signature validation"),
        (assertion(app, credential("other")), "not registered on application"),
        ("nonsense", "malformed"),
        ("a.b.c", "malformed"),
    ):
        said = asked(app, microsoft, sent)
        assert (said["error"], why in said["error_description"]) == ("invalid_client", True), said
    registered(app, credential("old", days=30))
    said = asked(app, microsoft, assertion(app, credential("old", days=30)))
    assert said["error_codes"] == [700027], "it has run out"
