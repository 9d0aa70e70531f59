"""Save what is known of a staff member: name, e-mail, availability schedule, login."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.transaction import atomic

from genie.core.names import name_from
from genie.store.models import Company, Schedule, StaffMember
from genie.store.queries.tenancy import users_of


class NameTaken(Exception):
    """Another staff member of the company is called so; visitors could not tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDetails:
    """`email` hears of own appointments, "" for nobody. `user_id` is the login of the same person, if any."""

    name: str
    schedule_id: int
    email: str = ""
    user_id: int | None = None


def save_staff_member(*, company_id: int, staff_id: int, details: StaffDetails) -> StaffMember:
    """Appointments already made stay as they are; letters and pages say the new name from now on.

    Raises StaffMember.DoesNotExist, Schedule.DoesNotExist and User.DoesNotExist for what is not the
    company's, NameTaken, NotAName.
    """
    with atomic():
        lock_names(company_id)
        # a booking with this person waits, and then sees that the schedule is another one
        member = StaffMember.objects.select_for_update(no_key=True).get(id=staff_id, company_id=company_id)
        return fill(member, details)


def lock_names(company_id: int) -> None:
    """Names are given one by one in a company, so that no two people get the same at once."""
    Company.objects.select_for_update(no_key=True).only("id").get(id=company_id)


def fill(member: StaffMember, details: StaffDetails) -> StaffMember:
    """Put the details into the staff member and save. Raises as `save_staff_member` does."""
    name = name_from(details.name)
    others = StaffMember.objects.filter(company_id=member.company_id, name__iexact=name).exclude(id=member.id)
    if others.exists():
        raise NameTaken(
            f"Somebody else in your team is called {name}, so nothing was saved: visitors could not tell the "
            "two apart. Write a name that differs, for example with a surname."
        )
    Schedule.objects.only("id").get(id=details.schedule_id, company_id=member.company_id)
    if details.user_id is not None:
        users_of(member.company_id).only("id").get(id=details.user_id)
    member.name, member.email = name, details.email
    member.schedule_id, member.user_id = details.schedule_id, details.user_id
    member.save()
    return member
