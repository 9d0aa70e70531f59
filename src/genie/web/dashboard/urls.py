"""Addresses of the dashboard. Everything below /company/<slug>/ passes the gate of `access`."""

from django.urls import URLPattern, URLResolver, path

from genie.web.dashboard import companies, sessions

urlpatterns: list[URLPattern | URLResolver] = [
    path("", companies.home, name="home"),
    path("login", sessions.login_page, name="login"),
    path("logout", sessions.log_out, name="logout"),
    path("companies", companies.companies, name="companies"),
    path("company/<slug:slug>/", companies.company_home, name="company"),
]
