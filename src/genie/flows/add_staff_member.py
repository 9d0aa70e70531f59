"""Add a staff member to a company: somebody with an own availability schedule."""

from __future__ import annotations

from datetime import datetime

from django.db.transaction import atomic

from genie.flows.save_staff_member import StaffDetails, fill, lock_names
from genie.store.models import StaffMember


def add_staff_member(*, company_id: int, details: StaffDetails, now: datetime) -> StaffMember:
    """Offered to nobody until they join a module's team.

    Raises Schedule.DoesNotExist and User.DoesNotExist for what is not the company's, NameTaken, NotAName.
    """
    with atomic():
        lock_names(company_id)
        return fill(StaffMember(company_id=company_id, created_at=now), details)
