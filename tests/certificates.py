"""Certificates for tests, made as an operator makes one with openssl: signed by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def credential_in(folder: Path) -> Path:
    """A file with a key and its certificate, PEM."""
    file = folder / "credential.pem"
    file.write_text(credential())
    return file


@cache
def credential(name: str = "genie", *, days: int = 3650) -> str:
    """A key, and behind it the certificate that belongs to it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (pem + made.public_bytes(Encoding.PEM)).decode()
