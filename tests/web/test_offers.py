"""Free times as JSON: what is said, under which ETag, in how many queries, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.booking_scene import MONDAY, Shop, busy, ny, shop
from tests.team_scene import member

from genie.flows.offer import slots
from genie.store.models import AppointmentKind, Hold, Module, OpeningHours, RemoteCalendar
from genie.web.booking import offers
from genie.web.booking.holder import NAME, new_holder

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = {"from": "2026-03-02", "to": "2026-03-08"}


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def get(client: Client, what: str = "slots", **asked: Any) -> HttpResponse:
    return client.get(f"/book/acme/tour/{what}.json", {name.rstrip("_"): v for name, v in asked.items()})


def answer(client: Client, what: str = "slots", **asked: Any) -> dict[str, Any]:
    response = get(client, what, **asked)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def unix(*starts: str) -> list[int]:
    return [int(ny(start).timestamp()) for start in starts]


def test_starts_are_unix_seconds_by_local_date(acme: Shop, client: Client) -> None:
    busy(acme.reads(acme.calendar()), "2026-03-03T09:00", minutes=180)
    assert answer(client, **WEEK) == {
        "zone": "America/New_York",
        "from": "2026-03-02",
        "to": "2026-03-08",
        "duration": 60,
        "days": {
            f"2026-03-0{day}": unix(*(f"2026-03-0{day}T{hour}:00" for hour in ("09", "10", "11")))
            for day in (2, 4, 5, 6)
        },
    }


def test_they_are_those_of_the_booking_page(acme: Shop, client: Client) -> None:
    found = answer(client, **{**WEEK, "to": "2026-04-30"})
    module = Module.objects.select_related("schedule").get()
    offered = slots(module=module, first=MONDAY, last=MONDAY + timedelta(59), now=NOW)
    assert [start for day in found["days"].values() for start in day] == [
        int(start.timestamp()) for start in offered
    ]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_dates_are_those_of_the_asked_zone(acme: Shop, client: Client, zone: str) -> None:
    OpeningHours.objects.update(opens=time(), closes=time())
    found = answer(client, zone=zone, **{**WEEK, "to": "2026-03-04"})
    module = Module.objects.select_related("schedule").get()
    expected: dict[str, list[int]] = {}
    for start in slots(module=module, first=MONDAY - timedelta(2), last=MONDAY + timedelta(9), now=NOW):
        day = start.astimezone(ZoneInfo(zone)).date().isoformat()
        if "2026-03-02" <= day <= "2026-03-04":
            expected.setdefault(day, []).append(int(start.timestamp()))
    assert found["zone"] == zone
    assert found["days"] == expected


def test_without_a_range_it_is_a_month_from_today(acme: Shop, client: Client) -> None:
    found = answer(client)
    assert (found["from"], found["to"]) == ("2026-03-01", "2026-03-31")


def test_a_month_is_told_by_the_number_of_starts_of_each_day(acme: Shop, client: Client) -> None:
    Module.objects.update(horizon_days=9)
    acme.put("2026-03-02T09:00")
    assert answer(client, "month", month="2026-03") == {
        "zone": "America/New_York",
        "month": "2026-03",
        "duration": 60,
        "last": "2026-03-10",
        "days": {
            "2026-03-02": 2,
            **{f"2026-03-{day}": 3 for day in ("03", "04", "05", "06", "09", "10")},
        },
    }
    assert answer(client, "month")["month"] == "2026-03"
    assert answer(client, "month", month="2026-07")["days"] == {}


def test_of_several_kinds_one_is_named_and_of_one_it_is_meant(acme: Shop, client: Client) -> None:
    short = AppointmentKind.objects.create(module=acme.module, name="Short", slug="short", duration=30)
    assert answer(client, **WEEK)["duration"] == 30
    AppointmentKind.objects.create(module=acme.module, name="Long", slug="long", duration=90)
    refused = get(client, **WEEK)
    assert refused.status_code == 400
    assert "short, long" in json.loads(refused.content)["error"]["do"]
    assert answer(client, kind="long", **WEEK)["duration"] == 90
    AppointmentKind.objects.filter(id=short.pk).update(enabled=False)
    assert get(client, kind="short", **WEEK).status_code == 400


def test_a_person_of_the_team_can_be_asked_for_where_visitors_choose(acme: Shop, client: Client) -> None:
    ann, bob = member(acme, "Ann"), member(acme, "Bob")
    acme.put("2026-03-02T09:00", staff=ann)
    assert get(client, staff=ann.pk, **WEEK).status_code == 400
    Module.objects.update(assignment="visitor_chooses")
    assert answer(client, staff=ann.pk, **WEEK)["days"]["2026-03-02"] == unix(
        "2026-03-02T10:00", "2026-03-02T11:00"
    )
    assert len(answer(client, staff=bob.pk, **WEEK)["days"]["2026-03-02"]) == 3
    assert len(answer(client, **WEEK)["days"]["2026-03-02"]) == 3
    stranger = member(shop("other"), "Eve")
    assert get(client, staff=stranger.pk, **WEEK).status_code == 400


def test_a_hold_of_ones_own_does_not_count(acme: Shop, client: Client) -> None:
    holder = new_holder()
    start, until = ny("2026-03-02T09:00"), NOW + timedelta(minutes=9)
    Hold.objects.create(
        module=acme.module,
        start=start,
        end=start + timedelta(hours=1),
        visitor=holder.value,
        expires_at=until,
    )
    assert len(answer(client, **WEEK)["days"]["2026-03-02"]) == 2
    client.cookies[NAME] = holder.signed
    assert len(answer(client, **WEEK)["days"]["2026-03-02"]) == 3


def test_it_has_a_strong_tag_of_its_content(acme: Shop, client: Client) -> None:
    first = get(client, **WEEK)
    tag = first["ETag"]
    assert tag.startswith('"')
    assert first["Cache-Control"] == "private, no-cache"
    assert first["Content-Type"] == "application/json"
    assert "Set-Cookie" not in first
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.get("/book/acme/tour/slots.json", WEEK, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    acme.put("2026-03-02T09:00")
    changed = client.get("/book/acme/tour/slots.json", WEEK, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag


@pytest.mark.parametrize("what", ["slots", "month"])
def test_it_takes_two_queries_whatever_there_is(acme: Shop, client: Client, what: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            answer(client, what)
        return len(seen)

    assert queries() == 2
    for name in ("Ann", "Bob", "Cem", "Dee"):
        busy(acme.calendar(name), "2026-03-02T09:00")
        member(acme, name)
        acme.put("2026-03-02T09:00")
    assert RemoteCalendar.objects.count() == 4
    assert queries() == 2


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("slots", {"from": "2026-13-01"}),
        ("slots", {"from": "yesterday"}),
        ("slots", {"from": "0001-01-01"}),
        ("slots", {"to": "9999-12-31"}),
        ("slots", {"from": "2026-03-02", "to": "2026-03-01"}),
        ("slots", {"from": "2026-03-02", "to": "2027-03-03"}),
        ("slots", {"to": "2026-03-02\0"}),
        ("slots", {"kind": "none"}),
        ("slots", {"kind": "\0"}),
        ("slots", {"kind": "x" * 5000}),
        ("slots", {"staff": "1"}),
        ("slots", {"staff": "-1"}),
        ("slots", {"staff": "1' OR 1=1 --"}),
        ("slots", {"staff": "9" * 30}),
        ("slots", {"staff": "٣"}),
        ("slots", {"zone": "Mars/Olympus"}),
        ("slots", {"zone": "../../etc/passwd"}),
        ("slots", {"zone": "America/New_York\0"}),
        ("month", {"month": "2026-3"}),
        ("month", {"month": "2026-13"}),
        ("month", {"month": "2026-03-01"}),
        ("month", {"month": "12026-03"}),
    ],
)
def test_what_cannot_be_answered_is_refused_in_three_parts(
    acme: Shop, client: Client, what: str, asked: dict[str, str]
) -> None:
    response = client.get(f"/book/acme/tour/{what}.json", asked)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    parts = json.loads(response.content)["error"]
    assert set(parts) == {"what", "means", "do"}
    assert all(parts.values())


def test_a_year_is_the_longest_range(acme: Shop, client: Client) -> None:
    assert answer(client, **{"from": "2026-03-02", "to": "2027-03-02"})["to"] == "2027-03-02"


def test_what_is_not_there_or_switched_off_is_404_and_nothing_can_be_written(
    acme: Shop, client: Client
) -> None:
    for address in ("/book/acme/none/slots.json", "/book/none/tour/month.json"):
        assert client.get(address).status_code == 404
    assert client.post("/book/acme/tour/slots.json").status_code == 405
    Module.objects.update(enabled=False)
    missing = get(client)
    assert missing.status_code == 404
    assert json.loads(missing.content)["error"]["what"]


PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.mark.parametrize(("number", "what"), [(0, "slots"), (1, "month")])
def test_the_page_about_it_shows_answers_as_they_are(
    acme: Shop, client: Client, number: int, what: str
) -> None:
    shown = json.loads(re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)[number])
    said = {**WEEK, "to": shown["to"]} if what == "slots" else {"month": shown["month"]}
    found = answer(client, what, **said)
    assert list(found) == list(shown)
    assert found["zone"] == shown["zone"]
    assert shown["days"].keys() <= found["days"].keys()
    if what == "slots":
        assert all(set(starts) <= set(found["days"][day]) for day, starts in shown["days"].items())


def test_the_page_about_it_names_every_parameter() -> None:
    source = Path(offers.__file__).read_text()
    read = set(re.findall(r"""(?:GET\.get|_date)\((?:request, )?"(\w+)\"""", source))
    assert read == {"from", "to", "zone", "kind", "staff", "month"}
    assert all(f"`{name}`" in PAGE for name in read)
