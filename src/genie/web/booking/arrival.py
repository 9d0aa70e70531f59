"""How a visitor came and in which zone they read times: carried from page to page in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse

from genie.core.event import normalised_text
from genie.core.zones import known_zones

ZONE_COOKIE = "zone"
A_YEAR = 365 * 24 * 3600
"""Seconds."""
CARRIED = ("utm_source", "utm_medium", "utm_campaign")
WORDS = 120
REFERRER = 500
"""Characters, as wide as the columns of Lead."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`zone` is what times are shown in; `chosen` is the one the address names, else empty."""

    zone: str
    chosen: str
    unknown_zone: bool
    source: str
    medium: str
    campaign: str
    referrer: str

    def carried(self) -> list[tuple[str, str]]:
        """What every link and form of these pages takes along."""
        values = [
            ("zone", self.chosen),
            ("utm_source", self.source),
            ("utm_medium", self.medium),
            ("utm_campaign", self.campaign),
            ("ref", self.referrer),
        ]
        return [(name, value) for name, value in values if value]

    def link(self, path: str, **more: Any) -> str:
        query = urlencode([*more.items(), *self.carried()])
        return f"{path}?{query}" if query else path


def arrival(request: HttpRequest, *, at_home: str) -> Arrival:
    """Read it from the address or the sent form, then the cookie; `at_home` is the zone of last resort."""
    given = request.POST if request.method == "POST" else request.GET
    asked = given.get("zone", "")
    chosen = asked if asked in known_zones() else ""
    guessed = request.COOKIES.get(ZONE_COOKIE, "")
    source, medium, campaign = (_words(given.get(name, ""), WORDS) for name in CARRIED)
    return Arrival(
        zone=chosen or (guessed if guessed in known_zones() else at_home),
        chosen=chosen,
        unknown_zone=bool(asked) and not chosen,
        source=source,
        medium=medium,
        campaign=campaign,
        referrer=_words(given.get("ref", ""), REFERRER) or _from_elsewhere(request),
    )


def remember_zone(response: HttpResponse, seen: Arrival) -> None:
    if seen.chosen:
        response.set_cookie(ZONE_COOKIE, seen.chosen, max_age=A_YEAR, samesite="Lax")


def _from_elsewhere(request: HttpRequest) -> str:
    """The page that led here, unless it was one of ours."""
    referrer = request.headers.get("Referer", "")
    try:
        host = urlsplit(referrer).netloc
    except ValueError:
        return ""
    return _words(referrer, REFERRER) if host and host != request.get_host() else ""


def _words(text: str, limit: int) -> str:
    return " ".join((normalised_text(text, limit=limit) or "").split())
