"""The owner's page over a Microsoft account: what its changes are to whoever reads the calendar by Graph."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest
from tests.sandbox.conftest import MicrosoftDesk

from calendar_sandbox.faults import BadInput
from calendar_sandbox.microsoft.api import delta, entities, writing
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.clients import DEMO
from calendar_sandbox.microsoft.recurrence import checked
from calendar_sandbox.week import microsoft_rules

NEW_YORK = "Eastern Standard Time"
NINE = {"dateTime": "2026-11-24T09:00:00", "timeZone": NEW_YORK}
TEN = {"dateTime": "2026-11-24T10:00:00", "timeZone": NEW_YORK}
MARK = "String {00020329-0000-0000-c000-000000000046} Name genie"
HTML = '<p>Notes <b>of the app</b></p><a href="https://genie.example/v/1">Cancel</a>'


def daily(count: int, **pattern: Any) -> dict[str, Any]:
    span = {"type": "numbered", "startDate": "2026-11-24", "numberOfOccurrences": count}
    return {"pattern": {"type": "daily", "interval": 1} | pattern, "range": span}


def invited(microsoft: MicrosoftDesk, recurrence: dict[str, Any] | None = None) -> str:
    """A meeting somebody else asks the owner to come to; its id."""
    boss = {"name": "The Boss", "address": "boss@elsewhere.example"}
    start = datetime(2026, 11, 24, 14, tzinfo=UTC)
    with microsoft.world.lock:
        person = microsoft.person
        call = Call(microsoft.world, person, person, owner=True)
        end = start + timedelta(hours=1)
        made = writing.invite(call, organizer=boss, start=start, end=end, subject="Review")
        if recurrence:
            made.resource["recurrence"] = checked(recurrence, start.replace(tzinfo=None), "UTC")
        return made.immutable_id


def told(microsoft: MicrosoftDesk, link: str = "") -> tuple[list[dict[str, Any]], str]:
    """What an app that follows the calendar is told, and how it goes on."""
    window = {"startdatetime": ["2026-11-01T00:00:00Z"], "enddatetime": ["2026-12-31T00:00:00Z"]}
    token = {"$deltatoken": [link]} if link else {}
    with microsoft.world.lock:
        person = microsoft.person
        answer = delta.calendar_view(
            Call(
                microsoft.world,
                person,
                person,
                args={"calendar": microsoft.calendar},
                params=token or window,
                prefer={"idtype": "ImmutableId", "odata.maxpagesize": "500"},
                owner=True,
            )
        ).body
    return answer["value"], answer["@odata.deltaLink"].partition("$deltatoken=")[2]


def test_calendars_are_told_with_right_and_colour_the_default_one_first(microsoft: MicrosoftDesk):
    other = microsoft.world.add_account(f"boss-{microsoft.account}", name="The Boss")
    for name, role in (("Team", "write"), ("Boss", "read")):
        microsoft.world.share(microsoft.world.add_calendar(other, name), microsoft.person, role)
    green = microsoft.world.add_calendar(microsoft.person, "Green", color="lightGreen")
    here = {"account": microsoft.account.upper()}
    found = microsoft.client.get("/calendars.json", params=here).json()["calendars"]
    assert [one["writable"] for one in found] == [True, True, False, True]
    assert "Team" in found[1]["name"]
    assert (found[0]["name"], found[0]["href"]) == ("Calendar", microsoft.calendar)
    assert found[0]["zone"] == "Europe/Berlin"
    assert found[3]["color"] == "#87d28e"
    assert green.key


def test_a_drag_keeps_zone_and_what_apps_wrote_and_a_delta_reports_it(microsoft: MicrosoftDesk):
    made = microsoft.insert(
        subject="Visit",
        start=NINE,
        end=TEN,
        body={"contentType": "html", "content": HTML},
        singleValueExtendedProperties=[{"id": MARK, "value": "keep"}],
    )
    _found, link = told(microsoft)
    microsoft.done("move", microsoft.only("Visit"), start="2026-11-25T15:15")
    now = microsoft.get(made["id"])
    assert now["start"]["dateTime"] == "2026-11-25T14:15:00.0000000"
    assert now["end"]["dateTime"] == "2026-11-25T15:15:00.0000000"
    assert now["originalStartTimeZone"] == NEW_YORK
    assert now["body"] == made["body"]
    assert now["changeKey"] != made["changeKey"]
    with microsoft.world.lock:
        hit = microsoft.world.find_event(made["id"])
    assert hit is not None
    assert list(hit[1].extended.values()) == ["keep"]
    found, link = told(microsoft, link)
    assert [(one["id"], one["changeKey"]) for one in found] == [(made["id"], now["changeKey"])]
    microsoft.done("delete", microsoft.only("Visit"))
    found, _link = told(microsoft, link)
    assert [(one["id"], one["@removed"]["reason"]) for one in found] == [(made["id"], "deleted")]


def test_a_form_saved_as_it_is_writes_nothing(microsoft: MicrosoftDesk):
    body = {"contentType": "html", "content": HTML}
    made = microsoft.insert(subject="Visit", start=NINE, end=TEN, body=body, showAs="oof")
    seen = microsoft.only("Visit")
    assert "Notes of the app" in seen["notes"]
    as_it_is = {"title": "Visit", "place": "", "notes": seen["notes"], "shown_as": "busy"}
    times = {"start": "2026-11-24T15:00", "end": "2026-11-24T16:00"}
    microsoft.done("edit", seen, **as_it_is, **times)
    assert microsoft.get(made["id"])["changeKey"] == made["changeKey"]
    microsoft.done("edit", seen, **as_it_is | {"title": "Visitors"}, **times)
    now = microsoft.get(made["id"])
    assert (now["subject"], now["body"], now["showAs"]) == ("Visitors", made["body"], "oof")


def test_a_new_event_is_written_in_the_shown_zone_by_windows_name(microsoft: MicrosoftDesk):
    microsoft.done("create", title="Tea", start="2026-11-24T16:00", end="2026-11-24T17:00", notes="milk")
    made = microsoft.get(microsoft.only("Tea")["href"])
    assert made["originalStartTimeZone"] == "W. Europe Standard Time"
    assert made["start"]["dateTime"] == "2026-11-24T15:00:00.0000000"
    assert '<div class="PlainText">milk</div>' in made["body"]["content"]
    microsoft.done("create", title="Shut", start="2026-11-24", end="2026-11-26")
    made = microsoft.get(microsoft.only("Shut")["href"])
    assert (made["isAllDay"], made["end"]["dateTime"]) == (True, "2026-11-26T00:00:00.0000000")


def test_watchers_hear_of_the_owners_changes(microsoft: MicrosoftDesk):
    heard: list[Any] = []
    microsoft.world.watchers.append(heard.append)
    microsoft.done("create", title="Tea", start="2026-11-24T10:00", end="2026-11-24T11:00")
    microsoft.done("move", microsoft.only("Tea"), start="2026-11-24T12:00")
    microsoft.done("delete", microsoft.only("Tea"))
    microsoft.world.watchers.remove(heard.append)
    assert [one.kind for one in heard] == ["created", "updated", "deleted"]


def test_one_of_a_series_becomes_an_exception_with_its_original_start(microsoft: MicrosoftDesk):
    made = microsoft.insert(subject="Daily", start=NINE, end=TEN, recurrence=daily(5))
    microsoft.done("move", microsoft.week()[1], start="2026-11-25T18:00")
    with microsoft.world.lock:
        hit = microsoft.world.find_event(made["id"])
        assert hit is not None
        (exception,) = microsoft.world.exceptions(*hit[:1], made["id"])
    found = microsoft.get(exception.immutable_id)
    assert (found["type"], found["seriesMasterId"]) == ("exception", made["id"])
    assert found["originalStart"] == "2026-11-25T14:00:00Z"
    assert found["start"]["dateTime"] == "2026-11-25T17:00:00.0000000"
    assert microsoft.get(made["id"])["changeKey"] == made["changeKey"]


def test_an_occurrence_stays_between_its_neighbours(microsoft: MicrosoftDesk):
    microsoft.insert(subject="Daily", start=NINE, end=TEN, recurrence=daily(5))
    answer = microsoft.post("move", microsoft.week()[1], start="2026-11-27T18:00")
    assert answer.status_code == 400
    assert "crossing or overlapping adjacent" in answer.json()["error"]["what"]
    assert len(microsoft.starts("Daily")) == 5


def test_a_moved_series_forgets_what_was_changed_alone(microsoft: MicrosoftDesk):
    microsoft.insert(subject="Daily", start=NINE, end=TEN, recurrence=daily(4))
    microsoft.done("delete", microsoft.week()[1], scope="one")
    microsoft.done("edit", microsoft.week()[1], title="Retro", scope="one")
    microsoft.done("move", microsoft.week()[0], start="2026-11-24T16:30", scope="series")
    assert microsoft.starts("Daily") == [f"2026-11-{day}T16:30" for day in (24, 25, 26, 27)]


def test_a_monthly_rule_is_not_bent(microsoft: MicrosoftDesk):
    pattern = {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "last"}
    span = {"type": "noEnd", "startDate": "2026-11-24"}
    rule = {"pattern": pattern, "range": span}
    microsoft.insert(subject="Board", start=NINE, end=TEN, recurrence=rule)
    seen = microsoft.only("Board")
    assert seen["rule"] == "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=-1"
    answer = microsoft.post("move", seen, start="2026-11-25T15:00", scope="series")
    assert answer.status_code == 400
    assert "by day or month" in answer.json()["error"]["what"]
    microsoft.done("move", microsoft.only("Board"), start="2026-11-24T18:00", scope="series")
    assert microsoft.starts("Board") == ["2026-11-24T18:00"]


def test_the_last_day_is_the_one_typed_whatever_the_zone(microsoft: MicrosoftDesk):
    """A series of New York, ended on the page that shows Berlin, or Auckland."""
    made = microsoft.insert(subject="Daily", start=NINE, end=TEN, recurrence=daily(9))
    for zone, last in (("Europe/Berlin", "2026-11-26"), ("Pacific/Auckland", "2026-11-27")):
        seen = microsoft.week()[0]
        microsoft.done("edit", seen, zone=zone, repeat="daily", repeat_until=last, scope="series")
        assert microsoft.get(made["id"])["recurrence"]["range"]["endDate"] == "2026-11-26"
        assert [start[8:10] for start in microsoft.starts("Daily")] == ["24", "25", "26"]


# --- invitations and what belongs to others


@pytest.mark.parametrize(
    ("said", "response", "show_as"),
    [("accepted", "accepted", "busy"), ("tentative", "tentativelyAccepted", "tentative")],
)
def test_an_invitation_is_answered_and_the_organizer_is_told(
    microsoft: MicrosoftDesk, said: str, response: str, show_as: str
):
    event_id = invited(microsoft)
    asked = microsoft.only("Review")
    assert (asked["answer"], asked["invited_by"]) == ("needsAction", "boss@elsewhere.example")
    microsoft.done("answer", asked, answer=said)
    assert microsoft.only("Review")["answer"] == said
    now = microsoft.get(event_id)
    assert (now["responseStatus"]["response"], now["showAs"]) == (response, show_as)
    assert microsoft.world.mailed[-1][:2] == (response, "boss@elsewhere.example")


def test_a_declined_invitation_leaves_the_calendar(microsoft: MicrosoftDesk):
    invited(microsoft)
    microsoft.done("answer", microsoft.only("Review"), answer="declined")
    assert microsoft.week() == []
    assert microsoft.world.mailed[-1][0] == "declined"


def test_one_of_an_invited_series_is_declined_alone(microsoft: MicrosoftDesk):
    invited(microsoft, daily(3))
    microsoft.done("answer", microsoft.week()[1], answer="declined", scope="one")
    assert [one["answer"] for one in microsoft.week()] == ["needsAction", "needsAction"]
    microsoft.done("answer", microsoft.week()[0], answer="accepted", scope="series")
    assert [one["answer"] for one in microsoft.week()] == ["accepted", "accepted"]


def test_a_stale_answer_is_refused(microsoft: MicrosoftDesk):
    event_id = invited(microsoft)
    asked = microsoft.only("Review")
    microsoft.patch(event_id, categories=["Red"])
    assert microsoft.post("answer", asked, answer="declined").status_code == 412


def test_a_calendar_one_may_only_look_at_is_not_written(microsoft: MicrosoftDesk):
    with microsoft.world.lock:
        other = microsoft.world.add_account(f"boss-{microsoft.account}")
        calendar = microsoft.world.default_calendar(other)
        args = {"calendar": microsoft.world.entry(other, calendar).id}
        for subject, sensitivity in (("Open", "normal"), ("Secret", "private")):
            body = {"subject": subject, "start": NINE, "end": TEN, "sensitivity": sensitivity}
            writing.create(Call(microsoft.world, other, other, args=args, body=body, owner=True))
        microsoft.world.share(calendar, microsoft.person, "read")
        microsoft.calendar = microsoft.world.entry(microsoft.person, calendar).id
    assert {one["title"] for one in microsoft.week()} == {"Open", "Private Appointment"}
    seen = microsoft.only("Open")
    assert microsoft.post("move", seen, start="2026-11-24T18:00").status_code == 403
    made = microsoft.post("create", title="x", start="2026-11-24T18:00", end="2026-11-24T19:00")
    assert made.status_code == 403
    assert "Read only" in microsoft.client.get("/", params=microsoft.here).text
    target = microsoft.calendar
    microsoft.calendar = microsoft.client.get("/calendars.json", params=microsoft.here).json()["calendars"][
        0
    ]["href"]
    microsoft.done("create", title="Tea", start="2026-11-24T18:00", end="2026-11-24T19:00")
    assert microsoft.post("transfer", microsoft.only("Tea"), to=target).status_code == 400


def test_a_moved_event_keeps_its_immutable_id_and_what_apps_wrote(microsoft: MicrosoftDesk):
    properties = [{"id": MARK, "value": "keep"}]
    made = microsoft.insert(subject="Visit", start=NINE, end=TEN, singleValueExtendedProperties=properties)
    other = microsoft.second()
    _found, link = told(microsoft)
    microsoft.done("transfer", microsoft.only("Visit"), to=other)
    found, _link = told(microsoft, link)
    assert [(one["id"], "@removed" in one) for one in found] == [(made["id"], True)]
    microsoft.calendar = other
    assert microsoft.get(made["id"])["subject"] == "Visit"
    with microsoft.world.lock:
        hit = microsoft.world.find_event(made["id"])
    assert hit is not None
    assert list(hit[1].extended.values()) == ["keep"]
    assert microsoft.only("Visit")["etag"] == entities.etag(hit[1])


def test_titles_are_text_and_never_markup(microsoft: MicrosoftDesk):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    body = {"contentType": "text", "content": f"</textarea>{evil}"}
    microsoft.insert(subject=evil, location={"displayName": evil}, body=body, start=NINE, end=TEN)
    seen = microsoft.only(evil)
    value = f"{seen['occurrence']}|{seen['href']}"
    form = microsoft.client.get("/events/edit", params=microsoft.here | {"event": value}).text
    for page in (microsoft.client.get("/", params=microsoft.here).text, form):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_a_person_takes_an_apps_access_back(microsoft: MicrosoftDesk):
    here = {"account": microsoft.account}
    assert "No app has access." in microsoft.client.get("/connections", params=here).text
    with microsoft.world.lock:
        microsoft.world.clients[DEMO.id] = DEMO
        token = microsoft.world.issue_access_token(microsoft.person, DEMO.id, ["Calendars.ReadWrite"])
    assert "Have full access to your calendars" in microsoft.client.get("/connections", params=here).text
    week = microsoft.client.get("/", params=here).text
    assert f'href="/connections?account={quote(microsoft.account)}"' in week
    data = here | {"client": DEMO.id}
    foreign = microsoft.client.post(
        "/connections/remove", data=data, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert microsoft.world.bearer(token.token)
    after = microsoft.client.post("/connections/remove", data=data, follow_redirects=True)
    assert "No app has access." in after.text
    assert microsoft.world.bearer(token.token) is None


# --- rules


BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 11, 24, 9)


@pytest.mark.parametrize(
    ("pattern", "span", "rule"),
    [
        ({"type": "daily", "interval": 1}, {"type": "noEnd"}, "FREQ=DAILY"),
        (
            {"type": "daily", "interval": 2},
            {"type": "numbered", "numberOfOccurrences": 3},
            "FREQ=DAILY;INTERVAL=2;COUNT=3",
        ),
        ({"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}, {"type": "noEnd"}, "FREQ=WEEKLY"),
        (
            {"type": "weekly", "interval": 1, "daysOfWeek": ["monday", "tuesday"]},
            {"type": "endDate", "endDate": "2026-12-01"},
            "FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20261201T225959Z",
        ),
        (
            {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 24},
            {"type": "noEnd"},
            "FREQ=MONTHLY;BYMONTHDAY=24",
        ),
        (
            {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 24, "month": 11},
            {"type": "noEnd"},
            "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24",
        ),
        (
            {
                "type": "relativeYearly",
                "interval": 1,
                "daysOfWeek": ["tuesday"],
                "index": "fourth",
                "month": 11,
            },
            {"type": "noEnd"},
            "FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYSETPOS=4",
        ),
    ],
)
def test_a_rule_of_graph_is_told_as_an_rrule(pattern: dict, span: dict, rule: str):
    known = checked({"pattern": pattern, "range": span}, TUESDAY, "UTC")
    assert microsoft_rules.rrule_of(known, TUESDAY, BERLIN) == rule


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=DAILY;UNTIL=20261127T225959Z", "FREQ=WEEKLY;UNTIL=20261127T225959Z"],
)
def test_what_the_form_makes_comes_back_the_same(rule: str):
    made = checked(microsoft_rules.recurrence_of(rule, TUESDAY, BERLIN), TUESDAY, "W. Europe Standard Time")
    assert microsoft_rules.rrule_of(made, TUESDAY, BERLIN) == rule


def test_a_rule_of_whole_days_ends_on_a_date():
    made = microsoft_rules.recurrence_of("FREQ=DAILY;UNTIL=20261127", date(2026, 11, 24), BERLIN)
    assert made["range"] == {"type": "endDate", "startDate": "2026-11-24", "endDate": "2026-11-27"}
    assert microsoft_rules.rrule_of(
        checked(made, datetime(2026, 11, 24), "UTC"), date(2026, 11, 24), BERLIN
    ) == ("FREQ=DAILY;UNTIL=20261127")


def test_another_rhythm_cannot_be_made():
    with pytest.raises(BadInput):
        microsoft_rules.recurrence_of("FREQ=MONTHLY", TUESDAY, BERLIN)


# --- in a browser


@pytest.mark.browser
def test_the_owner_drags_resizes_declines_and_deletes_in_a_browser(microsoft: MicrosoftDesk, page: Any):
    invited(microsoft)
    microsoft.insert(
        subject="Visit",
        start=NINE | {"dateTime": "2026-11-24T03:00:00"},
        end=TEN | {"dateTime": "2026-11-24T04:00:00"},
    )
    page.goto(f"{microsoft.url}/?{urlencode(microsoft.here | {'day': '2026-11-24'})}")
    for at, now, grip in (("09:00–10:00", "10:00–11:00", False), ("10:00–11:00", "10:00–12:00", True)):
        target = page.locator(".block", has_text=at)
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        x, y = box["x"] + 20, box["y"] + (box["height"] - 2 if grip else 10)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 5, y + 5)
        page.mouse.move(x, y + 48, steps=5)
        page.mouse.up()
        page.get_by_text(f"Now Tue 24 Nov, {now}.").wait_for()
    assert [one["end"][11:16] for one in microsoft.week() if one["title"] == "Visit"] == ["12:00"]
    page.locator(".block", has_text="Review").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.locator(".block", has_text="Review").wait_for(state="detached")
    page.locator(".block", has_text="Visit").click()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete this event").click()
    page.locator(".block", has_text="Visit").wait_for(state="detached")
    assert microsoft.week() == []


@pytest.mark.browser
def test_a_change_by_an_app_appears_by_itself(microsoft: MicrosoftDesk, page: Any):
    page.goto(f"{microsoft.url}/?{urlencode(microsoft.here | {'day': '2026-11-24'})}")
    microsoft.insert(subject="Booked on the web", start=NINE, end=TEN)
    page.locator(".block", has_text="Booked on the web").wait_for(timeout=8000)
