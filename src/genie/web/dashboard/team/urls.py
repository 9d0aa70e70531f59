"""Addresses of a company's people and of a module's team."""

from django.urls import URLPattern, path

from genie.web.dashboard.team import module_team, people

PEOPLE = "company/<slug:slug>/team"
OF_MODULE = "company/<slug:slug>/apps/<slug:module_slug>/team"

urlpatterns: list[URLPattern] = [
    path(PEOPLE, people.people, name="team"),
    path(f"{PEOPLE}/new", people.staff_new, name="staff_new"),
    path(f"{PEOPLE}/<int:staff_id>", people.staff_page, name="staff_member"),
    path(f"{PEOPLE}/<int:staff_id>/active", people.staff_active, name="staff_active"),
    path(f"{PEOPLE}/<int:staff_id>/delete", people.staff_delete, name="staff_delete"),
    path(f"{OF_MODULE}/join", module_team.join, name="team_join"),
    path(f"{OF_MODULE}/leave", module_team.leave, name="team_leave"),
    path(f"{OF_MODULE}/order", module_team.order, name="team_order"),
    path(f"{OF_MODULE}/assignment", module_team.assignment, name="team_assignment"),
]
