"""The public booking page and the customer's own page, as a browser without script sees them."""

from __future__ import annotations

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar
from tests.booking_scene import Shop, busy, shop

from genie.core.limits import limits_of
from genie.flows.actor import SYSTEM
from genie.flows.amend import Wanted, amend
from genie.store.models import Appointment, Change, DateOverride, Lead, Module, OpeningHours
from genie.web.booking.limits import said_wait

PAGE = "/book/acme/tour"
DETAILS = PAGE + "/details"
ANN = {"name": "Ann Lee", "email": "ann@customer.example", "phone": "", "notes": ""}


@pytest.fixture
def acme(db: None) -> Shop:
    """Open every day around noon in New York: something is free whenever the tests run."""
    return open_daily(shop(horizon_days=30))


def open_daily(made: Shop) -> Shop:
    made.schedule.hours.all().delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=made.schedule, weekday=day, opens=time(9), closes=time(12)) for day in range(7)
    )
    # closed today: else a test in the morning there would meet a date of which a part is over
    today = timezone.now().astimezone(ZoneInfo(made.schedule.zone)).date()
    DateOverride.objects.create(schedule=made.schedule, date=today)
    return made


class Page:
    """An answer, and the questions a reader would ask of it."""

    def __init__(self, response):
        self.response, self.status = response, response.status_code
        self.html = response.content.decode() if not response.streaming else ""
        self.text = " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    def links(self, pattern):
        found = (unescape(href) for href in re.findall(r'href="([^"]+)"', self.html))
        return [href for href in found if re.search(pattern, href)]

    @property
    def slots(self):
        return self.links(r"[?&]at=")

    @property
    def days(self):
        return self.links(r"[?&]day=\d")

    def value(self, name):
        found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', self.html)
        return unescape(found.group(1)) if found else None

    @property
    def hidden(self):
        pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.html)
        return {name: unescape(value) for name, value in pairs if name != "csrfmiddlewaretoken"}


def get(client, path, **extra) -> Page:
    return Page(client.get(path, **extra))


def fill_in(client, path=PAGE, **extra) -> Page:
    """Choose the first slot offered and open its form."""
    return get(client, get(client, path, **extra).slots[-1])


def send(client, form: Page, **answers) -> Page:
    return Page(client.post(DETAILS, {**form.hidden, **ANN, **answers}))


def booked(client, **answers) -> Appointment:
    answer = send(client, fill_in(client), **answers)
    assert answer.status == 302
    return Appointment.objects.latest("created_at")


# ── choosing ────────────────────────────────────────────────────────────────


def test_the_first_free_day_is_open_and_leads_to_the_form(client, acme):
    page = get(client, PAGE)
    assert page.status == 200
    assert "Tour" in page.text and "60 minutes" in page.text and "12 Elm St" in page.text
    assert page.slots and page.days
    form = get(client, page.slots[0])
    assert form.status == 200
    assert "Your details" in form.text
    assert form.value("at") in page.slots[0].replace("%3A", ":")


def test_days_and_months_are_plain_links(client, acme):
    page = get(client, PAGE)
    day = page.days[-1]
    chosen = parse_qs(urlsplit(day).query)["day"][0]
    assert f'<time datetime="{chosen}">' in get(client, day).html
    for month in page.links(r"[?&]month="):
        assert get(client, month).status == 200


def test_times_are_shown_in_the_visitors_zone(client, acme):
    at_home = get(client, PAGE)
    in_tokyo = get(client, PAGE + "?zone=Asia/Tokyo")
    assert "New York time" in at_home.text
    assert "Tokyo time" in in_tokyo.text
    assert all("zone=Asia%2FTokyo" in link for link in in_tokyo.slots)
    assert client.cookies["zone"].value == "Asia/Tokyo"
    assert "Tokyo time" in get(client, PAGE).text  # remembered
    form = get(client, in_tokyo.slots[0])
    assert "(Tokyo)" in form.text and "(New York)" in form.text


