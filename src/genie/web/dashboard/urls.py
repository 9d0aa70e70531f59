"""Addresses of the dashboard. Everything below /company/<slug>/ passes the gate of `access`."""

from django.urls import URLPattern, URLResolver, include, path

from genie.web.dashboard import apps, companies, holidays, installation, kinds, schedules, sessions, why

urlpatterns: list[URLPattern | URLResolver] = [
    path("", companies.home, name="home"),
    path("login", sessions.login_page, name="login"),
    path("logout", sessions.log_out, name="logout"),
    path("installation", installation.installation, name="installation"),
    path("companies", companies.companies, name="companies"),
    path("company/<slug:slug>/", companies.company_home, name="company"),
    path("", include("genie.web.dashboard.leads.urls")),
    path("company/<slug:slug>/apps", apps.apps, name="apps"),
    path("company/<slug:slug>/apps/add", apps.module_add, name="module_add"),
    path("company/<slug:slug>/apps/<slug:module_slug>", apps.module_page, name="module"),
    path("company/<slug:slug>/apps/<slug:module_slug>/enabled", apps.module_enable, name="module_enable"),
    path("company/<slug:slug>/apps/<slug:module_slug>/kinds/new", kinds.kind_new, name="kind_new"),
    path("company/<slug:slug>/apps/<slug:module_slug>/kinds/<int:kind_id>", kinds.kind_page, name="kind"),
    path(
        "company/<slug:slug>/apps/<slug:module_slug>/kinds/<int:kind_id>/enabled",
        kinds.kind_enabled,
        name="kind_enabled",
    ),
    path(
        "company/<slug:slug>/apps/<slug:module_slug>/kinds/<int:kind_id>/move",
        kinds.kind_move,
        name="kind_move",
    ),
    path(
        "company/<slug:slug>/apps/<slug:module_slug>/kinds/<int:kind_id>/delete",
        kinds.kind_delete,
        name="kind_delete",
    ),
    path("company/<slug:slug>/why", why.why_page, name="why"),
    path("company/<slug:slug>/why.json", why.why_json, name="why_json"),
    path("company/<slug:slug>/schedules", schedules.schedules, name="schedules"),
    path("company/<slug:slug>/schedules/new", schedules.schedule_new, name="schedule_new"),
    path("company/<slug:slug>/schedules/<int:schedule_id>", schedules.schedule_page, name="schedule"),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/delete",
        schedules.schedule_delete,
        name="schedule_delete",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/time-off",
        schedules.time_off_add,
        name="time_off_add",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/time-off/<int:time_off_id>/remove",
        schedules.time_off_remove,
        name="time_off_remove",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/holidays/new",
        holidays.holiday_new,
        name="holiday_new",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/holidays/<int:holiday_id>",
        holidays.holiday_page,
        name="holiday",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/holidays/<int:holiday_id>/remove",
        holidays.holiday_remove,
        name="holiday_remove",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/public-holidays/new",
        holidays.public_new,
        name="public_holidays_new",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/public-holidays/<int:followed_id>",
        holidays.public_page,
        name="public_holidays",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/public-holidays/<int:followed_id>/remove",
        holidays.public_remove,
        name="public_holidays_remove",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/dates",
        schedules.date_hours_set,
        name="date_hours_set",
    ),
    path(
        "company/<slug:slug>/schedules/<int:schedule_id>/dates/<str:day>/remove",
        schedules.date_hours_remove,
        name="date_hours_remove",
    ),
]
