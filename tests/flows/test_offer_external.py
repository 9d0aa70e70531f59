"""Rule 10: another system answers in place of rules 1 to 6, and the local rules serve when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.asked_system import SECRET, AskedSystem, asked_system
from tests.booking_scene import MONDAY, NOW, Shop, shop

from genie.core.spans import micros, moment
from genie.flows.actor import Actor
from genie.flows.book import SlotTaken, book
from genie.flows.hold_slot import hold_slot
from genie.flows.offer import free_staff, slots
from genie.flows.offer_external import REST, offered_externally, vouched_externally
from genie.flows.reschedule import reschedule
from genie.flows.why_not import why_not
from genie.providers.registry import ProviderSettings
from genie.store.models import Access, Appointment, Message, Module, Role, StaffMember, TeamMember, User
from genie.store.sealed import seal

pytestmark = pytest.mark.django_db
SETTINGS = ProviderSettings(allow_private_networks=True)
NIGHT, LATE = "2026-03-02T03:15:00Z", "2026-03-02T23:40:00Z"


@pytest.fixture
def system() -> Iterator[AskedSystem]:
    with asked_system() as there:
        yield there


@pytest.fixture
def acme(system: AskedSystem) -> Shop:
    """Open Monday 9 to 12 in New York; asks the system."""
    there = shop()
    Module.objects.filter(id=there.module.id).update(
        external_url=system.url, external_secret=seal({"secret": SECRET}), external_wait_ms=1000
    )
    there.module.refresh_from_db()
    admin = User.objects.create(
        email="admin@acme.example",
        name="A",
        role=Role.COMPANY_ADMIN,
        agency=there.company.agency,
        created_at=NOW,
    )
    Access.objects.create(user=admin, company=there.company)
    return there


def asked(
    acme: Shop, *, now: datetime = NOW, first: date = MONDAY, last: date = MONDAY, **changes: object
) -> list[int] | None:
    acme.module.refresh_from_db()
    values = {"module": acme.module, "first": first, "last": last, "settings": SETTINGS, "now": now}
    return offered_externally(**(values | changes))  # type: ignore[arg-type]


def offered(acme: Shop, *, now: datetime = NOW) -> list[str]:
    """As a page shows them."""
    found = slots(module=acme.module, first=MONDAY, last=MONDAY, now=now, vouched=asked(acme, now=now))
    return [f"{start:%H:%M}" for start in found]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def booked(acme: Shop, text: str, *, now: datetime = NOW) -> Appointment:
    vouched = vouched_externally(module=acme.module, start=at(text), settings=SETTINGS, now=now, anew=True)
    return book(module_id=acme.module.id, start=at(text), answers=acme.form(), now=now, vouched=vouched)


# --- the answer


def test_its_starts_replace_hours_and_grid(acme: Shop, system: AskedSystem) -> None:
    system.offers(NIGHT, "2026-03-02T15:00:00Z", LATE)
    assert offered(acme) == ["15:00", "23:40"]  # 03:15 UTC is Sunday in New York
    (question,) = system.questions
    assert (question["from"], question["to"]) == ("2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z")
    assert (question["company"], question["module"]) == (acme.company.slug, acme.module.slug)
    assert question["zone"] == "America/New_York"
    assert question["duration_minutes"] == acme.module.duration
    assert system.is_signed()


def test_busy_time_and_time_off_are_its_own_affair(acme: Shop, system: AskedSystem) -> None:
    acme.schedule.time_off.create(start=NOW, end=NOW + timedelta(days=30))
    system.offers("2026-03-02T15:00:00Z")
    assert offered(acme) == ["15:00"]


def test_notice_horizon_seats_and_holds_go_on_counting(acme: Shop, system: AskedSystem) -> None:
    system.offers("2026-03-02T14:00:00Z", "2026-03-02T16:00:00Z", "2026-03-02T18:00:00Z")
    acme.put("2026-03-02T11:00")
    hold_slot(
        module_id=acme.module.id,
        kind_id=None,
        staff_id=None,
        start=at("2026-03-02T18:00:00Z"),
        visitor="somebody",
        address="",
        now=NOW,
        vouched=[micros(at("2026-03-02T18:00:00Z"))],
    )
    assert offered(acme) == ["14:00"]
    Module.objects.update(how_soon=60 * 30)
    assert offered(acme) == []
    Module.objects.update(how_soon=0, horizon_days=0)
    assert offered(acme) == []


def test_nobody_is_asked_where_no_address_is_set(acme: Shop, system: AskedSystem) -> None:
    Module.objects.update(external_url="")
    assert asked(acme) is None
    assert system.questions == []


def test_one_question_is_asked_once_for_a_while(acme: Shop, system: AskedSystem) -> None:
    for _ in range(3):
        asked(acme)
    assert len(system.questions) == 1
    asked(acme, now=NOW + timedelta(seconds=16))
    assert len(system.questions) == 2


def test_dates_beyond_the_horizon_are_not_asked_about(acme: Shop, system: AskedSystem) -> None:
    assert asked(acme, first=MONDAY + timedelta(days=900), last=MONDAY + timedelta(days=930)) == []
    assert system.questions == []


# --- booking


def test_a_start_it_offers_can_be_booked_once(acme: Shop, system: AskedSystem) -> None:
    system.offers(LATE)
    assert booked(acme, LATE).start == at(LATE)
    with pytest.raises(SlotTaken):
        booked(acme, LATE)
    assert system.questions[-1]["from"] == LATE
    assert len(system.questions) == 2, "asked anew each time somebody books"


def test_a_start_it_does_not_offer_any_more_cannot_be_booked(acme: Shop, system: AskedSystem) -> None:
    system.offers("2026-03-02T15:00:00Z")
    with pytest.raises(SlotTaken):
        booked(acme, "2026-03-02T14:00:00Z")  # within the local hours
    assert not Appointment.objects.exists()


def test_moving_asks_it_as_well(acme: Shop, system: AskedSystem) -> None:
    there = acme.put("2026-03-02T09:00", lane=0)
    values = {"company_id": acme.company.id, "appointment_id": there.id, "now": NOW}
    who = Actor("customer", "Ann")
    with pytest.raises(SlotTaken):
        reschedule(start=at("2026-03-02T15:00:00Z"), actor=who, vouched=[], **values)
    moved = reschedule(start=at(LATE), actor=who, vouched=[micros(at(LATE))], **values)
    assert moved.start == at(LATE)


def test_why_a_time_is_not_offered_says_who_does_not(acme: Shop) -> None:
    start = at("2026-03-02T15:00:00Z")
    values = {"module": acme.module, "end": start + timedelta(hours=1), "now": NOW}
    (reason,) = why_not(start=start, vouched=[], **values)
    assert "asks for free times does not offer it" in reason
    assert why_not(start=start, vouched=[micros(start)], **values) == []


def test_of_a_team_a_persons_own_time_goes_on_counting(acme: Shop, system: AskedSystem) -> None:
    staff = [
        StaffMember.objects.create(
            company=acme.company,
            name=name,
            email=f"{name}@acme.example",
            schedule=acme.schedule.__class__.objects.create(company=acme.company, name=name, zone="UTC"),
            created_at=NOW,
        )
        for name in ("sam", "kim")
    ]
    for one in staff:
        TeamMember.objects.create(module=acme.module, staff=one)
    staff[0].schedule.time_off.create(start=at(LATE), end=at(LATE) + timedelta(hours=1))
    system.offers(LATE)
    vouched = asked(acme)
    assert free_staff(module=acme.module, start=at(LATE), now=NOW, vouched=vouched) == [staff[1].id]
    assert booked(acme, LATE).staff_id == staff[1].id


# --- no answer


def fail(system: AskedSystem) -> None:
    system.answer, system.status = (lambda _: b"no"), 500


def test_without_an_answer_the_local_rules_serve_and_the_trouble_is_kept(
    acme: Shop, system: AskedSystem
) -> None:
    fail(system)
    assert offered(acme) == ["14:00", "15:00", "16:00"]
    acme.module.refresh_from_db()
    assert acme.module.external_trouble == "It refused to answer (HTTP 500)."
    assert acme.module.external_failed_at == NOW
    system.status = 200
    system.offers(LATE)
    later = NOW + timedelta(seconds=20)
    assert offered(acme, now=later) == ["23:40"]
    acme.module.refresh_from_db()
    assert (acme.module.external_trouble, acme.module.external_failed_at) == ("", NOW)


def test_at_confirm_too(acme: Shop, system: AskedSystem) -> None:
    fail(system)
    assert booked(acme, "2026-03-02T15:00:00Z").start == at("2026-03-02T15:00:00Z")
    with pytest.raises(SlotTaken):
        booked(acme, LATE)


def test_silence_costs_no_more_than_the_wait(acme: Shop, system: AskedSystem) -> None:
    system.silent.set()
    Module.objects.update(external_wait_ms=200)
    assert offered(acme) == ["14:00", "15:00", "16:00"]
    acme.module.refresh_from_db()
    assert acme.module.external_trouble == "It did not answer in time."


def test_after_three_failures_in_a_row_it_has_a_minutes_rest(acme: Shop, system: AskedSystem) -> None:
    fail(system)
    for number in range(6):
        assert asked(acme, now=NOW + timedelta(seconds=number)) is None
    assert len(system.questions) == 3
    asked(acme, now=NOW + timedelta(seconds=1) + REST)
    assert len(system.questions) == 3
    asked(acme, now=NOW + timedelta(seconds=2) + REST)
    asked(acme, now=NOW + timedelta(seconds=3) + REST)
    assert len(system.questions) == 4, "one more silence, and it rests again"
    system.status = 200
    system.offers(LATE)
    assert asked(acme, now=NOW + timedelta(seconds=4) + 2 * REST) is not None
    fail(system)
    asked(acme, now=NOW + timedelta(seconds=30) + 2 * REST)
    asked(acme, now=NOW + timedelta(seconds=50) + 2 * REST)
    assert len(system.questions) == 7, "two silences after an answer are no reason"


def test_the_admins_are_told_once_a_day(acme: Shop, system: AskedSystem) -> None:
    fail(system)
    for hours in (0, 1, 5, 23, 25):
        asked(acme, now=NOW + timedelta(hours=hours))
    letters = Message.objects.filter(kind="attention").order_by("created_at")
    assert [letter.recipient for letter in letters] == ["admin@acme.example"] * 2
    assert "It refused to answer (HTTP 500)." in letters[0].details["reason"]
    assert letters[0].details["path"] == f"/company/{acme.company.slug}/apps/{acme.module.slug}"


def test_trouble_is_written_once_a_minute_however_many_ask(acme: Shop, system: AskedSystem) -> None:
    fail(system)
    asked(acme)
    acme.module.refresh_from_db()
    offered_externally(
        module=acme.module,
        first=MONDAY,
        last=MONDAY + timedelta(days=1),
        settings=SETTINGS,
        now=NOW + timedelta(seconds=5),
    )
    assert len(system.questions) == 2
    acme.module.refresh_from_db()
    assert acme.module.external_failed_at == NOW


def test_a_secret_that_cannot_be_opened_is_trouble(acme: Shop, system: AskedSystem) -> None:
    Module.objects.update(external_secret=b"sealed by somebody else")
    assert offered(acme) == ["14:00", "15:00", "16:00"]
    acme.module.refresh_from_db()
    assert acme.module.external_trouble
    assert system.questions == []


def test_a_private_address_is_not_asked(acme: Shop, system: AskedSystem) -> None:
    assert asked(acme, settings=replace(SETTINGS, allow_private_networks=False)) is None
    assert system.questions == []


def test_the_question_names_kind_and_person(acme: Shop, system: AskedSystem) -> None:
    kind = acme.module.kinds.create(name="Long", slug="long", duration=90)
    staff = StaffMember(id=7, company=acme.company)
    vouched_externally(module=acme.module, start=at(LATE), settings=SETTINGS, now=NOW, kind=kind, staff=staff)
    (question,) = system.questions
    assert (question["kind"], question["staff"], question["duration_minutes"]) == ("long", 7, 90)
    assert (question["from"], question["to"]) == (LATE, "2026-03-03T01:10:00Z")
    assert moment(micros(at(LATE))) == at(LATE).astimezone(UTC)
