"""`POST /hooks/<kind>`: where calendar systems tell us of changes. Believes nothing, answers at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from genie.core.errors import Malformed
from genie.flows.hear import hear
from genie.providers import registry
from genie.providers.registry import UnknownKind

LARGEST = 262_144
"""Bytes of one message; a bundle of a hundred has half of it, where ids are long."""


@csrf_exempt  # the token of a channel stands for the session no machine has
@require_POST
def hook(request: HttpRequest, kind: str) -> HttpResponse:
    """204 when a message is of a channel of ours; else 404, 400 or 413, and not a word more."""
    try:
        read = registry.notifications(kind)
    except UnknownKind:
        read = None
    if read is None:
        return HttpResponse(status=404)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return HttpResponse(status=413)
    try:
        heard = read(request.headers, request.GET.dict(), body)
    except Malformed:
        return HttpResponse(status=400)
    if heard.echo:
        return HttpResponse(heard.echo, content_type="text/plain; charset=utf-8")
    if not heard.notifications:
        return HttpResponse(status=400)
    known = hear(kind=kind, notifications=heard.notifications, now=timezone.now())
    return HttpResponse(status=204 if known else 404)


urlpatterns: list[URLPattern | URLResolver] = [path("hooks/<str:kind>", hook, name="hook")]
