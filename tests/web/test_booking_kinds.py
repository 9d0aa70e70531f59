"""Several kinds of appointment on one booking page, as a browser without script sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from tests.booking_scene import Shop, shop
from tests.web.test_booking import ANN, DETAILS, PAGE, Page, get, open_daily, send

from genie.flows.describe import local_fields
from genie.store.models import Appointment, AppointmentKind, Module

LINK = "https://meet.example/acme?room=1"


@pytest.fixture
def acme(db: None) -> Shop:
    return open_daily(shop(horizon_days=30))


def kind(acme: Shop, slug: str, **settings) -> AppointmentKind:
    values = {"name": slug.replace("-", " ").capitalize(), "duration": 30, "position": 1, **settings}
    return AppointmentKind.objects.create(module=acme.module, slug=slug, **values)


@pytest.fixture
def kinds(acme: Shop) -> list[AppointmentKind]:
    return [
        kind(acme, "long-tour", duration=90, position=0),
        kind(acme, "call", place_kind="phone"),
        kind(acme, "online", place_kind="video", place=LINK, duration=20),
        kind(acme, "old", enabled=False),
    ]


def chosen(client: Client, slug: str, **extra) -> Page:
    """The page of times, come to by the link of the choice."""
    (address,) = get(client, PAGE, **extra).links(rf"kind={slug}\b")
    return get(client, address)


def booked(client: Client, slug: str, **answers) -> Appointment:
    answer = send(client, get(client, chosen(client, slug).slots[-1]), **answers)
    assert answer.status == 302
    return Appointment.objects.get()


def test_a_module_without_kinds_asks_nothing(client: Client, acme: Shop) -> None:
    page = get(client, PAGE)
    assert page.slots
    assert "Another kind" not in page.text
    assert not page.links("kind=")


def test_several_kinds_are_offered_before_any_time(client: Client, acme: Shop, kinds) -> None:
    page = get(client, PAGE)
    assert page.status == 200
    assert "What would you like to book?" in page.text
    assert page.text.index("Long tour") < page.text.index("Call") < page.text.index("Online")
    assert "90 minutes" in page.text and "12 Elm St" in page.text
    assert "By phone: we call you" in page.text and "Video call" in page.text
    assert "Old" not in page.text
    assert LINK not in page.html  # it is for those who have booked
    assert not page.slots


def test_one_enabled_kind_is_simply_it(client: Client, acme: Shop) -> None:
    kind(acme, "consultation", duration=45, place="Back door")
    kind(acme, "old", enabled=False)
    page = get(client, PAGE)
    assert "Consultation" in page.text and "45 minutes" in page.text and "Back door" in page.text
    assert "Another kind" not in page.text
    answer = send(client, get(client, page.slots[0]))
    assert answer.status == 302
    assert Appointment.objects.get().kind.slug == "consultation"


def test_with_all_kinds_off_the_modules_own_is_offered(client: Client, acme: Shop) -> None:
    kind(acme, "old", enabled=False)
    page = get(client, PAGE)
    assert "Tour" in page.text and "60 minutes" in page.text
    assert page.slots


def test_the_chosen_kind_stays_in_sight_and_can_be_changed(client: Client, acme: Shop, kinds) -> None:
    page = chosen(client, "long-tour")
    assert "Long tour" in page.text and "90 minutes" in page.text
    for address in (*page.slots, *page.days, *page.links(r"[?&]month=")):
        assert "kind=long-tour" in address
    assert page.value("kind") == "long-tour"  # of the form that changes the zone
    form = get(client, page.slots[0])
    assert "Long tour" in form.text and form.value("kind") == "long-tour"
    for one in (page, form):
        back = [link for link in one.links(r"/tour(\?|$)") if "kind=" not in link]
        assert back and "What would you like to book?" in get(client, back[-1]).text


def test_zone_and_campaign_go_along_with_the_choice(client: Client, acme: Shop, kinds) -> None:
    page = get(client, f"{PAGE}?zone=Asia/Tokyo&utm_source=mail")
    (address,) = page.links("kind=call")
    assert "zone=Asia%2FTokyo" in address and "utm_source=mail" in address
    form = get(client, get(client, address).slots[0])
    send(client, form, phone="+1 202 555 0123")
    made = Appointment.objects.get()
    assert (made.visitor_zone, made.lead.source, made.kind.slug) == ("Asia/Tokyo", "mail", "call")


def test_times_follow_the_kinds_own_settings(client: Client, acme: Shop, kinds) -> None:
    """Open from 9 to 12: a tour of 90 minutes begins twice, a call of 20 minutes nine times."""
    day = (timezone.now() + timedelta(days=3)).date()  # a whole one, whatever the time is now
    pages = [get(client, f"{PAGE}?kind={slug}&day={day}") for slug in ("long-tour", "online")]
    assert [len(page.slots) for page in pages] == [2, 9]


def test_what_is_booked_is_the_kind(client: Client, acme: Shop, kinds) -> None:
    made = booked(client, "online")
    assert made.title == "Online: Ann Lee"
    assert made.place == LINK
    assert (made.end - made.start).total_seconds() == 20 * 60
    assert (local_fields(made).title, local_fields(made).place) == ("Online: Ann Lee", LINK)
    page = get(client, f"/visit/{made.manage_token}?booked=1")
    assert "Online" in page.text and "Tour" not in page.text
    assert page.links("^https://meet") == [LINK]
    event = Calendar.from_ical(client.get(f"/visit/{made.manage_token}/appointment.ics").content).walk(
        "VEVENT"
    )[0]
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == ("Online, Acme", LINK)


def test_an_address_of_its_own_or_the_modules(client: Client, acme: Shop, kinds) -> None:
    assert booked(client, "long-tour").place == "12 Elm St"
    Appointment.objects.all().delete()
    AppointmentKind.objects.filter(slug="long-tour").update(place="Back door")
    assert booked(client, "long-tour").place == "Back door"


def test_a_call_needs_a_number_and_says_so(client: Client, acme: Shop, kinds) -> None:
    form = get(client, chosen(client, "call").slots[0])
    assert "We call you at this number." in form.text
    refused = send(client, form, phone="")
    assert refused.status == 422
    assert "Please write the number at which we call you." in refused.text
    send(client, refused, phone="+1 202 555 0123")
    made = Appointment.objects.get()
    assert (made.place, made.lead.phone) == ("By phone", "+12025550123")


def test_a_number_to_call_asks_for_none(client: Client, acme: Shop, kinds) -> None:
    AppointmentKind.objects.filter(slug="call").update(place="+1 202 555 0199")
    assert booked(client, "call").place == "By phone: +1 202 555 0199"


@pytest.mark.parametrize("slug", ["old", "nonsense", "%00", "'; drop table"])
def test_a_kind_that_is_not_offered_leads_to_the_choice(client: Client, acme: Shop, kinds, slug: str) -> None:
    page = get(client, f"{PAGE}?kind={slug}")
    assert page.status == 200
    assert "is not offered here (any more)" in page.text
    assert "What would you like to book?" in page.text


def test_a_kind_of_another_module_is_not_offered(client: Client, acme: Shop, kinds) -> None:
    other = shop("other")
    AppointmentKind.objects.create(module=other.module, name="Theirs", slug="theirs", duration=30)
    assert "Theirs" not in get(client, f"{PAGE}?kind=theirs").text


def test_a_form_of_a_kind_switched_off_meanwhile_books_nothing(client: Client, acme: Shop, kinds) -> None:
    form = get(client, chosen(client, "online").slots[0])
    AppointmentKind.objects.filter(slug="online").update(enabled=False)
    answer = send(client, form)
    assert answer.status == 409
    assert "Nothing was booked" in answer.text
    assert "What would you like to book?" in answer.text
    assert not Appointment.objects.exists()


def test_a_kind_deleted_while_it_is_booked_books_nothing(client: Client, acme: Shop, kinds) -> None:
    form = get(client, chosen(client, "online").slots[0])

    def delete_first(execute, sql, params, many, context):
        if "store_appointmentkind" in sql and "store_schedule" in sql:  # the booking reads its settings
            AppointmentKind.objects.filter(slug="online").delete()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(delete_first):
        answer = send(client, form)
    assert not AppointmentKind.objects.filter(slug="online").exists()
    assert answer.status == 409
    assert "Nothing was booked" in answer.text and "What would you like to book?" in answer.text
    assert not Appointment.objects.exists()


def test_a_form_from_before_there_were_kinds_asks_which(client: Client, acme: Shop) -> None:
    form = get(client, get(client, PAGE).slots[0])
    kind(acme, "one")
    kind(acme, "two")
    answer = Page(client.post(DETAILS, {**form.hidden, **ANN}))
    assert answer.status == 409
    assert "What would you like to book?" in answer.text


def test_moving_keeps_the_kind_and_offers_no_other(client: Client, acme: Shop, kinds) -> None:
    made = booked(client, "online")
    page = get(client, f"/visit/{made.manage_token}/change")
    assert "Online" in page.text and "20 minutes" in page.text
    assert "Another kind" not in page.text and not page.links("kind=")
    confirm = get(client, page.slots[0])
    assert "Online" in confirm.text
    client.post(f"/visit/{made.manage_token}/change", confirm.hidden)
    moved = Appointment.objects.get()
    assert moved.start != made.start
    assert (moved.kind, moved.end - moved.start) == (made.kind, made.end - made.start)


def test_after_cancelling_the_same_kind_is_at_hand(client: Client, acme: Shop, kinds) -> None:
    made = booked(client, "online")
    cancel = get(client, f"/visit/{made.manage_token}/cancel")
    assert "Online" in cancel.text
    client.post(f"/visit/{made.manage_token}/cancel", cancel.hidden)
    page = get(client, f"/visit/{made.manage_token}")
    assert page.links("/book/") == [f"{PAGE}?kind=online"]
    AppointmentKind.objects.filter(slug="online").update(enabled=False)
    assert get(client, f"/visit/{made.manage_token}").links("/book/") == [PAGE]


def test_a_visit_whose_kind_was_deleted_keeps_title_and_place(client: Client, acme: Shop, kinds) -> None:
    made = booked(client, "online")
    AppointmentKind.objects.filter(slug="online").delete()
    made.refresh_from_db()
    assert (made.title, made.place, made.kind) == ("Online: Ann Lee", LINK, None)
    assert "Tour" in get(client, f"/visit/{made.manage_token}").text


def test_the_choice_takes_as_few_queries_with_many_kinds(
    client: Client, acme: Shop, kinds, django_assert_max_num_queries
) -> None:
    for number in range(30):
        kind(acme, f"kind-{number}")
    with django_assert_max_num_queries(3):
        client.get(PAGE)


def test_hostile_names_are_text(client: Client, acme: Shop) -> None:
    Module.objects.update(place="")
    kind(acme, "a", name="<script>alert(1)</script>", place='"><b>x')
    kind(acme, "b", place_kind="video", place="javascript:alert(1)")
    assert "<script>alert" not in get(client, PAGE).html
    assert "<b>x" not in get(client, PAGE).html
    made = acme.put("2099-03-02T09:00", place="javascript:alert(1)", created_at=timezone.now())
    assert not get(client, f"/visit/{made.manage_token}").links("^javascript")
