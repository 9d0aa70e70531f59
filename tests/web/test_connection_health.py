"""**Connection health**: each connection's state in words, figures, and what to do; own companies only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.web.tenants import Tenant, client_of, person, tenant, with_team

from genie.store.counts import quarter_of
from genie.store.models import (
    Channel,
    Connection,
    EventLink,
    Incident,
    RemoteCalendar,
    RemoteKey,
    Role,
    SyncCount,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    found = tenant("Acme")
    Connection.objects.update(realtime=True)
    well()
    return found


def well() -> None:
    """Everything was read just now, nothing is owed, nothing is to be decided."""
    Incident.objects.update(decision="let_go")
    RemoteCalendar.objects.update(read_at=timezone.now())
    EventLink.objects.update(state="clean")


def page_of(acme: Tenant, **asked: str) -> str:
    return client_of(acme.admin).get(f"/company/{acme.slug}/health", asked).content.decode()


def text_of(page: str) -> str:
    return " ".join(page.split())


def test_one_in_step(acme: Tenant) -> None:
    page = page_of(acme)
    for words in ("<strong>Good.</strong> In step.", "1 good", "Acme desk", "polled every 45 s"):
        assert words in page
    assert "Retry" not in page and "Re-authorize" not in page
    banner = client_of(acme.admin).get(f"/company/{acme.slug}/apps/{acme.module.slug}").content.decode()
    assert "needs a person" not in banner


def test_it_stands_in_the_menu_of_those_who_may(acme: Tenant) -> None:
    address = f'href="/company/{acme.slug}/health"'
    for user, there in ((acme.admin, True), (acme.light, False)):
        assert (address in client_of(user).get(f"/company/{acme.slug}/leads/list").content.decode()) is there


@pytest.mark.parametrize(
    ("of", "fields", "words"),
    [
        ("key", {"state": "needs_reauthorization"}, "The access to desk@acme.example has ended"),
        ("calendar", {"state": "parked", "trouble": "It was deleted."}, "It was deleted."),
        ("link", {"state": "parked", "reason": "It is too large."}, "1 appointment is not in step"),
    ],
)
def test_what_needs_a_person(acme: Tenant, of: str, fields: dict[str, Any], words: str) -> None:
    rows = {"key": RemoteKey, "calendar": RemoteCalendar, "link": EventLink}[of].objects.all()  # type: ignore[attr-defined]
    rows.update(**fields)
    page = page_of(acme)
    assert f"<strong>Needs a person.</strong> {words}" in page
    assert "1 needs a person" in text_of(page)
    reauthorize = f'href="/company/{acme.slug}/keys/{acme.key.pk}/reauthorize"'
    assert (reauthorize in page) is (of == "key")
    assert ("Retry" in page) is (of != "key")
    banner = client_of(acme.admin).get(f"/company/{acme.slug}/apps/{acme.module.slug}").content.decode()
    assert "Acme desk needs a person." in banner and words in banner
    assert (reauthorize in banner) is (of == "key")


def test_what_is_held_is_decided_on_its_own_page(acme: Tenant) -> None:
    Incident.objects.update(decision="")
    page = page_of(acme)
    assert "<strong>Needs a person.</strong> So much was moved or deleted" in page
    assert f'href="/company/{acme.slug}/apps/{acme.module.slug}/calendar" aria-label="Decide' in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"attempts": 1, "trouble": "No answer."}, "No answer."),
        ({"read_at": timedelta(minutes=-11)}, "Not read for 11 min."),
    ],
)
def test_what_is_late(acme: Tenant, fields: dict[str, Any], words: str) -> None:
    now = timezone.now()
    moments = {name: now + one if isinstance(one, timedelta) else one for name, one in fields.items()}
    RemoteCalendar.objects.update(**moments)
    assert f"<strong>Late.</strong> {words}" in page_of(acme)


def test_a_debt_that_waits_is_late_and_its_age_is_said(acme: Tenant) -> None:
    EventLink.objects.update(state="owes_push")
    assert "<strong>Good.</strong>" in page_of(acme)
    EventLink.objects.update(owed_at=Now() - timedelta(minutes=20))
    page = page_of(acme)
    assert "<strong>Late.</strong> 1 change has waited longer than usual." in page
    assert "1, the oldest for 20 min" in page


def test_where_a_channel_tells_an_hour_without_a_read_is_good(acme: Tenant) -> None:
    now = timezone.now()
    RemoteCalendar.objects.update(read_at=now - timedelta(minutes=50))
    assert "<strong>Late.</strong>" in page_of(acme)
    Channel.objects.create(
        calendar=acme.calendar,
        channel_id="c",
        state="open",
        made_at=now,
        heard_at=now,
        expires_at=now + timedelta(days=2),
    )
    page = page_of(acme)
    assert "<strong>Good.</strong>" in page
    assert "told at once; the channel ends" in page


def test_what_was_put_aside_is_tried_again_from_here(acme: Tenant) -> None:
    EventLink.objects.update(state="parked", reason="It is too large.")
    page = page_of(acme)
    assert f'name="link" value="{acme.event_link.pk}"' in page
    client_of(acme.admin).post(
        f"/company/{acme.slug}/apps/{acme.module.slug}/calendar/retry", {"link": acme.event_link.pk}
    )
    assert EventLink.objects.get().state == "owes_push"


def count(acme: Tenant, what: str, bucket: int = 0, count: int = 1, *, ago: timedelta = timedelta(0)) -> None:
    SyncCount.objects.create(
        calendar=acme.calendar,
        kind="memory",
        quarter=quarter_of(timezone.now() - ago),
        what=what,
        bucket=bucket,
        count=count,
    )


def test_lags_and_requests_of_the_last_day(acme: Tenant) -> None:
    count(acme, "out", 0, 12)
    count(acme, "out", 4, 8, ago=timedelta(hours=3))
    count(acme, "out", 11, 50, ago=timedelta(hours=25))  # not of this day
    count(acme, "asked", count=7)
    count(acme, "asked", count=100, ago=timedelta(hours=5))
    count(acme, "throttled", count=2)
    page = text_of(page_of(acme))
    assert "half within 0.5 s, 95 % within 10 s" in page
    assert "<dd>7, 2 told to slow down" in page and "<dd>107, 2 told to slow down" in page
    assert page.count("<svg viewBox") == 1 and page.count('fill="currentColor"/>') == 2
    assert "20 changes; in the slowest hour 95 % within 10 s.</title>" in page
    assert "no change in the last day" in page  # in the other direction


def test_as_many_queries_for_many_as_for_one(acme: Tenant) -> None:
    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    addresses = (f"/company/{acme.slug}/health", "/connections")
    client = client_of(person(Role.AGENCY_ADMIN, acme.company.agency, email="agency@acme.example"))
    client.get(addresses[0])
    one = [asked(address) for address in addresses]
    with_team(acme)
    for number in range(4):
        with_team(tenant(f"Other{number}", acme.company.agency))
    EventLink.objects.update(state="parked")
    assert [asked(address) for address in addresses] == one


def test_all_companies_the_worst_first_and_nobody_elses(acme: Tenant) -> None:
    ours, theirs = tenant("Zeta", acme.company.agency), tenant("Foreign")
    well()
    RemoteKey.objects.filter(pk=ours.key.pk).update(state="needs_reauthorization")
    agency = client_of(person(Role.AGENCY_ADMIN, acme.company.agency, email="agency@acme.example"))
    page = agency.get("/connections").content.decode()
    assert page.index("Zeta office") < page.index("Acme office")
    assert theirs.company.name not in page
    own = client_of(acme.admin).get("/connections").content.decode()
    assert "Acme office" in own and "Zeta" not in own
    assert client_of(acme.light).get("/connections").status_code == 403
    assert Client().get("/connections").headers["Location"].startswith("/login")


def test_many_are_shown_page_by_page(acme: Tenant) -> None:
    for number in range(30):
        calendar = RemoteCalendar.objects.create(key=acme.key, remote_id=str(number), name=f"Room {number}")
        staff = type(acme.staff).objects.create(
            company=acme.company,
            name=f"P{number}",
            email="p@x.example",
            schedule=acme.schedule,
            created_at=timezone.now(),
        )
        Connection.objects.create(
            module=acme.module, staff=staff, calendar=calendar, linked_at=timezone.now()
        )
    first = page_of(acme)
    assert "Page 1 of 2" in first and "?page=2" in first
    assert "Page 2 of 2" in page_of(acme, page="2")
    assert "Page 2 of 2" in page_of(acme, page="99")


def test_without_a_linked_calendar_it_says_how_to_link_one(acme: Tenant) -> None:
    Connection.objects.update(state="ended")
    assert "press Configure Calendar" in page_of(acme)
