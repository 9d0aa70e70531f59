"""What is said to a request that no page gets to see."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, rendered without the request: what is wrong with it may be its host, which pages ask for."""
    page = "400_host.html" if isinstance(exception, DisallowedHost) else "400.html"
    return HttpResponse(render_to_string(page), status=400)
