"""How long a pull through the CalDAV provider takes, beside the bare requests against the same server.

Bare means: the same `sync-collection` and `calendar-multiget` requests, answers read to the end, nothing
understood. Both are measured in turn, in one run, against one Radicale with warm caches.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import httpx
from tests.providers import servers

from genie.providers.caldav.auth import authorize
from genie.providers.port import CalendarProvider, Window
from genie.providers.registry import ProviderSettings, open_provider

EVENTS = 5_000
ROUNDS = 3
BATCH = 80
START = datetime(2026, 11, 1, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=120))
HREF = re.compile(rb"<href>([^<]*\.ics)</href>")
SYNC = (
    '<?xml version="1.0"?><sync-collection xmlns="DAV:"><sync-token>{}</sync-token><sync-level>1</sync-level>'
    "<prop><getetag/></prop></sync-collection>"
)
MULTIGET = (
    '<?xml version="1.0"?><C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<prop><getetag/><C:calendar-data/></prop>{}</C:calendar-multiget>"
)
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Apple Inc.//macOS 15.1//EN
CALSCALE:GREGORIAN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
DTSTART:19810329T020000
TZNAME:CEST
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
DTSTART:19961027T030000
TZNAME:CET
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20261001T120000Z
CREATED:20261001T120000Z
LAST-MODIFIED:20261001T120000Z
SEQUENCE:0
DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}
DTEND;TZID=Europe/Berlin:{end:%Y%m%dT%H%M%S}
SUMMARY:Meeting {number}
LOCATION:Room {number}
DESCRIPTION:A few words about it\\, with a comma\\nand a second line
TRANSP:OPAQUE
{rule}BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def fill(folder: Path, count: int) -> None:
    """A calendar of `count` events, one in twenty of them a weekly series, into Radicale's folder."""
    folder.mkdir(parents=True)
    (folder / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "Bench"}))
    for number in range(count):
        uid = str(uuid.uuid4())
        start = START + timedelta(minutes=30 * number)
        rule = "RRULE:FREQ=WEEKLY;COUNT=30\n" if number % 20 == 0 else ""
        text = EVENT.format(uid=uid, start=start, end=start + timedelta(minutes=30), number=number, rule=rule)
        (folder / f"{uid}.ics").write_text(text.replace("\n", "\r\n"), newline="")


class Bare:
    """The requests alone."""

    def __init__(self, server: servers.Server, calendar: str) -> None:
        self.calendar = calendar
        self.token = ""
        self.http = httpx.Client(
            base_url=server.url,
            auth=(servers.USER.encode(), servers.PASSWORD.encode()),
            trust_env=False,
            timeout=900,
            headers={"Accept-Encoding": "identity", "Content-Type": "application/xml"},
        )

    def first_pull(self) -> int:
        listed = self._report(SYNC.format(""))
        self._keep_token(listed)
        names = [name.decode() for name in HREF.findall(listed)]
        for n in range(0, len(names), BATCH):
            hrefs = "".join(f"<href>{escape(name)}</href>" for name in names[n : n + BATCH])
            self._report(MULTIGET.format(hrefs))
        return len(names)

    def no_change_pull(self) -> int:
        self._keep_token(self._report(SYNC.format(self.token)))
        return 0

    def _keep_token(self, listed: bytes) -> None:
        self.token = listed.partition(b"<sync-token>")[2].partition(b"</sync-token>")[0].decode()

    def _report(self, body: str) -> bytes:
        answer = self.http.request("REPORT", self.calendar, content=body.encode(), headers={"Depth": "1"})
        assert answer.status_code == 207, answer.text
        return answer.content


class Ours:
    """Through the provider, every page consumed."""

    def __init__(self, provider: CalendarProvider, calendar: str) -> None:
        self.provider = provider
        self.calendar = calendar
        self.cursor: str | None = None
        self.busy = 0

    def first_pull(self) -> int:
        return self._pull(None)

    def no_change_pull(self) -> int:
        return self._pull(self.cursor)

    def _pull(self, cursor: str | None) -> int:
        seen = 0
        pages = self.provider.changes(self.calendar, cursor=cursor, window=WINDOW, known={})
        for page in pages:
            seen += len(page.changed)
            self.busy += sum(len(one.busy) for one in page.changed)
            self.cursor = page.cursor or self.cursor
        return seen


def timed(work: Callable[[], int], *, expected: int) -> float:
    """Seconds it took."""
    begun = time.perf_counter()
    assert work() == expected
    return time.perf_counter() - begun


def measure(*, events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians in seconds, and how many times the bare requests our way takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "collections" / "collection-root" / servers.USER / "bench", events)
        with servers.radicale(folder) as server:
            return compared(server, events=events, rounds=rounds)


def compared(server: servers.Server, *, events: int, rounds: int) -> dict[str, float]:
    settings = ProviderSettings(allow_private_networks=True, timeout=120)
    grant = authorize(address=server.url, user=servers.USER, password=servers.PASSWORD, settings=settings)
    calendar = grant.calendars[0].id
    bare, provider = Bare(server, calendar), open_provider("caldav", grant.secret, settings)
    ours = Ours(provider, calendar)
    bare.first_pull()  # Radicale reads every event once and keeps what it found
    times: dict[str, list[float]] = {"bare_first": [], "ours_first": [], "bare_none": [], "ours_none": []}
    for _ in range(rounds):
        times["bare_first"].append(timed(bare.first_pull, expected=events))
        times["ours_first"].append(timed(ours.first_pull, expected=events))
        for _ in range(5):
            times["bare_none"].append(timed(bare.no_change_pull, expected=0))
            times["ours_none"].append(timed(ours.no_change_pull, expected=0))
    provider.close()
    figures = {name: statistics.median(values) for name, values in times.items()}
    figures["first_ratio"] = figures["ours_first"] / figures["bare_first"]
    figures["none_ratio"] = figures["ours_none"] / figures["bare_none"]
    return figures


def report(figures: dict[str, float], *, events: int = EVENTS) -> str:
    return (
        f"first pull of {events} events   bare {figures['bare_first']:.2f} s   "
        f"provider {figures['ours_first']:.2f} s  ×{figures['first_ratio']:.2f} (goal ≤ 4 in all)\n"
        f"pull without a change       bare {figures['bare_none'] * 1000:.0f} ms   "
        f"provider {figures['ours_none'] * 1000:.0f} ms   ×{figures['none_ratio']:.2f} (goal: ≤ 2)"
    )


if __name__ == "__main__":
    print(report(measure()))
