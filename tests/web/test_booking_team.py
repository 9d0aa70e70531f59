"""The booking page of a team: whom a visitor may choose, and that the person is kept from page to page."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from tests.booking_scene import Shop, shop
from tests.staff_scene import person, team
from tests.web.test_booking import ANN, PAGE, Page, get, open_daily, send

from genie.core.appointment import State
from genie.store.models import Appointment, Module, OpeningHours, StaffMember

pytestmark = pytest.mark.django_db
CHOOSES = Module.Assignment.VISITOR_CHOOSES


@pytest.fixture
def acme() -> Shop:
    return open_daily(shop(horizon_days=30, assignment=CHOOSES))


@pytest.fixture
def people(acme: Shop) -> list[StaffMember]:
    return team(acme.module, "Maria", "Ben")


def fill_in(client: Client, page: Page) -> Page:
    return get(client, page.slots[-1])


def test_whoever_is_free_comes_first_then_the_names_in_order(client: Client, acme: Shop, people: Any) -> None:
    page = get(client, PAGE)
    assert page.text.index("Whoever is free") < page.text.index("Maria") < page.text.index("Ben")
    assert '<a class="person" href="/book/acme/tour" rel="nofollow" aria-current="true">' in page.html
    assert "With whoever is free" in page.text


def test_a_person_is_kept_from_the_days_to_the_letter(client: Client, acme: Shop, people: Any) -> None:
    maria = people[0]
    page = get(client, f"{PAGE}?staff={maria.pk}&utm_source=ad")
    assert "With Maria" in page.text
    own = f"staff={maria.pk}"
    assert all(own in href for href in page.slots + page.days)
    assert all("utm_source=ad" in href for href in page.links("staff="))
    assert f'<input type="hidden" name="staff" value="{maria.pk}">' in page.html, "changing the zone keeps it"
    form = fill_in(client, page)
    assert "With Maria" in form.text
    assert form.hidden["staff"] == str(maria.pk)
    made = send(client, form)
    assert made.status == 302
    visit = Appointment.objects.get()
    assert visit.staff == maria
    own_page = get(client, made.response["Location"])
    assert "With Maria" in own_page.text
    cancelling = get(client, f"/visit/{visit.manage_token}/cancel")
    assert "With Maria" in cancelling.text
    file = client.get(f"/visit/{visit.manage_token}/appointment.ics")
    (event,) = Calendar.from_ical(file.content).walk("VEVENT")
    assert event["SUMMARY"] == "Tour with Maria, Acme"


def test_with_whoever_is_free_the_visitor_learns_whom_afterwards(
    client: Client, acme: Shop, people: Any
) -> None:
    made = send(client, fill_in(client, get(client, PAGE)))
    visit = Appointment.objects.get()
    assert visit.staff in people
    assert visit.staff is not None
    assert f"With {visit.staff.name}" in get(client, made.response["Location"]).text


def test_where_nobody_is_chosen_no_name_is_shown(client: Client, acme: Shop, people: Any) -> None:
    Module.objects.update(assignment=Module.Assignment.WHOEVER_IS_FREE)
    page = get(client, PAGE)
    for word in ("Maria", "Ben", "hoever is free"):
        assert word not in page.text
    assert "staff=" not in page.html
    made = send(client, fill_in(client, page))
    assert made.status == 302
    assert Appointment.objects.get().staff in people


def test_who_cannot_be_chosen_is_said_and_nothing_is_booked(client: Client, acme: Shop, people: Any) -> None:
    off, outside = people[1], person(acme.company, "Zoe")
    off.active = False
    off.save()
    form = fill_in(client, get(client, f"{PAGE}?staff={people[0].pk}"))
    for number in (off.pk, outside.pk, 999_999, "x", "9" * 40):
        page = get(client, f"{PAGE}?staff={number}")
        assert page.status == 200
        assert "is not offered here (any more)" in page.text
        assert page.slots, "what is offered is shown instead"
        sent = Page(client.post(PAGE + "/details", {**form.hidden, **ANN, "staff": number}))
        assert sent.status == 409
    assert not Appointment.objects.exists()


def test_the_day_stays_when_another_person_is_chosen(client: Client, acme: Shop, people: Any) -> None:
    day = get(client, PAGE).days[-1]
    (chosen,) = [part for part in day.split("?")[1].split("&") if part.startswith("day=")]
    page = get(client, f"{PAGE}?{chosen}")
    assert any(chosen in href and f"staff={people[1].pk}" in href for href in page.links("staff="))


def test_many_people_are_a_list(client: Client, acme: Shop) -> None:
    crowd = team(acme.module, *(f"Person{n}" for n in range(12)))
    page = get(client, f"{PAGE}?staff={crowd[3].pk}&utm_source=ad")
    assert f'<option value="{crowd[3].pk}" selected>Person3</option>' in page.html
    assert '<option value="">Whoever is free</option>' in page.html
    assert '<input type="hidden" name="utm_source" value="ad">' in page.html


def test_a_module_without_a_team_asks_nothing(client: Client, acme: Shop) -> None:
    page = get(client, PAGE)
    assert "hoever is free" not in page.text
    assert 'class="whom"' not in page.html


def test_a_hostile_name_is_text(client: Client, acme: Shop, people: Any) -> None:
    StaffMember.objects.filter(pk=people[0].pk).update(name="<script>alert(1)</script>")
    for path in (PAGE, f"{PAGE}?staff={people[0].pk}"):
        assert "<script>alert" not in get(client, path).html


def visit_with(acme: Shop, staff: StaffMember | None) -> Appointment:
    """A visit well ahead, at whatever hour."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=9)
    visit = acme.put("2026-03-02T09:00", staff=staff, state=State.CONFIRMED)
    visit.start, visit.end = start, start + timedelta(hours=1)
    visit.save()
    return visit


