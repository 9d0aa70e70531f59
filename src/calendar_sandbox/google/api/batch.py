"""Batches: several calls in one multipart/mixed request (guide "Send batch requests")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus

from calendar_sandbox.google import errors

MOST_PARTS = 1000


@dataclass(frozen=True)
class Part:
    """One call of a batch."""

    content_id: str
    verb: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def split(content_type: str, body: bytes) -> list[Part]:
    """Read the parts. Raise Refusal when this is no batch, or a part no request."""
    if not content_type.lower().startswith("multipart/mixed"):
        raise errors.bad_request("A batch is sent as multipart/mixed.")
    whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not whole.is_multipart():
        raise errors.bad_request("Failed to parse batch request, error: 0 items.")
    parts = [
        _part(str(one["Content-ID"] or ""), bytes(one.get_payload(decode=True) or b""))
        for one in whole.iter_parts()
    ]
    if not parts or len(parts) > MOST_PARTS:
        raise errors.bad_request(f"A batch has 1 to {MOST_PARTS} calls, not {len(parts)}.")
    return parts


def _part(content_id: str, said: bytes) -> Part:
    head, _, body = said.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode("utf-8", "replace").splitlines() or [""]
    words = first.split()
    if len(words) not in (2, 3) or not words[1].startswith("/"):
        raise errors.bad_request(f"Failed to parse batch request, error: {first!r} is no request line.")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    path, _, query = words[1].partition("?")
    return Part(content_id, words[0].upper(), path, query, headers, body)


def inherited(outer: Mapping[str, str]) -> dict[str, str]:
    """The headers of a batch count for each part, but those about its content."""
    return {name: value for name, value in outer.items() if not name.startswith("content-")}


def joined(parts: list[tuple[str, int, dict[str, str], bytes]], mark: str) -> tuple[str, bytes]:
    """Write the answers as one body; return its type, too."""
    boundary = f"batch_{mark}"
    lines: list[bytes] = []
    for content_id, status, headers, body in parts:
        name = f"<response-{content_id.strip('<>')}>" if content_id else ""
        lines.append(f"--{boundary}\r\nContent-Type: application/http\r\n".encode())
        if name:
            lines.append(f"Content-ID: {name}\r\n".encode())
        lines.append(f"\r\nHTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode())
        lines += [f"{key}: {value}\r\n".encode() for key, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n")
    lines.append(f"--{boundary}--\r\n".encode())
    return f"multipart/mixed; boundary={boundary}", b"".join(lines)
