"""Which companies a user may reach: the one gate every dashboard page passes; and agencies by name."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from genie.core.rights import Role
from genie.store.models import Agency, Company, User

AGENCY_ROLES = (Role.AGENCY_SUPER_ADMIN, Role.AGENCY_ADMIN)


def companies_of(user: User) -> QuerySet[Company]:
    """The user's companies by name: an agency role reaches the agency, others what `Access` says."""
    mine = Company.objects.filter(agency_id=user.agency_id)
    if user.role not in AGENCY_ROLES:
        mine = mine.filter(accesses__user=user)
    return mine.order_by("name", "id")


def company_for(*, user: User, slug: str) -> Company | None:
    """The company with this slug if the user may reach it. None does not say whether it exists."""
    return companies_of(user).filter(slug=slug).first()


def users_of(company_id: int) -> QuerySet[User]:
    """Everybody active who may open the company, by name: what `companies_of` says, from the other side."""
    reaches = Q(role__in=AGENCY_ROLES) | Q(accesses__company=company_id)
    found = User.objects.filter(reaches, agency__companies=company_id, is_active=True)
    return found.order_by("name", "id").distinct()


def agency_named(name: str) -> Agency | None:
    """The agency of that name, in whatever case it is typed."""
    return Agency.objects.filter(name__iexact=" ".join(name.split())).order_by("id").first()
