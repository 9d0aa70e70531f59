"""Addresses of this area."""

from django.urls import URLPattern, URLResolver, path

from genie.web.connect.registration import registration
from genie.web.connect.sign_in import came_back, ended

urlpatterns: list[URLPattern | URLResolver] = [
    # one fixed address per kind: providers send browsers back only to addresses registered with them
    path("connect/return/<str:kind>", came_back, name="sign_in_return"),
    path("connect/ended", ended, name="sign_in_ended"),
    path("connect/<str:token>", registration, name="registration"),
]
