"""A certificate in place of a secret: against the stand-in, which checks it, and files that are no good."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from tests.certificates import CERTIFICATE, credential, credential_in
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.microsoft_side import ANA, CLIENT, NOVEMBER, granted, settings_for

from genie.core.errors import Transient
from genie.providers.microsoft.certificate import LIVES, assertion
from genie.providers.port import CalendarProvider
from genie.providers.registry import open_provider

PEM = credential()
KEY, SHOWN = PEM[: PEM.index(CERTIFICATE)], PEM[PEM.index(CERTIFICATE) :]
OTHERS = credential("another")[credential("another").index(CERTIFICATE) :]


@pytest.fixture
def stale(microsoft_sandbox: MicrosoftSandbox, tmp_path: Path) -> Iterator[tuple[CalendarProvider, Path]]:
    """A key whose token has run out, of an app that has a certificate and no secret; its file."""
    microsoft_sandbox.stop_clock(NOVEMBER)
    file = credential_in(tmp_path)
    secret = granted(microsoft_sandbox)
    microsoft_sandbox.world.clients[CLIENT.id] = replace(CLIENT, secret="", certificates=[SHOWN])
    microsoft_sandbox.advance(timedelta(hours=2))
    settings = settings_for(microsoft_sandbox)
    options = {**settings.options["microsoft"], "client_secret": "", "certificate": str(file)}
    provider = open_provider("microsoft", secret, replace(settings, options={"microsoft": options}))
    yield provider, file
    provider.close()
    microsoft_sandbox.world.clients[CLIENT.id] = CLIENT


def test_a_certificate_proves_who_asks(stale: tuple[CalendarProvider, Path]) -> None:
    assert stale[0].account().label == ANA


def test_a_certificate_that_microsoft_does_not_know_is_the_operators_matter(
    stale: tuple[CalendarProvider, Path],
) -> None:
    provider, file = stale
    file.write_text(credential("another"))
    with pytest.raises(
        Transient, match="certificate is not registered with Microsoft, or has run out"
    ) as said:
        provider.account()
    assert said.value.retry_after == 3600
    file.write_text(PEM)  # it is read anew each time
    assert provider.account().label == ANA


def test_what_is_signed_names_us_the_endpoint_and_a_short_while(tmp_path: Path) -> None:
    file, now = credential_in(tmp_path), NOVEMBER
    made = assertion(str(file), client_id="ours", audience="https://login.example/token", now=now)
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in parts(made))
    assert (header["alg"], header["typ"]) == ("PS256", "JWT")
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("ours", "ours", "https://login.example/token")
    assert claims["exp"] - claims["nbf"] == LIVES.total_seconds()
    assert parts(made) != parts(assertion(str(file), client_id="ours", audience="x", now=now))


def parts(made: object) -> list[str]:
    assert isinstance(made, dict)
    return str(made["client_assertion"]).split(".")[:2]


def encrypted() -> str:
    key = load_pem_private_key(KEY.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


def of_another_kind() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("", "cannot be read"),
        (KEY, "cannot be read"),
        (SHOWN, "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + SHOWN, "cannot be read"),
        (encrypted() + SHOWN, "cannot be read"),
        (of_another_kind() + SHOWN, "another kind than RSA"),
        (KEY + OTHERS, "does not belong to its key"),
    ],
)
def test_a_file_that_is_no_good_is_said_without_its_place(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "secret-place.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Transient, match=said) as fault:
        assertion(str(file), client_id="ours", audience="x", now=NOVEMBER)
    assert "secret-place" not in str(fault.value)
    assert "Its operator has to look." in str(fault.value)


def test_the_certificates_of_its_issuers_may_follow(tmp_path: Path) -> None:
    file = credential_in(tmp_path)
    file.write_text(KEY + OTHERS + SHOWN)
    assert assertion(str(file), client_id="ours", audience="x", now=NOVEMBER)["client_assertion"]
