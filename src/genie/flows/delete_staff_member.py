"""Delete a staff member who never had an appointment."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Connection, StaffMember
from genie.store.queries.remote_calendars import LIVING


class StaffInUse(Exception):
    """There is more to them than a name; the message says what, and what to do."""


def delete_staff_member(*, company_id: int, staff_id: int) -> str:
    """Their place in teams and holds go with them; the name is returned.

    Raises StaffInUse while there are appointments, past or cancelled ones too, or a linked calendar, and
    StaffMember.DoesNotExist.
    """
    with atomic():
        found = StaffMember.objects.filter(id=staff_id, company_id=company_id)
        for module_id in found.order_by("teams__module_id").values_list("teams__module_id", flat=True):
            if module_id is not None:
                lock_module(module_id)  # bookings first: the order of all locks
        member = found.select_for_update().get()
        booked = member.appointments.count()
        if booked:
            raise StaffInUse(
                f"{member.name} was not deleted, because {_appointments(booked)} with {member.name}. "
                "Switch the person off instead: what is booked stays, and nothing more is offered."
            )
        linked = Connection.objects.filter(staff=member, state__in=LIVING).select_related("module", "staff")
        if first := linked.select_related("calendar").first():
            raise StaffInUse(
                f"{member.name} was not deleted, because {first.calendar.name} is linked for {first}. "
                "Press Unlink Token there first, then delete."
            )
        Connection.objects.filter(staff=member).delete()  # ended, and without links: those are appointments'
        member.delete()
    return member.name


def _appointments(count: int) -> str:
    return "there is an appointment" if count == 1 else f"there are {count} appointments"
