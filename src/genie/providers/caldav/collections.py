"""What a server says of an account and its calendars, in our words (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from genie.providers.caldav.dav import canonical
from genie.providers.caldav.multistatus import APPLE, CS, C, D, Multistatus, Node, Response
from genie.providers.ical import zones
from genie.providers.port import Account, CalendarInfo

PROPERTIES = (
    "<d:resourcetype/><d:displayname/><d:current-user-privilege-set/><c:supported-calendar-component-set/>"
    "<a:calendar-color/><a:calendar-order/><c:calendar-timezone/>"
)
HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
READ_ONLY = "This account may only read this calendar."
SUBSCRIBED = "This is a subscription to a calendar kept elsewhere, so nothing can be written to it."


def calendars_of(answer: Multistatus, home: str) -> list[CalendarInfo]:
    """The collections for events in an answer about `home`, in the account's own order."""
    found = []
    for place, response in enumerate(answer.responses):
        if response.status == 200 and is_calendar(response.properties):
            order = response.properties.value(APPLE + "calendar-order")
            rank = int(order) if order.isdigit() else 1_000_000
            found.append((rank, place, calendar_info(response, home)))
    return [info for _, _, info in sorted(found, key=lambda one: one[:2])]


def is_calendar(properties: Node) -> bool:
    kinds = properties.child(D + "resourcetype")
    if kinds is None or kinds.child(CS + "deleted-calendar") is not None:
        return False
    if kinds.child(C + "calendar") is None and kinds.child(CS + "subscribed") is None:
        return False
    supported = properties.child(C + "supported-calendar-component-set")
    if supported is None or not supported.children:
        return True
    return any(one.attributes.get("name", "").upper() == "VEVENT" for one in supported.children)


def calendar_info(response: Response, home: str) -> CalendarInfo:
    properties = response.properties
    calendar_id = id_of(response.href, home)
    name = properties.value(D + "displayname") or calendar_id.rstrip("/").rpartition("/")[2] or "Calendar"
    kinds = properties.child(D + "resourcetype")
    subscribed = kinds is not None and kinds.child(CS + "subscribed") is not None
    may_write = not subscribed and writable(properties)
    return CalendarInfo(
        id=calendar_id,
        name=name,
        may_write=may_write,
        color=color_of(properties.value(APPLE + "calendar-color")),
        zone=zones.of_calendar(properties.raw(C + "calendar-timezone")),
        why_not="" if may_write else SUBSCRIBED if subscribed else READ_ONLY,
    )


def writable(properties: Node) -> bool:
    """Whether the privileges allow to put and take events; a server that tells none is believed to."""
    privileges = properties.child(D + "current-user-privilege-set")
    if privileges is None:
        return True
    names = {child.tag for one in privileges.children for child in one.children}
    return bool(names & {D + "all", D + "write"}) or {D + "bind", D + "write-content"} <= names


def color_of(value: str) -> str:
    """`#rrggbb` in small letters, "" if it is no colour. Apple adds two digits for transparency."""
    match = HEX.match(value.strip())
    if not match:
        return ""
    digits = match[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def id_of(href: str, home: str) -> str:
    """A calendar's id: its path, with its host before it only where that is another than the home's.

    Providers such as iCloud move accounts between hosts; a path stays.
    """
    url = urljoin(home, href)
    path = canonical(urlsplit(url).path)
    path = path if path.endswith("/") else path + "/"
    if urlsplit(url).netloc == urlsplit(home).netloc:
        return path
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}{path}"


def account_of(principal: str, user: str) -> Account:
    """The account by its principal's host and path; iCloud's numbered hosts count as one."""
    parts = urlsplit(principal)
    host = (parts.netloc or "").lower().removesuffix(":443")
    if host.endswith(".icloud.com"):
        host = "caldav.icloud.com"
    label = user if "@" in user else f"{user} ({parts.hostname})"
    return Account(f"{host}{canonical(parts.path).rstrip('/')}", label)


def addresses_of(hrefs: Iterable[str], user: str) -> list[str]:
    """The owner's own mail addresses, from `calendar-user-address-set` and the login."""
    found = {href.lower().removeprefix("mailto:") for href in hrefs if href.lower().startswith("mailto:")}
    if "@" in user:
        found.add(user.strip().lower())
    return sorted(found)
