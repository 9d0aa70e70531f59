"""Google keeps an event's description as HTML; what flows is plain text (pure).

Google's own pages rewrite a description when somebody edits it: line breaks become `<br>`, addresses become
links. Both readings are one text here, so such an edit is no change of what it says. What we write is
escaped only where it would be read as markup, so that programs which show the source show it well.
"""

from __future__ import annotations

import html
import re

LIMIT = 8_192
"""Characters of a description that Google keeps (reported by its users; not in the reference)."""

LINES = "address|article|blockquote|div|dd|dl|dt|h[1-6]|hr|li|ol|p|pre|section|table|tr|ul"
INLINE = "a|b|big|center|code|del|em|font|html-blob|i|ins|s|small|span|strike|strong|sub|sup|tbody|td|th|u"
TAG = re.compile(
    rf"<(?P<break>br)(?:\s[^<>]*)?/?>\n?|</?(?:(?P<line>{LINES})|{INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE
)
MARKUP = re.compile(r"&(?=[#a-zA-Z])(?=(?P<after>.{1,40}))|<(?=[a-zA-Z/!?])", re.DOTALL)
SPACE = re.compile(r"&nbsp;?")


def as_text(description: str) -> str:
    """What a description says. Only tags that Google's editor and mail programs write count as markup."""
    if "<" not in description and "&" not in description:
        return description
    kept: list[str] = []
    place = 0
    for tag in TAG.finditer(description):
        kept.append(description[place : tag.start()])
        place = tag.end()
        if tag["break"] or (tag["line"] and not _at_line_start(kept)):
            kept.append("\n")
    kept.append(description[place:])
    return html.unescape(SPACE.sub(" ", "".join(kept)))


def as_description(text: str) -> str:
    """A text so written that it is read as itself, by `as_text` and on Google's pages."""
    escaped = MARKUP.sub(lambda found: _unlike(found, "&amp;", "&lt;"), text)
    if len(escaped) <= LIMIT:
        return escaped
    # nobody's text but one made to overflow; cut, it would lose the end of our block
    return MARKUP.sub(lambda found: _unlike(found, "＆", "‹"), text)


def _unlike(found: re.Match[str], ampersand: str, bracket: str) -> str:
    if found[0] == "<":
        return bracket
    as_it_is = f"&{found['after']}"
    return "&" if html.unescape(as_it_is) == as_it_is else ampersand  # R&D names no character


def _at_line_start(kept: list[str]) -> bool:
    before = next((piece for piece in reversed(kept) if piece), "\n")
    return before.endswith("\n")
