"""The parts pages are made of: icons, fields, accent colours. Built in: no `{% load %}` is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.forms.widgets import Input
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from genie.core.contrast import readable_accent
from genie.core.places import is_web_link
from genie.core.saying import said_span
from genie.core.week import DayRange, said_week
from genie.store.models import OpeningHours

register = template.Library()
ICONS = Path(__file__).resolve().parent.parent / "icons"


class NoSuchIcon(Exception):
    """The name is not in frontend/icons.txt; write it there and run `npm run icons`."""


@cache
def drawing(name: str) -> str:
    """What stands inside Lucide's `<svg>` of this name."""
    file = ICONS / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.exists():
        raise NoSuchIcon(f"{name!r}: add the name to frontend/icons.txt and run `npm run icons`")
    found = re.search(r"<svg[^>]*>(.*)</svg>", file.read_text(), re.S)
    return re.sub(r"\s*\n\s*", "", found.group(1)) if found else ""


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """`{% icon "calendar" %}` beside a word; `{% icon "x" label="Close" %}` where the icon stands alone."""
    speaks = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return mark_safe(  # noqa: S308 - the drawing is our own file, the label is escaped above
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" focusable="false" {speaks}>{drawing(name)}</svg>'
    )


CLASSES: list[tuple[type[forms.Widget], str]] = [
    (forms.CheckboxInput, "checkbox"),
    (forms.RadioSelect, "radio"),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (Input, "input"),
]


def control(bound: BoundField, extra: str = "") -> SafeString:
    """The field's widget with the class of its kind."""
    widget = bound.field.widget
    kind = next((css for kind, css in CLASSES if isinstance(widget, kind)), "")
    classes = " ".join(filter(None, [kind, widget.attrs.get("class", ""), extra]))
    return bound.as_widget(attrs={"class": classes})


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, unit: str = "", size: str = "") -> dict[str, Any]:
    """`{% field form.duration unit="minutes" size="short" %}`: label, help, control, problems beside it."""
    return {
        "field": bound,
        "control": control(bound),
        "unit": unit,
        "size": size,
        "ticked": isinstance(bound.field.widget, forms.CheckboxInput),
    }


@register.simple_tag(name="control")
def control_tag(bound: BoundField, extra: str = "") -> SafeString:
    """`{% control form.zone %}`: the bare control, where label and problems are placed by hand."""
    return control(bound, extra)


@register.simple_tag(takes_context=True)
def accent_style(context: template.Context, accent: str) -> SafeString:
    """A `<style>` with the company's accent, darkened or lightened until its text can be read."""
    light, dark = readable_accent(accent, on="#ffffff"), readable_accent(accent, on="#171b26")
    return format_html(
        '<style nonce="{}">:root{{--color-primary:{};--color-primary-content:{}}}'
        "@media (prefers-color-scheme:dark)"
        "{{:root{{--color-primary:{};--color-primary-content:{}}}}}</style>",
        getattr(context.get("request"), "csp_nonce", ""),
        light.colour,
        light.text,
        dark.colour,
        dark.text,
    )


@register.simple_tag
def said(start: datetime, end: datetime, zone: str, now: datetime) -> str:
    """`{% said a.start a.end a.zone now %}`: *Tue 3 Mar, 10:00–11:00 (New York)*; another year is said."""
    return said_span(start, end, zone, now=now)


@register.filter
def closes_next_day(closes: time, opens: time) -> bool:
    """A closing time that is not after the opening one is on the next day."""
    return closes <= opens


@register.simple_tag
def week_said(hours: Iterable[OpeningHours]) -> str:
    """`{% week_said schedule.hours.all %}`: *Mon–Fri 09:00–17:00; Sat 10:00–14:00*."""
    return said_week(DayRange(one.weekday, one.opens, one.closes) for one in hours)


@register.simple_tag
def wall(moment: datetime) -> str:
    """The hours and minutes of a datetime in its own zone (templates would turn it to the server's)."""
    return f"{moment:%H:%M}"


@register.filter
def linked(place: str) -> str:
    """`{{ appointment.place|linked }}`: a place that is a web link can be followed, any other is text."""
    if not is_web_link(place):
        return place
    return format_html('<a class="link" href="{}" rel="noopener nofollow">{}</a>', place, place)
