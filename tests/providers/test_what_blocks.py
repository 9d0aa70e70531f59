"""The same, said in each system's words, takes the same kind of time (docs/times.md, *What takes time*)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.providers.test_google_mapping import event as google_event
from tests.providers.test_ical_busy import BERLIN, WINTER, calendar
from tests.providers.test_microsoft_mapping import event as graph_event

from genie.core.event import BusyKind
from genie.providers.caldav.mapping import read
from genie.providers.google.mapping import busy_kind as at_google
from genie.providers.microsoft.mapping import busy_kind as at_microsoft

OOF = "X-MICROSOFT-CDO-BUSYSTATUS:OOF"


def google(**said: Any) -> BusyKind | None:
    return at_google(google_event(**said))


def guest(answer: str, **said: Any) -> BusyKind | None:
    return google(attendees=[{"self": True, "responseStatus": answer}], **said)


def graph(answer: str = "", **said: Any) -> BusyKind | None:
    answered = {"responseStatus": {"response": answer}} if answer else {}
    return at_microsoft(graph_event(**answered, **said))


def ical(*lines: str, answer: str = "") -> BusyKind | None:
    asked = (f"ATTENDEE;PARTSTAT={answer}:mailto:ana@example.org",) if answer else ()
    start = ("DTSTART:20261202T080000Z", "DURATION:PT1H")
    there = read(calendar((*start, *asked, *lines)), BERLIN, WINTER)
    return there.busy[0].kind if there.busy else None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (BusyKind.BUSY, (google(), graph(showAs="busy"), ical())),
        (None, (google(transparency="transparent"), graph(showAs="free"), ical("TRANSP:TRANSPARENT"))),
        (None, (google(status="cancelled"), graph(isCancelled=True), ical("STATUS:CANCELLED"))),
        (None, (guest("declined"), graph("declined"), ical(answer="DECLINED"))),
        (BusyKind.BUSY, (guest("accepted"), graph("accepted"), ical(answer="ACCEPTED"))),
        (
            BusyKind.TENTATIVE,
            (google(status="tentative"), graph(showAs="tentative"), ical("STATUS:TENTATIVE")),
        ),
        (BusyKind.TENTATIVE, (guest("tentative"), graph("tentativelyAccepted"), ical(answer="TENTATIVE"))),
        (BusyKind.UNANSWERED, (guest("needsAction"), graph("notResponded"), ical(answer="NEEDS-ACTION"))),
        (BusyKind.OUT_OF_OFFICE, (google(eventType="outOfOffice"), graph(showAs="oof"), ical(OOF))),
        (
            None,
            (
                google(eventType="workingLocation"),
                graph(showAs="workingElsewhere"),
                ical("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"),
            ),
        ),
        (
            BusyKind.OUT_OF_OFFICE,
            (
                guest("needsAction", eventType="outOfOffice"),
                graph("notResponded", showAs="oof"),
                ical(OOF, answer="NEEDS-ACTION"),
            ),
        ),
        (
            BusyKind.OUT_OF_OFFICE,
            (
                google(eventType="outOfOffice", status="tentative"),
                graph("tentativelyAccepted", showAs="oof"),
                ical(OOF, "STATUS:TENTATIVE"),
            ),
        ),
        (
            None,
            (
                guest("declined", eventType="outOfOffice"),
                graph("declined", showAs="oof"),
                ical(OOF, answer="DECLINED"),
            ),
        ),
    ],
)
def test_it_takes_the_same_time_everywhere(
    kind: BusyKind | None, said: tuple[BusyKind | None, BusyKind | None, BusyKind | None]
) -> None:
    assert said == (kind, kind, kind)


def test_focus_time_takes_time_and_a_birthday_does_not() -> None:
    assert google(eventType="focusTime") is BusyKind.BUSY
    assert google(eventType="birthday") is None