def test_moving_keeps_the_person_and_asks_for_none(client: Client, acme: Shop, people: Any) -> None:
    visit = visit_with(acme, people[1])
    page = get(client, f"/visit/{visit.manage_token}/change")
    assert "With Ben" in page.text
    assert 'class="whom"' not in page.html
    assert "staff=" not in page.html
    confirm = get(client, page.slots[-1])
    assert "with Ben" in confirm.text
    answer = client.post(f"/visit/{visit.manage_token}/change", confirm.hidden)
    assert answer.status_code == 302
    visit.refresh_from_db()
    assert visit.staff == people[1]


@pytest.mark.parametrize("how", ["leaves", "is switched off"])
def test_who_is_offered_no_more_is_said_when_a_visit_is_moved(
    client: Client, acme: Shop, people: Any, how: str
) -> None:
    visit = visit_with(acme, people[1])
    if how == "leaves":
        people[1].teams.all().delete()
    else:
        StaffMember.objects.filter(pk=people[1].pk).update(active=False)
    page = get(client, f"/visit/{visit.manage_token}/change")
    assert "Ben takes no new appointments here any more" in page.text
    assert page.slots == []
    other = get(client, f"/visit/{visit_with(acme, people[0]).manage_token}/change")
    assert "no new appointments" not in other.text
    assert other.slots


def test_times_are_those_of_the_person(client: Client, acme: Shop, people: Any) -> None:
    people[1].schedule.hours.all().delete()
    assert get(client, f"{PAGE}?staff={people[0].pk}").slots
    page = get(client, f"{PAGE}?staff={people[1].pk}")
    assert page.slots == []
    assert "Nothing is free at the moment with Ben" in page.text
    assert PAGE in page.links(f"^{PAGE}$"), "the way to whoever is free"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scripted", [True, False])
def test_on_a_phone_a_person_is_chosen_and_booked(browser: Any, live_server: Any, scripted: bool) -> None:
    made = open_daily(shop(horizon_days=30, assignment=CHOOSES))
    maria, _ = team(made.module, "Maria", "Ben")
    OpeningHours.objects.filter(schedule=maria.schedule).update(opens=time(9))
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=scripted)
    window = context.new_page()
    window.goto(live_server.url + PAGE)
    window.get_by_role("navigation", name="With whom").get_by_role("link", name="Maria").click()
    window.get_by_text("With Maria", exact=True).wait_for()
    window.locator("[data-day]").nth(1).click()
    window.locator("a.slot").first.click()
    if scripted:
        window.get_by_text("Kept for you until").wait_for()
    window.get_by_label("Your name").fill("Ann Lee")
    window.get_by_label("E-mail").fill("ann@customer.example")
    window.get_by_role("button", name="Book this time").click()
    window.get_by_role("heading", name="You are booked").wait_for()
    wide = window.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    context.close()
    assert Appointment.objects.get().staff == maria
    assert not wide
