"""Addresses of the Leads pages and of an appointment."""

from django.urls import URLPattern, path

from genie.web.dashboard.leads import answering, appointment, calendar, handing, listing, moving, restoring

ONE = "company/<slug:slug>/appointments/<uuid:appointment_id>"

urlpatterns: list[URLPattern] = [
    path("company/<slug:slug>/leads/calendar", calendar.leads_calendar, name="leads_calendar"),
    path("company/<slug:slug>/leads/calendar.json", calendar.leads_feed, name="leads_feed"),
    path("company/<slug:slug>/leads/list", listing.leads_list, name="leads_list"),
    path("company/<slug:slug>/leads/list.csv", listing.leads_export, name="leads_export"),
    path(ONE, appointment.appointment_page, name="appointment"),
    path(f"{ONE}/live", appointment.appointment_live, name="appointment_live"),
    path(f"{ONE}/edit", appointment.appointment_edit, name="appointment_edit"),
    path(f"{ONE}/retry", appointment.appointment_retry, name="appointment_retry"),
    path(f"{ONE}/reschedule", moving.appointment_reschedule, name="appointment_reschedule"),
    path(f"{ONE}/move", moving.appointment_move, name="appointment_move"),
    path(f"{ONE}/hand-over", handing.appointment_hand_over, name="appointment_hand_over"),
    path(f"{ONE}/restore/<int:change_id>", restoring.appointment_restore, name="appointment_restore"),
    path(f"{ONE}/answer", answering.appointment_answer, name="appointment_answer"),
    path(f"{ONE}/cancel", moving.appointment_cancel, name="appointment_cancel"),
]
