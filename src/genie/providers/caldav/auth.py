"""From what a person types to a key: find the server, sign in, find the account and its calendars.

The address may be a host, a mail address, `/.well-known/caldav`, a principal, a home or one calendar
(RFC 6764 and what people really paste). Each way to fail is told apart, in a sentence for that person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

import httpx

from genie.core.errors import (
    AddressRefused,
    ConnectFault,
    NoCalendars,
    NotACalendarServer,
    ProviderFault,
    Unreachable,
    WrongPassword,
)
from genie.providers import registry
from genie.providers.addresses import checked_url
from genie.providers.caldav import collections
from genie.providers.caldav.dav import PROPFIND, XML, Answer, Dav
from genie.providers.caldav.multistatus import C, D, Multistatus, Response
from genie.providers.faults import is_certificate
from genie.providers.port import CalendarInfo, Grant
from genie.providers.registry import ProviderSettings

READ_WRITE = "View and change the events of your calendars"
READ_ONLY = "View the events of your calendars (this account may not change any)"

WHO = (
    "<d:current-user-principal/><d:resourcetype/><d:owner/><c:calendar-home-set/>"
    "<c:calendar-user-address-set/><d:displayname/>"
)
USUAL_PLACES = ("/.well-known/caldav", "/", "/remote.php/dav/", "/dav.php/", "/dav/", "/caldav/")
KNOWN_HOSTS = {
    "icloud.com": "caldav.icloud.com",
    "www.icloud.com": "caldav.icloud.com",
    "me.com": "caldav.icloud.com",
    "mac.com": "caldav.icloud.com",
    "apple.com": "caldav.icloud.com",
    "fastmail.com": "caldav.fastmail.com",
    "www.fastmail.com": "caldav.fastmail.com",
    "fastmail.fm": "caldav.fastmail.com",
    "app.fastmail.com": "caldav.fastmail.com",
    "yahoo.com": "caldav.calendar.yahoo.com",
    "gmx.net": "caldav.gmx.net",
    "web.de": "caldav.web.de",
    "mailbox.org": "dav.mailbox.org",
    "posteo.de": "posteo.de:8443",
}
"""Where people mean one host and type another."""

SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
NOTHING_SAVED = "Nothing was saved."
SIGN_IN_BYTES = 8_000_000
"""Enough for the homes of a thousand calendars; a stranger's server is asked from within a web process."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where discovery stands: the principal and the homes of its calendars."""

    principal: str
    homes: list[str]
    addresses: list[str]


def authorize(*, address: str, user: str, password: str, settings: ProviderSettings) -> Grant:
    """Sign in and look around; nothing is written there. Over within `settings.sign_in_seconds`, since a
    server that answers each of many requests slowly would keep a whole thread of the web server for itself.

    Raises a ConnectFault: AddressRefused, NoSuchHost, Unreachable, NotACalendarServer, WrongPassword or
    NoCalendars. An account that may only read is granted all the same (`may_write` is False).
    """
    settings = replace(settings, max_answer_bytes=min(SIGN_IN_BYTES, settings.max_answer_bytes))
    start = starting_point(address, settings)
    user, password = user.strip(), password.strip()
    until = settings.ticks() + settings.sign_in_seconds
    scheme = challenge_of(start, settings, until)
    dav = Dav(start, user, password, scheme, settings, until=until)
    try:
        with as_connect_faults(start, settings, until):
            found = discover(dav, start)
            calendars = all_calendars(dav, found)
    finally:
        dav.close()
    if not calendars:
        raise NoCalendars(
            f"You are signed in at {host_of(start)}, but this account has no calendar for events. "
            f"{NOTHING_SAVED} Make a calendar there first, then try again."
        )
    secret = {
        "server": start,
        "principal": found.principal,
        "homes": found.homes,
        "user": user,
        "password": password,
        "scheme": scheme,
        "addresses": collections.addresses_of(found.addresses, user),
    }
    granted = READ_WRITE if any(calendar.may_write for calendar in calendars) else READ_ONLY
    return Grant(collections.account_of(found.principal, user), secret, granted, calendars)


# --- what a person types


def starting_point(address: str, settings: ProviderSettings) -> str:
    """The URL to begin at. Raises AddressRefused, NotACalendarServer for systems with a way of their own."""
    address = "".join(address.split())
    match = SCHEME.match(address)
    if match and match[1].lower() in ("caldav", "caldavs", "webcal", "webcals"):
        address, match = address[match.end() :], None
    if not match:
        if "@" in address and "/" not in address:
            address = address.rpartition("@")[2]
        address = f"https://{address}"
    parts = urlsplit(address)
    try:
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.username or parts.password:
        raise AddressRefused(
            "This address cannot be used: it names no server, or holds a user or password. "
            f"{NOTHING_SAVED} Type only the server's address, such as https://caldav.example.com."
        )
    known = KNOWN_HOSTS.get(host) if port is None else None
    other = registry.of_host(host)
    if other:
        raise NotACalendarServer(
            f"{host} cannot be reached with a server address and a password. {NOTHING_SAVED} "
            f"Ask for a registration link for “{registry.label_of(other)}” instead."
        )
    return checked_url(f"https://{known}/" if known else address, settings)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or url


