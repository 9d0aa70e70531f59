"""Which events a calendar holds, in which version: gathered while the answer is still arriving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import getsizeof

from genie.providers.caldav.dav import normalised
from genie.providers.caldav.multistatus import D, Response, TooLarge

ENTRY = 150
"""Bytes of memory that a name takes beside its own text and its version's."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a read found to look at: names with versions and sizes, names gone, and the cursor afterwards."""

    versions: Mapping[str, str]
    sizes: Mapping[str, int]
    gone: Sequence[str]
    cursor: str


@dataclass(slots=True)
class Gathering:
    """A listing in the making, over all its answers. `name_of` a href is "" for the calendar itself."""

    name_of: Callable[[str], str]
    room: int
    """Bytes; a listing that weighs more is refused, since a server may go on for ever."""
    more: bool = False
    """The server said that it left something out (507; RFC 6578, 3.6)."""
    versions: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    weight: int = 0

    def changed(self, response: Response) -> None:
        """An entry of `sync-collection`. Raises TooLarge."""
        name = self.name_of(response.href)
        self.more = self.more or (not name and response.status == 507)
        if name and response.status in (404, 410):
            self._forget(name)
            self._weigh(name)
            self.gone[name] = None
        elif name and response.status == 200:
            self.gone.pop(name, None)
            self._note(name, response)

    def there(self, response: Response) -> None:
        """An entry of all that a calendar holds. Raises TooLarge."""
        name = self.name_of(response.href)
        kinds = response.properties.child(D + "resourcetype")
        is_collection = kinds is not None and kinds.child(D + "collection") is not None
        if name and response.status == 200 and not is_collection:
            self._note(name, response)

    def listing(self, cursor: str) -> Listing:
        return Listing(self.versions, self.sizes, list(self.gone), cursor)

    def _note(self, name: str, response: Response) -> None:
        version = normalised(response.properties.value(D + "getetag"))
        self._weigh(name, version)
        self.versions[name] = version
        self.sizes[name] = size_of(response)

    def _forget(self, name: str) -> None:
        self.versions.pop(name, None)
        self.sizes.pop(name, None)

    def _weigh(self, *texts: str) -> None:
        self.weight += ENTRY + sum(map(getsizeof, texts))
        if self.weight > self.room:
            raise TooLarge("This calendar lists more events than can be read.")


def size_of(response: Response) -> int:
    """The object's length in bytes, 0 where the server does not tell."""
    length = response.properties.value(D + "getcontentlength")
    return int(length) if length.isdigit() and len(length) < 15 else 0
