"""WebDAV answers as small trees, read without ever looking at a DTD or an entity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from genie.core.errors import Rejected

D = "DAV: "
C = "urn:ietf:params:xml:ns:caldav "
CS = "http://calendarserver.org/ns/ "
APPLE = "http://apple.com/ns/ical/ "
DEPTH = 40
NODES = 1_000_000


class Unreadable(Rejected):
    """The answer is not XML that a calendar server sends."""


@dataclass(slots=True)
class Node:
    """An element: `tag` is its namespace, a blank, its name."""

    tag: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def child(self, tag: str) -> Node | None:
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def all(self, tag: str) -> Iterator[Node]:
        """All elements of this tag below, at any depth."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.all(tag)

    def value(self, tag: str) -> str:
        child = self.child(tag)
        return child.text.strip() if child else ""

    def raw(self, tag: str) -> str:
        """The text of a child as it is, blanks included."""
        child = self.child(tag)
        return child.text if child else ""

    def hrefs(self, tag: str) -> list[str]:
        child = self.child(tag)
        return [href.text.strip() for href in child.all(D + "href")] if child else []


@dataclass(frozen=True, slots=True)
class Response:
    """What a multistatus says of one href: the properties found, and its status if it is a failure."""

    href: str
    properties: Node
    status: int = 200


@dataclass(frozen=True, slots=True)
class Multistatus:
    responses: list[Response]
    token: str = ""


class Builder:
    """expat's callbacks: builds Nodes, refuses doctypes, absurd depth and absurd numbers."""

    def __init__(self) -> None:
        self.root = Node("", {})
        self._open = [self.root]
        self._pieces: list[list[str]] = [[]]
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > DEPTH or self._count > NODES:
            raise Unreadable("The calendar server's answer is too large or too deep to be read.")
        node = Node(tag, attributes)
        self._open[-1].children.append(node)
        self._open.append(node)
        self._pieces.append([])

    def end(self, _tag: str) -> None:
        self._open.pop().text = "".join(self._pieces.pop())

    def data(self, text: str) -> None:
        self._pieces[-1].append(text)

    def doctype(self, *_args: object) -> None:
        raise Unreadable("The calendar server's answer holds a document type, which is not read.")


def tree(body: bytes) -> Node:
    """The root element of an XML answer. Raises Unreadable."""
    builder = Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError) as fault:
        raise Unreadable("The calendar server's answer cannot be read: it is not well-formed.") from fault
    return builder.root.children[0]


def multistatus(body: bytes) -> Multistatus:
    """A 207 answer (RFC 4918, 13; RFC 6578, 6.4). Raises Unreadable."""
    root = tree(body)
    if root.tag != D + "multistatus":
        raise Unreadable("The calendar server's answer is not a list of calendar entries.")
    responses = [one for child in root.children if child.tag == D + "response" for one in response(child)]
    return Multistatus(responses, root.value(D + "sync-token"))


def response(node: Node) -> Iterator[Response]:
    """One Response for each href in the element."""
    found = Node("", {})
    statuses = []
    for propstat in node.children:
        if propstat.tag == D + "propstat":
            status = status_of(propstat.value(D + "status"))
            statuses.append(status)
            properties = propstat.child(D + "prop")
            if status == 200 and properties:
                found.children += properties.children
    own = node.value(D + "status")
    status = status_of(own) if own else 200
    if not own and statuses and all(one in (404, 410) for one in statuses) and not found.children:
        status = 200  # the resource is there, it only lacks the properties asked for
    for href in (child for child in node.children if child.tag == D + "href"):
        yield Response(href.text.strip(), found, status)


def status_of(line: str) -> int:
    """The number in `HTTP/1.1 404 Not Found`."""
    for word in line.split():
        if word.isdigit() and len(word) == 3:
            return int(word)
    return 200 if not line else 500