def test_every_zone_of_the_chooser_works(client, acme):
    page = get(client, PAGE)
    zones = re.findall(r'<option value="([^"]+)"', page.html)
    assert len(zones) > 400
    for zone in zones[::40]:
        assert get(client, f"{PAGE}?zone={zone}").status == 200


@pytest.mark.parametrize(
    "query",
    [
        "day=2026-13-99",
        "day=9999-12-31",
        "day=0001-01-01",
        "month=9999-12",
        "month=-1",
        "month=2026",
        "month=2199-12",
        "month=2001-01",
        "day=%00",
        "day=" + "9" * 5000,
        "zone=Mars/Olympus",
        "zone=../../etc/passwd",
        "zone=America",
        "zone=%00",
        "zone=" + "x" * 5000,
        "month=2026-12&day=xx&zone=%ff%fe",
        "utm_source=" + "y" * 5000,
        "ref=%0d%0aSet-Cookie:x",
    ],
)
def test_hostile_addresses_get_a_page(client, acme, query):
    page = get(client, f"{PAGE}?{query}")
    assert page.status == 200
    assert "Tour" in page.text


@pytest.mark.parametrize(
    ("query", "said"), [("day=2026-02-30", "no such date"), ("zone=x/y", "not known here")]
)
def test_what_cannot_be_read_is_said(client, acme, query, said):
    assert said in get(client, f"{PAGE}?{query}").text


@pytest.mark.parametrize("cookie", ["Mars/Olympus", "../x", "\x80", "America/New_York\r\n"])
def test_a_foreign_cookie_does_no_harm(client, acme, cookie):
    client.cookies["zone"] = cookie
    assert get(client, PAGE).status == 200


def test_nothing_free_teaches(client, acme):
    OpeningHours.objects.all().delete()
    assert "Nothing is free at the moment" in get(client, PAGE).text
    later = (datetime.now(UTC) + timedelta(days=3)).date()
    assert get(client, f"{PAGE}?day={later}").status == 200


def test_a_module_that_is_off_says_so_and_one_that_is_not_there_is_not_found(client, acme):
    Module.objects.update(enabled=False)
    off = get(client, PAGE)
    assert off.status == 404
    assert "Online booking is switched off" in off.text
    for path in ("/book/acme/nothing", "/book/nobody/tour"):
        missing = get(client, path)
        assert missing.status == 404
        assert "no booking page at this address" in missing.text
    assert send(client, off).status == 404


def test_a_module_is_found_under_its_own_company_only(client, acme):
    open_daily(shop("other"))
    Module.objects.filter(company__slug="other").update(slug="other-tour")
    assert get(client, "/book/acme/other-tour").status == 404


def test_the_number_of_queries_is_constant(client, acme):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert get(client, PAGE).status == 200
        return len(seen)

    get(client, PAGE)
    few = queries()
    now = datetime.now(UTC)
    for number in range(4):
        calendar = acme.reads(acme.calendar(f"c{number}"))
        for day in range(1, 10):
            start = (now + timedelta(days=day)).isoformat()[:16]
            busy(calendar, start)
            acme.put(start)
    assert queries() == few <= 9


def test_only_reading_is_allowed_where_nothing_is_changed(client, acme):
    assert client.post(PAGE).status_code == 405
    assert client.put(DETAILS).status_code == 405


# ── filling in ──────────────────────────────────────────────────────────────


def test_booking_ends_on_the_customers_page(client, acme):
    form = fill_in(client, PAGE + "?utm_source=news&utm_medium=mail&utm_campaign=may")
    answer = send(client, form, name="  Ann \t Lee ", phone="(202) 555-0123", notes="By bike\r\nat noon")
    made = Appointment.objects.get()
    assert answer.response["Location"].startswith(f"/visit/{made.manage_token}")
    assert (made.lead.name, made.lead.phone) == ("Ann Lee", "+12025550123")
    assert (made.lead.source, made.lead.medium, made.lead.campaign) == ("news", "mail", "may")
    assert made.answers == "By bike\nat noon"
    assert made.visitor_zone == "America/New_York"
    page = get(client, answer.response["Location"])
    assert "You are booked" in page.text
    assert "12 Elm St" in page.text and "ann@customer.example" in page.text


