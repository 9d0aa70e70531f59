"""Deactivate a staff member: what is booked stays, and nothing more is offered."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.store.models import StaffMember


def deactivate_staff_member(*, company_id: int, staff_id: int) -> StaffMember:
    """Appointments, teams, linked calendars and letters stay as they are. Raises StaffMember.DoesNotExist."""
    return set_active(company_id, staff_id, active=False)


@atomic
def set_active(company_id: int, staff_id: int, *, active: bool) -> StaffMember:
    # a booking with this person waits, and then sees that they are offered no more
    member = StaffMember.objects.select_for_update(no_key=True).get(id=staff_id, company_id=company_id)
    member.active = active
    member.save(update_fields=["active"])
    return member
