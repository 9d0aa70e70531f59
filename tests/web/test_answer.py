"""A customer who is asked to accept another time: the page that asks, the answers, and what staff see."""

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

from genie.core.event import When
from genie.flows.ask import NOTICE
from genie.store.models import Appointment, EventLink, Module, Role

pytestmark = pytest.mark.django_db(transaction=True)


class Asked:
    """A visit in three days that was moved by three hours on the calendar. Times are real ones."""

    def __init__(self) -> None:
        self.scene = stage()
        scene = self.scene
        Module.objects.update(inbound_rule=Module.InboundRule.ASK_THE_CUSTOMER)
        scene.now = timezone.now()
        type(scene.connection).objects.update(linked_at=scene.now)
        scene.connection.refresh_from_db()
        self.visit = scene.booked()
        self.customer = Client()
        self.move(3)

    @property
    def link(self) -> EventLink:
        return self.scene.link(self.visit)

    @property
    def page(self) -> str:
        return f"/visit/{self.visit.manage_token}"

    def move(self, hours: float) -> None:
        self.scene.owner.move("work", self.link.remote_id, self.scene.at(hours))
        self.scene.now += timedelta(seconds=50)
        self.scene.drain()

    def answer(self, answer: str, *, hours: float = 3, client: Client | None = None) -> HttpResponse:
        staff = f"/company/{self.scene.company.slug}/appointments/{self.visit.id}"
        when = self.scene.at(hours)
        given = {"answer": answer, "proposed": f"{when.start.isoformat()}/{when.end.isoformat()}"}
        address = f"{staff if client else self.page}/answer"
        return (client or self.customer).post(address, given, follow=True)  # type: ignore[return-value]

    def stands_at(self, hours: float) -> bool:
        self.scene.drain()
        event = self.scene.owner.event("work", self.link.remote_id)
        assert event
        when = self.scene.at(hours)
        here = Appointment.objects.get(id=self.visit.id)
        return (here.start, event.content.when.start) == (when.start, when.start)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def words(answer: HttpResponse) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(page))


def admin_of(scene: Scene, role: Role = Role.COMPANY_ADMIN) -> Client:
    company = scene.company
    return client_of(person(role, company.agency, company, email=f"{role}@{company.slug}.example"))


def test_the_page_asks_with_both_times_and_both_buttons(asked: Asked) -> None:
    said = words(asked.customer.get(asked.page))
    assert "Does another time suit you?" in said
    assert re.search(r"New \w+ \d+ \w+.* 12:00–13:00", said)
    assert re.search(r"Until now \w+ \d+ \w+.* 09:00–10:00", said)
    assert "Accept the new time" in said
    assert "Keep the time as it was" in said
    assert "Choose another time" in said


def test_looking_decides_nothing(asked: Asked) -> None:
    """Mail scanners follow each link of a letter."""
    for address in (asked.page, f"{asked.page}/answer", f"{asked.page}/answer?answer=accept"):
        assert "Does another time suit you?" in words(asked.customer.get(address, follow=True))
    assert asked.link.question_at


def test_accept(asked: Asked) -> None:
    assert "Your appointment was moved" in words(asked.answer("accept"))
    assert asked.stands_at(3)
    again = asked.answer("accept")  # pressed twice
    assert (again.status_code, "Your appointment was moved" in words(again)) == (200, True)


def test_keep(asked: Asked) -> None:
    assert "Your appointment stays as it was" in words(asked.answer("keep"))
    assert asked.stands_at(0)


def test_an_answer_to_an_older_question_shows_the_new_one(asked: Asked) -> None:
    asked.move(5)
    late = asked.answer("accept")
    assert late.status_code == 409
    assert "The proposed time was changed in the meantime, so nothing was done." in words(late)
    assert "14:00–15:00" in words(late)
    assert asked.link.question_at


def test_an_answer_to_no_question_does_nothing(asked: Asked) -> None:
    asked.answer("keep")
    late = asked.answer("accept")
    assert late.status_code == 409
    assert "This question is not open any more, so nothing was done." in words(late)
    assert asked.stands_at(0)


@pytest.mark.parametrize(
    "given", [{}, {"answer": "accept"}, {"answer": "perhaps", "proposed": "x/y"}, {"proposed": "1/2/3"}]
)
def test_an_answer_that_cannot_be_read_does_nothing(asked: Asked, given: dict[str, str]) -> None:
    answer = asked.customer.post(f"{asked.page}/answer", given)
    assert answer.status_code == 400
    assert "Please use one of the two buttons below." in words(answer)
    assert asked.link.question_at


def test_too_late_the_page_asks_no_more(asked: Asked) -> None:
    soon = timezone.now() + NOTICE - timedelta(minutes=1)
    EventLink.objects.filter(id=asked.link.id).update(answer_until=soon - NOTICE)
    assert "Does another time suit you?" not in words(asked.customer.get(asked.page))
    assert asked.answer("accept").status_code == 409
    assert asked.link.question_at  # the worker ends it


def test_staff_see_the_question_and_its_history(asked: Asked) -> None:
    page = f"/company/{asked.scene.company.slug}/appointments/{asked.visit.id}"
    said = words(admin_of(asked.scene).get(page))
    assert re.search(r"Asked the customer on .* to accept .* 12:00–13:00", said)
    assert "moved on Work ; the customer is asked" in said
    assert "Accept for the customer" in said
    assert "Keep the time as it was" in said
    light = words(admin_of(asked.scene, Role.COMPANY_LIGHT).get(page))
    assert "Asked the customer on" in light
    assert "Accept for the customer" not in light


@pytest.mark.parametrize(("answer", "hours"), [("accept", 3), ("keep", 0)])
def test_staff_answer_for_the_customer(asked: Asked, answer: str, hours: float) -> None:
    client = admin_of(asked.scene)
    said = words(asked.answer(answer, client=client))
    assert ("Moved to" if answer == "accept" else "It stays at") in said
    assert asked.stands_at(hours)
    late = asked.answer("keep", client=client)
    assert late.status_code == 409
    assert "Nothing was changed." in words(late)


def test_by_another_visitors_address_nothing_can_be_answered(asked: Asked) -> None:
    when: When = asked.scene.at(3)
    given = {"answer": "accept", "proposed": f"{when.start.isoformat()}/{when.end.isoformat()}"}
    assert asked.customer.post(f"/visit/{'x' * 32}/answer", given).status_code == 404
    assert asked.link.question_at