def places(start: str) -> Iterator[str]:
    """Where to look, in this order: what was typed, then the usual places of that host."""
    typed = urlsplit(start).path not in ("", "/")
    if typed:
        yield start
    for path in USUAL_PLACES:
        place = urljoin(start, path)
        if place != start or not typed:
            yield place


# --- the conversation


@contextmanager
def as_connect_faults(start: str, settings: ProviderSettings, until: float) -> Iterator[None]:
    """What can go wrong on the way, told to the account's owner."""
    host = host_of(start)
    try:
        yield
    except httpx.TransportError as fault:
        if settings.ticks() >= until:
            raise Unreachable(
                f"{host} answers so slowly that your calendars were not found within "
                f"{settings.sign_in_seconds:g} seconds. {NOTHING_SAVED} Try again later; typing the whole "
                "address of your calendar saves some of the search."
            ) from fault
        raise Unreachable(unreachable(host, fault)) from fault
    except ConnectFault:
        raise
    except ProviderFault as fault:
        raise NotACalendarServer(f"{fault} {NOTHING_SAVED} Try again later, or another address.") from fault


def unreachable(host: str, fault: httpx.TransportError) -> str:
    if is_certificate(fault):
        return (
            f"{host} shows a certificate that is not valid for it, so the password was not sent. "
            f"{NOTHING_SAVED} Check the address; if it is right, its operator must renew the certificate."
        )
    if isinstance(fault, httpx.TimeoutException):
        return (
            f"{host} does not answer. {NOTHING_SAVED} "
            "Check the address, and whether the server can be reached from the internet."
        )
    return (
        f"{host} refuses the connection. {NOTHING_SAVED} "
        "Check the address and its port, and whether the server is running."
    )


def challenge_of(start: str, settings: ProviderSettings, until: float) -> str:
    """How the server wants to be signed in to: `basic` or `digest`. No password is sent to find out."""
    dav = Dav(start, "", "", "", settings, until=until)
    try:
        with as_connect_faults(start, settings, until):
            for place in places(start):
                answer = propfind(dav, place, WHO)
                if answer.status == httpx.codes.UNAUTHORIZED:
                    return offered(answer, host_of(start))
                if answer.status == 207:
                    break
    finally:
        dav.close()
    return "basic"


def offered(answer: Answer, host: str) -> str:
    challenges = ",".join(answer.headers.get_list("WWW-Authenticate")).lower()
    if "basic" in challenges or not challenges:
        return "basic"
    if "digest" in challenges:
        return "digest"
    raise NotACalendarServer(
        f"{host} does not let anybody sign in with a user and a password. {NOTHING_SAVED} "
        "Ask its operator for an app password, or use another way to connect."
    )


def discover(dav: Dav, start: str) -> Found:
    """The principal and its homes. Raises WrongPassword, NotACalendarServer."""
    for place in places(start):
        answer = propfind(dav, place, WHO)
        if answer.status == httpx.codes.UNAUTHORIZED:
            raise WrongPassword(
                f"{host_of(start)} does not accept this user and password. {NOTHING_SAVED} Check both; many "
                "services, such as iCloud and Fastmail, want an app password made in the account's settings."
            )
        found = from_answer(dav, answer) if answer.status == 207 else None
        if found:
            return found
    raise NotACalendarServer(
        f"Something answers at {host_of(start)}, but it is not a calendar server. {NOTHING_SAVED} "
        "Look for the “CalDAV address” in your calendar's settings and type that."
    )


def from_answer(dav: Dav, answer: Answer) -> Found | None:
    """What one place tells: a principal to follow, a home of its own, or a single calendar."""
    own = first(answer)
    if own is None:
        return None
    principals = own.properties.hrefs(D + "current-user-principal")
    if principals:
        principal = urljoin(answer.url, principals[0])
        told = propfind(dav, principal, WHO)
        himself = first(told) if told.status == 207 else None
        homes = himself.properties.hrefs(C + "calendar-home-set") if himself else []
        if himself and homes:
            addresses = himself.properties.hrefs(C + "calendar-user-address-set")
            return Found(told.url, [urljoin(told.url, home) for home in homes], addresses)
    homes = own.properties.hrefs(C + "calendar-home-set")
    if homes:
        return Found(answer.url, [urljoin(answer.url, home) for home in homes], [])
    if collections.is_calendar(own.properties):
        owners = own.properties.hrefs(D + "owner")
        return Found(urljoin(answer.url, owners[0]) if owners else answer.url, [answer.url], [])
    return None


def all_calendars(dav: Dav, found: Found) -> list[CalendarInfo]:
    calendars: dict[str, CalendarInfo] = {}
    for home in found.homes:
        answer = propfind(dav, home, collections.PROPERTIES, depth=1)
        if answer.status == 207:
            listed = collections.calendars_of(readable(answer), found.homes[0])
            calendars.update((info.id, info) for info in listed)
    return list(calendars.values())


def propfind(dav: Dav, url: str, properties: str, *, depth: int = 0) -> Answer:
    headers = {"Depth": str(depth), "Content-Type": XML}
    return dav.send("PROPFIND", url, body=PROPFIND.format(properties), headers=headers)


def first(answer: Answer) -> Response | None:
    responses = readable(answer).responses
    return responses[0] if responses else None


def readable(answer: Answer) -> Multistatus:
    return answer.multistatus()
