"""The least that Django can answer: no middleware, no database, one view. A floor for what is measured."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

BODY = b"x" * 6_000
"""About as long as the answer it is compared with."""


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY, content_type="application/json", headers={"Content-Length": str(len(BODY))})


urlpatterns = [path("", bare)]

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[])

from django.core.wsgi import get_wsgi_application  # noqa: E402 -- once there are settings

application = get_wsgi_application()
