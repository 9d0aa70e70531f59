"""All addresses. Floor 3 owns its own; this only joins them."""

from django.urls import include, path

handler400 = "genie.web.errors.not_understood"
urlpatterns = [path("", include("genie.web.urls"))]