def test_the_referrer_is_kept_unless_it_is_ours(client, acme):
    form = fill_in(client, PAGE, headers={"referer": "https://search.example/?q=tour"})
    send(client, form)
    assert Lead.objects.latest("id").referrer == "https://search.example/?q=tour"
    form = fill_in(client, PAGE, headers={"referer": "http://testserver/book/acme/tour"})
    send(client, form)
    assert Lead.objects.latest("id").referrer == ""


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"name": ""}, "Please write your name"),
        ({"name": "\u202e\u200f "}, "Please write your name"),
        ({"name": "..."}, "Please write your name"),
        ({"name": "x" * 121}, "longer than 120"),
        ({"email": ""}, "Please write your e-mail address"),
        ({"email": "ann@"}, "does not look like an e-mail"),
        ({"email": "a" * 250 + "@x.example"}, "at most 254"),
        ({"phone": "call me"}, "does not look like a phone number"),
        ({"phone": "12"}, "does not look like a phone number"),
        ({"phone": "5" * 61}, "too long for a phone"),
        ({"notes": "n" * 5001}, "longer than 5,000"),
    ],
)
def test_each_problem_stands_beside_its_field_and_nothing_typed_is_lost(client, acme, answers, said):
    page = send(client, fill_in(client), **{"notes": "my notes", **answers})
    assert page.status == 422
    assert said in page.text
    assert "Not booked yet" in page.text
    assert "ann@customer.example" in page.html or "email" in answers
    assert "my notes" in page.html or "notes" in answers
    assert 'aria-invalid="true"' in page.html
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("202-555-0123", "+12025550123"),
        ("+49 30 901820", "+4930901820"),
        ("030 901820 ext. 5", "030 901820 ext. 5"),
        ("12345", "12345"),
        ("", ""),
    ],
)
def test_phone_numbers_are_read_leniently(client, acme, typed, kept):
    assert booked(client, phone=typed).lead.phone == kept


def test_control_characters_are_taken_out(client, acme):
    made = booked(client, name="Ann\x00\x07 Lee\u202e", notes="a\x00b\x1b[31m")
    assert made.lead.name == "Ann Lee"
    assert made.answers == "ab[31m"


def test_markup_stays_text(client, acme):
    answer = send(client, fill_in(client), name='<script>alert("x")</script>')
    page = get(client, answer.response["Location"])
    assert "<script>alert" not in page.html
    assert '<script>alert("x")</script>' in page.text


