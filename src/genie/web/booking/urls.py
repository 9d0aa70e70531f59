"""Addresses of the public booking page, and of the customer's own page of an appointment."""

from django.urls import URLPattern, URLResolver, path, re_path

from genie.web.booking import choosing, details, hold, offers, visit

HOLDER = r"^visit/(?P<token>[A-Za-z0-9_-]{16,64})"

urlpatterns: list[URLPattern | URLResolver] = [
    path("book/<slug:company_slug>/<slug:module_slug>", choosing.choose, name="booking"),
    path("book/<slug:company_slug>/<slug:module_slug>/details", details.details, name="booking_details"),
    path("book/<slug:company_slug>/<slug:module_slug>/slots.json", offers.slots_json, name="booking_slots"),
    path("book/<slug:company_slug>/<slug:module_slug>/month.json", offers.month_json, name="booking_month"),
    path("book/<slug:company_slug>/<slug:module_slug>/hold", hold.hold, name="booking_hold"),
    path("book/<slug:company_slug>/<slug:module_slug>/release", hold.release, name="booking_release"),
    re_path(HOLDER + r"$", visit.visit, name="visit"),
    re_path(HOLDER + r"/appointment\.ics$", visit.calendar_file_of, name="visit_file"),
    re_path(HOLDER + r"/change$", visit.change, name="visit_change"),
    re_path(HOLDER + r"/answer$", visit.answer, name="visit_answer"),
    re_path(HOLDER + r"/cancel$", visit.cancel_visit, name="visit_cancel"),
]
