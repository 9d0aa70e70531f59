"""The query options of lists: $filter, $select, $orderby, $top, $skip, $count, $expand.

Fields that may be filtered by are those Exchange lets: times, subject, iCalUId, a few choices, and extended
properties; others (transactionId for one) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from calendar_sandbox.microsoft import errors, times
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.state import Resource

Test = Callable[["Row"], bool]

TOKEN = re.compile(
    r"\s*(?:('(?:[^']|'')*')|(\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)|(-?\d+)|([A-Za-z_@][\w./@]*)|([(),:]))"
)
MOMENTS = {
    "start/datetime": ("start", "dateTime"),
    "end/datetime": ("end", "dateTime"),
    "createddatetime": ("createdDateTime",),
    "lastmodifieddatetime": ("lastModifiedDateTime",),
}
WORDS = {
    "subject": "subject",
    "icaluid": "iCalUId",
    "type": "type",
    "showas": "showAs",
    "sensitivity": "sensitivity",
    "importance": "importance",
    "seriesmasterid": "seriesMasterId",
    "name": "name",
}
FLAGS = {
    "isallday": "isAllDay",
    "iscancelled": "isCancelled",
    "isorganizer": "isOrganizer",
    "hasattachments": "hasAttachments",
    "isreminderon": "isReminderOn",
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
OPTIONS = ("$filter", "$select", "$orderby", "$top", "$skip", "$count", "$expand", "$format")
PROPERTY_COMPARE = {"id": ("eq",), "value": ("eq", "ne", "startswith", "contains")}
EXPANDED = re.compile(r"singleValueExtendedProperties(?:\(\$filter=(.*)\))?", re.IGNORECASE | re.DOTALL)
PROPERTY_ID = re.compile(r"\bid\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


@dataclass
class Row:
    """An entity of a list, written only when somebody looks at it, with the extended properties it has."""

    write: Callable[[], Resource]
    extended: dict[str, str]

    @cached_property
    def said(self) -> Resource:
        return self.write()


# --- $filter ---------------------------------------------------------------------------------------------


class _Filter:
    """A recursive reader of filters; every part becomes a test of a row."""

    def __init__(self, text: str) -> None:
        self.tokens = self._split(text)
        self.at = 0

    @staticmethod
    def _split(text: str) -> list[str]:
        found, place = [], 0
        text = text.rstrip()
        while place < len(text):
            hit = TOKEN.match(text, place)
            if hit is None:
                raise errors.bad_filter()
            found.append(hit.group().strip())
            place = hit.end()
        return found

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token.lower() != wanted):
            raise errors.bad_filter()
        self.at += 1
        return token

    def whole(self) -> Test:
        test = self.either()
        if self.peek():
            raise errors.bad_filter()
        return test

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek().lower() == "or":
            self.take()
            tests.append(self.both())
        return lambda row: any(test(row) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek().lower() == "and":
            self.take()
            tests.append(self.one())
        return lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        word = self.peek().lower()
        if word == "not":
            self.take()
            test = self.one()
            return lambda row: not test(row)
        if word == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if word in ("startswith", "contains", "endswith"):
            return self.function()
        if word.endswith("/any"):
            return self.any_of()
        return self.comparison()

    def function(self) -> Test:
        name = self.take().lower()
        self.take("(")
        field = WORDS.get(self.take().lower())
        self.take(",")
        wanted = _text(self.take()).lower()
        self.take(")")
        if field is None:
            raise errors.bad_filter()
        return lambda row: _fits(name, str(row.said.get(field) or "").lower(), wanted)

    def any_of(self) -> Test:
        what = self.take().lower().removesuffix("/any")
        self.take("(")
        variable = self.take().lower().rstrip(":")
        if self.peek() == ":":
            self.take()
        if what == "singlevalueextendedproperties":
            test = self.property(variable)
        elif what == "categories":
            self.take(variable)
            self.take("eq")
            wanted = _text(self.take())
            test = _has_category(wanted)
        else:
            raise errors.bad_filter()
        self.take(")")
        return test

    def property(self, variable: str) -> Test:
        """`ep/id eq '…' and ep/value eq '…'`, or `… and startswith(ep/value,'…')`."""
        wanted = {}
        while True:
            name, how, value = self.property_part(variable)
            wanted[name] = (how, value)
            if self.peek().lower() != "and":
                break
            self.take()
        if wanted.get("id", ("", ""))[0] != "eq":
            raise errors.bad_filter()
        return lambda row: _has_property(row, wanted)

    def property_part(self, variable: str) -> tuple[str, str, str]:
        """Whether it is about id or value, how they are compared, with what."""
        how = self.take().lower() if self.peek().lower() in ("startswith", "contains") else ""
        if how:
            self.take("(")
        name = self.take().lower().removeprefix(f"{variable}/")
        if how:
            self.take(",")
        else:
            how = self.take().lower()
        value = _text(self.take())
        if how in ("startswith", "contains"):
            self.take(")")
        if how not in PROPERTY_COMPARE.get(name, ()):
            raise errors.bad_filter()
        return name, how, value

    def comparison(self) -> Test:
        name, how, value = self.take().lower(), self.take().lower(), self.take()
        compare = COMPARE.get(how)
        if compare is None:
            raise errors.bad_filter()
        if name in MOMENTS:
            moment = _moment(value)
            return lambda row: compare(times.parse_instant(_inside(row.said, MOMENTS[name])), moment)
        if name in FLAGS:
            if value.lower() not in ("true", "false"):
                raise errors.bad_filter()
            return lambda row: compare(bool(row.said.get(FLAGS[name])), value.lower() == "true")
        if name in WORDS:
            wanted = None if value.lower() == "null" else _text(value)
            exact = name in ("icaluid", "seriesmasterid")
            return lambda row: compare(_folded(row.said.get(WORDS[name]), exact), _folded(wanted, exact))
        raise errors.bad_filter()


def _text(token: str) -> str:
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise errors.bad_filter()
    return token[1:-1].replace("''", "'")


def _moment(token: str) -> Any:
    try:
        return times.parse_instant(token.strip("'"))
    except ValueError:
        raise errors.bad_filter() from None


def _folded(value: Any, exact: bool) -> str:
    return str(value or "") if exact else str(value or "").lower()


def _fits(name: str, text: str, wanted: str) -> bool:
    if name == "startswith":
        return text.startswith(wanted)
    return text.endswith(wanted) if name == "endswith" else wanted in text


def _has_category(wanted: str) -> Test:
    return lambda row: wanted in row.said.get("categories", ())


def _has_property(row: Row, wanted: dict[str, tuple[str, str]]) -> bool:
    """Values are compared in any case, says singlevaluelegacyextendedproperty-get."""
    found = row.extended.get(property_key(wanted["id"][1]))
    if found is None:
        return False
    how, value = wanted.get("value", ("", ""))
    if how in ("startswith", "contains"):
        return _fits(how, found.lower(), value.lower())
    return COMPARE[how](found.lower(), value.lower()) if how else True


def _inside(said: Resource, path: tuple[str, ...]) -> str:
    value: Any = said
    for name in path:
        value = value[name]
    return str(value)


def property_key(name: str) -> str:
    """An extended property's id with the case that does not count taken out: that of a name does."""
    kind, word, rest = re.sub(r"\s+", " ", name.strip()).partition(" Name ")
    return f"{kind.lower()}{word}{rest}"


