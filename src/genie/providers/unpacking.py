"""The body of an answer, piece by piece, whatever it was packed in: no piece is large."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

PIECE = 65_536
"""Bytes unpacked at once."""


class Damaged(ValueError):
    """The body cannot be unpacked."""


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The body's pieces, none of them large: a compressed piece may stand for a thousand times its size.

    The caller counts them and stops. Raises Damaged, and httpx's own errors.
    """
    if response.headers.get("Content-Encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        yield from response.iter_raw()
        return
    unpacking = zlib.decompressobj(wbits=47)  # either format, by its first bytes
    for piece in response.iter_raw():
        waiting = piece
        while waiting:
            try:
                yield unpacking.decompress(waiting, PIECE)
            except zlib.error as fault:
                raise Damaged("it cannot be unpacked") from fault
            waiting = unpacking.unconsumed_tail
        if unpacking.eof:
            return  # what stands behind the end would only be collected
    if not unpacking.eof:
        raise Damaged("it ends in the middle")