@pytest.mark.parametrize(
    "at", ["", "soon", "2026-03-02T10:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "\x00"]
)
def test_a_time_that_cannot_be_read_is_a_message(client, acme, at):
    page = Page(client.get(DETAILS, {"at": at}))
    assert page.status == 400
    assert "could not be read" in page.text
    sent = Page(client.post(DETAILS, {**ANN, "at": at}))
    assert sent.status == 422
    assert "No time is chosen yet" in sent.text
    assert "ann@customer.example" in sent.html


def test_a_time_that_is_not_offered_shows_what_is(client, acme):
    page = Page(client.get(DETAILS, {"at": "2031-01-01T10:00:00Z"}))
    assert page.status == 409
    assert "not free any more" in page.text
    assert page.slots


def test_a_taken_slot_gives_fresh_choices_and_keeps_what_was_typed(client, acme):
    form = fill_in(client)
    wanted = form.value("at")
    send(Client(), fill_in(Client()), name="Rival")
    assert Appointment.objects.count() == 1
    page = send(client, form, notes="window seat", phone="202-555-0123")
    assert page.status == 409
    assert "has just been taken" in page.text and "Nothing was booked for you" in page.text
    for typed in ("Ann Lee", "ann@customer.example", "202-555-0123", "window seat"):
        assert typed in page.html
    fresh = re.findall(r'type="radio" name="at" value="([^"]+)"', page.html)
    assert 1 < len(fresh) <= 9
    assert wanted not in fresh
    again = send(client, page, at=fresh[0])
    assert again.status == 302
    assert Appointment.objects.count() == 2


def test_a_form_sent_twice_is_one_booking_and_the_same_page(client, acme):
    form = fill_in(client)
    first, second = send(client, form), send(client, form, name="Somebody else")
    assert first.status == second.status == 302
    assert first.response["Location"] == second.response["Location"]
    assert Appointment.objects.count() == Lead.objects.count() == 1


def test_an_appointments_id_does_not_open_its_page(client, acme):
    victim = booked(client)
    form = fill_in(client)
    for key in (str(victim.pk), victim.pk.hex, f"{victim.pk.hex}:forged"):
        answer = send(client, form, key=key)
        assert victim.manage_token not in answer.response.get("Location", "")
        assert victim.manage_token not in answer.html


def test_a_key_of_another_modules_form_is_a_new_one(client, acme):
    open_daily(shop("other"))
    made = send(client, fill_in(client))
    foreign = fill_in(client, "/book/other/tour")
    own = Appointment.objects.get()
    answer = Page(client.post("/book/other/tour/details", {**foreign.hidden, **ANN, "key": own.pk.hex}))
    assert answer.status == 302
    assert answer.response["Location"] != made.response["Location"]
    assert Appointment.objects.count() == 2


def test_a_form_without_its_token_is_refused(acme):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(DETAILS, ANN).status_code == 403


def test_a_huge_form_is_refused_in_words(client, acme):
    page = Page(client.post(DETAILS, {**ANN, "notes": "x" * 1_500_000}))
    assert page.status == 400
    assert "too large" in page.text


@pytest.mark.django_db(transaction=True)
def test_fifty_visitors_press_book_at_once():
    open_daily(shop(horizon_days=30))
    slot = get(Client(), PAGE).slots[-1]
    forms = [get(Client(), slot) for _ in range(50)]
    gate = threading.Barrier(10)

    def press(numbered) -> int:
        number, form = numbered
        try:
            gate.wait(timeout=30)
            return send(Client(), form, name=f"Visitor {number}").status
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(press, enumerate(forms))) == {302: 1, 409: 49}
    assert Appointment.objects.count() == Lead.objects.count() == 1


# ── the customer's page ─────────────────────────────────────────────────────


@pytest.fixture
def visit(client, acme) -> Appointment:
    return booked(client)


def path(appointment, rest="") -> str:
    return f"/visit/{appointment.manage_token}{rest}"


def test_the_page_is_kept_out_of_caches_and_indexes(client, visit):
    response = client.get(path(visit))
    assert response["Cache-Control"] == "no-store"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("rest", ["", "/change", "/cancel", "/appointment.ics"])
def test_a_wrong_link_finds_nothing_and_says_what_to_do(client, visit, rest):
    page = get(client, "/visit/" + "x" * 32 + rest)
    assert page.status == 404
    assert "no appointment under this link" in page.text
    assert client.get("/visit/short" + rest).status_code == 404


