"""Addresses of this area."""

from django.urls import URLPattern, URLResolver, path

from genie.web.connect.registration import registration

urlpatterns: list[URLPattern | URLResolver] = [
    path("connect/<str:token>", registration, name="registration"),
]
