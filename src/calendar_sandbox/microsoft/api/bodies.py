"""Bodies of events as Exchange keeps them: whatever is sent becomes HTML of its own making.

Text is wrapped, a fragment gets head and body, comments, scripts and attributes it does not trust are gone,
quotes and line ends are its own. What it answered once and gets back, it keeps as it is.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
FROM_TEXT = (
    f"<html>\r\n<head>\r\n{META}\r\n"
    '<meta name="Generator" content="Microsoft Exchange Server">\r\n'
    "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; } -->"
    '</style>\r\n</head>\r\n<body>\r\n<font size="2"><span style="font-size:11pt;">'
    '<div class="PlainText">{}</div></span></font>\r\n</body>\r\n</html>\r\n'
)
FROM_HTML = f"<html><head>\r\n{META}{{head}}</head><body{{attributes}}>{{body}}</body></html>"

VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))
DROPPED = frozenset(("script", "object", "embed", "applet", "iframe", "noscript", "template", "form"))
BLOCKS = frozenset(("p", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "pre"))
PREVIEW = 255  # characters


def kept(content_type: str, content: str) -> str:
    """The HTML Exchange makes of a body. Nothing stays nothing."""
    if not content.strip():
        return ""
    if content_type == "text":
        lines = [html.escape(line, quote=False).replace("  ", "&nbsp; ") for line in content.splitlines()]
        return FROM_TEXT.replace("{}", "<br>\r\n".join(lines))
    if content == FROM_TEXT.replace(
        "{}", _between(content, 'class="PlainText">', "</div></span></font>\r\n")
    ):
        return content
    reader = _Reader()
    reader.feed(content)
    reader.close()
    head = "".join(reader.head).strip()
    return FROM_HTML.format(
        head=f"\r\n{head}" if head else "", attributes=reader.attributes, body="".join(reader.body)
    )


def as_text(content: str) -> str:
    """What a reader who wants text gets of kept HTML."""
    reader = _Words()
    reader.feed(content)
    reader.close()
    lines = [line.strip() for line in "".join(reader.words).replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n").replace("\n", "\r\n")


def preview(content: str) -> str:
    return as_text(content)[:PREVIEW]


def _between(text: str, before: str, after: str) -> str:
    return text.partition(before)[2].rpartition(after)[0]


def _attributes(found: list[tuple[str, str | None]]) -> str:
    said = []
    for name, value in found:
        unsafe = name.startswith(("on", "data-")) or (value or "").strip().lower().startswith("javascript:")
        if not unsafe:
            said.append(f' {name}="{html.escape(value or "", quote=True).replace("&#x27;", chr(39))}"')
    return "".join(said)


class _Reader(HTMLParser):
    """Takes HTML apart into what goes into the head and what into the body."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.head: list[str] = []
        self.body: list[str] = []
        self.attributes = ""
        self.in_head = False
        self.inside = 0  # elements that are dropped with all they hold
        self.raw = False
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.inside += 1
        if self.inside or tag == "html":
            return
        if tag in ("head", "body"):
            self.in_head = tag == "head"
            if tag == "body":
                self.attributes = _attributes(attrs)
            return
        if tag in ("meta", "title", "link", "base"):
            return  # the head is Exchange's own, but for styles
        self.raw = tag == "style"
        (self.head if self.in_head or self.raw else self.body).append(f"<{tag}{_attributes(attrs)}>")
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self.inside = max(0, self.inside - 1)
            return
        if tag == "head":
            self.in_head = False
        if self.inside or tag not in self.opened:
            return
        while self.opened:
            last = self.opened.pop()
            (self.head if self.in_head or self.raw else self.body).append(f"</{last}>")
            if last == tag:
                break
        self.raw = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            return
        if self.raw:
            self.head.append(data)
        elif not self.in_head:
            text = data.replace("\r\n", "\n").replace("\n", "\r\n")
            self.body.append(html.escape(text, quote=False).replace("\xa0", "&nbsp;"))

    def close(self) -> None:
        super().close()
        while self.opened:
            self.body.append(f"</{self.opened.pop()}>")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("head", "style", "title"):
            self.inside += 1
        elif tag == "br" or (tag in BLOCKS and self.words and not self.words[-1].endswith("\n")):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("head", "style", "title"):
            self.inside = max(0, self.inside - 1)
        elif tag in BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(re.sub(r"[ \t\r\n]+", " ", data))
