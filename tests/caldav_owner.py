"""The owner of a calendar on a real CalDAV server, with a program of their own: nothing of the product's."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from xml.etree import ElementTree

import httpx
import icalendar
from tests.outside import CalDavServer
from tests.standin_owner import Seen

from genie.core.event import EventContent, When

OUR_KEY = re.compile(r"^X-SCHEDULE-GENIE-KEY:([0-9a-f]{32})-", re.MULTILINE)
HREF = re.compile(r"<href>([^<]+)</href>.*?<getetag>([^<]+)</getetag>", re.DOTALL)
DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
TAGS = (f"{DAV}href", f"{DAV}getetag", f"{CALDAV}calendar-data")
EVERYTHING = (
    '<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/>'
    '<C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
)
LIST = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'


@dataclass
class CalDavOwner:
    """Acts on one calendar, straight on the server. An event's id is its name in the calendar."""

    server: CalDavServer
    user: str
    calendar: str
    """The calendar's address, ending with a slash."""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.server.client(self.user)
        self.http.timeout = 120  # a server takes its time over ten megabytes

    def close(self) -> None:
        self.http.close()

    # --- objects as text

    def names(self) -> dict[str, str]:
        """Events by name, each with its ETag."""
        answer = self.http.request("PROPFIND", self.calendar, content=LIST, headers={"Depth": "1"})
        answer.raise_for_status()
        found = {href.rpartition("/")[2]: etag for href, etag in HREF.findall(answer.text)}
        found.pop("", None)
        return found

    def read(self, name: str) -> str:
        answer = self.http.get(self.calendar + name)
        answer.raise_for_status()
        return answer.text

    def write(self, name: str, text: str) -> None:
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        answer = self.http.put(self.calendar + name, content=text.encode(), headers=headers)
        assert answer.status_code in (201, 204), (answer.status_code, answer.text)

    def rewrite(self, name: str, change: Callable[[str], str]) -> None:
        """Save the event anew with its text changed, as any program could."""
        before = self.read(name)
        after = change(before)
        assert after != before, "nothing would change"
        self.write(name, after)

    # --- events

    def events(self) -> list[Seen]:
        """Every event there, cancelled ones too, in one request."""
        answer = self.http.request("REPORT", self.calendar, content=EVERYTHING, headers={"Depth": "1"})
        answer.raise_for_status()
        found = []
        for response in ElementTree.fromstring(answer.content).iter(f"{DAV}response"):
            href, etag, text = (response.findtext(f".//{tag}") for tag in TAGS)
            if href and etag and text:
                found.append(self._seen(href.rpartition("/")[2], etag, text))
        return found

    def event(self, name: str) -> Seen | None:
        answer = self.http.get(self.calendar + name)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return self._seen(name, answer.headers["etag"], answer.text)

    def add(self, when: When, *, title: str = "Dentist", more: str = "") -> str:
        """An event of their own; `more` is further lines of it. Returns its name."""
        name = f"{uuid.uuid4()}.ics"
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Somebody else//EN",
            "BEGIN:VEVENT",
            f"UID:{uuid.uuid4()}@elsewhere",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART:{when.start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{when.end:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{title}",
            *more.splitlines(),
            "END:VEVENT",
            "END:VCALENDAR",
        ]
        self.write(name, "".join(f"{line}\r\n" for line in lines))
        return name

    def move(self, name: str, when: When) -> None:
        self._edit(name, lambda event: set_when(event, when))

    def edit(self, name: str, **texts: str) -> None:
        """Change title, place or description."""
        properties = {"title": "summary", "place": "location", "description": "description"}

        def change(event: icalendar.Event) -> None:
            for field_name, text in texts.items():
                event.pop(properties[field_name], None)
                if text:
                    event.add(properties[field_name], text)

        self._edit(name, change)

    def cancel(self, name: str) -> None:
        """Mark as cancelled without deleting."""
        self._edit(name, lambda event: event.update(status=icalendar.vText("CANCELLED")))

    def delete(self, name: str) -> None:
        self.http.delete(self.calendar + name).raise_for_status()

    def copy(self, name: str, *, when: When | None = None, to: CalDavOwner | None = None) -> str:
        """Copy and paste, perhaps in another calendar: the product's key goes along, the UID is a new one."""
        calendar = icalendar.Calendar.from_ical(self.read(name))
        event = calendar.walk("VEVENT")[0]
        event["uid"] = icalendar.vText(f"{uuid.uuid4()}@copied")
        if when is not None:
            set_when(event, when)
        copy = f"{uuid.uuid4()}.ics"
        (to or self).write(copy, calendar.to_ical().decode())
        return copy

    def cut_and_paste(self, name: str, *, when: When | None = None, to: CalDavOwner | None = None) -> str:
        copy = self.copy(name, when=when, to=to)
        self.delete(name)
        return copy

    def repeat(self, name: str) -> None:
        """Make it a series of five weeks."""
        self._edit(name, lambda event: event.add("rrule", {"freq": "weekly", "count": 5}))

    def repeat_no_more(self, name: str) -> None:
        self._edit(name, lambda event: event.pop("rrule"))

    # --- calendars

    def drop_calendar(self) -> None:
        self.http.delete(self.calendar).raise_for_status()

    def _edit(self, name: str, change: Callable[[icalendar.Event], object]) -> None:
        calendar = icalendar.Calendar.from_ical(self.read(name))
        change(calendar.walk("VEVENT")[0])
        self.write(name, calendar.to_ical().decode())

    def _seen(self, name: str, etag: str, text: str) -> Seen:
        event = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
        start = event["dtstart"].dt
        end = event["dtend"].dt if "dtend" in event else start
        key = OUR_KEY.search(text)
        return Seen(
            id=name,
            version=etag,
            content=EventContent(
                When(instant(start), instant(end), "UTC", all_day=not isinstance(start, datetime)),
                title=str(event.get("summary", "")),
                place=str(event.get("location", "")),
                description=str(event.get("description", "")),
                cancelled=str(event.get("status", "")).upper() == "CANCELLED",
            ),
            key=key[1] if key else None,
        )


def instant(moment: date) -> datetime:
    """A date or wall time as an instant; what has no zone is taken in UTC."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def set_when(event: icalendar.Event, when: When) -> None:
    event.pop("duration", None)
    for name, moment in (("dtstart", when.start), ("dtend", when.end)):
        event.pop(name, None)
        event.add(name, moment.date() if when.all_day else moment)


def day(start: datetime) -> When:
    """The whole day (UTC) that this moment is on."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return When(midnight, midnight + timedelta(days=1), "UTC", all_day=True)
