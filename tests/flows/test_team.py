"""Staff members and teams: made, changed, ordered, switched off; and who may not touch whose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from tests.booking_scene import NOW, Shop, shop
from tests.connect_scene import at_once
from tests.staff_scene import person, team

from genie.core.names import NotAName
from genie.flows.add_staff_member import add_staff_member
from genie.flows.deactivate_staff_member import deactivate_staff_member
from genie.flows.delete_schedule import ScheduleInUse, delete_schedule
from genie.flows.delete_staff_member import StaffInUse, delete_staff_member
from genie.flows.join_team import join_team
from genie.flows.leave_team import leave_team
from genie.flows.order_team import order_team
from genie.flows.reactivate_staff_member import reactivate_staff_member
from genie.flows.save_staff_member import NameTaken, StaffDetails, save_staff_member
from genie.flows.set_assignment import set_assignment
from genie.providers.registry import ProviderSettings
from genie.store.models import Hold, Module, Role, Schedule, StaffMember, TeamMember, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Shop:
    return shop()


def details(of: Shop, name: str = "Maria", **changes: Any) -> StaffDetails:
    return StaffDetails(name=name, **({"schedule_id": of.schedule.id} | changes))


def names(module: Module) -> list[str]:
    return [member.staff.name for member in module.team.select_related("staff")]


def login(of: Shop, email: str = "maria@acme.example", role: Role = Role.AGENCY_ADMIN) -> User:
    return User.objects.create_user(
        email, None, name="Maria", role=role, agency=of.company.agency, created_at=NOW
    )


def test_somebody_is_added_and_changed(acme: Shop) -> None:
    user = login(acme)
    maria = add_staff_member(
        company_id=acme.company.id,
        details=details(acme, "  Maria   Silva ", email="maria@acme.example", user_id=user.id),
        now=NOW,
    )
    assert (maria.name, maria.email, maria.user, maria.active) == (
        "Maria Silva", "maria@acme.example", user, True,
    )  # fmt: skip
    save_staff_member(company_id=acme.company.id, staff_id=maria.id, details=details(acme, "Maria Sosa"))
    maria.refresh_from_db()
    assert (maria.name, maria.email, maria.user) == ("Maria Sosa", "", None)


def test_two_people_of_one_name_could_not_be_told_apart(acme: Shop) -> None:
    maria, ben = person(acme.company, "Maria"), person(acme.company, "Ben")
    with pytest.raises(NameTaken, match="surname"):
        add_staff_member(company_id=acme.company.id, details=details(acme, "maria"), now=NOW)
    with pytest.raises(NameTaken):
        save_staff_member(company_id=acme.company.id, staff_id=ben.id, details=details(acme, "MARIA"))
    save_staff_member(company_id=acme.company.id, staff_id=maria.id, details=details(acme, "maria"))
    person(shop("other").company, "Maria")  # another company's is nobody's business


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_name_at_once_one_is_refused(acme: Shop) -> None:
    def add() -> StaffMember:
        return add_staff_member(company_id=acme.company.id, details=details(acme), now=NOW)

    answers = at_once(add, add)
    assert {type(answer) for answer in answers} == {StaffMember, NameTaken}


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x07b"])
def test_a_name_has_to_be_one(acme: Shop, name: str) -> None:
    with pytest.raises(NotAName):
        add_staff_member(company_id=acme.company.id, details=details(acme, name), now=NOW)


def test_schedule_and_login_are_the_companys_own(acme: Shop) -> None:
    other = shop("other")
    stranger = User.objects.create_user(
        "x@other.example", None, name="X", role=Role.COMPANY_ADMIN, agency=acme.company.agency, created_at=NOW
    )
    for wrong, refused in (
        (details(acme, schedule_id=other.schedule.id), Schedule.DoesNotExist),
        (details(acme, user_id=stranger.id), User.DoesNotExist),
    ):
        with pytest.raises(refused):
            add_staff_member(company_id=acme.company.id, details=wrong, now=NOW)
    stranger.accesses.create(company=acme.company)
    add_staff_member(company_id=acme.company.id, details=details(acme, user_id=stranger.id), now=NOW)


def test_a_team_is_joined_ordered_and_left(acme: Shop) -> None:
    maria, _, cleo = team(acme.module, "Maria", "Ben", "Cleo")
    assert names(acme.module) == ["Maria", "Ben", "Cleo"]
    join_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=maria.id)
    assert names(acme.module) == ["Maria", "Ben", "Cleo"], "joining twice changes nothing"
    order_team(company_id=acme.company.id, module_id=acme.module.id, order=[cleo.id, 0, maria.id])
    assert names(acme.module) == ["Cleo", "Maria", "Ben"]
    assert leave_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=maria.id)
    assert not leave_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=maria.id)
    join_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=maria.id)
    assert names(acme.module) == ["Cleo", "Ben", "Maria"]


def test_who_is_switched_off_keeps_everything_and_joins_nothing(acme: Shop) -> None:
    (maria,) = team(acme.module, "Maria")
    booked = acme.put("2026-03-02T09:00", staff=maria)
    deactivate_staff_member(company_id=acme.company.id, staff_id=maria.id)
    booked.refresh_from_db()
    assert booked.state == "confirmed"
    assert names(acme.module) == ["Maria"]
    branch = Module.objects.create(
        company=acme.company, name="B", slug="b", schedule=acme.schedule, created_at=NOW
    )
    with pytest.raises(StaffMember.DoesNotExist):
        join_team(company_id=acme.company.id, module_id=branch.id, staff_id=maria.id)
    assert reactivate_staff_member(company_id=acme.company.id, staff_id=maria.id).active
    join_team(company_id=acme.company.id, module_id=branch.id, staff_id=maria.id)


@pytest.mark.parametrize("state", ["confirmed", "cancelled"])
def test_who_ever_had_an_appointment_is_not_deleted(acme: Shop, state: str) -> None:
    (maria,) = team(acme.module, "Maria")
    acme.put("2026-02-02T09:00", staff=maria, state=state)
    with pytest.raises(StaffInUse, match="Switch the person off"):
        delete_staff_member(company_id=acme.company.id, staff_id=maria.id)
    assert StaffMember.objects.filter(id=maria.id).exists()


def test_a_linked_calendar_is_unlinked_before_somebody_is_deleted(acme: Shop) -> None:
    (maria,) = team(acme.module, "Maria")
    linked = acme.links(acme.calendar())
    linked.staff = maria
    linked.save()
    with pytest.raises(StaffInUse, match="desk is linked for Main office · Maria"):
        delete_staff_member(company_id=acme.company.id, staff_id=maria.id)
    linked.state = "ended"
    linked.save()
    Hold.objects.create(
        module=acme.module, staff=maria, start=NOW, end=NOW.replace(hour=13), visitor="v", expires_at=NOW
    )
    assert delete_staff_member(company_id=acme.company.id, staff_id=maria.id) == "Maria"
    assert not TeamMember.objects.exists()
    assert not Hold.objects.exists()


def test_a_schedule_somebody_works_by_is_not_deleted(acme: Shop) -> None:
    maria = person(acme.company, "Maria")
    with pytest.raises(ScheduleInUse, match="“Maria” takes its opening hours from it"):
        delete_schedule(
            company_id=acme.company.id, schedule_id=maria.schedule_id, settings=ProviderSettings()
        )


def test_how_a_visit_finds_somebody_is_a_setting(acme: Shop) -> None:
    set_assignment(
        company_id=acme.company.id,
        module_id=acme.module.id,
        assignment=Module.Assignment.VISITOR_CHOOSES,
    )
    acme.module.refresh_from_db()
    assert acme.module.assignment == "visitor_chooses"


VERBS: dict[str, tuple[Callable[[int, Module, StaffMember], object], type[Model]]] = {
    "save": (
        lambda ours, _, who: save_staff_member(
            company_id=ours, staff_id=who.id, details=StaffDetails(name="X", schedule_id=who.schedule_id)
        ),
        StaffMember,
    ),
    "deactivate": (
        lambda ours, _, who: deactivate_staff_member(company_id=ours, staff_id=who.id),
        StaffMember,
    ),
    "reactivate": (
        lambda ours, _, who: reactivate_staff_member(company_id=ours, staff_id=who.id),
        StaffMember,
    ),
    "delete": (lambda ours, _, who: delete_staff_member(company_id=ours, staff_id=who.id), StaffMember),
    "join": (
        lambda ours, where, who: join_team(company_id=ours, module_id=where.id, staff_id=who.id),
        Module,
    ),
    "leave": (
        lambda ours, where, who: leave_team(company_id=ours, module_id=where.id, staff_id=who.id),
        Module,
    ),
    "order": (
        lambda ours, where, who: order_team(company_id=ours, module_id=where.id, order=[who.id]),
        Module,
    ),
    "assign": (
        lambda ours, where, _: set_assignment(
            company_id=ours, module_id=where.id, assignment=Module.Assignment.VISITOR_CHOOSES
        ),
        Module,
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_another_companys_people_are_out_of_reach(acme: Shop, verb: str) -> None:
    (maria,) = team(acme.module, "Maria")
    act, refused = VERBS[verb]
    with pytest.raises(refused.DoesNotExist):  # type: ignore[attr-defined]
        act(shop("other").company.id, acme.module, maria)


def test_somebody_of_another_company_joins_no_team(acme: Shop) -> None:
    other = shop("other")
    with pytest.raises(StaffMember.DoesNotExist):
        join_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=person(other.company).id)


@pytest.mark.django_db(transaction=True)
def test_people_who_join_at_once_stand_one_after_the_other(acme: Shop) -> None:
    people = [person(acme.company, name) for name in ("Ann", "Ben", "Cleo", "Dan")]

    def joins(one: StaffMember) -> Callable[[], object]:
        return lambda: join_team(company_id=acme.company.id, module_id=acme.module.id, staff_id=one.id)

    answers = at_once(*map(joins, people))
    assert all(isinstance(answer, TeamMember) for answer in answers), answers
    assert sorted(acme.module.team.values_list("position", flat=True)) == [0, 1, 2, 3]
    connection.close()
