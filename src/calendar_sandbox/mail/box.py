"""The letters, in memory and, where a folder is given, on disk.

One .eml per letter; its envelope stands in the first lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MOST = 500  # letters kept; the oldest go first
FROM, TO, AT = "X-Sandbox-From", "X-Sandbox-To", "X-Sandbox-Received"
NAME = re.compile(r"(\d{6,})\.eml")


@dataclass(frozen=True)
class Letter:
    """One message as it came in; `number` counts from 1 and is never used twice."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class Box:
    """Letters by number, newest first when listed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._letters: dict[int, Letter] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._letters = {letter.number: letter for letter in _read_all(folder)}
        self._last = max(self._letters, default=0)

    def __len__(self) -> int:
        return len(self._letters)

    def __iter__(self) -> Iterator[Letter]:
        return iter([self._letters[number] for number in sorted(self._letters, reverse=True)])

    def get(self, number: int) -> Letter | None:
        return self._letters.get(number)

    def put(self, *, sender: str, recipients: list[str], raw: bytes, now: datetime) -> Letter:
        """Keep a letter and return it; on disk it is complete or not there."""
        self._last += 1
        letter = Letter(self._last, now, sender, tuple(recipients), raw)
        if self._folder is not None:
            _write(self._folder, letter)
        self._letters[letter.number] = letter
        for number in sorted(self._letters)[:-MOST]:
            self._forget(number)
        return letter

    def empty(self) -> None:
        for number in list(self._letters):
            self._forget(number)

    def _forget(self, number: int) -> None:
        del self._letters[number]
        if self._folder is not None:
            (self._folder / f"{number:06}.eml").unlink(missing_ok=True)


def _write(folder: Path, letter: Letter) -> None:
    envelope = [
        (FROM, letter.sender),
        *((TO, one) for one in letter.recipients),
        (AT, letter.received_at.isoformat()),
    ]
    head = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in envelope).encode()
    path = folder / f"{letter.number:06}.eml"
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(head + letter.raw)
    unfinished.replace(path)


def _read_all(folder: Path) -> Iterator[Letter]:
    for path in folder.iterdir():
        named = NAME.fullmatch(path.name)
        if named:
            yield _read(path, int(named.group(1)))


def _read(path: Path, number: int) -> Letter:
    rest = path.read_bytes()
    envelope: dict[str, list[str]] = {FROM: [], TO: [], AT: []}
    while True:
        line, _end, after = rest.partition(b"\r\n")
        name, _colon, value = line.decode("utf-8", "replace").partition(": ")
        if name not in envelope:
            break
        envelope[name].append(value)
        rest = after
    received = datetime.fromisoformat(envelope[AT][0]) if envelope[AT] else _file_time(path)
    return Letter(number, received, next(iter(envelope[FROM]), ""), tuple(envelope[TO]), rest)


def _file_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
