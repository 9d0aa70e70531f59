"""Apps and the module page: labels, Save, messages beside the fields."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.web.tenants import FUTURE, NOW, Tenant, client_of, tenant, visit

from genie.store.models import Connection, Module, RemoteCalendar, Schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def answers(acme: Tenant, **changes: Any) -> dict[str, Any]:
    """What the page's form sends."""
    base = {
        "name": "Main office",
        "title": "Tour",
        "place": "12 Elm St",
        "schedule": acme.schedule.pk,
        "duration": 45,
        "between": 15,
        "start_every": 30,
        "capacity": 2,
        "per_day": 5,
        "how_soon": 2,
        "how_soon_unit": "days",
        "horizon": 3,
        "horizon_unit": "months",
        "tentative_blocks": "on",
        "unreachable_rule": "offer_nothing",
        "mirror_age_hours": 12,
        "external_wait_ms": 1500,
        "tell_customer": "on",
        "recipients": "desk@acme.example\nboss@acme.example",
        "capacity_sat": 4,
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def address(acme: Tenant) -> str:
    return f"/company/{acme.slug}/apps/{acme.module.slug}"


def saved(acme: Tenant) -> Module:
    return Module.objects.get(pk=acme.module.pk)


def test_the_page_has_the_sections_and_labels_people_know(acme: Tenant, client: Client) -> None:
    page = client.get(address(acme)).content.decode()
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    wanted = [
        "Availability",
        "Scheduling Settings",
        "Duration",
        "Notification Settings",
        "Calendar Integration",
    ]
    assert [heading for heading in headings if heading in wanted] == wanted
    for label in (
        "Edit Schedules",
        "Configure Calendar",
        "Save",
        "Duration",
        "Time between appointments",
        "Start times every",
        "Appointments per time slot",
        "Appointments per day",
        "How soon",
        "How far in advance",
    ):
        assert label in page
    # older users look for the calendar under Notification Settings: both lead there
    assert page.count(f'href="{address(acme)}/calendar"') >= 2
    assert f"/book/{acme.slug}/{acme.module.slug}" in page


def test_save_stores_every_answer(acme: Tenant, client: Client) -> None:
    response = client.post(address(acme), answers(acme))
    assert response["Location"] == address(acme)
    module = saved(acme)
    assert (module.name, module.title, module.place) == ("Main office", "Tour", "12 Elm St")
    assert (module.duration, module.between, module.start_every) == (45, 15, 30)
    assert (module.capacity, module.capacity_by_weekday, module.per_day) == (2, {"sat": 4}, 5)
    assert module.how_soon == 2 * 1440
    assert (module.horizon_days, module.horizon_months) == (None, 3)
    assert (module.unreachable_rule, module.mirror_age_hours) == ("offer_nothing", 12)
    assert module.tentative_blocks is True
    assert module.tell_customer is True
    assert module.recipients == ["desk@acme.example", "boss@acme.example"]
    assert module.slug == acme.module.slug  # the address customers know does not follow the name


def test_what_was_saved_is_shown_and_saves_the_same_again(acme: Tenant, client: Client) -> None:
    client.post(address(acme), answers(acme))
    before = Module.objects.filter(pk=acme.module.pk).values().get()
    form = client.get(address(acme)).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    client.post(
        address(acme),
        {name: value for name, value in shown.items() if value is not None and value is not False},
    )
    assert Module.objects.filter(pk=acme.module.pk).values().get() == before


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"duration": 0}, "duration", "Write a whole number from 1 to 1,440."),
        ({"duration": ""}, "duration", "Write a whole number from 1 to 1,440."),
        ({"duration": "an hour"}, "duration", "Write a whole number"),
        ({"between": -1}, "between", "Write a whole number from 0"),
        ({"start_every": 0}, "start_every", "Write a whole number from 1"),
        ({"capacity": 0}, "capacity", "Write a whole number from 1"),
        ({"capacity_mon": 0}, "capacity_mon", "Write a whole number from 1"),
        ({"per_day": 99999999}, "per_day", "Write a whole number from 0 to 10,000."),
        ({"how_soon": 400}, "how_soon", "366 days at most"),
        ({"horizon": 37}, "horizon", "1 to 36 calendar months"),
        ({"horizon": 0}, "horizon", "1 to 36 calendar months"),
        ({"horizon": 2000, "horizon_unit": "days"}, "horizon", "Write a whole number from 0 to 1,100."),
        (
            {"recipients": "a@b.example\nnot an address"},
            "recipients",
            "“not an address” is not an e-mail",
        ),
        ({"recipients": "\n".join(f"a{n}@b.example" for n in range(21))}, "recipients", "at most 20"),
        ({"schedule": 999999999}, "schedule", "not there any more"),
        ({"name": ""}, "name", "required"),
        ({"name": "x" * 121}, "name", "120"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field_and_nothing_is_saved(
    acme: Tenant, client: Client, change: dict[str, Any], field: str, words: str
) -> None:
    before = Module.objects.filter(pk=acme.module.pk).values().get()
    response = client.post(address(acme), answers(acme, **change))
    assert response.status_code == 422
    page = response.content.decode()
    problem = page[page.index(f'id="id_{field}_error"') :][:900]
    assert words in problem.replace("&#x27;", "'")
    assert f'aria-describedby="id_{field}' in page
    assert "Nothing was saved yet." in page
    assert Module.objects.filter(pk=acme.module.pk).values().get() == before


def test_another_companys_schedule_cannot_be_chosen(acme: Tenant, client: Client) -> None:
    theirs = tenant("Other").schedule
    assert client.post(address(acme), answers(acme, schedule=theirs.pk)).status_code == 422
    assert theirs.name not in client.get(address(acme)).content.decode()
    assert saved(acme).schedule_id == acme.schedule.pk


def test_the_default_step_is_left_empty(acme: Tenant, client: Client) -> None:
    client.post(address(acme), answers(acme, start_every=""))
    assert saved(acme).start_every is None


def test_hostile_text_is_shown_as_text(acme: Tenant, client: Client) -> None:
    client.post(address(acme), answers(acme, name="<script>alert(1)</script>"))
    page = client.get(address(acme)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_module_is_added_with_an_address_of_its_own(acme: Tenant, client: Client) -> None:
    names = ["Sea view", "Sea view", "Add", "東京", "x" * 120]
    for name in names:
        response = client.post(f"/company/{acme.slug}/apps/add", answers(acme, name=name))
        assert response.status_code == 302, response.context["form"].errors
    slugs = list(Module.objects.filter(name__in=names).order_by("pk").values_list("slug", flat=True))
    assert slugs == ["sea-view", "sea-view-2", "add-2", "module", "x" * 55]
    for slug in slugs:
        assert client.get(f"/company/{acme.slug}/apps/{slug}").status_code == 200


def test_adding_the_first_module_asks_for_a_schedule_first(acme: Tenant, client: Client) -> None:
    acme.appointment.delete()  # with its event link
    acme.connection.delete()
    Module.objects.filter(company=acme.company).delete()
    acme.staff.delete()
    Schedule.objects.filter(company=acme.company).delete()
    page = client.get(f"/company/{acme.slug}/apps").content.decode()
    assert "Let customers book online" in page
    assert client.get(f"/company/{acme.slug}/apps/add")["Location"] == f"/company/{acme.slug}/schedules/new"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda t: None, "Connected to Acme desk"),
        (lambda t: Connection.objects.update(state="ended"), "Not connected to a calendar"),
        (lambda t: Connection.objects.update(state="removing"), "copies are being removed"),
        (lambda t: type(t.key).objects.update(state="needs_reauthorization"), "needs re-authorization"),
        (
            lambda t: RemoteCalendar.objects.update(state="parked", trouble="It was deleted."),
            "It was deleted.",
        ),
        (lambda t: Module.objects.update(enabled=False), "Switched off"),
    ],
    ids=["linked", "ended", "removing", "lost", "parked", "off"],
)
def test_the_state_line_says_how_things_are(acme: Tenant, client: Client, make: Any, words: str) -> None:
    make(acme)
    for path in (f"/company/{acme.slug}/apps", address(acme)):
        assert words in client.get(path).content.decode()


def test_the_next_appointment_is_said_in_the_schedules_zone(acme: Tenant, client: Client) -> None:
    page = client.get(f"/company/{acme.slug}/apps").content.decode()
    assert "Next appointment: Tue 2 Mar 2100, 07:00–08:00 (New York)" in page


def test_the_pages_take_the_same_queries_with_more_rows(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        module = Module.objects.create(
            company=acme.company,
            name=f"Branch {number}",
            slug=f"branch-{number}",
            schedule=acme.schedule,
            created_at=NOW,
        )
        visit(module, acme.lead, FUTURE + timedelta(days=number))
        calendar = RemoteCalendar.objects.create(key=acme.key, remote_id=str(number), name=f"Desk {number}")
        Connection.objects.create(module=module, calendar=calendar, linked_at=NOW)
    client.get(f"/company/{acme.slug}/apps")  # the session learns the company
    with django_assert_max_num_queries(7):
        client.get(f"/company/{acme.slug}/apps")
    with django_assert_max_num_queries(14):
        client.get(address(acme))
