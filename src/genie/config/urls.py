"""All addresses. Floor 3 owns its own; this only joins them."""

from django.urls import include, path

urlpatterns = [path("", include("genie.web.urls"))]
