"""Kinds of appointment in the dashboard: adding, settings left to the module, order, on and off, deleting."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.web.tenants import FUTURE, Tenant, client_of, tenant, visit

from genie.flows import save_kind as saving
from genie.store.models import Appointment, AppointmentKind, Module

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    made = tenant("Acme")
    made.kind.delete()
    Module.objects.update(title="Tour", place="12 Elm St", between=15, capacity=2, horizon_days=60)
    made.module.refresh_from_db()
    return made


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def module_page(acme: Tenant) -> str:
    return f"/company/{acme.slug}/apps/{acme.module.slug}"


def base(acme: Tenant) -> str:
    return f"{module_page(acme)}/kinds"


def answers(**changes: Any) -> dict[str, Any]:
    """What the form sends when only the first part is filled in."""
    plain = {
        "name": "Consultation",
        "duration": 30,
        "place_kind": "address",
        "place": "",
        "between": "",
        "start_every": "",
        "capacity": "",
        "per_day": "",
        "how_soon": "",
        "how_soon_unit": "hours",
        "horizon": "",
        "horizon_unit": "days",
    }
    return plain | changes


def add(acme: Tenant, client: Client, **changes: Any) -> AppointmentKind:
    response = client.post(f"{base(acme)}/new", answers(**changes))
    assert response["Location"] == f"{module_page(acme)}#kinds", response.content.decode()
    return AppointmentKind.objects.latest("pk")


def text(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def test_a_module_without_kinds_says_what_it_is_good_for(acme: Tenant, client: Client) -> None:
    page = text(client.get(module_page(acme)))
    assert "Kinds of appointment" in page
    assert "None: visitors book “Tour”, 60 minutes, and choose nothing but the time." in page


def test_a_kind_needs_name_and_duration_and_leaves_the_rest_to_the_module(
    acme: Tenant, client: Client
) -> None:
    kind = add(acme, client)
    assert (kind.name, kind.slug, kind.duration, kind.enabled) == ("Consultation", "consultation", 30, True)
    own = ("between", "start_every", "capacity", "per_day", "how_soon", "horizon_days", "horizon_months")
    assert {getattr(kind, name) for name in own} == {None}
    page = client.get(f"{base(acme)}/{kind.pk}").content.decode()
    for words in (
        "Empty: as the module, 15 minutes.",
        "Empty: as the module, duration + time between.",
        "Empty: as the module, 2.",
        "Empty: as the module, 1 hour.",
        "Empty: as the module, 60 days.",
        "Empty: no limit of its own.",
        'placeholder="15"',
    ):
        assert words in page
    assert f"/book/{acme.slug}/{acme.module.slug}?kind=consultation" in page


def test_the_first_kind_does_not_push_the_modules_own_out(acme: Tenant, client: Client) -> None:
    form = client.get(f"{base(acme)}/new").content.decode()
    assert "Keep offering “Tour”, 60 minutes, as another kind" in form
    add(acme, client, keep_own="on")
    kinds = list(AppointmentKind.objects.values_list("name", "duration", "place", "position"))
    assert kinds == [("Tour", 60, "12 Elm St", 0), ("Consultation", 30, "", 1)]
    assert "Keep offering" not in client.get(f"{base(acme)}/new").content.decode()
    add(acme, client, name="Third", keep_own="on")
    assert AppointmentKind.objects.count() == 3


def test_a_first_kind_called_as_the_modules_own_is_it(acme: Tenant, client: Client) -> None:
    add(acme, client, name="tour", keep_own="on")
    assert [kind.name for kind in AppointmentKind.objects.all()] == ["tour"]


def test_every_setting_is_kept_and_saves_the_same_again(acme: Tenant, client: Client) -> None:
    own = {
        "between": 0,
        "start_every": 20,
        "capacity": 1,
        "per_day": 0,
        "how_soon": 2,
        "how_soon_unit": "days",
    }
    kind = add(acme, client, **own, horizon=3, horizon_unit="months", place="Back door")
    assert (kind.between, kind.start_every, kind.capacity, kind.per_day) == (0, 20, 1, 0)
    assert (kind.how_soon, kind.horizon_days, kind.horizon_months, kind.place) == (2880, None, 3, "Back door")
    before = AppointmentKind.objects.values().get()
    form = client.get(f"{base(acme)}/{kind.pk}").context["form"]
    shown = {name: form[name].value() for name in form.fields}
    client.post(
        f"{base(acme)}/{kind.pk}", {name: value for name, value in shown.items() if value is not None}
    )
    assert AppointmentKind.objects.values().get() == before


def test_a_renamed_kind_keeps_its_address(acme: Tenant, client: Client) -> None:
    kind = add(acme, client)
    client.post(f"{base(acme)}/{kind.pk}", answers(name="First visit"))
    kind.refresh_from_db()
    assert (kind.name, kind.slug) == ("First visit", "consultation")
    again = add(acme, client, name="Consultation")
    assert again.slug == "consultation-2"
    assert add(acme, client, name="東京").slug == "kind"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "x" * 121}, "name", "120"),
        ({"duration": ""}, "duration", "from 1 to 1,440"),
        ({"duration": 0}, "duration", "from 1 to 1,440"),
        ({"capacity": 0}, "capacity", "from 1 to 1,000"),
        ({"between": -1}, "between", "from 0 to 1,440"),
        ({"how_soon": 400, "how_soon_unit": "days"}, "how_soon", "366 days at most"),
        ({"horizon": 37, "horizon_unit": "months"}, "horizon", "1 to 36 calendar months"),
        ({"place_kind": "moon"}, "place_kind", "Choose one of the three."),
        ({"place_kind": "video", "place": "http://meet.example"}, "place", "begins with https://"),
        ({"place_kind": "video", "place": "my room"}, "place", "begins with https://"),
        ({"place_kind": "video", "place": "javascript:alert(1)"}, "place", "begins with https://"),
        ({"place_kind": "phone", "place": "call me"}, "place", "does not look like a phone number"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field_and_nothing_is_saved(
    acme: Tenant, client: Client, change: dict[str, Any], field: str, words: str
) -> None:
    response = client.post(f"{base(acme)}/new", answers(**change))
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page[page.index(f'id="id_{field}_error"') :][:900]
    assert "Nothing was saved yet." in page
    assert not AppointmentKind.objects.exists()


@pytest.mark.parametrize(
    ("place_kind", "place"),
    [
        ("video", "https://meet.example/a?b=c"),
        ("video", ""),
        ("phone", "+1 202 555 0123"),
        ("phone", "(202) 555-0123"),
        ("phone", ""),
        ("address", "12 Elm St"),
    ],
)
def test_places_of_each_kind(acme: Tenant, client: Client, place_kind: str, place: str) -> None:
    kind = add(acme, client, place_kind=place_kind, place=place)
    assert (kind.place_kind, kind.place) == (place_kind, place)


def test_two_kinds_of_a_module_cannot_share_a_name(acme: Tenant, client: Client) -> None:
    add(acme, client)
    response = client.post(f"{base(acme)}/new", answers(name="CONSULTATION"))
    assert response.status_code == 422
    assert "visitors could not tell the two apart" in response.content.decode()
    other = tenant("Other")
    AppointmentKind.objects.create(module=other.module, name="Theirs", slug="theirs", duration=5)
    add(acme, client, name="Theirs")


def test_a_module_takes_only_so_many(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "MOST", 1)
    add(acme, client)
    response = client.post(f"{base(acme)}/new", answers(name="Two"))
    assert response.status_code == 422
    assert "has 1 kinds already" in text(response)


def test_kinds_are_listed_and_moved_up_and_down(acme: Tenant, client: Client) -> None:
    one, two, three = (add(acme, client, name=name) for name in ("One", "Two", "Three"))

    def names() -> list[str]:
        return list(acme.module.kinds.values_list("name", flat=True))

    client.post(f"{base(acme)}/{three.pk}/move", {"to": "up"})
    assert names() == ["One", "Three", "Two"]
    client.post(f"{base(acme)}/{one.pk}/move", {"to": "down"})
    assert names() == ["Three", "One", "Two"]
    client.post(f"{base(acme)}/{two.pk}/move", {"to": "down"})
    client.post(f"{base(acme)}/{three.pk}/move", {"to": "up"})
    assert names() == ["Three", "One", "Two"]
    page = text(client.get(module_page(acme)))
    assert "Visitors choose among 3 kinds." in page
    assert page.index("Three") < page.index("One ") < page.index("Two ")


def test_the_modules_own_duration_says_when_it_counts(acme: Tenant, client: Client) -> None:
    note = "this duration is offered when none is switched on"
    assert note not in text(client.get(module_page(acme)))
    kind = add(acme, client)
    assert note in text(client.get(module_page(acme)))
    client.post(f"{base(acme)}/{kind.pk}/enabled", {"enabled": "off"})
    assert note not in text(client.get(module_page(acme)))


def test_switched_off_it_is_offered_no_more_and_the_page_says_what_is(acme: Tenant, client: Client) -> None:
    one, two = (add(acme, client, name=name) for name in ("One", "Two"))
    said = text(client.post(f"{base(acme)}/{one.pk}/enabled", {"enabled": "off"}, follow=True))
    assert "“One” is offered no more; its appointments stay." in said
    assert "Visitors book “Two”; as it is the only one, nothing is asked." in said
    said = text(client.post(f"{base(acme)}/{two.pk}/enabled", {"enabled": "off"}, follow=True))
    assert "No kind is offered: visitors book “Tour”, 60 minutes." in said
    client.post(f"{base(acme)}/{two.pk}/enabled", {"enabled": "on"})
    assert [kind.enabled for kind in AppointmentKind.objects.order_by("pk")] == [False, True]


def test_deleting_says_what_becomes_of_appointments_and_keeps_them(acme: Tenant, client: Client) -> None:
    kind = add(acme, client)
    assert "Appointments that were made of it stay." in text(client.get(f"{base(acme)}/{kind.pk}"))
    booked = visit(acme.module, acme.lead, FUTURE.replace(day=5))
    Appointment.objects.filter(pk=booked.pk).update(kind=kind, place="By phone")
    page = text(client.get(f"{base(acme)}/{kind.pk}"))
    assert "1 appointment ahead" in page
    assert "The appointment ahead keeps its time, title, place and the name of the kind" in page
    said = text(client.post(f"{base(acme)}/{kind.pk}/delete", follow=True))
    assert "“Consultation” was deleted; its appointments stay." in said
    after = Appointment.objects.get(pk=booked.pk)
    assert (after.kind, after.what, after.title, after.place, after.start) == (
        None,
        "Consultation",
        booked.title,
        "By phone",
        booked.start,
    )


def test_a_kind_of_another_module_of_the_company_is_not_found(acme: Tenant, client: Client) -> None:
    second = Module.objects.create(
        company=acme.company, name="Second", slug="second", schedule=acme.schedule, created_at=FUTURE
    )
    theirs = AppointmentKind.objects.create(module=second, name="Theirs", slug="theirs", duration=5)
    assert client.get(f"{base(acme)}/{theirs.pk}").status_code == 404
    for part in ("enabled", "move", "delete"):
        assert client.post(f"{base(acme)}/{theirs.pk}/{part}").status_code == 404
    assert client.post(f"{base(acme)}/{theirs.pk}", answers()).status_code == 404
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_hostile_names_are_text(acme: Tenant, client: Client) -> None:
    kind = add(acme, client, name="<script>alert(1)</script>", place='"><b>x')
    for path in (module_page(acme), f"{base(acme)}/{kind.pk}"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page and "<b>x" not in page


def test_the_module_page_takes_the_same_queries_with_more_kinds(acme: Tenant, client: Client) -> None:
    def queries() -> int:
        client.get(module_page(acme))  # what was said is said once
        with CaptureQueriesContext(connection) as seen:
            client.get(module_page(acme))
        return len(seen)

    none = queries()
    for number in range(10):
        add(acme, client, name=f"Kind {number}")
    assert queries() == none
