"""WebDAV answers as small trees, read as they arrive, without ever looking at a DTD or an entity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from sys import getsizeof
from xml.parsers import expat

from genie.core.errors import Rejected

D = "DAV: "
C = "urn:ietf:params:xml:ns:caldav "
CS = "http://calendarserver.org/ns/ "
APPLE = "http://apple.com/ns/ical/ "
DEPTH = 40
NAMES = 2_000
"""So many different names of elements, attributes and prefixes; servers use some fifty."""
NODE, ATTRIBUTE = 300, 100
"""Bytes of memory that an element takes beside its text, and an attribute beside its value."""
LONGEST_TAG = 2_000_000
"""Bytes: a tag or comment is held back until its end has arrived, so it must have one."""


class Unreadable(Rejected):
    """The answer is not XML that a calendar server sends."""


class TooLarge(Rejected):
    """The answer is larger than we read."""


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


Each = Callable[[Response], None]
"""What takes the responses of an answer, one by one, while it is being read."""


class Reader:
    """Reads an answer while it arrives; neither the whole text nor a tree of all of it is ever held.

    What is kept weighs at most about `room` bytes. With `each` that is nearly nothing, since every Response
    is handed over as soon as it is complete. A text longer than `longest` is kept up to one character more,
    so that it can be seen to be too long.
    """

    def __init__(self, *, room: int, longest: int, each: Each | None = None) -> None:
        self._room, self._longest, self._each = room, longest, each
        self._root = Node("", {})
        self._open = [self._root]
        self._pieces: list[list[str]] = [[]]
        self._lengths = [0]
        self._responses: list[Response] = []
        self._weight = self._weight_before = self._fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._doctype
        # without it prefixes would not be among the names that are counted
        self._parser.StartNamespaceDeclHandler = lambda _prefix, _uri: None

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """The next bytes. Raises Unreadable, TooLarge."""
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, last)
        except (expat.ExpatError, ValueError) as fault:
            raise Unreadable("The calendar server's answer cannot be read: it is not well-formed.") from fault
        if self._fed - self._parser.CurrentByteIndex > LONGEST_TAG + len(piece):
            raise TooLarge("The calendar server's answer is too large to be read.")
        if len(self._parser.intern) > NAMES:  # the parser remembers each for as long as it lives
            raise Unreadable("The calendar server's answer invents new names without end.")

    def end(self) -> Multistatus:
        """What is left when all was fed: the responses that nobody took, and the sync token."""
        self.feed(b"", last=True)
        return Multistatus(self._responses, self._root.children[0].value(D + "sync-token"))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEPTH:
            raise Unreadable("The calendar server's answer is too deep to be read.")
        if len(self._open) == 1 and tag != D + "multistatus":
            raise Unreadable("The calendar server's answer is not a list of calendar entries.")
        if len(self._open) == 2:
            self._weight_before = self._weight
        node = Node(tag, attributes)
        self._weigh(NODE + sum(getsizeof(value) + ATTRIBUTE for value in attributes.values()))
        self._open[-1].children.append(node)
        self._open.append(node)
        self._pieces.append([])
        self._lengths.append(0)

    def _data(self, text: str) -> None:
        text = text[: self._longest + 1 - self._lengths[-1]]
        if text:
            self._lengths[-1] += len(text)
            self._pieces[-1].append(text)
            self._weigh(getsizeof(text))

    def _end(self, _tag: str) -> None:
        node, pieces = self._open.pop(), self._pieces.pop()
        self._lengths.pop()
        node.text = "".join(pieces)
        if len(pieces) > 1:  # one wide character makes all the others of its text as wide
            self._weigh(getsizeof(node.text) - sum(map(getsizeof, pieces)))
        if len(self._open) == 2 and node.tag == D + "response":
            self._complete(node)

    def _complete(self, node: Node) -> None:
        self._open[-1].children.pop()
        if self._each is None:
            self._responses.extend(response(node))
            return
        for one in response(node):
            self._each(one)
        self._weight = self._weight_before

    def _weigh(self, size: int) -> None:
        self._weight += size
        if self._weight > self._room:
            raise TooLarge("The calendar server's answer is too large to be read.")

    def _doctype(self, *_args: object) -> None:
        raise Unreadable("The calendar server's answer holds a document type, which is not read.")


def multistatus(body: bytes) -> Multistatus:
    """A 207 answer that is there as a whole (RFC 4918, 13; RFC 6578, 6.4). Raises Unreadable, TooLarge."""
    reader = Reader(room=64_000_000, longest=1_000_000)
    reader.feed(body)
    return reader.end()


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
