"""The text in an event's HTML body, and a change of some of its lines that leaves all else as it is (pure).

Outlook keeps bodies as HTML and rewrites what it is sent; what flows is plain text, compared line by line. A
body may hold what is nobody's notes: the part by which people join a Teams or Skype meeting. It is not shown
as text, and never touched: losing it would end the meeting (reference, *Update event*).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*+)>""")
PLAIN_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*+)>")
RUN = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?|[^<&]+|[<&]")
BLANK = re.compile(r"[ \t\n\r\f]+")

LINES = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset"),
        *(
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hr",
            "li",
            "main",
            "nav",
            "ol",
            "p",
        ),
        *("pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"),
    )
)
CELLS = frozenset(("td", "th"))
UNSEEN = frozenset(("head", "style", "script", "title", "template", "xml"))
VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)
KEEPS_BLANKS = re.compile(r"white-space\s*:\s*(pre|break-spaces)", re.IGNORECASE)
LOSES_BLANKS = re.compile(r"white-space\s*:\s*(normal|nowrap)", re.IGNORECASE)
DEEPEST_LOOK = 200
"""So many open elements are looked through for the one that a tag closes."""

MEETING_PART = re.compile(r"\bme-email-text\b|\bdivSkypeMeeting|\bdivMeetingInfo", re.IGNORECASE)
MEETING = re.compile(
    r"me-email-|divskypemeeting|teams\.microsoft\.com/|teams\.live\.com/|aka\.ms/jointeamsmeeting|join\.skype\.com/",
    re.IGNORECASE,
)
RULER = re.compile(r"_{30,}")
"""The line above and below the part of an online meeting, in all its versions."""

