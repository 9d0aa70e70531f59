"""iCalendar objects as lines, so that an edit touches the lines it means and leaves every other byte alone.

Reading (zones, repetition) is the business of `icalendar`; this is for writing, where a library that
parses and prints everything would quietly rewrite what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LINE = re.compile(
    r'(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;[^=:;"]+=(?:"[^"]*"|[^":;,]*)(?:,(?:"[^"]*"|[^":;,]*))*)*)'
    r":(?P<value>.*)",
    re.DOTALL,
)
LONGEST = 75  # octets in a line, RFC 5545 3.1


@dataclass
class Line:
    """One property; `raw` is how it stood in the object, folds included."""

    name: str
    params: str
    value: str
    raw: str

    def param(self, wanted: str) -> str:
        """Return a parameter's value without quotes, or an empty text."""
        found = re.search(rf';{re.escape(wanted)}=("[^"]*"|[^;:]*)', self.params, re.IGNORECASE)
        return found.group(1).strip('"') if found else ""


@dataclass
class Part:
    """One component (VCALENDAR, VEVENT, VALARM …) with its lines and inner components in order."""

    kind: str
    items: list[Line | Part] = field(default_factory=list)

    def lines(self, name: str) -> list[Line]:
        return [item for item in self.items if isinstance(item, Line) and item.name == name]

    def line(self, name: str) -> Line | None:
        return next(iter(self.lines(name)), None)

    def parts(self, kind: str) -> list[Part]:
        return [item for item in self.items if isinstance(item, Part) and item.kind == kind]

    def text(self, name: str) -> str:
        """Return a property's text, unescaped; empty when it is missing."""
        line = self.line(name)
        return unescaped(line.value) if line else ""

    def put(self, name: str, value: str, params: str = "") -> None:
        """Replace the property, or add it before the inner components."""
        new = made(name, value, params)
        for index, item in enumerate(self.items):
            if isinstance(item, Line) and item.name == name:
                self.items[index] = new
                return
        self.add(new)

    def add(self, line: Line) -> None:
        """Add a line before the inner components, also when there are lines of that name already."""
        first_part = (index for index, item in enumerate(self.items) if isinstance(item, Part))
        self.items.insert(next(first_part, len(self.items)), line)

    def put_text(self, name: str, text: str) -> None:
        """Set a text property if it differs; an empty text takes the property away."""
        if text == self.text(name):
            return
        old = self.line(name)
        if not text:
            self.drop(name)
        else:
            self.put(name, escaped(text), old.params if old else "")

    def drop(self, *names: str) -> None:
        self.items = [item for item in self.items if not (isinstance(item, Line) and item.name in names)]

    def copy(self) -> Part:
        return Part(self.kind, [item.copy() if isinstance(item, Part) else item for item in self.items])

    def __str__(self) -> str:
        inner = "".join(str(item) if isinstance(item, Part) else f"{item.raw}\r\n" for item in self.items)
        return f"BEGIN:{self.kind}\r\n{inner}END:{self.kind}\r\n"


def read(text: str) -> Part:
    """Return the object's outermost component; raise ValueError when BEGIN and END do not match."""
    root = Part("")
    open_parts = [root]
    for line in _unfolded(text):
        if line.name == "BEGIN":
            part = Part(line.value.strip().upper())
            open_parts[-1].items.append(part)
            open_parts.append(part)
        elif line.name == "END":
            if len(open_parts) == 1 or open_parts.pop().kind != line.value.strip().upper():
                raise ValueError("END without its BEGIN")
        else:
            open_parts[-1].items.append(line)
    if len(open_parts) > 1 or len(root.items) != 1 or not isinstance(root.items[0], Part):
        raise ValueError("not one complete calendar object")
    return root.items[0]


def made(name: str, value: str, params: str = "") -> Line:
    """Return a new line, folded."""
    return Line(name, params, value, _folded(f"{name}{params}:{value}"))


def escaped(text: str) -> str:
    """Write a text value, RFC 5545 3.3.11."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescaped(value: str) -> str:
    """Read a text value."""
    return re.sub(r"\\(.)", lambda found: "\n" if found.group(1) in "nN" else found.group(1), value)


def _unfolded(text: str) -> Iterator[Line]:
    raws: list[str] = []
    for physical in re.split(r"\r\n|\n", text.lstrip("\ufeff")):
        if raws and physical[:1] in (" ", "\t"):
            raws[-1] += f"\r\n{physical}"
        elif physical:
            raws.append(physical)
    for raw in raws:
        found = LINE.fullmatch(re.sub(r"\r\n[ \t]", "", raw))
        if found:
            yield Line(found["name"].upper(), found["params"], found["value"], raw)
        else:
            yield Line("", "", "", raw)  # not ours to understand: kept as it stands


def _folded(line: str) -> str:
    out, size = [], 0
    for character in line:
        width = len(character.encode())
        if size + width > LONGEST:
            out.append("\r\n ")
            size = 1
        out.append(character)
        size += width
    return "".join(out)
