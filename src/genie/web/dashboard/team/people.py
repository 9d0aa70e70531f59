"""The people of a company: all of them, one of them, a new one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.names import NotAName
from genie.core.rights import Right
from genie.flows.add_staff_member import add_staff_member
from genie.flows.deactivate_staff_member import deactivate_staff_member
from genie.flows.delete_staff_member import StaffInUse, delete_staff_member
from genie.flows.reactivate_staff_member import reactivate_staff_member
from genie.flows.save_staff_member import NameTaken, StaffDetails, save_staff_member
from genie.store.models import Company, Module, Schedule, StaffMember, User
from genie.store.queries.staff import StaffState, staff_states
from genie.store.queries.tenancy import users_of
from genie.web.dashboard.access import CompanyRequest, for_company


class StaffForm(forms.Form):
    """What *Save* saves of a staff member."""

    name = forms.CharField(label="Name", max_length=120, help_text="As customers read it, for example Maria.")
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        required=False,
        help_text="Hears of each own appointment: booked, moved, cancelled.",
        error_messages={"invalid": "Write an e-mail address like maria@example.com, or leave it empty."},
    )
    schedule = forms.ModelChoiceField(
        label="Availability schedule",
        queryset=Schedule.objects.none(),
        empty_label=None,
        help_text="Their own hours, time off and busy calendars. Several people may share one.",
        error_messages={"invalid_choice": "This schedule is not there any more. Choose another one."},
    )
    user = forms.ModelChoiceField(
        label="Login",
        queryset=User.objects.none(),
        required=False,
        empty_label="No login",
        help_text="Who they are when they log in here, if they do.",
        error_messages={"invalid_choice": "This login cannot open the company any more. Choose another one."},
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, found in (
            ("schedule", Schedule.objects.filter(company=company).order_by("name")),
            ("user", users_of(company.pk)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = found

    def details(self) -> StaffDetails:
        """The answers of a valid form."""
        given = self.cleaned_data
        return StaffDetails(
            name=given["name"],
            email=given["email"],
            schedule_id=given["schedule"].pk,
            user_id=given["user"].pk if given["user"] else None,
        )

    @staticmethod
    def initial_of(member: StaffMember) -> dict[str, Any]:
        values = {"schedule": member.schedule_id, "user": member.user_id}
        return {"name": member.name, "email": member.email, **values}


@for_company(Right.SCHEDULES)
def people(request: CompanyRequest, company: Company) -> HttpResponse:
    now = timezone.now()
    states = staff_states(company_id=company.pk, now=now)
    return render(request, "dashboard/team/list.html", {"states": states, "now": now})


@for_company(Right.SCHEDULES)
def staff_new(request: CompanyRequest, company: Company) -> HttpResponse:
    """Needs a schedule first; several people may share one."""
    first = Schedule.objects.filter(company=company).order_by("name").first()
    if first is None:
        messages.info(
            request, "People take their hours from a schedule. Make one first, then add the staff member."
        )
        return redirect("schedule_new", slug=company.slug)
    form = StaffForm(request.POST or None, company=company, initial={"schedule": first.pk})
    if saved := _saved(company, None, form):
        messages.success(request, f"“{saved.name}” was added. Choose below whose visits {saved.name} takes.")
        return redirect("staff_member", slug=company.slug, staff_id=saved.pk)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/team/new.html", {"form": form}, status=status)


@for_company(Right.SCHEDULES)
def staff_page(request: CompanyRequest, company: Company, staff_id: int) -> HttpResponse:
    state = _state_or_404(company, staff_id)
    form = StaffForm(request.POST or None, company=company, initial=StaffForm.initial_of(state.staff))
    if saved := _saved(company, state.staff, form):
        messages.success(request, f"“{saved.name}” was saved.")
        return redirect("staff_member", slug=company.slug, staff_id=saved.pk)
    joined = {module.pk for module in state.modules}
    connections = {one.module_id: one for one in state.connections}
    context = {
        "form": form,
        "state": state,
        "member": state.staff,
        "now": timezone.now(),
        "modules": [
            {"module": module, "joined": module.pk in joined, "connection": connections.get(module.pk)}
            for module in Module.objects.filter(company=company).order_by("name", "id")
        ],
    }
    return render(request, "dashboard/team/member.html", context, status=422 if form.is_bound else 200)


@for_company(Right.SCHEDULES)
@require_POST
def staff_active(request: CompanyRequest, company: Company, staff_id: int) -> HttpResponse:
    """Switch somebody off (what is booked stays, nothing more is offered) or on again."""
    on = request.POST.get("active") == "on"
    try:
        if on:
            member = reactivate_staff_member(company_id=company.pk, staff_id=staff_id)
        else:
            member = deactivate_staff_member(company_id=company.pk, staff_id=staff_id)
    except StaffMember.DoesNotExist:
        raise Http404("This company has no such staff member.") from None
    words = "is offered again." if on else f"is offered no more. What is booked stays.{_left_alone(member)}"
    messages.success(request, f"“{member.name}” {words}")
    return redirect("staff_member", slug=company.slug, staff_id=staff_id)


@for_company(Right.SCHEDULES)
@require_POST
def staff_delete(request: CompanyRequest, company: Company, staff_id: int) -> HttpResponse:
    try:
        name = delete_staff_member(company_id=company.pk, staff_id=staff_id)
    except StaffMember.DoesNotExist:
        raise Http404("This company has no such staff member.") from None
    except StaffInUse as refusal:
        messages.error(request, str(refusal))
        return redirect("staff_member", slug=company.slug, staff_id=staff_id)
    messages.success(request, f"“{name}” was deleted.")
    return redirect("team", slug=company.slug)


def _left_alone(member: StaffMember) -> str:
    """The modules in whose team nobody is left to be offered."""
    modules = Module.objects.filter(team__staff=member).order_by("name")
    alone = [module.name for module in modules.exclude(team__staff__active=True)]
    if not alone:
        return ""
    whose = "its" if len(alone) == 1 else "their"
    return f" Nobody else is in the team: {', '.join(alone)} can be booked by {whose} own schedule again."


def _saved(company: Company, member: StaffMember | None, form: StaffForm) -> StaffMember | None:
    """Save what was posted; None if nothing was posted or it needs a look."""
    if not form.is_bound or not form.is_valid():
        return None
    details = form.details()
    try:
        if member is None:
            return add_staff_member(company_id=company.pk, details=details, now=timezone.now())
        return save_staff_member(company_id=company.pk, staff_id=member.pk, details=details)
    except (NameTaken, NotAName) as refusal:
        form.add_error("name", str(refusal))
    except (Schedule.DoesNotExist, User.DoesNotExist):  # gone between the check and the save
        form.add_error(None, "A schedule or login that you chose is not there any more. Choose again.")
    return None


def _state_or_404(company: Company, staff_id: int) -> StaffState:
    found = staff_states(company_id=company.pk, now=timezone.now(), staff_id=staff_id)
    if not found:
        raise Http404("This company has no such staff member.")
    return found[0]
