"""A small CalDAV client: what a calendar app on the owner's phone would send, and nothing else.

RFC 4791 (calendars, calendar-query), RFC 4918 (PROPFIND, conditional requests), RFC 6578 (sync-token).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import httpx

from calendar_sandbox.faults import BadInput, Forbidden, Gone, ServerFault, Stale
from calendar_sandbox.settings import Account

DAV = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
CS = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"
NAMESPACES = (
    'xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
    'xmlns:s="http://calendarserver.org/ns/" xmlns:a="http://apple.com/ns/ical/"'
)
CALENDAR_PROPS = (
    "<resourcetype/><displayname/><current-user-privilege-set/><c:supported-calendar-component-set/>"
    "<c:calendar-timezone/><a:calendar-color/>"
)
WRITE_PRIVILEGES = {f"{DAV}all", f"{DAV}write", f"{DAV}write-content"}
UTC_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class RemoteCalendar:
    """A calendar of the account; `href` is its path on the server, `zone` a TZID or empty."""

    href: str
    name: str
    color: str
    zone: str
    writable: bool


@dataclass(frozen=True)
class StoredObject:
    """A calendar object as the server holds it; the ETag is the server's, to the letter."""

    href: str
    etag: str
    text: str


class CalDavClient:
    """One account's view of the server. Every method raises ServerFault when the server fails.

    `homes` remembers where each account's calendars are, so that it is asked once.
    """

    def __init__(self, http: httpx.AsyncClient, base: str, account: Account, homes: dict[str, str]) -> None:
        self._http = http
        self._homes = homes
        self._base = base if base.endswith("/") else f"{base}/"
        self._account = account

    async def calendars(self) -> list[RemoteCalendar]:
        """List the calendars that hold events, as the server orders them."""
        name = self._account.name
        if name not in self._homes:
            principal = await self._href_in(
                self._base, "current-user-principal", f"{DAV}current-user-principal"
            )
            self._homes[name] = await self._href_in(
                principal, "c:calendar-home-set", f"{CAL}calendar-home-set"
            )
        answer = await self._propfind(self._homes[name], CALENDAR_PROPS, depth="1")
        found = (_calendar(href, prop) for href, prop in _answers(answer))
        return [calendar for calendar in found if calendar]

    async def version(self, calendar: str) -> str:
        """Return a text that differs whenever the calendar's content does."""
        answer = await self._propfind(calendar, "<s:getctag/><sync-token/>", depth="0")
        for _href, prop in _answers(answer):
            tags = [prop.findtext(f"{CS}getctag", ""), prop.findtext(f"{DAV}sync-token", "")]
            if any(tags):
                return _digest(tags)
        answer = await self._propfind(calendar, "<getetag/>", depth="1")
        return _digest(sorted(href + prop.findtext(f"{DAV}getetag", "") for href, prop in _answers(answer)))

    async def objects(self, calendar: str, first: datetime, last: datetime) -> list[StoredObject]:
        """Return the objects with an occurrence between two instants."""
        span = f'start="{first.astimezone(UTC):{UTC_STAMP}}" end="{last.astimezone(UTC):{UTC_STAMP}}"'
        body = (
            f"<c:calendar-query {NAMESPACES}><prop><getetag/><c:calendar-data/></prop>"
            f'<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
            f"<c:time-range {span}/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
        )
        answer = await self._send("REPORT", calendar, body=body, headers={"Depth": "1"})
        return [
            StoredObject(href, prop.findtext(f"{DAV}getetag", ""), prop.findtext(f"{CAL}calendar-data", ""))
            for href, prop in _answers(answer)
            if prop.find(f"{CAL}calendar-data") is not None
        ]

    async def get(self, href: str) -> StoredObject:
        """Return one object; raise Gone when it is not there."""
        answer = await self._send("GET", href)
        return StoredObject(href, answer.headers.get("ETag", ""), answer.text)

    async def create(self, href: str, text: str) -> str:
        """Put a new object and return its ETag; raise Stale when the name is taken."""
        return await self._put(href, text, {"If-None-Match": "*"})

    async def update(self, href: str, text: str, *, etag: str) -> str:
        """Put a new version over the one with this ETag and return the new ETag, or raise Stale."""
        return await self._put(href, text, {"If-Match": etag})

    async def delete(self, href: str, *, etag: str) -> None:
        """Delete the object if it still has this ETag, or raise Stale."""
        await self._send("DELETE", href, headers={"If-Match": etag})

    async def move(self, href: str, target: str, *, etag: str) -> None:
        """Move the object (RFC 4918 9.9); raise Stale when its ETag is another or its name is taken there."""
        headers = {"Destination": self._url(target), "Overwrite": "F", "If-Match": etag}
        await self._send("MOVE", href, headers=headers)

    async def _put(self, href: str, text: str, condition: dict[str, str]) -> str:
        headers = {"Content-Type": "text/calendar; charset=utf-8"} | condition
        answer = await self._send("PUT", href, body=text, headers=headers)
        if etag := answer.headers.get("ETag"):
            return str(etag)
        # RFC 4791 5.3.4: a server that changed what it was sent returns no ETag, so ask.
        return (await self.get(href)).etag

    async def _href_in(self, href: str, prop: str, tag: str) -> str:
        answer = await self._propfind(href, f"<{prop}/>", depth="0")
        for _href, found in _answers(answer):
            target = found.findtext(f"{tag}/{DAV}href")
            if target:
                return target
        raise ServerFault(
            f"The calendar server at {self._base} did not say where {self._account.name}'s calendars are.",
            "The address may not be a CalDAV server, so no calendar can be shown.",
            "Check --caldav-url and start the sandbox again.",
        )

    async def _propfind(self, href: str, props: str, *, depth: str) -> httpx.Response:
        body = f"<propfind {NAMESPACES}><prop>{props}</prop></propfind>"
        return await self._send("PROPFIND", href, body=body, headers={"Depth": depth})

    async def _send(
        self, method: str, href: str, *, body: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        sent = {"Accept-Encoding": "identity"} | (
            headers or {}
        )  # some servers alter ETags when they compress
        if method in ("PROPFIND", "REPORT"):
            sent["Content-Type"] = "application/xml; charset=utf-8"
        try:
            answer = await self._http.request(
                method,
                self._url(href),
                content=body.encode() if body else None,
                headers=sent,
                auth=(self._account.name, self._account.password),
            )
        except httpx.TransportError as exc:
            raise ServerFault(
                f"The calendar server at {self._base} does not answer ({type(exc).__name__}).",
                "The calendar cannot be shown or changed until it does.",
                "Start the CalDAV server, or check --caldav-url; this page tries again by itself.",
            ) from exc
        self._check(answer, method)
        return answer

    def _url(self, href: str) -> str:
        """Return the absolute address; an address on another host never gets the password."""
        url = urljoin(self._base, href)
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise BadInput(
                "This calendar address is on another server.",
                "The demo calendar only talks to the server it was started with.",
                "Choose a calendar from the list.",
            )
        return url

    def _check(self, answer: httpx.Response, method: str) -> None:
        code = answer.status_code
        if code == httpx.codes.PRECONDITION_FAILED:
            raise Stale.event()
        if code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            raise Gone.event()
        if code == httpx.codes.UNAUTHORIZED:
            raise ServerFault(
                f"The calendar server does not accept the password of {self._account.name}.",
                "None of this account's calendars can be shown.",
                "Start the sandbox again with --account name:password as the server knows it.",
            )
        if code == httpx.codes.FORBIDDEN:
            raise Forbidden(
                "The calendar server does not allow this.",
                "The calendar is read-only for this account, so nothing was changed.",
                "Choose another calendar or account.",
            )
        if answer.is_error:
            raise ServerFault(
                f"The calendar server refused the request ({method} was answered with {code}).",
                "Nothing was changed.",
                "Try again; if it stays, look at the calendar server's log.",
            )


def _answers(answer: httpx.Response) -> Iterator[tuple[str, ElementTree.Element]]:
    """Yield (href, prop) for each propstat that was found."""
    try:
        root = ElementTree.fromstring(answer.content)  # noqa: S314  expat ≥ 2.4 bounds entities; no DTD is fetched
    except ElementTree.ParseError as exc:
        raise ServerFault(
            "The calendar server's answer could not be read.",
            "It did not answer as a CalDAV server does.",
            "Check --caldav-url and start the sandbox again.",
        ) from exc
    for response in root.iter(f"{DAV}response"):
        href = urlsplit(response.findtext(f"{DAV}href", "")).path
        for propstat in response.iter(f"{DAV}propstat"):
            prop = propstat.find(f"{DAV}prop")
            if " 200" in propstat.findtext(f"{DAV}status", "") and prop is not None:
                yield href, prop


def _calendar(href: str, prop: ElementTree.Element) -> RemoteCalendar | None:
    if prop.find(f"{DAV}resourcetype/{CAL}calendar") is None:
        return None
    kinds = {kind.get("name") for kind in prop.iter(f"{CAL}comp")}
    if kinds and "VEVENT" not in kinds:
        return None
    rights = prop.find(f"{DAV}current-user-privilege-set")
    given = {right.tag for right in rights.iter()} if rights is not None else WRITE_PRIVILEGES
    color = re.match(r"#[0-9a-fA-F]{6}", prop.findtext(f"{APPLE}calendar-color", ""))
    zone = re.search(r"^TZID:(\S+)", prop.findtext(f"{CAL}calendar-timezone", ""), re.MULTILINE)
    return RemoteCalendar(
        href=href,
        name=prop.findtext(f"{DAV}displayname") or href.rstrip("/").rsplit("/", 1)[-1],
        color=color.group() if color else "",
        zone=zone.group(1) if zone else "",
        writable=bool(given & WRITE_PRIVILEGES),
    )


def _digest(tags: list[str]) -> str:
    return hashlib.sha256("\n".join(tags).encode()).hexdigest()[:16]