def filtering(text: str) -> Test:
    return _Filter(text).whole()


# --- the other options -----------------------------------------------------------------------------------


def expanded(call: Call) -> list[str] | None:
    """The ids of the extended properties that are asked for; None: not asked."""
    text = call.text("$expand")
    if not text:
        return None
    found = EXPANDED.fullmatch(text.strip())
    if found is None:
        raise errors.bad("BadRequest", f"Could not find a property named '{text}' to expand.")
    ids = PROPERTY_ID.findall(unquote(found[1] or ""))
    if not ids:
        raise errors.bad("ErrorInvalidUrlQuery", "The expand of extended properties needs a filter by id.")
    return [one.replace("''", "'") for one in ids]


def with_properties(said: Resource, extended: dict[str, str], wanted: list[str] | None) -> Resource:
    """Put the extended properties that were asked for into an entity."""
    if not wanted:
        return said
    found = [
        {"id": name, "value": extended[property_key(name)]}
        for name in wanted
        if property_key(name) in extended
    ]
    return said | ({"singleValueExtendedProperties": found} if found else {})


def selected(call: Call, said: Resource, known: frozenset[str] | None = None) -> Resource:
    """Leave what `$select` names; id, ETag and what was expanded stay."""
    text = call.text("$select")
    if not text:
        return said
    wanted = {name.strip().lower() for name in text.split(",") if name.strip()}
    if known is not None and (odd := wanted - {name.lower() for name in known}):
        raise errors.bad("BadRequest", f"Could not find a property named '{sorted(odd)[0]}' on the type.")
    stay = {"@odata.etag", "@odata.context", "id", "singlevalueextendedproperties"}
    return {name: value for name, value in said.items() if name.lower() in wanted | stay}


def ordered(call: Call, rows: list[Row]) -> list[Row]:
    for part in reversed([one.split() for one in call.text("$orderby").split(",") if one.strip()]):
        name = part[0].lower()
        backwards = len(part) > 1 and part[1].lower() == "desc"
        if name in MOMENTS:
            rows = sorted(rows, key=lambda row: _inside(row.said, MOMENTS[name]), reverse=backwards)
        elif name in WORDS:
            rows = sorted(
                rows, key=lambda row: str(row.said.get(WORDS[name]) or "").lower(), reverse=backwards
            )
        else:
            raise errors.bad("BadRequest", f"The property '{part[0]}' does not support sorting.")
    return rows


def paged(call: Call, rows: list[Row]) -> tuple[list[Row], dict[str, Any]]:
    """The rows of this page, and the annotations that go with it."""
    if odd := [name for name in call.params if name.startswith("$") and name not in OPTIONS]:
        raise errors.bad("BadRequest", f"The query option '{odd[0]}' is not supported here.")
    size, skip = call.page_size, call.number("$skip", 0, 10**9)
    said: dict[str, Any] = {}
    if call.text("$count").lower() == "true":
        said["@odata.count"] = len(rows)
    if skip + size < len(rows):
        kept = [(name, value) for name, values in call.params.items() for value in values]
        others = [(name, value) for name, value in kept if name not in ("$skip", "$top")]
        others += [("$top", str(size)), ("$skip", str(skip + size))]
        query = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in others)
        said["@odata.nextLink"] = f"{call.base_url}{call.path}?{query}"
    return rows[skip : skip + size], said
