"""The demo's outside world: a CalDAV server with two accounts and one calendar with a believable week."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

OWNER = "alice"
OTHER = "bob"  # an account without any calendar, to see what is said then
CALENDAR = "front-desk"
ZONE = "America/New_York"
GOOGLE_ACCOUNTS = ("ana@example.org", "ben@example.org")  # the stand-in furnishes them with calendars
MICROSOFT_ACCOUNTS = ("ana@contoso.example", "ben@contoso.example")
GOOGLE_CLIENT = ("demo.apps.pretend-google.example", "demo-secret")  # protects nothing: anybody may sign in
MICROSOFT_CLIENT = ("5c4ed01e-0000-4000-8000-000000000001", "demo-secret")

RADICALE = """# Written by `make run` at every start.
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
[storage]
filesystem_folder = {folder}/collections
[web]
type = none
[logging]
level = info
"""

TIME_ZONE = """BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
END:VTIMEZONE
"""


@dataclass(frozen=True)
class DemoEvent:
    """An event of the owner's own. `day` counts from this week's Monday; times are wall time in ZONE."""

    uid: str
    title: str
    day: int
    begins: time | None = None  # None: all day
    ends: time | None = None
    extra: tuple[str, ...] = ()

    def lines(self, monday: date) -> list[str]:
        on = monday + timedelta(days=self.day)
        if self.begins is None or self.ends is None:
            when = [f"DTSTART;VALUE=DATE:{on:%Y%m%d}", f"DTEND;VALUE=DATE:{on + timedelta(days=1):%Y%m%d}"]
        else:
            begins, ends = datetime.combine(on, self.begins), datetime.combine(on, self.ends)
            when = [f"DTSTART;TZID={ZONE}:{begins:%Y%m%dT%H%M%S}", f"DTEND;TZID={ZONE}:{ends:%Y%m%dT%H%M%S}"]
        head = ["BEGIN:VEVENT", f"UID:{self.uid}@demo.example", f"DTSTAMP:{monday:%Y%m%d}T000000Z"]
        return [*head, *when, f"SUMMARY:{self.title}", *self.extra, "END:VEVENT"]

    def ics(self, monday: date) -> str:
        zone = TIME_ZONE.splitlines() if self.begins else []
        head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Acme Dental//Front desk//EN"]
        return "\r\n".join([*head, *zone, *self.lines(monday), "END:VCALENDAR", ""])


FREE = "TRANSP:TRANSPARENT"
WEEK = [
    DemoEvent("team-meeting", "Team meeting", 0, time(9), time(9, 30), ("RRULE:FREQ=WEEKLY;BYDAY=MO",)),
    DemoEvent("lunch", "Lunch", 0, time(12), time(13), ("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",)),
    DemoEvent("supplier", "Dental supplier visits", 1, time(14), time(15), ("LOCATION:Back office",)),
    DemoEvent("training", "Hygiene training", 2, time(15, 30), time(17)),
    DemoEvent("maybe-dentist-day", "Dentists' round table?", 3, time(10), time(11), ("STATUS:TENTATIVE",)),
    DemoEvent("payroll", "Reminder: payroll", 3, time(16), time(16, 30), (FREE,)),
    DemoEvent("birthday", "Dana's birthday", 4, None, None, (FREE,)),
    DemoEvent("stocktaking", "Closed: stocktaking", 11),
    DemoEvent(
        "handover", "Shift handover", 0, time(16, 30), time(17), ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",)
    ),
]


def google_settings(stand_in: str) -> dict[str, str]:
    """The variables that send the product to the Google stand-in at this address instead of to Google."""
    return {
        "GENIE_GOOGLE_CLIENT_ID": GOOGLE_CLIENT[0],
        "GENIE_GOOGLE_CLIENT_SECRET": GOOGLE_CLIENT[1],
        "GENIE_GOOGLE_AUTH_URL": f"{stand_in}/o/oauth2/v2/auth",
        "GENIE_GOOGLE_TOKEN_URL": f"{stand_in}/token",
        "GENIE_GOOGLE_REVOKE_URL": f"{stand_in}/revoke",
        "GENIE_GOOGLE_USERINFO_URL": f"{stand_in}/v1/userinfo",
        "GENIE_GOOGLE_API_URL": f"{stand_in}/calendar/v3",
    }


def microsoft_settings(stand_in: str) -> dict[str, str]:
    """The variables that send the product to the Microsoft stand-in at this address."""
    return {
        "GENIE_MICROSOFT_CLIENT_ID": MICROSOFT_CLIENT[0],
        "GENIE_MICROSOFT_CLIENT_SECRET": MICROSOFT_CLIENT[1],
        "GENIE_MICROSOFT_AUTHORITY": stand_in,
        "GENIE_MICROSOFT_GRAPH_URL": f"{stand_in}/v1.0",
    }


def client_options(public_url: str) -> list[str]:
    """How the stand-ins are told of the product, as an operator registers it with Google and Microsoft."""
    back = f"{public_url.rstrip('/')}/connect/return"
    return [
        f"--google-client={':'.join([*GOOGLE_CLIENT, f'{back}/google'])}",
        f"--microsoft-client={':'.join([*MICROSOFT_CLIENT, f'{back}/microsoft'])}",
    ]


def lay_out(folder: Path, *, password: str, port: int, today: date) -> None:
    """Write Radicale's configuration and accounts; the calendar and its week only if it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "users").write_text(f"{OWNER}:{password}\n{OTHER}:{password}\n")
    (folder / "config").write_text(RADICALE.format(port=port, folder=folder))
    calendar = folder / "collections" / "collection-root" / OWNER / CALENDAR
    if calendar.exists():
        return
    half = calendar.with_name(f".{CALENDAR}.new")
    half.mkdir(parents=True, exist_ok=True)
    monday = today - timedelta(days=today.weekday())
    for event in WEEK:
        (half / f"{event.uid}.ics").write_bytes(event.ics(monday).encode())
    properties = {
        "tag": "VCALENDAR",
        "D:displayname": "Front desk",
        "C:supported-calendar-component-set": "VEVENT",
        "ICAL:calendar-color": "#4f46e5",
    }
    (half / ".Radicale.props").write_text(json.dumps(properties))
    half.rename(calendar)
