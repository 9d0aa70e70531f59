"""**Remote Calendar Configuration** of one of a team: whose it is, who serves instead, who may be linked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.connect_scene import NOW, Scene, scene
from tests.reading import words
from tests.staff_scene import person, team

from genie.flows.leave_team import leave_team
from genie.store.models import Appointment, Change, Connection, EventLink, RemoteCalendar, StaffMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Scene:
    return scene()


@pytest.fixture
def maria(acme: Scene) -> StaffMember:
    (maria,) = team(acme.module, "Maria")
    return maria


@pytest.fixture
def admin(client: Client, acme: Scene) -> Client:
    client.force_login(acme.admin)
    return client


def page(of: Scene, staff: StaffMember | None, rest: str = "") -> str:
    whose = f"team/{staff.pk}/" if staff else ""
    return f"/company/{of.company.slug}/apps/{of.module.slug}/{whose}calendar{rest}"


def link(of: Scene, staff: StaffMember | None, name: str = "Work") -> Connection:
    key = of.company.remote_keys.first() or of.key()
    calendar, _ = RemoteCalendar.objects.get_or_create(key=key, remote_id=name, name=name, may_write=True)
    return Connection.objects.create(module=of.module, staff=staff, calendar=calendar, linked_at=NOW)


def test_the_whole_walk_for_one_of_the_team(admin: Client, acme: Scene, maria: StaffMember) -> None:
    key = acme.key()
    read = words(admin.get(page(acme, maria)))
    assert "Remote Calendar Configuration: Schedule Genie™ · Main office · Maria" in read
    assert "Appointments with Maria are kept here and are not sent anywhere." in read
    back = admin.post(page(acme, maria, "/use-key"), {"key": key.pk})
    assert back["Location"].startswith(f"{page(acme, maria)}?key=")
    linked = admin.post(page(acme, maria, "/connect"), {"key": key.pk, "calendar": "work"}, follow=True)
    assert "Linked to Work" in words(linked)
    connection = Connection.objects.get()
    assert (connection.staff, connection.module) == (maria, acme.module)
    admin.post(page(acme, maria, "/realtime"), {"on": "1"})
    connection.refresh_from_db()
    assert connection.realtime
    state = f"{page(acme, maria, '/state')}?as={connection.pk}-1-linked"
    assert "Main office · Maria" in words(admin.get(state))
    saved = admin.post(
        page(acme, maria, "/rules"),
        {"inbound_rule": "apply_silently", "conflict_rule": "dashboard_wins"},
    )
    assert saved["Location"] == page(acme, maria)
    acme.module.refresh_from_db()
    assert acme.module.inbound_rule == "apply_silently"
    # the module's own page knows nothing of it
    assert "No calendar is linked yet." in words(admin.get(page(acme, None)))
    assert "Unlinked." in words(admin.post(page(acme, maria, "/unlink"), {"copies": "keep"}, follow=True))
    assert "not linked to a calendar any more" in words(
        admin.post(page(acme, maria, "/unlink"), {"copies": "keep"}, follow=True)
    )


def test_the_page_says_which_calendar_serves_instead(admin: Client, acme: Scene, maria: StaffMember) -> None:
    acme.key()
    link(acme, None, "Front desk")
    read = words(admin.get(page(acme, maria)))
    assert "Appointments with Maria are sent to Front desk" in read
    read = words(admin.get(page(acme, None)))
    assert "Schedule Genie™ · Main office" in read
    assert "It serves those of the team who have no calendar of their own: Maria." in read
    assert "Until then appointments with Maria are sent nowhere." in read, "before unlinking"
    link(acme, maria, "Hers")
    read = words(admin.get(page(acme, maria)))
    assert "Until then new appointments with Maria are sent to Front desk" in read
    assert "Everybody in the team has a calendar of their own." in words(admin.get(page(acme, None)))


def test_a_module_without_a_team_reads_as_ever(admin: Client, acme: Scene) -> None:
    link(acme, None)
    read = words(admin.get(page(acme, None)))
    assert "· Main office Linked calendar" not in read
    assert "of the team" not in read


def test_who_left_can_be_unlinked_but_not_linked(admin: Client, acme: Scene, maria: StaffMember) -> None:
    link(acme, maria)
    leave_team(company_id=acme.company.pk, module_id=acme.module.pk, staff_id=maria.pk)
    read = words(admin.get(page(acme, maria)))
    assert "Maria takes no new appointments of Main office." in read
    key = acme.company.remote_keys.get()
    answer = admin.post(page(acme, maria, "/unlink"), {"copies": "keep"}, follow=True)
    assert "Unlinked." in words(answer)
    refused = admin.post(page(acme, maria, "/connect"), {"key": key.pk, "calendar": "Work"}, follow=True)
    assert "no calendar was connected" in words(refused)
    shown = admin.get(f"{page(acme, maria)}?key={key.pk}").content.decode()
    assert "Connect Calendar</button>" in shown
    assert 'aria-label="Connect Calendar Work"' not in shown, "the button is grey"


def test_nobody_elses_page_is_there(admin: Client, acme: Scene) -> None:
    outside = person(acme.company, "Zoe")
    stranger = person(scene("rival").company, "Rob")
    for staff in (outside, stranger):
        assert admin.get(page(acme, staff)).status_code == 404
        assert admin.post(page(acme, staff, "/connect"), {"key": 1}).status_code == 404


def test_remote_auth_config_leads_back_to_the_person(admin: Client, acme: Scene, maria: StaffMember) -> None:
    keys = f"/company/{acme.company.slug}/keys"
    onward = f"{keys}?for=main-office&amp;staff={maria.pk}"
    assert onward in admin.get(page(acme, maria)).content.decode()
    shown = admin.get(keys, {"for": "main-office", "staff": maria.pk}).content.decode()
    assert f'href="{page(acme, maria)}"' in shown
    made = admin.post(f"{keys}/links", {"kind": "caldav", "for": "main-office", "staff": maria.pk})
    assert f"for=main-office&staff={maria.pk}" in made["Location"]
    for staff in ("999999", "x", "9" * 30):
        assert admin.get(keys, {"for": "main-office", "staff": staff}).status_code == 200


def test_used_by_names_the_person_and_leads_to_the_page(
    admin: Client, acme: Scene, maria: StaffMember
) -> None:
    link(acme, maria, "Hers")
    link(acme, None, "Work")
    shown = admin.get(f"/company/{acme.company.slug}/keys").content.decode()
    assert f'href="{page(acme, maria)}">Main office · Maria</a>' in shown
    assert f'href="{page(acme, None)}">Main office</a>' in shown


def test_changes_of_a_day_are_counted_for_each_calendar(
    admin: Client, acme: Scene, maria: StaffMember
) -> None:
    hers, works = link(acme, maria, "Hers"), link(acme, None, "Work")
    now = timezone.now()
    for connection, changes in ((hers, 2), (works, 1)):
        visit: Appointment = acme.appointment(staff=connection.staff)
        EventLink.objects.create(
            appointment=visit, connection=connection, calendar=connection.calendar, remote_id=str(visit.pk)
        )
        for revision in range(changes):
            Change.objects.create(
                appointment=visit,
                at=now,
                revision=revision + 2,
                field="when",
                origin=Change.Origin.CALENDAR,
            )
        connection.realtime = True
        connection.save()
    RemoteCalendar.objects.update(read_at=now, last_in_at=now - timedelta(seconds=1))
    assert "2 today" in words(admin.get(page(acme, maria)))
    assert "1 today" in words(admin.get(page(acme, None)))


def test_a_visit_on_no_calendar_says_when_it_will_be(admin: Client, acme: Scene, maria: StaffMember) -> None:
    """Maria's own calendar was unlinked; the module's serves her now."""
    link(acme, None, "Front desk")
    visit = acme.appointment(staff=maria)
    read = words(admin.get(f"/company/{acme.company.slug}/appointments/{visit.pk}"))
    assert "not on Front desk ; it is sent there when it changes" in read
    Connection.objects.all().delete()
    read = words(admin.get(f"/company/{acme.company.slug}/appointments/{visit.pk}"))
    assert "no calendar is linked" in read


def test_times_are_said_in_the_persons_zone(admin: Client, acme: Scene, maria: StaffMember) -> None:
    maria.schedule.zone = "Asia/Kolkata"
    maria.schedule.save()
    link(acme, maria)
    RemoteCalendar.objects.update(last_out_at=timezone.now())
    assert "(Kolkata)" in admin.get(page(acme, maria)).content.decode()
