"""Id tokens: JSON signed with RS256 (RFC 7515, 7518), and the public key for whoever checks them (RFC 7517).

The key is made anew by each run of the sandbox: nobody can keep it, and nobody needs it longer.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID


@lru_cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache
def public_keys() -> dict[str, Any]:
    """Return the JWKS document."""
    numbers = _key().public_key().public_numbers()
    key = {"kty": "RSA", "n": _encoded(_octets(numbers.n)), "e": _encoded(_octets(numbers.e))}
    kid = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:40]
    return {"keys": [key | {"kid": kid, "alg": "RS256", "use": "sig"}]}


@lru_cache
def certificate() -> x509.Certificate:
    """Return the key once more, as the certificate that some documents show it in."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pretend-sign-in.example")])
    return (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=_key().public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(_key(), SHA256())
    )


def signed(claims: dict[str, Any]) -> str:
    """Return the claims as a compact JWS."""
    header = {"alg": "RS256", "kid": public_keys()["keys"][0]["kid"], "typ": "JWT"}
    text = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{_encoded(_key().sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def checked(token: str) -> dict[str, Any]:
    """Return the claims of a token this run has signed; raise ValueError for any other text."""
    try:
        text, _, signature = token.rpartition(".")
        _key().public_key().verify(_decoded(signature), text.encode(), padding.PKCS1v15(), SHA256())
        claims: dict[str, Any] = json.loads(_decoded(text.partition(".")[2]))
    except InvalidSignature:
        raise ValueError("not signed by this sandbox") from None
    return claims


def half_hash(text: str) -> str:
    """`at_hash`, OpenID Connect Core 3.1.3.6: the left half of the access token's SHA-256."""
    return _encoded(hashlib.sha256(text.encode()).digest()[:16])


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
