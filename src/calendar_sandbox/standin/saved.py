"""Dataclasses to a JSON file and back: whole or not at all, readable by nobody else."""

from __future__ import annotations

import json
import os
import types
import typing
from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Return what JSON can write. Fields marked `saved: False` are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (field.name for field in fields(value) if field.metadata.get("saved", True))
        return {name: plain(getattr(value, name)) for name in kept}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, deque)):
        return [plain(item) for item in (sorted(value) if isinstance(value, set) else value)]
    return value


def built(kind: Any, value: Any) -> Any:
    """Return a value of the type `kind` from what `plain` made of it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else built(inner, value)
    if origin is dict and arguments[1] is not Any:
        return {key: built(arguments[1], item) for key, item in value.items()}
    if origin is list and arguments[0] is not Any:
        return [built(arguments[0], item) for item in value]
    if origin is set:
        return set(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {field.name for field in fields(kind)}
        return kind(**{name: built(hints[name], item) for name, item in value.items() if name in known})
    return SCALARS.get(kind, _as_it_is)(value)


def _as_it_is(value: Any) -> Any:
    return value


SCALARS: dict[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def write(path: Path, state: dict[str, Any]) -> None:
    half = path.with_name(f"{path.name}.part")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
        json.dump(state, out)
    half.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Raise ValueError when the file holds something else."""
    state = json.loads(path.read_text("utf-8"))
    if not isinstance(state, dict) or state.get("version") != 1:
        raise ValueError(f"{path} was not written by the demo calendar")
    return state
