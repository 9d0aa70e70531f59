"""$batch: up to twenty requests in one body, some of them after others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from calendar_sandbox.microsoft import errors
from calendar_sandbox.standin.exchange import Reply, Request

MOST = 20
VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE")
Part = dict[str, Any]


def parts_of(body: bytes) -> list[Part]:
    """The requests of a batch. Raise Refusal for a body that is none."""
    try:
        said = json.loads(body)
    except ValueError:
        raise errors.bad_json() from None
    parts = said.get("requests") if isinstance(said, dict) else None
    if not isinstance(parts, list) or not parts:
        raise errors.bad("BadRequest", "Invalid batch payload format.")
    if len(parts) > MOST:
        raise errors.bad("BadRequest", f"Number of batch request steps exceeds the maximum value of {MOST}.")
    known: set[str] = set()
    for part in parts:
        _hold(part, known)
        known.add(part["id"])
    return parts


def _hold(part: Any, known: set[str]) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("id"), str) or part["id"] in known:
        raise errors.bad("BadRequest", "Each request of a batch needs an id of its own.")
    if part.get("method") not in VERBS or not isinstance(part.get("url"), str):
        raise errors.bad("BadRequest", f"Invalid method or url of the request with id '{part['id']}'.")
    if any(one not in known for one in part.get("dependsOn") or ()):
        raise errors.bad("BadRequest", f"DependsOn of '{part['id']}' names a request that is not before it.")
    headers = {name.lower() for name in part.get("headers") or {}}
    if "body" in part and "content-type" not in headers:
        raise errors.bad("BadRequest", f"The request with id '{part['id']}' has a body but no Content-Type.")


def answered(parts: list[Part], outer: Request, one: Callable[[Request], Reply]) -> list[Part]:
    """Serve the parts in their order; one whose forerunner failed is answered 424."""
    failed: set[str] = set()
    said = []
    for part in parts:
        if any(name in failed for name in part.get("dependsOn") or ()):
            refusal = {"code": "FailedDependency", "message": "One or more of the dependencies have failed."}
            reply: Part = {"id": part["id"], "status": 424, "headers": {}, "body": {"error": refusal}}
        else:
            reply = _said(part["id"], one(inner(part, outer)))
        if reply["status"] >= 400:
            failed.add(part["id"])
        said.append(reply)
    return said


def inner(part: Part, outer: Request) -> Request:
    """A part as a request: its own headers, the batch's authorization."""
    path, _, query = part["url"].partition("?")
    headers = {name.lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    body = part.get("body")
    raw = b"" if body is None else _raw(body)
    return Request(part["method"], f"/v1.0/{path.lstrip('/')}", query, headers, raw, outer.base_url)


def _raw(body: Any) -> bytes:
    if not isinstance(body, str):
        return json.dumps(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return body.encode()


def _said(name: str, reply: Reply) -> Part:
    headers = {key: value for key, value in reply.headers.items() if key not in ("Date", "Content-Length")}
    said: Part = {"id": name, "status": reply.status, "headers": headers}
    if reply.body:
        text = headers.get("Content-Type", "").startswith("application/json")
        said["body"] = json.loads(reply.body) if text else reply.body.decode()
    return said
