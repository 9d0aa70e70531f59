"""The only place that reads the environment. Each name is documented in docs/operating.md."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from genie.core.limits import Limit, limits_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
DEVELOPMENT_KEY = "development-only-not-a-secret"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""How a machine calls itself."""


class Misconfigured(Exception):
    """A variable is missing or wrong; the message says which and what to write there."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def secret_key(*, public_url: str) -> str:
    """What signs sessions and booking forms. Raises Misconfigured where others could use the known one."""
    key = text("GENIE_SECRET_KEY")
    if not key and urlsplit(public_url).hostname not in LOOPBACK:
        raise Misconfigured(
            "GENIE_SECRET_KEY is not set. Anybody could sign forms and sessions of an installation that "
            "others reach, so it does not start. Set it to 50 random characters and keep it: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return key or DEVELOPMENT_KEY


def allowed_hosts(*, public_url: str, others: list[str]) -> list[str]:
    """The hosts it answers to: the public one, and `others`. Raises Misconfigured.

    Not any host: what a request names as its host may end in an answer (a redirect, a cache's key).
    """
    try:
        parts = urlsplit(public_url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise Misconfigured(
            f"GENIE_PUBLIC_URL is {public_url!r}, which is no address of a website. Links in mails would "
            "lead nowhere, so it does not start. Write it whole, for example https://genie.example.com"
        )
    own = LOOPBACK if host in LOOPBACK else (host,)
    return [*(f"[{name}]" if ":" in name else name for name in own), *others]


def webhooks(*, public_url: str, choice: str) -> str:
    """Where calendar systems can tell us of changes; empty where they are not to, or could not. Raises
    Misconfigured.

    By itself (`auto`) only at an https address that is not this machine's own: what providers demand.
    """
    if choice not in ("auto", "on", "off"):
        raise Misconfigured(
            f"GENIE_PUSH is {choice!r}. It says whether calendar systems tell of changes by calling "
            "GENIE_PUBLIC_URL, so it does not start. Write auto, on or off."
        )
    parts = urlsplit(public_url)
    reachable = parts.scheme == "https" and parts.hostname not in LOOPBACK
    return f"{public_url}/hooks" if choice == "on" or (choice == "auto" and reachable) else ""


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    return default if value == "" else value in ("1", "true", "yes", "on")


def networks(name: str, given: list[str]) -> list[Network]:
    """The addresses and networks given in a variable of this name. Raises Misconfigured."""
    try:
        return [ipaddress.ip_network(one, strict=False) for one in given]
    except ValueError as fault:
        raise Misconfigured(
            f"{name} holds something that is no address and no network ({fault}), so it does not start. "
            "Write for example 10.0.0.7 or 10.0.0.0/24, separated by spaces."
        ) from fault


def limits(name: str, given: list[str]) -> tuple[Limit, ...]:
    """The rules given in a variable of this name, such as `10/10m 30/1d`. Raises Misconfigured."""
    try:
        return limits_of(given)
    except ValueError as fault:
        raise Misconfigured(
            f"{name}: {fault}, so it does not start. Write how many within how long (minutes m, hours h or "
            "days d, at most 31 days), for example 10/10m 30/1d; or off for no limit."
        ) from fault


def number(name: str, given: str) -> int:
    """A whole number, 0 or more, given in a variable of this name. Raises Misconfigured."""
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Misconfigured(
            f"{name} is {given!r}, which is no number, so it does not start. Write one such as 5, or 0."
        )
    return int(given)


def words(name: str) -> list[str]:
    return [w for w in text(name).replace(",", " ").split() if w]


@dataclass(frozen=True)
class Database:
    """A PostgreSQL by URL: postgres://user:password@host:port/name, or ?host=/socket/folder."""

    url: str
    parts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        split = urlsplit(self.url)
        if split.scheme not in ("postgres", "postgresql"):
            raise Misconfigured("DATABASE_URL must start with postgres:// (PostgreSQL 15 or newer).")
        query = dict(pair.split("=", 1) for pair in split.query.split("&") if "=" in pair)
        object.__setattr__(
            self,
            "parts",
            {
                "NAME": unquote(split.path.lstrip("/")) or "genie",
                "USER": unquote(split.username or ""),
                "PASSWORD": unquote(split.password or ""),
                "HOST": unquote(query.get("host", split.hostname or "")),
                "PORT": query.get("port", str(split.port or "")),
            },
        )


@dataclass(frozen=True)
class Mail:
    """An SMTP server by URL: smtp://user:password@host:port, smtps:// for TLS from the first byte."""

    url: str

    @property
    def parts(self) -> dict[str, object]:
        split = urlsplit(self.url)
        if split.scheme not in ("smtp", "smtps", "smtp+tls"):
            raise Misconfigured("GENIE_EMAIL_URL must start with smtp://, smtp+tls:// or smtps://")
        return {
            "host": split.hostname or "localhost",
            "port": split.port or (465 if split.scheme == "smtps" else 25),
            "user": unquote(split.username or ""),
            "password": unquote(split.password or ""),
            "tls": {"smtp": "none", "smtp+tls": "starttls", "smtps": "tls"}[split.scheme],
        }
