"""Whose linked calendar a page is about: a module's, or that of one of its team."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from genie.store.models import Company, Connection, Module, StaffMember
from genie.store.queries.connections import serving
from genie.store.queries.remote_calendars import LIVING
from genie.web.dashboard.access import CompanyRequest


@dataclass(frozen=True, kw_only=True)
class Whose:
    """`staff` None: the module's own calendar."""

    company: Company
    module: Module
    staff: StaffMember | None = None

    def __str__(self) -> str:
        return f"{self.module.name} · {self.staff.name}" if self.staff else self.module.name

    @property
    def page(self) -> str:
        """The address of **Remote Calendar Configuration**; its buttons are below it."""
        return calendar_address(self.company, self.module, self.staff.pk if self.staff else None)

    @cached_property
    def connection(self) -> Connection | None:
        living = Connection.objects.filter(module=self.module, staff=self.staff, state__in=LIVING)
        return living.select_related(
            "calendar__key", "module__schedule", "staff__schedule", "linked_by"
        ).first()

    @cached_property
    def linked(self) -> Connection:
        """Raises Http404 unless there is one, and it is not being unlinked."""
        if self.connection is None or self.connection.state != Connection.State.LINKED:
            raise Http404("No calendar is linked here.")
        return self.connection

    @cached_property
    def joined(self) -> bool:
        """May a calendar be connected? Not for somebody who left the team or is switched off."""
        if self.staff is None:
            return True
        return self.staff.active and self.module.team.filter(staff=self.staff).exists()

    @cached_property
    def instead(self) -> Connection | None:
        """The module's calendar, where it serves (or would serve) this person for want of their own."""
        return serving(module_id=self.module.pk, staff_id=None) if self.staff else None

    @cached_property
    def team(self) -> Sequence[StaffMember]:
        """Of a module's own calendar: whom of the team it serves, and whom not, in the team's order."""
        if self.staff is not None:
            return []
        return list(
            StaffMember.objects.filter(teams__module=self.module, active=True).order_by(
                "teams__position", "teams__id"
            )
        )

    @cached_property
    def served(self) -> Sequence[StaffMember]:
        own = Connection.objects.filter(module=self.module, state=Connection.State.LINKED)
        with_own = set(own.values_list("staff_id", flat=True))
        return [member for member in self.team if member.pk not in with_own]


def whose_or_404(company: Company, module_slug: str, staff_id: int | None) -> Whose:
    """Somebody of the team; or who was, and had a calendar linked: it can still be seen and unlinked."""
    module = get_object_or_404(Module.objects.select_related("schedule"), company=company, slug=module_slug)
    if staff_id is None:
        return Whose(company=company, module=module)
    of_module = Q(teams__module=module) | Q(connections__module=module)
    people = StaffMember.objects.filter(of_module, company=company).select_related("schedule").distinct()
    return Whose(company=company, module=module, staff=get_object_or_404(people, pk=staff_id))


def about_a_calendar(view: Callable[[CompanyRequest, Whose], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view be called as `view(request, whose)`, below a gate that has found the company."""

    @wraps(view)
    def found(
        request: CompanyRequest, company: Company, module_slug: str, staff_id: int | None = None
    ) -> HttpResponse:
        return view(request, whose_or_404(company, module_slug, staff_id))

    return found


def calendar_address(company: Company, module: Module, staff_id: int | None) -> str:
    given: dict[str, object] = {"slug": company.slug, "module_slug": module.slug}
    if staff_id is not None:
        given["staff_id"] = staff_id
    return reverse("remote_calendar", kwargs=given)
