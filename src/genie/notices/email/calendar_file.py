"""The calendar file attached to a letter: one event, published, later updated or cancelled under its UID.

METHOD is PUBLISH, then CANCEL (RFC 5546 §3.2.1, §3.2.5): it carries an organizer and no attendees, so no
mail program offers buttons whose answers nobody reads (docs/decisions, *calendar attachment*).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress, vText

from genie.core.event import When
from genie.core.saying import zone_of
from genie.notices.email.letters import one_line
from genie.notices.port import Attachment


@dataclass(frozen=True, slots=True)
class PublishedVisit:
    """`uid` stays the appointment's for ever; `revision` is SEQUENCE: a late mail cannot undo a newer one."""

    uid: str
    revision: int
    when: When
    summary: str
    place: str
    organizer: str
    organizer_name: str
    stamped: datetime
    cancelled: bool = False


def calendar_file(visit: PublishedVisit) -> Attachment:
    """An iCalendar file (RFC 5545) with VTIMEZONE; an unknown zone is written as UTC."""
    method = "CANCEL" if visit.cancelled else "PUBLISH"
    calendar = Calendar()
    calendar.add("PRODID", "-//Schedule Genie//Appointments//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    zone = zone_of(visit.when.zone)
    if zone is not None and visit.when.zone not in ("UTC", "Etc/UTC"):
        calendar.add_component(_zone_around(zone, visit.when))
    calendar.add_component(_event(visit, zone))
    return Attachment(calendar.to_ical().decode(), method)


def _event(visit: PublishedVisit, zone: ZoneInfo | None) -> Event:
    event = Event()
    event.add("UID", visit.uid)
    event.add("SEQUENCE", visit.revision)
    event.add("DTSTAMP", visit.stamped.astimezone(UTC))
    event.add("DTSTART", visit.when.start.astimezone(zone or UTC))
    event.add("DTEND", visit.when.end.astimezone(zone or UTC))
    event.add("SUMMARY", one_line(visit.summary))
    event.add("STATUS", "CANCELLED" if visit.cancelled else "CONFIRMED")
    event.add("TRANSP", "OPAQUE")
    if visit.place:
        event.add("LOCATION", one_line(visit.place, 500))
    organizer = vCalAddress(f"mailto:{visit.organizer}")
    organizer.params["CN"] = vText(one_line(visit.organizer_name, 120).replace('"', "'"))
    event.add("ORGANIZER", organizer)
    return event


def _zone_around(zone: ZoneInfo, when: When) -> Timezone:
    # a year either way holds both changes of the clocks; the whole history would be some hundred lines
    margin = timedelta(days=366)
    return Timezone.from_tzinfo(
        zone, first_date=(when.start - margin).date(), last_date=(when.end + margin).date()
    )
