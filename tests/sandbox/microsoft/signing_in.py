"""What clients need that sign in at the stand-in: https, since they talk to nothing else, and a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from tests.sandbox.pages import Page

ANA = "ana@contoso.example"
BACK = "http://localhost:8000/connect/microsoft"


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


def walked(address: str, decision: str = "accept") -> dict[str, str]:
    """The person: picks Ana and decides. Returns what the app is told."""
    with httpx.Client(verify=False, follow_redirects=True) as browser:
        page = browser.get(address)
        base = f"{page.url.scheme}://{page.url.netloc.decode()}"
        place = page.url.path.removesuffix("/authorize")
        carried = Page(page.text).hidden(f"{place}/pick")
        page = browser.post(f"{base}{place}/pick", data=carried | {"account": ANA})
        carried = Page(page.text).hidden(f"{place}/permissions")
        answer = browser.post(
            f"{base}{place}/permissions", data=carried | {"decision": decision}, follow_redirects=False
        )
        if answer.status_code == 200:
            return Page(answer.text).hidden(BACK)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
