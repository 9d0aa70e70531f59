"""Addresses of the pages; each area owns its own."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("genie.web.booking.urls")),  # first: strangers ask most, and each pattern tried costs
    path("", include("genie.web.dashboard.urls")),
    path("", include("genie.web.dashboard.remote.urls")),
    path("", include("genie.web.dashboard.team.urls")),
    path("", include("genie.web.connect.urls")),
    path("", include("genie.web.hooks")),
    path("", include("genie.web.health")),
    path("", include("genie.web.metrics")),
]
