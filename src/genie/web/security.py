"""What the browser is told not to do: a strict Content-Security-Policy on every answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def policy(nonce: str, *, forms_lead_to: str = "") -> str:
    """The Content-Security-Policy. `forms_lead_to` is the one origin a form may be redirected to: browsers
    hold the redirects after a form to `form-action` as well."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",  # the nonce is for a company's accent and the calendar grid
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {forms_lead_to}".rstrip(),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )


class ContentSecurity:
    """Give each request a `csp_nonce` and each answer the policy that knows it, unless a view set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(nonce))
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response