def test_the_calendar_file(client, visit):
    response = client.get(path(visit, "/appointment.ics"))
    assert response["Content-Type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(response.content).walk("VEVENT")
    assert event.decoded("DTSTART").astimezone(UTC) == visit.start
    assert str(event["UID"]) == str(visit.pk)


def test_changing_the_time(client, visit):
    choose = get(client, path(visit, "/change"))
    assert "Choose another time" in choose.text
    confirm = get(client, choose.slots[0])
    assert "Move your appointment?" in confirm.text
    before, wanted = visit.start, confirm.value("at")
    answer = Page(client.post(path(visit, "/change"), confirm.hidden))
    assert answer.status == 302
    visit.refresh_from_db()
    assert visit.start == datetime.fromisoformat(wanted) != before
    assert visit.revision == 2
    line = Change.objects.get(appointment=visit, field="when")
    assert (line.origin, line.by) == ("customer", "Ann Lee")
    assert "was moved" in get(client, answer.response["Location"]).text


def test_changing_to_a_time_just_taken_leaves_all_as_it_was(client, visit):
    choose = get(client, path(visit, "/change"))
    confirm = get(client, choose.slots[0])
    rival = Page(client.get(DETAILS, {"at": confirm.value("at")}))
    send(Client(), rival)
    page = Page(client.post(path(visit, "/change"), confirm.hidden))
    assert page.status == 409
    assert "has just been taken" in page.text
    assert page.slots
    assert Appointment.objects.get(pk=visit.pk).start == visit.start


def test_its_own_time_does_not_stand_in_the_way(client, acme, visit):
    Module.objects.update(start_every=15)
    day = visit.start.astimezone().date()
    choose = get(client, path(visit, f"/change?day={day}"))
    near = [f"{visit.start + timedelta(minutes=m):%Y-%m-%dT%H}" for m in (-15, 15)]
    assert any(hour in slot.replace("%3A", ":") for slot in choose.slots for hour in near)


def test_cancelling(client, visit):
    ask = get(client, path(visit, "/cancel"))
    assert "Cancel your appointment?" in ask.text
    assert Appointment.objects.get().state == "confirmed"
    answer = client.post(path(visit, "/cancel"), ask.hidden)
    assert answer.status_code == 302
    assert Appointment.objects.get().state == "cancelled"
    page = get(client, path(visit))
    assert "Cancelled" in page.text and "/cancel" not in page.html
    again = Page(client.post(path(visit, "/cancel"), ask.hidden))
    assert again.status == 409
    assert "cancelled already" in again.text
    (event,) = Calendar.from_ical(client.get(path(visit, "/appointment.ics")).content).walk("VEVENT")
    assert event["STATUS"] == "CANCELLED"


@pytest.mark.parametrize("step", ["/change", "/cancel"])
def test_what_was_changed_elsewhere_is_shown_first(client, acme, visit, step):
    ask = get(client, path(visit, step))
    ask = get(client, ask.slots[0]) if step == "/change" else ask
    amend(
        appointment_id=visit.pk,
        company_id=acme.company.pk,
        changes=Wanted(place="Elsewhere"),
        actor=SYSTEM,
        now=datetime.now(UTC),
    )
    page = Page(client.post(path(visit, step), ask.hidden))
    assert page.status == 409
    assert "was changed elsewhere" in page.text and "Elsewhere" in page.text
    kept = Appointment.objects.get()
    assert (kept.state, kept.start) == ("confirmed", visit.start)


def test_what_is_over_cannot_be_changed(client, visit):
    Appointment.objects.update(start=visit.start - timedelta(days=99), end=visit.end - timedelta(days=99))
    page = get(client, path(visit))
    assert "cannot be changed here any more" in page.text
    for step in ("/change", "/cancel"):
        assert step not in page.html
        assert Page(client.post(path(visit, step))).status == 409


@pytest.mark.parametrize("query", ["at=9999-12-31T00:00:00Z", "at=%00", "day=x", "month=9999-99", "zone=%00"])
def test_hostile_addresses_of_the_customers_page(client, visit, query):
    for rest in ("", "/change", "/cancel"):
        assert client.get(path(visit, f"{rest}?{query}")).status_code in (200, 400)
    assert client.post(path(visit, "/change"), {"at": "\x00", "revision": "9" * 400}).status_code == 400
    assert Appointment.objects.get().start == visit.start


# ── too much ────────────────────────────────────────────────────────────────


def full_day(acme: Shop) -> list[str]:
    """Capacity for many, and addresses of a slot's form to book again and again."""
    Module.objects.update(capacity=50)
    return get(Client(), PAGE).slots


def test_too_many_bookings_from_one_address_wait_and_keep_what_was_typed(client, acme, settings):
    settings.GENIE_LIMITS_PER_ADDRESS = limits_of(["2/10m"])
    slot = full_day(acme)[-1]
    for number in range(2):
        assert send(Client(), get(Client(), slot), email=f"{number}@x.example").status == 302
    form = get(client, slot)
    page = send(client, form, notes="window seat", phone="202-555-0123")
    assert page.status == 429
    assert 540 < int(page.response["Retry-After"]) <= 600
    assert "too many bookings from your network" in page.text
    assert "Nothing was booked. What you typed is kept." in page.text
    assert "Try again in 10 minutes. If it cannot wait, call Acme." in page.text
    for typed in ("Ann Lee", "ann@customer.example", "202-555-0123", "window seat", form.value("at")):
        assert typed in page.html
    assert page.value("key") == form.value("key")
    assert Appointment.objects.count() == Lead.objects.count() == 2
    elsewhere = Client(REMOTE_ADDR="192.0.2.8")
    assert send(elsewhere, page).status == 302, "the same form, sent from elsewhere"
    assert send(client, page).status == 302, "and again: the same booking, not one too many"
    assert Appointment.objects.count() == 3


@pytest.mark.parametrize(
    "limits", [{"GENIE_LIMITS_PER_EMAIL": limits_of(["2/1d"])}, {"GENIE_APPOINTMENTS_PER_EMAIL": 2}]
)
def test_too_many_with_one_mail_address_read_the_same_whatever_the_reason(client, acme, settings, limits):
    for name, value in limits.items():
        setattr(settings, name, value)
    slot = full_day(acme)[-1]
    for number in range(2):
        assert send(Client(REMOTE_ADDR=f"192.0.2.{number}"), get(Client(), slot)).status == 302
    page = send(client, get(client, slot))
    assert page.status == 429
    assert "No more bookings are taken with this e-mail address for now." in page.text
    assert "Nothing was booked. What you typed is kept." in page.text
    assert "or try again tomorrow, or call Acme." in page.text
    assert "Retry-After" not in page.response
    assert send(client, page, email="other@customer.example").status == 302


def test_too_many_moves_wait_and_keep_the_chosen_time(client, acme, settings):
    settings.GENIE_LIMITS_PER_ADDRESS = limits_of(["1/10m"])
    visit = booked(client)
    first, second = (get(client, slot) for slot in get(client, path(visit, "/change")).slots[:2])
    assert client.post(path(visit, "/change"), first.hidden).status_code == 302
    page = Page(client.post(path(visit, "/change"), {**second.hidden, "revision": "2"}))
    assert page.status == 429 and "Retry-After" in page.response
    assert "too many changes from your network" in page.text
    assert "Nothing was changed; your appointment is where it was." in page.text
    assert page.value("at") == second.value("at")
    kept = Appointment.objects.get()
    assert kept.start == datetime.fromisoformat(first.value("at"))
    assert client.post(path(visit, "/cancel"), {"revision": "2"}).status_code == 302, "never kept from it"


def test_visitors_behind_a_proxy_that_nobody_told_of_are_not_one_visitor(client, acme, settings):
    settings.GENIE_LIMITS_PER_ADDRESS = limits_of(["1/1d"])
    settings.GENIE_PUBLIC_URL = "https://genie.example"
    slot = full_day(acme)[-1]
    for number in range(3):
        assert send(client, get(client, slot), email=f"{number}@x.example").status == 302


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "in a minute"),
        (60, "in a minute"),
        (61, "in 2 minutes"),
        (3540, "in 59 minutes"),
        (3541, "in an hour"),
        (3601, "in 2 hours"),
        (86_400, "in 24 hours"),
    ],
)
def test_a_wait_is_rounded_up(seconds, said):
    assert said_wait(timedelta(seconds=seconds)) == said