LINK = re.compile(r"https?://[^\s<>\"'“”]+[^\s<>\"'“”.,;:!?)\]]")
MOST_COMPARED = 2_000
"""Lines on either side; beyond, the whole stretch that differs is written anew."""
LEFT = "\0"
"""Stands where something was taken out, until what became empty by it is gone, too."""
EMPTIED = re.compile(
    r"<(a|b|em|font|i|li|p|span|strong|u|div)(?:\s[^<>]*)?>(?=[^<]*\0)[\s\0]*</\1\s*>", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the source that is shown as `text`."""

    text: str
    start: int
    end: int


@dataclass(slots=True)
class Line:
    """What is shown as one line."""

    at: int
    """Where new text in its place goes: before its first piece, and before the link that this may lie in."""
    pieces: list[Piece] = field(default_factory=list)
    stop: int = 0
    """Where what ends it begins: a `<br>`, or the beginning or end of a block."""
    break_end: int = 0
    """Where the `<br>` that ends it is over; 0 where it is a block that ends it."""
    hidden: bool = False

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces).rstrip(" ").replace("\xa0", " ").rstrip()


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    pre: bool
    hidden: bool
    link_at: int
    """Where the link begins that this is in; -1: none."""


def as_text(source: str) -> str:
    """What a body says, without its meeting part; lines have no blanks at their end."""
    return "\n".join(line.text for line in _shown(_read(source)))


def as_html(text: str) -> str:
    """A body that says `text`, as Outlook's own editor would write it."""
    return _blocks(_wanted(text))


def _blocks(lines: Sequence[str]) -> str:
    return "".join(f"<div>{_encoded(line) or '<br>'}</div>" for line in lines)


def changed(source: str, text: str) -> str:
    """The body with as few changes as make it say `text`; itself where it does already."""
    lines = _read(source)
    shown, wanted = _shown(lines), _wanted(text)
    if [line.text for line in shown] == wanted:
        return source
    for written in _ways(source, lines, shown, wanted):
        if [line.text for line in _shown(_read(written))] == wanted:
            return written
    return as_html(text)


def _ways(source: str, lines: list[Line], shown: list[Line], wanted: list[str]) -> Iterator[str]:
    """The tidiest first; which says what it should is tried out, since owners' HTML may be anything.

    For a body that makes no sense, all of the text anew: at least the meeting part stays, as it is, or in a
    wrapping by which it is known again.
    """
    edits = sorted(_edits(source, shown, wanted))
    clean = source.replace(LEFT, " ")
    yield _tidied(_applied(clean, edits))
    yield _applied(clean, edits).replace(LEFT, "")
    anew, part = _blocks(wanted), _meeting_part(source, lines)
    yield anew + part
    yield f'{anew}<div class="me-email-text">{part}</div>'


# --- reading


class _Reader:
    """Walks through a body once, and gathers its lines."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last = source.rfind(">")
        self._open: list[Element] = [Element("", False, False, -1)]
        self._unseen = ""
        self._line: Line | None = None
        self.lines: list[Line] = []

    def run(self) -> list[Line]:
        source, place, quoted = self._source, 0, True
        while place < len(source):
            if source.startswith("<!--", place):
                end = source.find("-->", place)
                place = len(source) if end < 0 else end + 3
                continue
            if source[place] != "<" or place > self._last:  # beyond the last > there is no tag
                place = self._text(place)
                continue
            tag = (TAG if quoted else PLAIN_TAG).match(source, place)
            if tag is None and quoted and source[place + 1 : place + 2].isalpha():
                quoted = False  # a quote is never closed: from here on quotes count for nothing
                tag = PLAIN_TAG.match(source, place)
            if tag:
                self._tag(tag)
                place = tag.end()
            elif source[place + 1 : place + 2] in ("!", "?", "/"):
                place = source.find(">", place) + 1
            else:
                place = self._text(place)
        self._end(len(source))
        return self.lines

    # --- within

    def _text(self, place: int) -> int:
        run = RUN.match(self._source, place)
        assert run  # any character matches
        if not self._unseen:
            raw = run[0]
            said = html.unescape(raw) if raw[0] == "&" else raw
            if self._open[-1].pre and "\n" in said:
                self._kept_lines(said, place)
            else:
                self._show(said, place, run.end())
        return run.end()

    def _kept_lines(self, said: str, place: int) -> None:
        """Line breaks count where blanks are kept."""
        for part in re.findall(r"[^\n]*\n|[^\n]+", said):
            stays = part.rstrip("\n")
            if stays:
                self._show(stays, place, place + len(stays))
            place += len(part)
            if part.endswith("\n"):
                self._break(place - 1, place)

    def _show(self, said: str, start: int, end: int) -> None:
        inside = self._open[-1]
        if not inside.pre:
            said = BLANK.sub(" ", said)
            if self._line is None or not self._line.pieces or self._line.pieces[-1].text.endswith(" "):
                said = said.lstrip(" ")
        else:
            said = said.replace("\r", "").replace(" ", "\xa0")
        line = self._begun(start)
        if said and not line.pieces:
            line.at = inside.link_at if inside.link_at >= 0 else start
        line.hidden = line.hidden or (inside.hidden and bool(said))
        if said:
            line.pieces.append(Piece(said, start, end))

    def _begun(self, at: int) -> Line:
        if self._line is None:
            self._line = Line(at)
        return self._line

    def _break(self, start: int, end: int) -> None:
        line = self._begun(start)
        if not line.pieces:
            line.at = start
        line.stop, line.break_end = start, end
        line.hidden = line.hidden or self._open[-1].hidden
        self.lines.append(line)
        self._line = None

    def _end(self, at: int) -> None:
        """A block begins or ends: so does a line, if there is something on it."""
        if self._line is not None and self._line.pieces:
            self._line.stop = at
            self.lines.append(self._line)
        self._line = None

    def _tag(self, tag: re.Match[str]) -> None:
        closing, name, attributes = bool(tag[1]), tag[2].lower(), tag[3]
        if self._unseen:
            if (closing and name == self._unseen) or name == "body":
                self._unseen = ""
            if name != "body":
                return
        if name == "br":
            self._break(tag.start(), tag.end())
            return
        if name in LINES:
            self._end(tag.start())
        elif name in CELLS and self._line is not None and self._line.pieces:
            self._show(" ", tag.start(), tag.start())
        if closing:
            self._close(name)
        elif name in UNSEEN and not attributes.endswith("/"):
            self._unseen = name
        elif name not in VOID and not attributes.endswith("/"):
            self._open.append(self._element(name, attributes, tag.start()))

    def _element(self, name: str, attributes: str, at: int) -> Element:
        around = self._open[-1]
        pre = around.pre or name == "pre"
        if "white-space" in attributes:
            pre = bool(KEEPS_BLANKS.search(attributes)) or (pre and not LOSES_BLANKS.search(attributes))
        hidden = around.hidden or bool(MEETING_PART.search(attributes))
        link_at = at if name == "a" and around.link_at < 0 else around.link_at
        return Element(name, pre, hidden, link_at)

    def _close(self, name: str) -> None:
        for back in range(1, min(len(self._open), DEEPEST_LOOK)):
            if self._open[-back].name == name:
                del self._open[-back:]
                return


def _read(source: str) -> list[Line]:
    lines = _Reader(source).run()
    _hide_meeting(source, lines)
    return lines


def _hide_meeting(source: str, lines: list[Line]) -> None:
    """Also where nothing but its text tells: from ruler to ruler, or to the last line that leads to it."""
    rulers = [number for number, line in enumerate(lines) if RULER.fullmatch(line.text)]
    for first in rulers:
        if lines[first].hidden:
            continue
        second = next((number for number in rulers if number > first), None)
        last = second if second is not None else len(lines) - 1
        leads = [n for n in range(first, last + 1) if _leads_to_meeting(source, lines, n)]
        if leads:
            end = last if second is not None else leads[-1]
            for line in lines[first : end + 1]:
                line.hidden = True


def _leads_to_meeting(source: str, lines: list[Line], number: int) -> bool:
    line = lines[number]
    begins = lines[number - 1].stop if number else 0
    return line.hidden or bool(MEETING.search(source, begins, line.stop))


def _shown(lines: Sequence[Line]) -> list[Line]:
    """The lines that are the owner's and ours, without empty ones at either end."""
    shown = [line for line in lines if not line.hidden]
    while shown and not shown[-1].text:
        shown.pop()
    first = next((number for number, line in enumerate(shown) if line.text), 0)
    return shown[first:]


# --- writing


def _wanted(text: str) -> list[str]:
    """The lines a text has once it was kept as HTML."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\0", "")
    lines = [line.rstrip() for line in plain.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    first = next((number for number, line in enumerate(lines) if line), 0)
    return lines[first:]


def _encoded(line: str) -> str:
    """A line as HTML: blanks in a row and tabs stay, addresses are links."""
    kept, place = [], 0
    for link in LINK.finditer(line):
        kept.append(_escaped(line[place : link.start()]))
        address = html.escape(link[0])
        kept.append(f'<a href="{address}">{address}</a>')
        place = link.end()
    kept.append(_escaped(line[place:]))
    return "".join(kept)


def _escaped(text: str) -> str:
    spaced = re.sub(r"^ |(?<= ) ", "\xa0", html.escape(text, quote=False))
    return spaced.replace("\xa0", "&nbsp;").replace("\t", '<span style="white-space:pre">\t</span>')


Edit = tuple[int, int, str]
"""From, to, and what comes in its place."""


def _edits(source: str, shown: list[Line], wanted: list[str]) -> Iterator[Edit]:
    for before, after, first, last in _differences([line.text for line in shown], wanted):
        lines, texts = shown[before:after], wanted[first:last]
        said = "<br>".join(map(_encoded, texts))
        if lines:
            yield from _replaced(lines, said, bool(texts))
        elif before < len(shown):
            yield shown[before].at, shown[before].at, f"{said}<br>"
        elif shown:
            yield shown[-1].stop, shown[-1].stop, f"<br>{said}"
        else:
            at = _body_begins(source)
            yield at, at, _blocks(texts)


def _replaced(lines: list[Line], said: str, keeps_one: bool) -> Iterator[Edit]:
    """The text in place of all of them stands where the first was, and is ended by what ended that."""
    if keeps_one:
        yield lines[0].at, lines[0].at, said
    for number, line in enumerate(lines):
        for piece in line.pieces:
            yield piece.start, piece.end, LEFT
        if line.break_end and (number or not keeps_one):
            yield line.stop, line.break_end, LEFT


def _differences(before: list[str], after: list[str]) -> Iterator[tuple[int, int, int, int]]:
    top = 0
    while top < min(len(before), len(after)) and before[top] == after[top]:
        top += 1
    end = 0
    while end < min(len(before), len(after)) - top and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[top : len(before) - end], after[top : len(after) - end]
    if max(len(old), len(new)) > MOST_COMPARED:
        yield top, top + len(old), top, top + len(new)
        return
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            yield top + a, top + b, top + c, top + d


def _applied(source: str, edits: Sequence[Edit]) -> str:
    kept, place = [], 0
    for start, end, text in edits:
        kept.append(source[place : max(start, place)])
        kept.append(text)
        place = max(end, place)
    kept.append(source[place:])
    return "".join(kept)


def _tidied(source: str) -> str:
    """Without the elements that became empty."""
    for _ in range(20):
        source, times = EMPTIED.subn(LEFT, source)
        if not times:
            break
    return source.replace(LEFT, "")


def _body_begins(source: str) -> int:
    body = re.search(r"<body\b[^>]*>", source, re.IGNORECASE)
    return body.end() if body else 0


def _meeting_part(source: str, lines: Sequence[Line]) -> str:
    hidden = [number for number, line in enumerate(lines) if line.hidden]
    if not hidden:
        return ""
    begins = (
        lines[hidden[0] - 1].break_end or lines[hidden[0] - 1].stop if hidden[0] else _body_begins(source)
    )
    return source[begins : lines[hidden[-1]].break_end or lines[hidden[-1]].stop]
