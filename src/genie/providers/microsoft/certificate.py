"""Proving to Microsoft who asks with a certificate in place of a secret: a signed assertion (RFC 7523, 2.2).

Facts: learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from genie.core.errors import Transient

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIVES = timedelta(minutes=5)
LOOK_AGAIN = 3600.0
"""Seconds until a renewal is tried again that the operator has to make possible."""


def assertion(file: str, *, client_id: str, audience: str, now: datetime) -> Mapping[str, str]:
    """What stands in place of the secret in one request to the token endpoint, whose address is `audience`.

    `file` holds certificate and RSA key, PEM. It is read each time: a certificate that is replaced counts at
    once. Raises Transient when it cannot be used.
    """
    key, certificate = _read(file)
    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": _encoded(certificate.fingerprint(SHA256()))}
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": token_urlsafe(16),
        "nbf": int(now.timestamp()),
        "iat": int(now.timestamp()),
        "exp": int((now + LIVES).timestamp()),
    }
    text = f"{_part(header)}.{_part(claims)}"
    signature = key.sign(text.encode(), padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())
    return {"client_assertion_type": TYPE, "client_assertion": f"{text}.{_encoded(signature)}"}


def _read(file: str) -> tuple[rsa.RSAPrivateKey, Certificate]:
    """The key, and the certificate in the file that belongs to it: others are those of its issuers."""
    try:
        pem = Path(file).read_bytes()
        key = load_pem_private_key(pem, password=None)
        certificates = load_pem_x509_certificates(pem)
    except (OSError, ValueError, TypeError) as exc:  # TypeError: the key is encrypted
        raise _unusable("cannot be read") from exc
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable("has a key of another kind than RSA")
    for certificate in certificates:
        if certificate.public_key() == key.public_key():
            return key, certificate
    raise _unusable("does not belong to its key")


def _unusable(why: str) -> Transient:
    said = f"This installation's certificate for Microsoft {why}. Its operator has to look."
    return Transient(said, retry_after=LOOK_AGAIN)


def _part(values: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(values, separators=(",", ":")).encode())


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
