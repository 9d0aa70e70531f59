"""Team: the list of people, one of them, and the team of a module."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.reading import words
from tests.staff_scene import person, team
from tests.web.tenants import FUTURE, NOW, Tenant, client_of, tenant, visit, with_team

from genie.store.models import Connection, Module, RemoteCalendar, Schedule, StaffMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def module_page(acme: Tenant) -> str:
    return f"/company/{acme.slug}/apps/{acme.module.slug}"


def people(acme: Tenant, rest: str = "") -> str:
    return f"/company/{acme.slug}/team{rest}"


def asks(client: Client, acme: Tenant, what: str, staff: StaffMember | None = None, **given: Any) -> str:
    number = {"staff": staff.pk} if staff else {}
    answer = client.post(f"{module_page(acme)}/team/{what}", number | given, follow=True)
    assert answer.status_code == 200
    return words(answer)


def names(module: Module) -> list[str]:
    return [member.staff.name for member in module.team.select_related("staff")]


def test_the_empty_screen_teaches(acme: Tenant, client: Client) -> None:
    acme.staff.delete()
    read = words(client.get(people(acme)))
    assert "Several people, each with their own time" in read
    assert "If one calendar serves everybody, you need nobody here." in read
    assert people(acme, "/new") in client.get(people(acme)).content.decode()


def test_the_list_says_schedule_modules_calendars_and_next_visit(acme: Tenant, client: Client) -> None:
    with_team(acme)
    visit(acme.module, acme.lead, FUTURE + timedelta(hours=5))
    acme.module.appointments.filter(start__gt=FUTURE).update(staff=acme.staff)
    off = person(acme.company, "Abe", active=False)
    read = words(client.get(people(acme)))
    for part in ("Sam of Acme", "Acme hours", "Acme office", "Acme office: Connected to Own"):
        assert part in read
    assert "Tue 2 Mar 2100, 12:00–13:00 (New York)" in read
    assert read.index("Sam of Acme") < read.index("Abe"), "who is switched off comes last"
    assert f"{off.name} switched off" in read
    RemoteCalendar.objects.filter(name="Own").update(state="parked", trouble="It was deleted.")
    assert "Acme office: Own: It was deleted." in words(client.get(people(acme)))


def test_somebody_is_added_changed_and_joins(acme: Tenant, client: Client) -> None:
    given = {
        "name": "Maria",
        "email": "maria@acme.example",
        "schedule": acme.schedule.pk,
        "user": acme.light.pk,
    }
    added = client.post(people(acme, "/new"), given)
    maria = StaffMember.objects.get(name="Maria")
    assert added["Location"] == people(acme, f"/{maria.pk}")
    assert (maria.email, maria.schedule, maria.user) == ("maria@acme.example", acme.schedule, acme.light)
    page = words(client.get(added["Location"]))
    assert "In no team yet" in page
    read = asks(client, acme, "join", maria, **{"from": "person"})
    assert "Maria takes visits of Acme office from now on" in read
    assert "Takes visits of Acme office" in read, "back on the person's page"
    saved = client.post(people(acme, f"/{maria.pk}"), {**given, "name": "Maria S", "user": ""}, follow=True)
    assert "“Maria S” was saved." in words(saved)
    maria.refresh_from_db()
    assert (maria.name, maria.user) == ("Maria S", None)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "x" * 121}, "name", "120"),
        ({"name": "sam OF acme"}, "name", "Somebody else in your team is called"),
        ({"email": "nobody"}, "email", "like maria@example.com"),
        ({"schedule": 999_999}, "schedule", "not there any more"),
        ({"user": 999_999}, "user", "cannot open the company any more"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field(
    acme: Tenant, client: Client, change: dict[str, Any], field: str, said: str
) -> None:
    given = {"name": "Maria", "email": "", "schedule": acme.schedule.pk, **change}
    answer = client.post(people(acme, "/new"), given)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page[page.index(f'id="id_{field}_error"') :][:600]
    assert StaffMember.objects.count() == 1


def test_others_schedules_and_logins_are_not_offered(acme: Tenant, client: Client) -> None:
    other = tenant("Other")
    page = client.get(people(acme, "/new")).content.decode()
    assert other.schedule.name not in page
    assert f'value="{other.admin.pk}"' not in page
    given = {"name": "Maria", "schedule": other.schedule.pk, "user": other.admin.pk}
    assert client.post(people(acme, "/new"), given).status_code == 422


def test_without_a_schedule_one_is_made_first(acme: Tenant, client: Client) -> None:
    acme.staff.delete()
    acme.appointment.delete()
    acme.connection.delete()
    acme.module.delete()
    Schedule.objects.filter(company=acme.company).delete()
    assert client.get(people(acme, "/new"))["Location"] == f"/company/{acme.slug}/schedules/new"
    assert "There is no module yet." in words(client.get(people(acme, f"/{person(acme.company).pk}")))


def test_somebody_is_switched_off_and_on(acme: Tenant, client: Client) -> None:
    with_team(acme)
    address = people(acme, f"/{acme.staff.pk}/active")
    read = words(client.post(address, {"active": "off"}, follow=True))
    assert "“Sam of Acme” is offered no more. What is booked stays." in read
    assert "Acme office can be booked by its own schedule again." in read
    assert "Switched off: offered no more" in read
    assert "Sam of Acme switched off" in words(client.get(module_page(acme)))
    read = words(client.post(address, {"active": "on"}, follow=True))
    assert "Takes visits of Acme office" in read


def test_only_who_never_had_an_appointment_is_deleted(acme: Tenant, client: Client) -> None:
    booked = visit(acme.module, acme.lead, FUTURE + timedelta(days=1))
    booked.staff = acme.staff
    booked.save()
    address = people(acme, f"/{acme.staff.pk}/delete")
    read = words(client.post(address, follow=True))
    assert "was not deleted, because there is an appointment with Sam of Acme" in read
    booked.delete()
    assert "“Sam of Acme” was deleted." in words(client.post(address, follow=True))


def test_a_module_without_a_team_says_so_in_one_place(acme: Tenant, client: Client) -> None:
    read = words(client.get(module_page(acme)))
    assert "Nobody: one calendar and the schedule above serve all visits." in read
    assert "Who gets a visit" not in read
    assert "Connected to Acme desk" in read
    assert "Team of" not in read


def test_a_module_gets_a_team_in_order(acme: Tenant, client: Client) -> None:
    maria = person(acme.company, "Maria")
    read = asks(client, acme, "join", acme.staff)
    assert "Appointments made before stay as they are" in read
    read = asks(client, acme, "join", maria)
    assert "Appointments made before" not in read
    assert "Team of 2" in read
    assert names(acme.module) == ["Sam of Acme", "Maria"]
    asks(client, acme, "order", maria, to="up")
    assert names(acme.module) == ["Maria", "Sam of Acme"]
    asks(client, acme, "order", maria, to="up")
    asks(client, acme, "order", acme.staff, to="down")
    assert names(acme.module) == ["Maria", "Sam of Acme"], "there is no further"
    asks(client, acme, "order", maria, to="down")
    assert names(acme.module) == ["Sam of Acme", "Maria"]
    assert "Saved." in asks(client, acme, "assignment", assignment="visitor_chooses")
    acme.module.refresh_from_db()
    assert acme.module.assignment == "visitor_chooses"
    wrong = client.post(f"{module_page(acme)}/team/assignment", {"assignment": "the_boss"})
    assert wrong.status_code == 400
    asks(client, acme, "leave", maria)
    read = asks(client, acme, "leave", acme.staff)
    assert "Acme office is booked by its own schedule again." in read
    assert "was not in the team of Acme office any more" in asks(client, acme, "leave", acme.staff)


def test_each_of_the_team_has_a_calendar_to_configure(acme: Tenant, client: Client) -> None:
    with_team(acme)
    ben = team(acme.module, "Ben")[0]
    page = client.get(module_page(acme)).content.decode()
    for staff in (acme.staff, ben):
        assert f'href="{module_page(acme)}/team/{staff.pk}/calendar"' in page
    read = words(client.get(module_page(acme)))
    assert "Connected to Own" in read
    assert "the module’s: Acme desk" in read
    assert "Everybody’s calendar is connected" in read
    Connection.objects.filter(staff=None).update(state="ended")
    assert "No calendar is connected for Ben" in words(client.get(module_page(acme)))
    asks(client, acme, "leave", acme.staff)
    read = words(client.get(module_page(acme)))
    assert "Not in the team any more, still linked Sam of Acme: Connected to Own" in read


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("key", "Sam of Acme: Own needs re-authorization"),
        ("calendar", "Sam of Acme: Own: It was deleted."),
        ("connection", "Sam of Acme: Unlinking Own"),
    ],
)
def test_the_state_line_names_whose_calendar_is_in_trouble(
    acme: Tenant, client: Client, where: str, said: str
) -> None:
    with_team(acme)
    if where == "key":
        type(acme.key).objects.update(state="needs_reauthorization")
    elif where == "calendar":
        RemoteCalendar.objects.filter(name="Own").update(state="parked", trouble="It was deleted.")
    else:
        Connection.objects.filter(staff=acme.staff).update(state="removing")
    for path in (f"/company/{acme.slug}/apps", module_page(acme)):
        assert said in words(client.get(path))


def test_nobody_joins_who_is_switched_off_or_somebody_elses(acme: Tenant, client: Client) -> None:
    off = person(acme.company, "Abe", active=False)
    assert "Abe is switched off, so nothing was changed." in asks(client, acme, "join", off)
    other = tenant("Other")
    for number in (other.staff.pk, "x", "9" * 30, ""):
        assert client.post(f"{module_page(acme)}/team/join", {"staff": number}).status_code == 404
    assert names(acme.module) == []


def test_hostile_names_are_text(acme: Tenant, client: Client) -> None:
    acme.staff.name = "<script>alert(1)</script>"
    acme.staff.save()
    with_team(acme)
    for path in (people(acme), people(acme, f"/{acme.staff.pk}"), module_page(acme)):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_light_users_have_no_team_page(acme: Tenant) -> None:
    light = client_of(acme.light)
    assert light.get(people(acme)).status_code == 403
    assert people(acme) not in light.get(f"/company/{acme.slug}/leads/list").content.decode()


def test_the_pages_take_the_same_queries_with_more_people(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    with_team(acme)
    for number in range(12):
        (one,) = team(acme.module, f"Person {number}")
        calendar = RemoteCalendar.objects.create(key=acme.key, remote_id=str(number), name=f"Desk {number}")
        Connection.objects.create(module=acme.module, staff=one, calendar=calendar, linked_at=NOW)
    client.get(people(acme))  # the session learns the company
    with django_assert_max_num_queries(8):
        client.get(people(acme))
    with django_assert_max_num_queries(14):
        client.get(module_page(acme))
    with django_assert_max_num_queries(8):
        client.get(f"/company/{acme.slug}/apps")


def test_a_schedule_names_who_works_by_it(acme: Tenant, client: Client) -> None:
    maria = person(acme.company, "Maria")
    listed = words(client.get(f"/company/{acme.slug}/schedules"))
    assert "Acme office, Sam of Acme" in listed
    page = words(client.get(f"/company/{acme.slug}/schedules/{maria.schedule_id}"))
    assert "Used by Maria" in page
    assert "It cannot be deleted while “Maria” takes its opening hours from it." in page
    maria.delete()
    assert "nobody" in words(client.get(f"/company/{acme.slug}/schedules"))
