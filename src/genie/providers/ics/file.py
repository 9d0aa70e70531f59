"""Fetch a calendar file from an address that a person typed: conditionally, within limits, past the guard."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from genie.core.errors import AddressRefused, CalendarGone, ProviderFault, Rejected, Transient
from genie.providers.addresses import checked_url, client
from genie.providers.deadline import Deadline
from genie.providers.faults import LATER, as_faults, retry_after
from genie.providers.registry import ProviderSettings
from genie.providers.unpacking import Damaged, unpacked

LARGEST = 10_000_000
"""Bytes of a file, unpacked."""
WAITS = 3
"""A file, redirects included, may take as long as so many single waits (`ProviderSettings.timeout`)."""
REDIRECTS = 5
ONWARD = (301, 302, 303, 307, 308)
SCHEMES = {"webcal": "https", "webcals": "https", "feed": "https"}
"""What calendar programs write before an address; the file itself is fetched over TLS."""
TOO_LARGE = "This calendar file is larger than 10 MB, so it is not read."


@dataclass(frozen=True, slots=True)
class File:
    """What came. `body` is None where nothing changed since the version that was named (304)."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


def address_of(typed: str, settings: ProviderSettings) -> str:
    """The address to fetch. What has no scheme, `webcal` or plain http becomes https; http stays where
    private networks are allowed. Raises AddressRefused."""
    text = typed.strip()
    if any(character.isspace() or ord(character) < 32 for character in text):
        raise AddressRefused("This address cannot be used: there are blanks in it. Copy it again, whole.")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text.removeprefix("webcal:").lstrip("/")
    scheme = SCHEMES.get(scheme.lower(), scheme.lower())
    if scheme == "http" and not settings.allow_private_networks:
        scheme = "https"
    return usable(f"{scheme}://{rest}".partition("#")[0], settings)


def usable(url: str, settings: ProviderSettings) -> str:
    """The address, if it is one. Raises AddressRefused."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host and urlsplit(str(parsed)).hostname  # each has its own doubts
    except (httpx.InvalidURL, ValueError):  # with UnicodeError
        host = None
    if not host:
        raise AddressRefused("This address cannot be used: it is not a web address. Copy it again, whole.")
    return checked_url(str(parsed), settings)


def host_of(url: str) -> str:
    """All of an address that may be shown: what stands behind the host may be what opens the calendar."""
    return urlsplit(url).hostname or ""


def fetch(
    url: str, settings: ProviderSettings, *, seconds: float, etag: str = "", modified: str = ""
) -> File:
    """The file, or that it is still the one of `etag` or `modified`; over within `seconds`.

    Each redirect is checked as the first address was. Raises Transient, CalendarGone (nothing is there, or it
    may not be read), Rejected (too large), AddressRefused and NoSuchHost, httpx's own errors.
    """
    headers = {"Accept": "text/calendar, */*;q=0.5", "Accept-Encoding": "gzip"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified else {}
    deadline = Deadline(settings.ticks, settings.ticks() + seconds)
    with client(settings, deadline) as http:
        for _ in range(REDIRECTS + 1):
            with http.stream("GET", usable(url, settings), headers=headers) as response:
                if response.status_code in ONWARD and "Location" in response.headers:
                    url = onward(url, response.headers["Location"])
                    continue
                return File(
                    read(response, deadline, settings),
                    response.headers.get("ETag", "")[:200],
                    response.headers.get("Last-Modified", "")[:100],
                )
    raise CalendarGone("The calendar's address leads on to another address, without end.")


def fetched(url: str, settings: ProviderSettings, *, etag: str = "", modified: str = "") -> File:
    """As `fetch`, with every trouble as a ProviderFault."""
    with as_faults(writes=False):
        return fetch(url, settings, seconds=WAITS * settings.timeout, etag=etag, modified=modified)


def onward(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise AddressRefused("The calendar's address leads on to an unprotected one, so it is not followed.")
    return target


def read(response: httpx.Response, deadline: Deadline, settings: ProviderSettings) -> bytes | None:
    status = response.status_code
    if status == httpx.codes.NOT_MODIFIED:
        return None
    if status != httpx.codes.OK:
        raise refusal(response, settings)
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > LARGEST:
        raise Rejected(TOO_LARGE)
    pieces, size = [], 0
    try:
        for piece in unpacked(response):
            size += len(piece)
            if size > LARGEST:
                raise Rejected(TOO_LARGE)
            if deadline.passed:
                raise Transient("The calendar's server answers too slowly.")
            pieces.append(piece)
    except Damaged as fault:
        raise Transient("The calendar file arrives damaged.") from fault
    return b"".join(pieces)


def refusal(response: httpx.Response, settings: ProviderSettings) -> ProviderFault:
    status = response.status_code
    if status in (401, 403):
        return CalendarGone(f"This calendar is not public any more (HTTP {status}).")
    if status in (404, 410):
        return CalendarGone(f"There is no calendar at its address any more (HTTP {status}).")
    if status in LATER or status >= 500:
        later = retry_after(response.headers, settings.clock())
        return Transient(f"The calendar's server is out of order (HTTP {status}).", retry_after=later)
    return Transient(f"The calendar's server does not hand out the file (HTTP {status}).")
