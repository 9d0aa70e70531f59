"""colors.get: the palettes that colorId refers to."""

from __future__ import annotations

from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Resource

CALENDAR_COLOURS = {
    str(number): colour
    for number, colour in enumerate(
        [
            "#ac725e",
            "#d06b64",
            "#f83a22",
            "#fa573c",
            "#ff7537",
            "#ffad46",
            "#42d692",
            "#16a765",
            "#7bd148",
            "#b3dc6c",
            "#fbe983",
            "#fad165",
            "#92e1c0",
            "#9fe1e7",
            "#9fc6e7",
            "#4986e7",
            "#9a9cff",
            "#b99aff",
            "#c2c2c2",
            "#cabdbf",
            "#cca6ac",
            "#f691b2",
            "#cd74e6",
            "#a47ae2",
        ],
        start=1,
    )
}
EVENT_COLOURS = {
    str(number): colour
    for number, colour in enumerate(
        [
            "#a4bdfc",
            "#7ae7bf",
            "#dbadff",
            "#ff887c",
            "#fbd75b",
            "#ffb878",
            "#46d6db",
            "#e1e1e1",
            "#5484ed",
            "#51b749",
            "#dc2127",
        ],
        start=1,
    )
}


def get(_call: Call) -> Resource:
    return {
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": _palette(CALENDAR_COLOURS),
        "event": _palette(EVENT_COLOURS),
    }


def _palette(colours: dict[str, str]) -> Resource:
    return {number: {"background": colour, "foreground": "#1d1d1d"} for number, colour in colours.items()}
