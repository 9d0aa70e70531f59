"""iCalendar text as lines and components, kept as they came: what we do not touch goes back byte for byte.

Libraries parse values and write them anew, and lose or mend what they do not know. An owner's event must
survive our edit whole, so lines are only split here, and read where somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from genie.core.errors import Malformed

DEPTH = 10
"""Components inside components: VALARM in VEVENT in VCALENDAR is 3."""

HEAD = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
PARAMETER = re.compile(r';([^=;:]+)=((?:"[^"]*"|[^";])*)')
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One content line, unfolded: `name` in capitals, `head` everything before the colon, `value` raw."""

    name: str
    head: str
    value: str

    def parameter(self, name: str) -> str:
        """A parameter's value without quotes, "" if it is not there."""
        return parameter_of(self.head, name) if ";" in self.head else ""

    @property
    def text(self) -> str:
        """The value as text: escapes resolved."""
        return unescaped(self.value)


@dataclass(slots=True)
class Component:
    """BEGIN:name … END:name, with its lines and inner components in the order they came."""

    name: str
    parts: list[Line | Component] = field(default_factory=list)

    _by_name: dict[str, list[Line]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _known: int = field(default=-1, init=False, repr=False, compare=False)
    """How many parts there were when `_by_name` was made."""

    def lines(self, name: str) -> list[Line]:
        return list(self._index().get(name, ()))

    # an event is asked so often that to look here whether the index is up to date is a tenth of all the work
    def line(self, name: str) -> Line | None:
        found = (self._by_name if self._known == len(self.parts) else self._index()).get(name)
        return found[0] if found else None

    def value(self, name: str) -> str:
        found = (self._by_name if self._known == len(self.parts) else self._index()).get(name)
        return found[0].value.strip() if found else ""

    def has(self, *names: str) -> bool:
        known = self._by_name if self._known == len(self.parts) else self._index()
        return not known.keys().isdisjoint(names)

    def _index(self) -> dict[str, list[Line]]:
        """An event is asked for some twenty names, and has as many lines."""
        if self._known != len(self.parts):
            self._by_name = {}
            for part in self.parts:
                if isinstance(part, Line):
                    self._by_name.setdefault(part.name, []).append(part)
            self._known = len(self.parts)
        return self._by_name

    def components(self, name: str) -> list[Component]:
        return [part for part in self.parts if isinstance(part, Component) and part.name == name]

    def put(self, line: Line) -> None:
        """Replace the first line of this name where it stands, drop its doubles, or add it before
        the inner components."""
        self._known = -1
        places = [n for n, part in enumerate(self.parts) if isinstance(part, Line) and part.name == line.name]
        if places:
            self.parts[places[0]] = line
            for place in reversed(places[1:]):
                del self.parts[place]
            return
        inner = (n for n, part in enumerate(self.parts) if isinstance(part, Component))
        self.parts.insert(next(inner, len(self.parts)), line)

    def drop(self, *names: str) -> None:
        self._known = -1
        self.parts = [part for part in self.parts if not (isinstance(part, Line) and part.name in names)]

    def dump(self) -> str:
        """As iCalendar text: lines folded at 75 octets, ended by CRLF."""
        return "".join(f"{fold(raw)}\r\n" for raw in self._raw())

    def _raw(self) -> Iterator[str]:
        yield f"BEGIN:{self.name}"
        for part in self.parts:
            if isinstance(part, Line):
                yield f"{part.head}:{part.value}"
            else:
                yield from part._raw()
        yield f"END:{self.name}"


@lru_cache(maxsize=4_000)
def parameter_of(head: str, name: str) -> str:
    """Remembered: the dates of a calendar begin with the same few words."""
    for found, value in PARAMETER.findall(head):
        if found.upper() == name:
            return str(value).strip('"')
    return ""


def parse(text: str) -> Component:
    """The VCALENDAR in `text`. Raises Malformed if its components do not nest or it is cut off."""
    root = Component("")
    open_ones = [root]
    for raw in unfolded(text):
        upper = raw[:6].upper()
        if upper == "BEGIN:":
            inner = Component(raw[6:].strip().upper())
            open_ones[-1].parts.append(inner)
            open_ones.append(inner)
            if len(open_ones) > DEPTH:
                raise Malformed("This is not a calendar entry: its parts are nested too deeply.")
        elif upper[:4] == "END:":
            if open_ones.pop().name != raw[4:].strip().upper() or not open_ones:
                raise Malformed("This is not a calendar entry: its parts do not fit together.")
        else:
            open_ones[-1].parts.append(split(raw))
    calendars = root.components("VCALENDAR")
    if len(open_ones) != 1 or not calendars:
        raise Malformed("This is not a complete calendar entry: it has no beginning or no end.")
    return calendars[0]


def unfolded(text: str) -> list[str]:
    """Content lines, continuation lines joined, empty ones dropped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n " in text or "\n\t" in text:
        text = text.replace("\n ", "").replace("\n\t", "")
    return [line for line in text.split("\n") if line.strip()]


def split(raw: str) -> Line:
    """One content line into its parts; a line without a colon is kept, with an empty value."""
    head, colon, value = raw.partition(":")
    if '"' in head:
        match = HEAD.match(raw)
        head, value = match.groups() if match else (raw, "")
    elif not colon:
        return Line("", raw, "")
    return Line(head.partition(";")[0].strip().upper(), head, value)


def text_line(name: str, text: str) -> Line:
    return Line(name, name, escaped(text))


def plain(name: str, value: str, *parameters: str) -> Line:
    """A line whose value needs no escaping; parameters as `TZID=…`."""
    return Line(name, ";".join((name, *parameters)), value)


def escaped(text: str) -> str:
    """Text as a value (RFC 5545, 3.3.11); control characters, which no reader accepts, are left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c >= " " or c in "\n\t")
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def fold(raw: str) -> str:
    """At most 75 octets a line, never inside a character (RFC 5545, 3.1)."""
    if len(raw) <= 18 or len(raw.encode()) <= 75:
        return raw
    pieces: list[str] = []
    piece: list[str] = []
    size = 0
    for character in raw:
        width = len(character.encode())
        if size + width > 75:
            pieces.append("".join(piece))
            piece, size = [], 1  # the blank that begins a continuation counts
        piece.append(character)
        size += width
    pieces.append("".join(piece))
    return "\r\n ".join(pieces)
