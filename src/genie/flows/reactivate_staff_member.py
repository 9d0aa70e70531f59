"""Take a staff member back: offered again in the teams they are still in."""

from __future__ import annotations

from genie.flows.deactivate_staff_member import set_active
from genie.store.models import StaffMember


def reactivate_staff_member(*, company_id: int, staff_id: int) -> StaffMember:
    """Raises StaffMember.DoesNotExist."""
    return set_active(company_id, staff_id, active=True)
