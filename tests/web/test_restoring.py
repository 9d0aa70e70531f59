"""*Use this value* in the history of an appointment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.leads_scene import Leads, browser_of, leads, soon
from tests.web.test_appointment_page import HTMX, fields_of, history, words

from genie.store.models import Appointment, Change, EventLink, Message

USE = "Use this value"


@pytest.fixture
def acme(db: None) -> Leads:
    return leads()


@pytest.fixture
def visit(acme: Leads) -> Appointment:
    made = acme.visit(soon(days=2, hour=10))
    acme.link(made, acme.connect(acme.calendar()))
    return made


def lost(visit: Appointment, field: str = "title", new: str = "Tour of the roof", **more: Any) -> Change:
    values = {"origin": "calendar", "by": "Front desk", "note": "By the module's rule.", **more}
    return Change.objects.create(
        appointment=visit, at=visit.changed_at, revision=1, field=field, new=new, lost=True, **values
    )


def press(acme: Leads, line: Change, *, client: Client | None = None, **sent: Any) -> HttpResponse:
    address = acme.page(line.appointment, f"/restore/{line.pk}")
    sent = {"revision": line.appointment.revision, **sent}
    return (client or acme.client).post(address, sent, follow=True)  # type: ignore[return-value]


def test_a_text_is_used_with_one_press_and_refers_to_what_it_restored(
    acme: Leads, visit: Appointment
) -> None:
    line = lost(visit)
    before = acme.client.get(acme.page(visit))
    assert "Not taken: title set to “Tour of the roof”" in words(before)
    assert USE in words(before)
    said = press(acme, line)
    assert "The value that was not taken is used now." in words(said)
    visit.refresh_from_db()
    assert visit.title == "Tour of the roof"
    latest, *_ = history(said)
    assert "“Tour: Ann Lee” to “Tour of the roof”" in latest
    assert "Ada Admin" in latest
    assert f'href="#change-{line.pk}"' in said.content.decode()
    assert "Used later" in words(said)
    assert USE not in words(said)
    assert EventLink.objects.get().state == EventLink.State.OWES_PUSH
    again = press(acme, line)
    assert again.status_code == 409
    assert "This value was used already; nothing was done a second time." in words(again)
    assert Change.objects.filter(restores=line).count() == 1


def test_a_time_that_is_free_moves_it_and_the_customer_is_told(acme: Leads, visit: Appointment) -> None:
    start = soon(days=3, hour=12)
    said = press(acme, lost(visit, "when", f"{start.isoformat()}/{(start + timedelta(hours=1)).isoformat()}"))
    assert "Ann Lee is told by e-mail." in words(said)
    visit.refresh_from_db()
    assert visit.start == start
    assert Message.objects.get(audience="customer").kind == "rescheduled"


def test_a_time_outside_the_rules_is_asked_about_first(acme: Leads, visit: Appointment) -> None:
    start = soon(days=3, hour=20)
    line = lost(visit, "when", f"{start.isoformat()}/{(start + timedelta(minutes=45)).isoformat()}")
    question = press(acme, line)
    assert question.status_code == 409
    assert "outside the opening hours" in words(question)
    visit.refresh_from_db()
    assert visit.start == soon(days=2, hour=10)
    assert f'action="{acme.page(visit, f"/restore/{line.pk}")}"' in question.content.decode()
    press(acme, line, **fields_of(question))
    visit.refresh_from_db()
    assert (visit.start, visit.end - visit.start) == (start, timedelta(minutes=45))
    assert visit.attention


def test_in_the_panel_the_part_comes_back_and_the_calendar_is_told(acme: Leads, visit: Appointment) -> None:
    line = lost(visit)
    answer = acme.client.post(acme.page(visit, f"/restore/{line.pk}"), {"revision": 1}, headers=HTMX)
    assert answer["HX-Trigger"] == "appointment-changed"
    assert "<html" not in answer.content.decode()


def test_who_looked_before_somebody_else_changed_it_is_told_so(acme: Leads, visit: Appointment) -> None:
    line = lost(visit)
    acme.client.post(acme.page(visit, "/edit"), {"title": "Third", "place": "", "revision": 1})
    answer = press(acme, line)
    assert answer.status_code == 409
    assert "Somebody was faster" in words(answer)
    assert "“Third”" in words(answer)
    assert press(acme, line, revision="").status_code == 409
    visit.refresh_from_db()
    assert visit.title == "Third"


def test_nothing_is_offered_where_it_makes_no_sense_or_the_role_may_not(
    acme: Leads, visit: Appointment
) -> None:
    line = lost(visit)
    light = acme.light()
    assert USE not in words(light.get(acme.page(visit)))
    assert press(acme, line, client=light).status_code == 403
    assert acme.client.get(acme.page(visit, f"/restore/{line.pk}")).status_code == 405
    Appointment.objects.update(state="cancelled")
    assert USE not in words(acme.client.get(acme.page(visit)))
    assert press(acme, line).status_code == 409
    Change.objects.filter(pk=line.pk).update(field="when", new="soon")
    Appointment.objects.update(state="confirmed")
    assert USE not in words(acme.client.get(acme.page(visit)))
    refused = press(acme, line)
    assert "not a time that an appointment can have" in words(refused)


def test_it_needs_the_forms_own_token_and_a_line_that_was_lost(acme: Leads, visit: Appointment) -> None:
    line = lost(visit)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(acme.base.admin)
    assert strict.post(acme.page(visit, f"/restore/{line.pk}"), {"revision": 1}).status_code == 403
    for number in (visit.history.get(field="booked").pk, 10**30, 0):
        answer = acme.client.post(acme.page(visit, f"/restore/{number}"), {"revision": 1})
        assert answer.status_code == 404


def test_another_companys_line_is_not_found(acme: Leads, visit: Appointment) -> None:
    line = lost(visit)
    other = leads("other")
    stranger = browser_of(other.base.admin)
    assert press(acme, line, client=stranger).status_code == 404
    theirs = other.visit(soon(days=4))
    assert stranger.post(other.page(theirs, f"/restore/{line.pk}"), {"revision": 1}).status_code == 404
    visit.refresh_from_db()
    assert visit.revision == 1
