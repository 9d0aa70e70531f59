"""A request and a reply as a stand-in sees them: plain values, no web server needed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """`path` is as it stands in the request line, still quoted; names of headers are in small letters."""

    verb: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = "http://localhost"


@dataclass
class Reply:
    """`broken`: no answer at all. `cut`: the body breaks off half way. `wait`: seconds before it comes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: bool = False
    cut: bool = False
    wait: float = 0.0
    reason: str = ""

    def json(self) -> Any:
        packed = self.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)
