"""The page on which somebody says whose database this is, and the notice that leads there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.sync_scene import Scene, stage
from tests.web.tenants import client_of, person

from genie.core.recognition import Doubt
from genie.flows.recognise import recognise
from genie.store.models import Company, Connection, Role
from genie.store.record_file import doubt_there

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/installation"
NOTICE = "Calendars and letters are paused."


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    settings.GENIE_INSTALLATION_FILE = str(tmp_path / "installation.json")
    return Path(settings.GENIE_INSTALLATION_FILE)


@pytest.fixture
def scene(file: Path) -> Scene:
    """In use, and its record is gone."""
    made = stage()
    made.booked()
    recognise(file=file, now=timezone.now())
    file.unlink()
    assert recognise(file=file, now=timezone.now()) == Doubt.NO_RECORD
    return made


def as_role(company: Company, role: Role) -> Any:
    return client_of(person(role, company.agency, company, email=f"{role}@{company.slug}.example"))


def test_every_page_says_so_and_who_may_is_led_to_the_answer(scene: Scene) -> None:
    leads = f"/company/{scene.company.slug}/leads/list"
    light = as_role(scene.company, Role.COMPANY_LIGHT).get(leads).content.decode()
    assert NOTICE in light
    assert f'href="{PAGE}"' not in light
    admin = as_role(scene.company, Role.AGENCY_SUPER_ADMIN).get(leads).content.decode()
    assert NOTICE in admin
    assert f'href="{PAGE}"' in admin


def test_the_page_says_why_and_has_three_answers(scene: Scene) -> None:
    said = as_role(scene.company, Role.AGENCY_SUPER_ADMIN).get(PAGE).content.decode()
    assert "has no record of it" in said
    for answer in ("It was moved here", "A backup was restored", "This is a copy"):
        assert f"{answer}</button>" in said


@pytest.mark.parametrize(
    ("answer", "state"), [("moved", "linked"), ("restored", "linked"), ("copy", "ended")]
)
def test_an_answer_ends_it(scene: Scene, file: Path, answer: str, state: str) -> None:
    client = as_role(scene.company, Role.AGENCY_SUPER_ADMIN)
    said = client.post(PAGE, {"answer": answer}, follow=True).content.decode()
    assert "Calendars and letters are not paused" in said
    assert doubt_there(str(file)) is None
    assert Connection.objects.get().state == state
    again = client.post(PAGE, {"answer": "copy"}, follow=True).content.decode()
    assert "nothing was done" in again
    assert Connection.objects.get().state == state


@pytest.mark.parametrize("role", [Role.AGENCY_ADMIN, Role.COMPANY_ADMIN, Role.COMPANY_LIGHT])
def test_nobody_else_may_answer(scene: Scene, file: Path, role: Role) -> None:
    client = as_role(scene.company, role)
    assert client.get(PAGE).status_code == client.post(PAGE, {"answer": "moved"}).status_code == 403
    assert doubt_there(str(file)) == Doubt.NO_RECORD


def test_another_word_is_no_answer(scene: Scene, file: Path) -> None:
    client = as_role(scene.company, Role.AGENCY_SUPER_ADMIN)
    assert client.post(PAGE, {"answer": "yes"}).status_code == 400
    assert doubt_there(str(file)) == Doubt.NO_RECORD


def test_where_the_file_cannot_be_written_that_is_said_and_it_stays_paused(scene: Scene, file: Path) -> None:
    client = as_role(scene.company, Role.AGENCY_SUPER_ADMIN)
    in_the_way = file.with_name(f"{file.name}.{os.getpid()}")
    in_the_way.mkdir()
    assert "everything stays paused" in client.post(PAGE, {"answer": "moved"}, follow=True).content.decode()
    assert doubt_there(str(file)) == Doubt.NO_RECORD
    in_the_way.rmdir()
    assert "goes on as before" in client.post(PAGE, {"answer": "moved"}, follow=True).content.decode()


def test_where_nothing_is_in_doubt_the_page_says_that(settings: Any) -> None:
    made = stage()
    settings.GENIE_INSTALLATION_FILE = ""
    client = as_role(made.company, Role.AGENCY_SUPER_ADMIN)
    assert "are not paused" in client.get(PAGE).content.decode()
    assert NOTICE not in client.get(f"/company/{made.company.slug}/leads/list").content.decode()
    assert client.post(PAGE, {"answer": "copy"}).status_code == 302
    assert Connection.objects.get().state == "linked"
