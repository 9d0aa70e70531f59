"""How pages are made and answers are shaped: templates, headers, JSON or HTML by what the caller accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from calendar_sandbox.faults import BadInput, Fault

BIGGEST_FORM = 256 * 1024  # octets

templates = Environment(
    loader=PackageLoader("calendar_sandbox"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template to an answer."""
    return HTMLResponse(templates.get_template(name).render(**values), status)


def wants_json(request: Request) -> bool:
    """Say whether the caller asked for JSON rather than a page."""
    return "application/json" in request.headers.get("accept", "")


def problem(request: Request, fault: Exception) -> Response:
    """Answer a Fault in its three parts, as JSON or as a page."""
    assert isinstance(fault, Fault)
    if wants_json(request) or request.url.path.endswith(".json"):
        return JSONResponse(fault.as_json(), fault.status)
    if request.query_params.get("fragment"):
        return page("problem.html", status=fault.status, fault=fault)
    return page("problem_page.html", status=fault.status, fault=fault, here="")


async def fields_of(request: Request) -> dict[str, str]:
    """Return what was posted, from a form or a JSON object, as texts; booleans become `on` or nothing."""
    if int(request.headers.get("content-length") or 0) > BIGGEST_FORM:
        raise BadInput("That is too much text for one event.", "Nothing was saved.", "Shorten the notes.")
    if "application/json" not in request.headers.get("content-type", ""):
        form = await request.form()
        return {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        found = json.loads(await request.body())
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise BadInput(
            "The request is not a JSON object.", "Nothing was changed.", "Send the fields as a JSON object."
        )
    texts = {str(name): _text(value) for name, value in found.items() if value is not None}
    return {name: value for name, value in texts.items() if found[name] is not False}


def _text(value: object) -> str:
    return "on" if value is True else str(value)


def clock_of(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def day_of(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def span_of(start: date, end: date) -> str:
    """Say a time the way people do: `Tue 3 Mar, 10:00–11:00`; a date's end is exclusive."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        last = end - timedelta(days=1)
        return f"{day_of(start)}, all day" if last <= start else f"{day_of(start)} – {day_of(last)}, all day"
    if start.date() == end.date():
        return f"{day_of(start)}, {clock_of(start)}–{clock_of(end)}"
    return f"{day_of(start)}, {clock_of(start)} – {day_of(end)}, {clock_of(end)}"


def size_of(octets: int) -> str:
    return f"{octets} bytes" if octets < 1024 else f"{octets / 1024:.0f} KB"


def linked(text: str) -> Markup:
    """Escape a text and turn its web addresses into links that open apart."""
    pieces = re.split(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])", text)
    link = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')
    return Markup("").join(link.format(piece) if index % 2 else piece for index, piece in enumerate(pieces))


templates.filters |= {"span": lambda pair: span_of(*pair), "size": size_of, "linked": linked, "day": day_of}
