"""One account's conversation with a CalDAV server: requests, redirects, size limits, ETags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx

from genie.core.errors import AddressRefused, Rejected, Transient
from genie.providers.addresses import checked_url, client, may_see_password
from genie.providers.caldav.multistatus import Each, Multistatus, Reader, TooLarge, Unreadable
from genie.providers.deadline import Deadline
from genie.providers.faults import as_faults, fault_of
from genie.providers.registry import ProviderSettings
from genie.providers.unpacking import Damaged, unpacked

REDIRECTS = 5
WAITS = 6
"""A request, redirects included, may take as long as so many single waits (`ProviderSettings.timeout`)."""
WRITES = ("PUT", "DELETE")
WORDS = 65_536
"""Bytes: kept of an answer that is no multistatus."""
XML = "application/xml; charset=utf-8"
ICS = "text/calendar; charset=utf-8"
PAGES = (b"<!doctype html", b"<html")
WEB_PAGE = "A web page answers in the place of the calendar server, so nothing can be sent or read."
UNRESERVED = "-._~!$&'()*+,;=:@"
PROPFIND = (
    '<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" '
    'xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/" '
    'xmlns:a="http://apple.com/ns/ical/"><d:prop>{}</d:prop></d:propfind>'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end. `body` is the beginning of one that is no multistatus."""

    status: int
    headers: httpx.Headers
    url: str
    body: bytes = b""
    told: Multistatus | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_web_page(self) -> bool:
        """Maintenance pages and hotspots say *200 OK* to everything; no calendar server sends a page."""
        return self.status == 200 and self.body[:200].lstrip().lower().startswith(PAGES)

    def says(self, precondition: str) -> bool:
        """Whether the body names a DAV precondition, such as `no-uid-conflict`."""
        return precondition.encode() in self.body[:20_000]

    def multistatus(self) -> Multistatus:
        """What a 207 to a request that reads says; its responses are gone where `each` took them."""
        if self.told is None:
            raise Unreadable("The calendar server's answer is not a list of calendar entries.")
        return self.told


class Elsewhere(AddressRefused):
    """The server sends us to an address that may be somebody else's, where this password must not go."""


