"""Times as people say them: `{% span a.start a.end zone now %}`, `{% ago at now zone %}`."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from genie.core.saying import said_ago, said_day, said_moment, said_place, said_span

register = template.Library()


@register.simple_tag
def span(start: datetime, end: datetime, zone: str, now: datetime, place: bool = True) -> SafeString:
    """A span in `zone`; `place=False` on a page that names the zone once for all."""
    said = said_span(start, end, zone, now=now, place=place)
    return format_html('<time datetime="{}">{}</time>', start.astimezone(UTC).isoformat(), said)


@register.simple_tag
def span_lines(start: datetime, end: datetime, zone: str, now: datetime) -> SafeString:
    """A span for a narrow column: the date on one line, the time on the next."""
    said = said_span(start, end, zone, now=now, place=False)
    return _lines(start, said)


@register.simple_tag
def instant_lines(at: datetime, now: datetime, zone: str) -> SafeString:
    """A moment for a narrow column."""
    return _lines(at, said_moment(at, zone, now))


def _lines(at: datetime, said: str) -> SafeString:
    day, _, time = said.partition(", ")
    return format_html(
        '<time datetime="{}"><span class="said">{},</span> <span class="said">{}</span></time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        day,
        time,
    )


@register.simple_tag
def mail(address: str) -> SafeString:
    """An address that in a narrow column breaks after the @ first."""
    name, at, host = address.rpartition("@")
    return format_html("<span>{}{}<wbr>{}</span>", name, at, host)


@register.simple_tag
def ago(at: datetime, now: datetime, zone: str) -> SafeString:
    """How long ago, with the exact time on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        said_moment(at, zone, now),
        said_ago(at, now, zone),
    )


@register.simple_tag
def clock(at: datetime, now: datetime, zone: str) -> SafeString:
    """A moment of today as *10:44*, an earlier one with its date; the exact one on hover."""
    exact = said_moment(at, zone, now)
    is_today = said_day(at, zone) == said_day(now, zone)
    return format_html(
        '<time datetime="{}" title="{} ({})">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        exact,
        said_place(zone),
        exact.rpartition(", ")[2] if is_today else exact,
    )


@register.simple_tag
def day(at: datetime, now: datetime, zone: str) -> SafeString:
    """The date of a moment: *Tue 3 Mar*; its year unless it is that of `now`."""
    return format_html(
        '<time datetime="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        said_day(at, zone, now=now),
    )


@register.simple_tag
def instant(at: datetime, now: datetime | None, zone: str, place: bool = False) -> SafeString:
    """A moment: *Tue 3 Mar, 10:44*; its year unless it is that of `now`, its zone if `place`."""
    said = said_moment(at, zone, now)
    return format_html(
        '<time datetime="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        f"{said} ({said_place(zone)})" if place else said,
    )
