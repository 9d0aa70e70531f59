"""What a person reads on a page."""

from __future__ import annotations

import html
import re

from django.http import HttpResponseBase


def words(response: HttpResponseBase) -> str:
    """The page's text, and what a screen reader says; blanks as one."""
    page = getattr(response, "content", b"").decode()
    labels = " ".join(re.findall(r'(?:aria-label|placeholder)="([^"]*)"', page))
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page) + " " + labels))
