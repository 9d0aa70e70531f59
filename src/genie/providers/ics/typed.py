"""What somebody types to have a public calendar file read, and whether it leads to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import httpx

from genie.core.errors import (
    CalendarGone,
    ConnectFault,
    NotACalendarServer,
    ProviderFault,
    Transient,
    Unreachable,
)
from genie.providers.faults import unreachable_why
from genie.providers.ics.file import address_of, fetch
from genie.providers.ics.provider import account_of, calendar_of
from genie.providers.ics.reading import Contents, taken_apart
from genie.providers.port import Grant, TypedField
from genie.providers.registry import ProviderSettings

GRANTED = "Read a public calendar file"
NOTHING_SAVED = "Nothing was saved."
THE_FILE = (
    "Copy the address of the calendar file itself, not that of the page on which the calendar is shown."
)
ADDRESS = TypedField(
    name="address",
    label="Address of the calendar file",
    missing="Paste the address of the calendar file.",
    longest=2_000,
    help="It begins with https:// or webcal:// and often ends in .ics. Keep it to yourself: who knows it, "
    "can read the calendar.",
    secret=True,
    attributes={"autocomplete": "off", "inputmode": "url", "autocapitalize": "none", "spellcheck": "false"},
)


class PublicFile:
    """An address, nothing else."""

    access = ("Read when you are busy; what events are about is not kept",)
    title = "Add a public calendar address (ICS)"
    fields = (ADDRESS,)
    who = ADDRESS.name
    beside: Mapping[type[ConnectFault], str] = {}

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def authorize(self, typed: Mapping[str, str]) -> Grant:
        """Fetch the file once, within `sign_in_seconds`: somebody waits. Raises AddressRefused, NoSuchHost,
        Unreachable, NotACalendarServer; their words hold nothing of the address but its host."""
        url = address_of(typed[ADDRESS.name], self._settings)
        contents = self._contents(url)
        return Grant(
            account=account_of(url),
            secret={"url": url},
            granted=GRANTED,
            calendars=[calendar_of(url, contents.name, contents.zone)],
        )

    def _contents(self, url: str) -> Contents:
        seconds = self._settings.sign_in_seconds
        quick = replace(self._settings, timeout=min(self._settings.timeout, seconds))
        try:
            body = fetch(url, quick, seconds=seconds).body or b""
        except httpx.HTTPError as fault:
            raise Unreachable(f"{unreachable_why(fault)} {NOTHING_SAVED} Try again in a minute.") from fault
        except Transient as fault:
            raise Unreachable(f"{fault} {NOTHING_SAVED} Try again in a minute.") from fault
        except CalendarGone as fault:
            raise NotACalendarServer(
                f"{str(fault).replace(' any more', '')} {NOTHING_SAVED} "
                "Check in the other calendar that it is published, and copy its address again, whole."
            ) from fault
        except ProviderFault as fault:
            raise NotACalendarServer(f"{fault} {NOTHING_SAVED} {THE_FILE}") from fault
        try:
            return taken_apart(body)
        except ProviderFault as fault:
            raise NotACalendarServer(f"{fault} {NOTHING_SAVED} {THE_FILE}") from fault