class Dav:
    """Speaks to one server as one user. `scheme` is `basic`, `digest`, or "" for nobody in particular."""

    def __init__(
        self,
        server: str,
        user: str,
        password: str,
        scheme: str,
        settings: ProviderSettings,
        *,
        until: float = float("inf"),
    ) -> None:
        """`server` is the address that the password was given for: it goes there and to related hosts.
        `until`, of the settings' ticks, is when all of it must be over."""
        self._server = server
        self._settings = settings
        self._until = until
        self._deadline = Deadline(settings.ticks)
        auth: httpx.Auth | None = None
        if scheme == "digest":
            auth = httpx.DigestAuth(user, password)
        elif scheme == "basic":
            auth = httpx.BasicAuth(user.encode(), password.encode())
        self._client = client(settings, self._deadline, auth=auth)

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        each: Each | None = None,
    ) -> Answer:
        """One request, redirects to related hosts followed. Raises ProviderFault if no answer came;
        any status is an answer, except 401, those that ask to come back later, and a web page's 200.

        `each` takes the responses of a multistatus while it arrives: for answers that may be long.
        """
        writes = method in WRITES
        with as_faults(writes=writes):
            answer = self.send(method, url, body=body, headers=headers, each=each)
        if answer.status == httpx.codes.UNAUTHORIZED or answer.status in (423, 425, 429, 502, 503, 504):
            raise self.fault(answer, writes=writes)
        if answer.is_web_page:
            raise Transient(WEB_PAGE, outcome_unknown=writes)
        return answer

    def fault(self, answer: Answer, *, writes: bool = False) -> Exception:
        return fault_of(answer.status, answer.headers, writes=writes, now=self._settings.clock())

    def propfind(self, url: str, properties: str, *, depth: int = 0, each: Each | None = None) -> Answer:
        headers = {"Depth": str(depth), "Content-Type": XML}
        return self.ask("PROPFIND", url, body=PROPFIND.format(properties), headers=headers, each=each)

    def report(self, url: str, body: str, *, depth: int = 0, each: Each | None = None) -> Answer:
        headers = {"Depth": str(depth), "Content-Type": XML}
        return self.ask("REPORT", url, body=body, headers=headers, each=each)

    def send(
        self,
        method: str,
        url: str,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        each: Each | None = None,
    ) -> Answer:
        """As `ask`, with httpx's and the address guard's own errors, and every status."""
        self._deadline.at = min(self._until, self._settings.ticks() + WAITS * self._settings.timeout)
        for _ in range(REDIRECTS + 1):
            answer = self._once(method, url, body.encode(), dict(headers or {}), each)
            if answer.status not in (301, 302, 307, 308) or "Location" not in answer.headers:
                return answer
            url = self._onward(url, answer.headers["Location"])
        raise Rejected("The calendar server sends every request on to another address, without end.")

    def _onward(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        before, after = urlsplit(url), urlsplit(target)
        if before.scheme == "https" and after.scheme == "http" and after.hostname == before.hostname:
            return after._replace(scheme="https", netloc=before.netloc).geturl()  # it forgot its own TLS
        if before.scheme == "https" and after.scheme != "https":
            raise AddressRefused(
                "The calendar server sends the password on to an unprotected address, so nothing was sent. "
                "Type the address that the server's operator names for calendars."
            )
        return target

    def _once(self, method: str, url: str, body: bytes, headers: dict[str, str], each: Each | None) -> Answer:
        checked_url(url, self._settings)
        if not may_see_password(url, given_for=self._server):
            raise Elsewhere(
                f"The calendar server sends us on to {urlsplit(url).netloc}, which may be somebody else's, "
                "so the password was not sent there. If it is yours, type that address instead."
            )
        request: dict[str, Any] = {"content": body, "headers": headers}
        with self._client.stream(method, url, **request) as response:
            pieces = self._pieces(response)
            status, told = response.status_code, response.headers
            if status == httpx.codes.MULTI_STATUS and method not in WRITES:
                return Answer(status, told, url, told=self._read(pieces, each))
            return Answer(status, told, url, body=beginning(pieces))

    def _read(self, pieces: Iterator[bytes], each: Each | None) -> Multistatus:
        limits = self._settings
        reader = Reader(room=limits.max_answer_bytes, longest=limits.max_event_bytes, each=each)
        for piece in pieces:
            reader.feed(piece)
        return reader.end()

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, not more of it than we read."""
        size = 0
        try:
            for piece in unpacked(response):
                size += len(piece)
                if size > self._settings.max_answer_bytes:
                    raise TooLarge("The calendar server's answer is too large to be read.")
                yield piece
        except Damaged as fault:
            raise Unreadable("The calendar server's answer is damaged: it cannot be unpacked.") from fault


def beginning(pieces: Iterator[bytes]) -> bytes:
    """What an answer in words begins with. The rest is read only where that is little, which keeps the
    connection usable."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) > WORDS:
            break
    return bytes(kept[:WORDS])


def canonical(path: str) -> str:
    """A URL path with every segment escaped the same way, whichever way a server writes it."""
    return "/".join(quote(unquote(segment), safe=UNRESERVED) for segment in path.split("/"))


def normalised(etag: str) -> str:
    """An ETag without quotes, weakness and what compressing proxies add: the same for the same object."""
    etag = etag.strip().removeprefix("W/").strip('"')
    for suffix in ("-gzip", ";gzip", "--gzip", "-br"):
        etag = etag.removesuffix(suffix)
    return etag.strip('"')


def quoted(version: str) -> str:
    """A normalised ETag as a header names it."""
    return f'"{version}"'
