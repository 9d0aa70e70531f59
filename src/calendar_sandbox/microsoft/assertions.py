"""An app that proves itself with a certificate in place of a secret: the assertion it signed (RFC 7523).

What Microsoft wants in it: learn.microsoft.com/entra/identity-platform/certificate-credentials. It is PS256
and the SHA-256 thumbprint, and what older libraries send: RS256 and the SHA-1 thumbprint.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from calendar_sandbox.microsoft import aadsts
from calendar_sandbox.microsoft.state import Client, World

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW = 300  # seconds that clocks may be apart
PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),
}


def prove(world: World, client: Client, path: str, form: Mapping[str, str]) -> None:
    """Raise Refused unless the assertion in a form is the client's, for the token endpoint of this tenant."""
    if form.get("client_assertion_type") != TYPE:
        raise aadsts.missing("client_assertion_type")
    text, _, signature = form["client_assertion"].rpartition(".")
    header, claims = _parts(text)
    certificate = _registered(client, header)
    key = certificate.public_key()
    pad = PADDINGS.get(str(header.get("alg")))
    if pad is None or not isinstance(key, rsa.RSAPublicKey):
        raise aadsts.bad_signature()
    try:
        key.verify(_decoded(signature), text.encode(), pad, SHA256())
    except (InvalidSignature, ValueError):
        raise aadsts.bad_signature() from None
    _fits(world, client, path, claims, certificate)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header, claims = (json.loads(_decoded(part)) for part in text.split("."))
    except (ValueError, binascii.Error):
        raise aadsts.malformed("invalid_client") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise aadsts.malformed("invalid_client")
    return header, claims


def _registered(client: Client, header: Mapping[str, Any]) -> Certificate:
    """Find the certificate that the header names by its thumbprint."""
    for pem in client.certificates:
        certificate = load_pem_x509_certificate(pem.encode())
        for name, algorithm in (("x5t#S256", SHA256()), ("x5t", SHA1())):  # noqa: S303  RFC 7515, 4.1.7
            # msal leaves the padding on
            if str(header.get(name, "")).rstrip("=") == _encoded(certificate.fingerprint(algorithm)):
                return certificate
    raise aadsts.unknown_certificate()


def _fits(
    world: World, client: Client, path: str, claims: Mapping[str, Any], certificate: Certificate
) -> None:
    now = world.now()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise aadsts.unknown_certificate()
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise aadsts.other_assertion(client)
    if not str(claims.get("aud", "")).endswith(f"/{path}/oauth2/v2.0/token"):
        raise aadsts.other_audience()
    begins, ends = claims.get("nbf", 0), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        raise aadsts.malformed("invalid_client")
    if not begins - SKEW <= now.timestamp() < ends + SKEW:
        raise aadsts.assertion_too_old()


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
