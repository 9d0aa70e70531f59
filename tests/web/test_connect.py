"""Remote Calendar Configuration, Remote Authorization, the registration page, availability calendars."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.connect_scene import Scene, scene
from tests.outside import CalDavServer

from genie.core.errors import Transient
from genie.flows.complete_registration import complete_registration
from genie.flows.create_registration_link import create_registration_link
from genie.flows.open_registration_link import TRIES
from genie.providers.port import Account
from genie.providers.registry import ProviderSettings
from genie.store.models import (
    AvailabilityCalendar,
    Change,
    Company,
    Connection,
    EventLink,
    Module,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
    RemoteObject,
    Role,
)
from genie.store.sealed import seal
from genie.web.dashboard.remote.health import health_of

PASSWORD = "abcd-efgh-app-password"
CALENDAR = "/company/acme/apps/main-office/calendar"
KEYS = "/company/acme/keys"


@pytest.fixture
def acme(db: None) -> Scene:
    return scene()


@pytest.fixture
def admin(acme: Scene, client: Client) -> Client:
    client.force_login(acme.admin)
    return client


@pytest.fixture
def private_networks(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    settings.GENIE_PRIVATE_NETWORKS = True  # type: ignore[attr-defined]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def words(response: HttpResponse) -> str:
    """What a person reads, and what a screen reader says."""
    page = response.content.decode()
    labels = " ".join(re.findall(r'(?:aria-label|placeholder)="([^"]*)"', page))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page) + " " + labels)


def new_token(acme: Scene, **fields: object) -> str:
    values = {
        "company": acme.company,
        "kind": "caldav",
        "user": acme.admin,
        "hours": 72,
        "settings": ProviderSettings(),
        "now": timezone.now(),
    }
    return create_registration_link(**(values | fields)).token  # type: ignore[arg-type]


def answer(client: Client, token: str, **fields: str) -> HttpResponse:
    typed = {"address": "caldav.example.com", "user": "desk", "password": PASSWORD} | fields
    return client.post(f"/connect/{token}", typed)


# --- Remote Calendar Configuration


def test_the_page_teaches_how_to_begin(admin: Client) -> None:
    page = admin.get(CALENDAR)
    said = words(page)
    assert "Remote Calendar Configuration: Schedule Genie™" in said
    for label in ("Remote Auth Config", "Keys", "Remote Calendars", "Remote Calendar Options"):
        assert label in said
    assert "Get real-time Calendar updates" in said
    assert "There is no key yet" in said


def test_use_this_key_then_connect_then_on_then_unlink(admin: Client, acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("holidays", "Holidays", may_write=False)
    acme.owner().add_calendar("tours", "Tours")
    visit = acme.appointment(hours=24 * 365 * 20)
    assert "Use This Key" in words(admin.get(CALENDAR))

    page = admin.post(f"{CALENDAR}/use-key", {"key": key.id}, follow=True)
    assert "Connect Calendar Work" in words(page)
    assert "read only, cannot be linked" in words(page)
    assert 'aria-label="Connect Calendar Holidays"' not in page.content.decode()

    page = admin.post(f"{CALENDAR}/connect", {"key": key.id, "calendar": "work"}, follow=True)
    assert "Linked to Work" in words(page) and "Unlink Token" in words(page)
    connection = Connection.objects.get()
    assert not connection.realtime and EventLink.objects.get().appointment == visit
    assert 'btn-error" aria-label="Get real-time Calendar updates: Off"' in page.content.decode()
    assert "press Unlink Token first" in words(admin.get(f"{CALENDAR}?key={key.id}"))

    page = admin.post(f"{CALENDAR}/realtime", {"on": "1"}, follow=True)
    assert 'btn-success" aria-label="Get real-time Calendar updates: On"' in page.content.decode()

    page = admin.post(f"{CALENDAR}/unlink", {"copies": "keep"}, follow=True)
    assert "Nothing is sent to Work or read from it any more" in words(page)
    connection.refresh_from_db()
    assert (connection.state, connection.epoch) == ("ended", 2)
    page = admin.post(f"{CALENDAR}/unlink", {"copies": "keep"}, follow=True)
    assert "not linked to a calendar any more" in words(page)


def test_before_connecting_the_page_says_what_will_be_written(admin: Client, acme: Scene) -> None:
    key = acme.key()
    acme.listed(key)
    page = f"{CALENDAR}?key={key.id}"
    assert "Connect Calendar writes nothing yet" in words(admin.get(page))
    acme.appointment(hours=-48)
    one, other = acme.appointment(hours=24 * 365 * 20), acme.appointment(hours=24 * 365 * 21)
    said = words(admin.get(page))
    assert "Connect Calendar writes 2 appointments still to come to the calendar, the first on" in said
    assert "Customers are not told" in said
    shown = admin.get(page).content.decode()
    for visit in (one, other):
        assert f"/company/acme/appointments/{visit.pk}" in shown
    admin.post(f"{CALENDAR}/connect", {"key": key.id, "calendar": "work"})
    assert set(EventLink.objects.values_list("appointment_id", flat=True)) == {one.pk, other.pk}
    assert "writes" not in words(admin.get(page))


def test_asking_for_removal_of_the_copies(admin: Client, acme: Scene) -> None:
    connection = linked(admin, acme)
    EventLink.objects.update(remote_id="a", state="clean", asked_at=timezone.now())
    page = admin.post(f"{CALENDAR}/unlink", {"copies": "remove"}, follow=True)
    assert "being removed" in words(page) and "Stop and unlink" in words(page)
    connection.refresh_from_db()
    assert connection.state == "removing"


def linked(admin: Client, acme: Scene) -> Connection:
    key = acme.key()
    acme.listed(key)
    acme.appointment(hours=24 * 365 * 20)
    admin.post(f"{CALENDAR}/connect", {"key": key.id, "calendar": "work"})
    return Connection.objects.get()


def test_a_refusal_is_said_in_words(admin: Client, acme: Scene) -> None:
    linked(admin, acme)
    key = RemoteKey.objects.get()
    page = admin.post(f"{CALENDAR}/connect", {"key": key.id, "calendar": "work"}, follow=True)
    assert "Main office is linked to Work already" in words(page)


def test_a_server_that_does_not_answer_is_said_in_three_parts(admin: Client, acme: Scene) -> None:
    key = acme.key()

    def down(*_: object) -> None:
        raise Transient("The server does not answer")

    acme.world.before = down
    page = words(admin.post(f"{CALENDAR}/use-key", {"key": key.id}, follow=True))
    assert "could not be listed: The server does not answer. Nothing was changed. Try again" in page


def test_a_changed_password_is_said_and_leads_to_re_authorization(admin: Client, acme: Scene) -> None:
    key = acme.key()
    acme.owner().change_password("another")
    page = words(admin.post(f"{CALENDAR}/use-key", {"key": key.id}, follow=True))
    assert "Press Re-authorize" in page and "needs re-authorization" in page
    assert "Re-authorize CalDAV" not in page and "Re-authorize Memory key desk@acme.example" in page


def test_rules_are_saved_and_nonsense_is_refused(admin: Client, acme: Scene) -> None:
    rules = {"inbound_rule": "apply_silently", "conflict_rule": "dashboard_wins"}
    assert "The rules are saved" in words(admin.post(f"{CALENDAR}/rules", rules, follow=True))
    acme.module.refresh_from_db()
    assert (acme.module.inbound_rule, acme.module.conflict_rule) == ("apply_silently", "dashboard_wins")
    assert admin.post(f"{CALENDAR}/rules", rules | {"conflict_rule": "nonsense"}).status_code == 400


def test_parked_events_are_listed_with_reason_and_retry(admin: Client, acme: Scene) -> None:
    connection = linked(admin, acme)
    link = EventLink.objects.get()
    EventLink.objects.update(state="parked", reason="The server says the event is too large.")
    RemoteObject.objects.create(
        calendar=connection.calendar, remote_id="/x.ics", etag="1", problem="It has no start."
    )
    page = words(admin.get(f"{CALENDAR}/state?as={connection.id}-1-linked"))
    assert "1 appointment needs a person" in page
    assert "The server says the event is too large." in page and "It has no start." in page
    assert "Retry Tour, Ann Lee" in page
    admin.post(f"{CALENDAR}/retry", {"link": link.id})
    link.refresh_from_db()
    assert link.state == "owes_push"


def test_the_watching_page_says_so_to_the_worker_and_reloads_when_the_link_changed(
    admin: Client, acme: Scene
) -> None:
    connection = linked(admin, acme)
    RemoteCalendar.objects.update(watched_at=None)
    part = admin.get(f"{CALENDAR}/state?as={connection.id}-1-linked")
    assert part.status_code == 200 and "hx-get" in part.content.decode()
    watched = RemoteCalendar.objects.get().watched_at
    assert watched is not None
    admin.get(f"{CALENDAR}/state?as={connection.id}-1-linked")
    assert RemoteCalendar.objects.get().watched_at == watched
    other = admin.get(f"{CALENDAR}/state?as=none")
    assert (other.status_code, other.headers["HX-Refresh"]) == (204, "true")


@pytest.mark.parametrize(
    ("fields", "level", "said"),
    [
        ({"read_at": 4}, "good", "Last looked 4 s ago."),
        ({"read_at": 0}, "good", "Last looked just now."),
        ({"read_at": 720}, "warn", "Not read for 12 min."),
        (
            {"read_at": 4, "attempts": 2, "trouble": "The server is busy.", "next_attempt": -90},
            "warn",
            "1 min",
        ),
        ({"state": "parked", "trouble": "The calendar is not there."}, "bad", "The calendar is not there."),
    ],
)
def test_an_arrow_turns_amber_with_a_reason(
    admin: Client, acme: Scene, fields: dict[str, object], level: str, said: str
) -> None:
    connection = linked(admin, acme)
    EventLink.objects.update(state="clean")
    now = timezone.now()
    for name in ("read_at", "next_attempt"):
        if name in fields:
            fields[name] = now - timedelta(seconds=int(str(fields[name])) + 0.2)
    RemoteCalendar.objects.update(**fields)
    Connection.objects.update(realtime=True)
    page = admin.get(f"{CALENDAR}/state?as={connection.id}-1-linked")
    assert f'class="state {level}"' in page.content.decode() and said in words(page)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (None, "appointments Everything is sent. Nothing yet."),
        (timedelta(0), "1 today, last 00:15"),
        (timedelta(minutes=15), "1 today, last 00:00"),
        (timedelta(minutes=16), "0 today, last Mon 1 Jun, 23:59"),
    ],
)
def test_an_arrow_says_how_much_today_and_when_last(acme: Scene, last: timedelta | None, said: str) -> None:
    """Today is the day at the place of the visits: Europe/London, an hour ahead of UTC in summer."""
    now = datetime(2026, 6, 1, 23, 15, tzinfo=UTC)
    connection = linked_to_work(acme, at=now - timedelta(days=30))
    at = None if last is None else now - last
    RemoteCalendar.objects.update(last_out_at=at, last_in_at=at, read_at=now)
    connection.calendar.refresh_from_db()
    assert said in state_part(connection, now)


def test_what_went_out_today_is_counted(acme: Scene) -> None:
    now = datetime(2026, 6, 2, 12, tzinfo=UTC)
    connection = linked_to_work(acme, at=now - timedelta(days=30))

    def sent(*changes: tuple[int, str, timedelta, str], pushed: int, state: str = "clean") -> None:
        """Each change: revision, field, how long ago, origin."""
        visit = acme.appointment(lane=None)
        link = EventLink.objects.create(
            appointment=visit,
            connection=connection,
            calendar=connection.calendar,
            remote_id=f"event of {visit.pk}",
            pushed_revision=pushed,
            state=state,
        )
        for revision, name, ago, origin in changes:
            Change.objects.create(
                appointment=link.appointment, at=now - ago, revision=revision, field=name, origin=origin
            )

    def counted() -> tuple[int, int]:
        health = health_of(connection, now=now)
        return health.out.today, health.back.today

    hour, day = timedelta(hours=1), timedelta(days=1)
    assert counted() == (0, 0)
    sent((1, "booked", hour, "customer"), pushed=1)
    assert counted() == (1, 0)
    sent((1, "booked", day, "customer"), (2, "when", hour, "person"), (2, "title", hour, "person"), pushed=2)
    assert counted() == (2, 0), "one change of two fields is one"
    sent((1, "booked", day, "customer"), (2, "when", hour, "person"), pushed=1, state="owes_push")
    assert counted() == (2, 0), "what waits was not sent"
    sent((1, "booked", hour, "customer"), (2, "state", hour, "person"), pushed=1, state="ended")
    assert counted() == (4, 0), "booked and cancelled here"
    sent((1, "booked", day, "customer"), (2, "when", hour, "calendar"), pushed=2)
    assert counted() == (4, 1), "what came in was not sent"
    sent((1, "booked", day, "customer"), (1, "attention", hour, "system"), pushed=1)
    assert counted() == (4, 1), "a flag is no change of the event"


def test_copies_of_what_was_booked_before_it_was_linked_count_on_that_day(acme: Scene) -> None:
    now = datetime(2026, 6, 2, 12, tzinfo=UTC)
    connection = linked_to_work(acme, at=now - timedelta(hours=1))
    for remote_id in ("one", "two", ""):
        visit = acme.appointment(lane=None)
        Change.objects.create(
            appointment=visit, at=visit.created_at, revision=1, field="booked", origin="customer"
        )
        EventLink.objects.create(
            appointment=visit,
            connection=connection,
            calendar=connection.calendar,
            remote_id=remote_id,
            pushed_revision=1 if remote_id else 0,
        )
    assert health_of(connection, now=now).out.today == 2
    assert health_of(connection, now=now + timedelta(days=1)).out.today == 0


def test_how_a_connection_is_takes_the_same_number_of_queries_whatever_it_did(acme: Scene) -> None:
    now = datetime(2026, 6, 2, 12, tzinfo=UTC)
    connection = linked_to_work(acme, at=now - timedelta(hours=1))

    def queries() -> int:
        with CaptureQueriesContext(database) as seen:
            health_of(connection, now=now)
        return len(seen)

    few = queries()
    for number in range(20):
        visit = acme.appointment(lane=None)
        Change.objects.create(appointment=visit, at=now, revision=1, field="when", origin="person")
        EventLink.objects.create(
            appointment=visit,
            connection=connection,
            calendar=connection.calendar,
            remote_id=str(number),
            pushed_revision=1,
        )
    assert queries() == few


def linked_to_work(acme: Scene, *, at: datetime) -> Connection:
    calendar = acme.listed(acme.company.remote_keys.first() or acme.key())[0]
    return Connection.objects.create(module=acme.module, calendar=calendar, linked_at=at)


def state_part(connection: Connection, now: datetime) -> str:
    """The part of the page that follows the connection, as it reads at `now`."""
    context = {
        "company": connection.module.company,
        "module": connection.module,
        "connection": connection,
        "health": health_of(connection, now=now),
        "rendered_as": "x",
        "now": now,
    }
    html = render_to_string("dashboard/remote/_state.html", context)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# --- Remote Authorization


def test_times_on_the_pages_are_those_of_the_company(admin: Client, acme: Scene) -> None:
    Company.objects.update(zone="America/New_York")
    at = datetime(2026, 3, 3, 2, tzinfo=UTC)
    key = acme.key(created_at=at)
    connection = linked_to_work(acme, at=at)
    RegistrationLink.objects.create(
        company=acme.company,
        kind="caldav",
        token_hash="x",
        token_secret=seal({"token": "x"}),
        created_at=at,
        expires_at=datetime(2100, 1, 1, 2, tzinfo=UTC),
    )
    assert connection.calendar.key_id == key.pk
    said = words(admin.get(KEYS))
    assert "until Thu 31 Dec 2099, 21:00 (New York)" in said
    assert "Mon 2 Mar 2026, 21:00" in said
    assert "linked Mon 2 Mar, 21:00" in words(admin.get(CALENDAR)).replace(" 2026,", ",")


def test_creating_a_link_shows_launch_and_copy_and_only_caldav_can_be_chosen(admin: Client) -> None:
    page = admin.get(KEYS)
    html = page.content.decode()
    assert "Remote Authorization" in words(page) and "Create a new Remote Auth" in words(page)
    options = re.findall(r"<option value=\"(\w+)\"( disabled)?[^>]*>([^<]*)</option>", html)
    assert options == [
        ("microsoft", " disabled", "Microsoft Outlook Calendar – not set up on this installation"),
        ("google", " disabled", "Google Gmail Calendar – not set up on this installation"),
        ("caldav", "", "CalDAV (Apple iCloud, Fastmail, Nextcloud, …)"),
    ]
    page = admin.post(f"{KEYS}/links", {"kind": "caldav"}, follow=True)
    assert "Launch" in words(page) and "Copy" in words(page) and "Revoke" in words(page)
    address = re.search(r'href="(http[^"]*/connect/[^"]+)" target="_blank"', page.content.decode())
    assert address is not None
    assert Client().get("/connect/" + address[1].rpartition("/")[2]).status_code == 200
    page = admin.post(f"{KEYS}/links", {"kind": "google"}, follow=True)
    assert "No link was made" in words(page)
    assert RegistrationLink.objects.count() == 1


def test_a_new_key_appears_in_the_list_part(admin: Client, acme: Scene) -> None:
    assert "No key yet" in words(admin.get(f"{KEYS}/list"))
    key = granted(acme)
    page = words(admin.get(f"{KEYS}/list"))
    assert "CalDAV key desk@dav.example" in page and "by Ada Admin" in page and "1 key, and it works." in page
    RemoteKey.objects.update(state="needs_reauthorization", trouble="The password changed.")
    page = words(admin.get(f"{KEYS}/list"))
    assert "needs re-authorization" in page and "The password changed." in page
    assert "Discard" in page
    admin.post(f"{KEYS}/{key.id}/discard")
    assert not RemoteKey.objects.exists()


def granted(acme: Scene) -> RemoteKey:
    return complete_registration(
        token=new_token(acme),
        account=Account("https://dav.example/desk/", "desk@dav.example"),
        secret={"password": PASSWORD},
        granted="View and change the events of your calendars",
        now=timezone.now(),
    )


def test_a_used_key_is_kept_and_says_where(admin: Client, acme: Scene) -> None:
    connection = linked(admin, acme)
    key = connection.calendar.key
    assert "Main office" in words(admin.get(KEYS)) and "Discard Memory key" not in words(admin.get(KEYS))
    page = words(admin.post(f"{KEYS}/{key.id}/discard", follow=True))
    assert "was kept, because it is used by Main office (linked to Work)" in page


def test_checking_a_key(admin: Client, acme: Scene) -> None:
    key = acme.key()
    assert "works." in words(admin.post(f"{KEYS}/{key.id}/check", follow=True))
    acme.owner().change_password("another")
    page = words(admin.post(f"{KEYS}/{key.id}/check", follow=True))
    assert "does not open its account any more" in page and "Press Re-authorize" in page


def test_revoking_a_link(admin: Client, acme: Scene) -> None:
    token = new_token(acme)
    link = RegistrationLink.objects.get()
    assert "opens for nobody" in words(admin.post(f"{KEYS}/links/{link.id}/revoke", follow=True))
    assert "used or revoked already" in words(admin.post(f"{KEYS}/links/{link.id}/revoke", follow=True))
    assert "withdrawn" in words(Client().get(f"/connect/{token}"))


def test_re_authorizing_makes_a_link_for_that_account(admin: Client, acme: Scene) -> None:
    key = granted(acme)
    page = admin.post(f"{KEYS}/{key.id}/reauthorize", follow=True)
    assert "renews the key of desk@dav.example" in words(page)
    assert RegistrationLink.objects.get(used_at=None).key == key


# --- who may


def test_company_light_may_not(acme: Scene, client: Client) -> None:
    acme.admin.role = Role.COMPANY_LIGHT
    acme.admin.save()
    acme.admin.accesses.create(company=acme.company)
    client.force_login(acme.admin)
    for address in (CALENDAR, KEYS, f"{KEYS}/list", f"{CALENDAR}/state"):
        assert client.get(address).status_code == 403
    assert client.post(f"{KEYS}/links", {"kind": "caldav"}).status_code == 403


def test_another_company_is_not_there(acme: Scene, client: Client) -> None:
    rival = scene("rival")
    key, foreign = acme.key(), rival.key()
    acme.listed(key)
    client.force_login(rival.admin)
    for address in (CALENDAR, f"{CALENDAR}/state", KEYS, f"{KEYS}/list"):
        assert client.get(address).status_code == 404
    for address in ("use-key", "connect", "realtime", "rules", "unlink", "retry"):
        assert client.post(f"{CALENDAR}/{address}", {"key": foreign.id}).status_code == 404
    # in one's own company, with the other's ids
    own = "/company/rival/apps/main-office/calendar"
    assert client.get(f"{own}?key={key.id}").status_code == 404
    for address in ("use-key", "connect"):
        assert client.post(f"{own}/{address}", {"key": key.id, "calendar": "work"}).status_code == 404
    for address in ("discard", "check", "reauthorize"):
        assert client.post(f"/company/rival/keys/{key.id}/{address}").status_code == 404
    new_token(acme)
    link = RegistrationLink.objects.get()
    client.post(f"/company/rival/keys/links/{link.id}/revoke")
    link.refresh_from_db()
    assert link.revoked_at is None
    schedule = f"/company/rival/schedules/{rival.schedule.id}/calendars"
    for address in ("show", "add"):
        assert client.post(f"{schedule}/{address}", {"key": key.id, "calendar": "work"}).status_code == 404
    assert not Connection.objects.exists() and not AvailabilityCalendar.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "1; drop"])
def test_numbers_that_are_none(admin: Client, number: str) -> None:
    assert admin.post(f"{CALENDAR}/use-key", {"key": number}).status_code == 404
    assert admin.get(f"{CALENDAR}?key={number}").status_code == (404 if number else 200)


# --- the registration page


def test_a_stranger_reads_who_asks_for_what_and_what_will_not_happen(acme: Scene, client: Client) -> None:
    page = client.get(f"/connect/{new_token(acme)}")
    said = words(page)
    for part in (
        "Acme asks for access to your calendar",
        "testserver",
        "Application Access",
        "See the list of your calendars",
        "View and edit events on your calendars",
        "What will not happen",
        "No mail, contacts or files are read",
        "The link works once, until",
        "whole team may see and edit",
        "signed out of the others first",
        "Server address",
        "App password",
    ):
        assert part in said
    html = page.content.decode()
    assert 'autocomplete="url"' in html and 'autocomplete="username"' in html
    assert 'type="password"' in html
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "acme.example" not in html  # nothing of the company's people


def test_closed_links_are_told_apart(acme: Scene, client: Client) -> None:
    def said(token: str) -> tuple[int, str]:
        page = client.get(f"/connect/{token}")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        title = re.search(r"<h1[^>]*>([^<]*)</h1>", page.content.decode())
        return page.status_code, title[1] if title else ""

    expired, used, locked = (new_token(acme) for _ in range(3))
    links = RegistrationLink.objects.order_by("id")
    RegistrationLink.objects.filter(id=links[0].id).update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    RegistrationLink.objects.filter(id=links[1].id).update(used_at=timezone.now())
    RegistrationLink.objects.filter(id=links[2].id).update(tries=TRIES)
    assert said("x" * 43) == (404, "This link does not exist")
    assert said(expired) == (410, "This link has expired")
    assert said(used) == (410, "This link has been used")
    assert said(locked) == (410, "This link is locked")


def test_unknown_tokens_all_look_the_same(acme: Scene, client: Client) -> None:
    new_token(acme)
    pages = {client.get(f"/connect/{token}").content for token in ("a", "b" * 43, "..;", "é")}
    pages |= {client.post(f"/connect/{'c' * 43}", {"password": PASSWORD}).content}
    nonces = re.compile(rb'content="[\w-]{20,}"|nonce="[^"]*"')
    assert len({nonces.sub(b"", page) for page in pages}) == 1


def test_an_empty_form_is_told_beside_the_fields_and_costs_no_try(acme: Scene, client: Client) -> None:
    page = answer(client, new_token(acme), address="", user="", password="")
    assert page.status_code == 422
    for part in ("Type the address of your calendar server", "Type the user name", "Type the app password"):
        assert part in words(page)
    assert RegistrationLink.objects.get().tries == 0


def test_a_private_address_is_refused_beside_the_field(acme: Scene, client: Client) -> None:
    page = answer(client, new_token(acme), address="http://127.0.0.1:1/")
    assert page.status_code == 422 and "id_address_error" in page.content.decode()
    assert PASSWORD not in page.content.decode()
    assert "http://127.0.0.1:1/" in page.content.decode()  # what was typed stays, but for the password


def test_tries_are_bounded(acme: Scene, client: Client) -> None:
    token = new_token(acme)
    for _ in range(TRIES):
        assert answer(client, token, address="http://127.0.0.1:1/").status_code == 422
    page = answer(client, token, address="http://127.0.0.1:1/")
    assert page.status_code == 410 and "locked" in words(page)


@pytest.mark.usefixtures("private_networks")
def test_a_real_server_grants_once_and_neither_password_nor_token_is_kept_in_the_open(
    acme: Scene, client: Client, radicale: CalDavServer, log: pytest.LogCaptureFixture
) -> None:
    radicale.make_calendar("granted-once", name="Granted once")
    token = new_token(acme)
    typed = {"address": radicale.base_url, "user": radicale.user}

    wrong = answer(client, token, password="not-the-password", **typed)
    assert wrong.status_code == 422 and "id_password_error" in wrong.content.decode()
    assert "not-the-password" not in wrong.content.decode()

    done = answer(client, token, password=radicale.password, **typed)
    said = words(done)
    assert done.status_code == 200 and "you may close this window" in said.lower() and "alice" in said
    assert "Acme" not in said and "Main office" not in said
    again = client.get(f"/connect/{token}")
    assert again.status_code == 410 and "has been used" in words(again)
    assert answer(client, token, password=radicale.password, **typed).status_code == 410

    key = RemoteKey.objects.get()
    client.force_login(acme.admin)
    page = client.post(f"{CALENDAR}/use-key", {"key": key.id}, follow=True)
    assert "Connect Calendar Granted once" in words(page)
    for response in (done, again, page, client.get(KEYS), client.get(f"{KEYS}/list")):
        assert radicale.password not in response.content.decode()
        assert token not in response.content.decode()
    assert radicale.password not in str(RemoteKey.objects.values())
    assert log.records
    assert not [r for r in log.records if token in r.getMessage() or radicale.password in r.getMessage()]


@pytest.mark.usefixtures("private_networks")
def test_a_re_authorization_by_another_account_is_refused(
    acme: Scene, client: Client, radicale: CalDavServer
) -> None:
    radicale.make_calendar("mine", user="bob")
    radicale.make_calendar("hers")
    bob = {"address": radicale.base_url, "user": "bob", "password": radicale.users["bob"]}
    alice = {"address": radicale.base_url, "user": "alice", "password": radicale.users["alice"]}
    assert answer(client, new_token(acme), **bob).status_code == 200
    key = RemoteKey.objects.get()
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    token = new_token(acme, reauthorizes=key)
    assert "Sign in as bob" in words(client.get(f"/connect/{token}"))
    page = answer(client, token, **alice)
    assert page.status_code == 422 and "this link renews the access of bob" in words(page)
    key.refresh_from_db()
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert answer(client, token, **bob).status_code == 200
    key.refresh_from_db()
    assert key.state == RemoteKey.State.ACTIVE and RemoteKey.objects.count() == 1


# --- availability calendars on a schedule


def test_a_schedule_reads_a_calendar(admin: Client, acme: Scene) -> None:
    key = acme.key()
    acme.owner().add_calendar("holidays", "Holidays", may_write=False)
    page = f"/company/acme/schedules/{acme.schedule.id}"
    assert "Availability calendars" in words(admin.get(page)) and "Show Calendars" in words(admin.get(page))
    shown = admin.post(f"{page}/calendars/show", {"key": key.id}, follow=True)
    assert "Add Holidays" in words(shown)
    added = admin.post(f"{page}/calendars/add", {"key": key.id, "calendar": "holidays"}, follow=True)
    assert "being read for the first time" in words(added) and "is read already" in words(added)
    RemoteCalendar.objects.update(read_at=timezone.now() - timedelta(minutes=3))
    assert "in step" in words(admin.get(page)) and "last read 3" in words(admin.get(page))
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    assert "the key needs re-authorization" in words(admin.get(page))
    entry = AvailabilityCalendar.objects.get()
    removed = admin.post(f"{page}/calendars/remove", {"entry": entry.id}, follow=True)
    assert "Holidays is not read for this schedule any more" in words(removed)
    assert admin.post(f"{page}/calendars/remove", {"entry": entry.id}).status_code == 404


def test_module_pages_lead_here(admin: Client, acme: Scene) -> None:
    assert Module.objects.count() == 1
    page = admin.get("/company/acme/apps/main-office")
    assert CALENDAR in page.content.decode() and "Configure Calendar" in words(page)


def test_settings_reach_the_providers(settings: object) -> None:
    from genie.flows.wired import provider_settings

    assert not provider_settings().allow_private_networks
    settings.GENIE_PRIVATE_NETWORKS = True  # type: ignore[attr-defined]
    assert provider_settings().allow_private_networks
