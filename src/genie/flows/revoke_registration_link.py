"""Revoke a registration link: it opens for nobody any more."""

from __future__ import annotations

from datetime import datetime

from genie.store.models import RegistrationLink


def revoke_registration_link(*, company_id: int, link_id: int, now: datetime) -> bool:
    """True if the link was still unused. Of two at once, the registration or the revocation, one wins."""
    return bool(
        RegistrationLink.objects.filter(
            id=link_id, company_id=company_id, used_at=None, revoked_at=None
        ).update(revoked_at=now)
    )
