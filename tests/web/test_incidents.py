"""Where too much was changed on a calendar at once: what the pages say, and the two buttons."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.sync_scene import Scene, stage
from tests.web.tenants import client_of, person

from genie.core.appointment import State
from genie.store.models import Appointment, Incident, Role

pytestmark = pytest.mark.django_db(transaction=True)


def words(answer: HttpResponse) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(page))


@pytest.fixture
def scene() -> Scene:
    """Four of four visits were deleted on the calendar: two are cancelled, two are held."""
    made = stage()
    made.now = timezone.now()
    type(made.connection).objects.update(linked_at=made.now)
    made.connection.refresh_from_db()
    for number in range(4):
        made.booked(2 * number, name=f"Guest {number}")
    for event in list(made.owner.events("work")):
        made.owner.delete("work", event.id)
    made.now += timedelta(seconds=50)
    made.drain()
    return made


def admin_of(scene: Scene, role: Role = Role.COMPANY_ADMIN) -> Client:
    company = scene.company
    return client_of(person(role, company.agency, company, email=f"{role}@{company.slug}.example"))


def pages(scene: Scene) -> list[str]:
    module = f"/company/{scene.company.slug}/apps/{scene.module.slug}"
    held = Appointment.objects.filter(module=scene.module, links__held_at__isnull=False).first()
    assert held
    return [module, f"{module}/calendar", f"/company/{scene.company.slug}/appointments/{held.id}"]


def test_each_page_says_how_many_and_has_both_buttons(scene: Scene) -> None:
    client = admin_of(scene)
    for page in pages(scene):
        said = words(client.get(page))
        assert "4 appointments were moved or deleted on Work within an hour." in said, page
        assert "2 of them are held: here they stand as before." in said
        assert "2 were changed here before it was noticed." in said
        assert "These were really changed" in said and "Put them back" in said


def test_state_line_says_what_is_held(scene: Scene) -> None:
    said = words(admin_of(scene).get(pages(scene)[1]))
    assert "2 changes are held until somebody decides." in said


def test_really_changed(scene: Scene) -> None:
    client, incident = admin_of(scene), Incident.objects.get()
    page = pages(scene)[1]
    answer = client.post(
        f"/company/{scene.company.slug}/incidents/{incident.id}",
        {"decision": "really_changed", "back": page},
        follow=True,
    )
    assert answer.redirect_chain[-1][0] == page
    assert "customers are told" in words(answer)
    scene.drain()
    assert set(Appointment.objects.values_list("state", flat=True)) == {State.CANCELLED}
    again = client.post(
        f"/company/{scene.company.slug}/incidents/{incident.id}", {"decision": "put_back"}, follow=True
    )
    assert "decided already" in words(again)


def test_put_back(scene: Scene) -> None:
    incident = Incident.objects.get()
    admin_of(scene).post(f"/company/{scene.company.slug}/incidents/{incident.id}", {"decision": "put_back"})
    scene.drain()
    scene.drain()
    assert set(Appointment.objects.values_list("state", flat=True)) == {State.CONFIRMED}
    assert len(scene.owner.events("work")) == 4


def test_who_may_not_edit_sees_it_and_cannot_press(scene: Scene) -> None:
    client = admin_of(scene, Role.COMPANY_LIGHT)
    said = words(client.get(pages(scene)[2]))
    assert "An admin of the company can decide about it." in said
    assert "Put them back:" not in said
    incident = Incident.objects.get()
    answer = client.post(f"/company/{scene.company.slug}/incidents/{incident.id}", {"decision": "put_back"})
    assert answer.status_code == 403


def test_an_answer_that_is_none_and_a_page_elsewhere(scene: Scene) -> None:
    client, incident = admin_of(scene), Incident.objects.get()
    address = f"/company/{scene.company.slug}/incidents/{incident.id}"
    assert client.post(address, {"decision": "let_go"}).status_code == 400
    answer = client.post(address, {"decision": "put_back", "back": "//evil.example/"})
    assert answer.status_code == 302 and answer["Location"].startswith("/company/")
