"""What a booking of some start is decided on: who sits there, who holds a seat, which settings were read.

A booking looks before it takes the module's lock, and again under the lock. What has not moved between need
not be judged again, so the lock is held for a query and an insert (decision 0082).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from genie.core.appointment import LIVE
from genie.store.models import AppointmentKind, Module, Schedule
from genie.store.prepared import ask, columns_of, made_each

LIVE_STATES = ", ".join(f"'{state.value}'" for state in LIVE)
"""Of an appointment that sits somewhere, as a list of SQL."""

_SETTINGS = f"""
SELECT EXISTS (
    SELECT FROM store_teammember t JOIN store_staffmember o ON o.id = t.staff_id
    WHERE t.module_id = m.id AND o.active
), m.xmin::text, k.xmin::text, {columns_of(Module, "m")}, {columns_of(Schedule, "s")},
{columns_of(AppointmentKind, "k")}
FROM store_module m JOIN store_schedule s ON s.id = m.schedule_id
LEFT JOIN store_appointmentkind k ON k.module_id = m.id AND k.id = %(kind)s::int8
WHERE m.id = %(module)s
"""  # noqa: S608 -- our own names

# The columns of a seat; what is read beside the seats stands in the first two: what, and in which state.
_AROUND = """
SELECT 'module', concat(m.xmin, ' ', (SELECT count(*) FROM store_teammember WHERE module_id = m.id)),
       NULL::int8, NULL::int8, NULL::timestamptz, NULL::timestamptz, NULL::int4, NULL::int4
FROM store_module m WHERE m.id = %(module)s
UNION ALL SELECT 'connection', concat(c.id, ' ', c.state), c.calendar_id, c.staff_id, NULL, NULL, NULL, NULL
FROM store_connection c WHERE c.module_id = %(module)s AND c.state <> 'ended'
UNION ALL SELECT 'appointment', a.id::text, a.module_id, a.staff_id, a.start, a."end", a.lane,
       (SELECT k.capacity FROM store_appointmentkind k WHERE k.id = a.kind_id)
FROM store_appointment a WHERE {a_sits} AND a.state IN ({live})
AND a.start < %(high)s + {longest} AND a."end" > %(low)s - {longest}
UNION ALL SELECT 'proposed', a.id::text, a.module_id, a.staff_id, l.proposed_start, l.proposed_end, NULL, NULL
FROM store_eventlink l JOIN store_appointment a ON a.id = l.appointment_id
WHERE l.proposed_start IS NOT NULL AND l.state <> 'ended' AND {a_sits} AND a.state IN ({live})
AND l.proposed_start < %(high)s + {longest} AND l.proposed_end > %(low)s - {longest}
UNION ALL SELECT 'hold', h.id::text, h.module_id, h.staff_id, h.start, h."end", NULL,
       (SELECT k.capacity FROM store_appointmentkind k WHERE k.id = h.kind_id)
FROM store_hold h WHERE {h_sits} AND h.expires_at > %(now)s AND h.visitor <> %(holder)s
AND h.start < %(high)s + {longest} AND h."end" > %(low)s - {longest}
"""
_LONGEST = """make_interval(mins => coalesce((
    SELECT max(greatest(m."between", k."between"))
    FROM store_module m LEFT JOIN store_appointmentkind k ON k.module_id = m.id WHERE {0}
), 0))"""
_OF_THE_MODULE = _LONGEST.format("m.id = %(module)s")
_OF_THE_COMPANY = _LONGEST.format(
    "m.company_id = (SELECT company_id FROM store_module WHERE id = %(module)s)"
)
_KIND = """
UNION ALL SELECT 'kind', k.xmin::text, NULL, NULL, NULL, NULL, NULL, NULL
FROM store_appointmentkind k WHERE k.id = %(kind)s
"""
_MEMBER = """
UNION ALL SELECT 'staff', concat(s.xmin, ' ', t.xmin), NULL, NULL, NULL, NULL, NULL, NULL
FROM store_staffmember s JOIN store_teammember t ON t.staff_id = s.id WHERE t.module_id = %(module)s
AND s.id = %(staff)s
"""


def _statement(*, kind: bool, staff: bool) -> str:
    sits = "{0}.module_id = %(module)s"
    if staff:
        sits = "({0}.staff_id = %(staff)s OR ({0}.staff_id IS NULL AND {0}.module_id = %(module)s))"
    found = _AROUND.format(
        a_sits=sits.format("a"),
        h_sits=sits.format("h"),
        live=LIVE_STATES,
        longest=_OF_THE_COMPANY if staff else _OF_THE_MODULE,
    )
    return found + (_KIND if kind else "") + (_MEMBER if staff else "")


_STATEMENTS = {
    (kind, staff): _statement(kind=kind, staff=staff) for kind in (False, True) for staff in (False, True)
}


class Seat(NamedTuple):
    """A live appointment, or a hold. `most`: by its kind, so many may run at once while it does."""

    what: str
    id: str
    module_id: int
    staff_id: int | None
    start: datetime
    end: datetime
    lane: int | None
    most: int | None


class Linked(NamedTuple):
    """A connection of the module that has not ended."""

    id: int
    calendar_id: int
    staff_id: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Around:
    """Equal to an earlier one of the same question when nothing moved between."""

    rows: Collection[tuple[Any, ...]]

    @property
    def seats(self) -> list[Seat]:
        """Appointments and holds."""
        return [Seat(*row) for row in self.rows if row[0] in ("appointment", "hold")]

    @property
    def connections(self) -> list[Linked]:
        found = ((*row[1].split(), row[2], row[3]) for row in self.rows if row[0] == "connection")
        return [Linked(int(id), calendar_id, staff_id, state) for id, state, calendar_id, staff_id in found]

    @property
    def versions(self) -> list[tuple[str, str]]:
        """As of `SettingsRead`, in no order."""
        return [(row[0], row[1].split()[0]) for row in self.rows if row[0] in ("module", "kind")]


class SettingsRead(NamedTuple):
    """A module with its schedule, and the kind asked for; `versions` change with each change of them."""

    module: Module
    kind: AppointmentKind | None
    has_team: bool
    versions: Collection[tuple[str, str]]


def settings_of(*, module_id: int, kind_id: int | None) -> SettingsRead:
    """What a booking is judged by. One query. Raises Module.DoesNotExist, AppointmentKind.DoesNotExist."""
    found = ask(_SETTINGS, {"module": module_id, "kind": kind_id})
    if not found:
        raise Module.DoesNotExist
    has_team, version, kind_version, *values = found[0]
    module, module.schedule, kind = made_each((Module, Schedule, AppointmentKind), values)
    versions = [("module", version)]
    if kind_id is not None:
        if kind is None:
            raise AppointmentKind.DoesNotExist
        versions.append(("kind", kind_version))
    return SettingsRead(module, kind, has_team, versions)


def lock_row(table: str, id: int) -> None:
    """Until the transaction ends, against others who lock it and against changes; not against references."""
    ask(f'SELECT 1 FROM "{table}" WHERE id = %s FOR NO KEY UPDATE', [id])  # noqa: S608 -- our own name


def around(
    *,
    module_id: int,
    kind_id: int | None,
    staff_id: int | None,
    low: datetime,
    high: datetime,
    now: datetime,
    holder: str,
) -> Around:
    """Who sits between two instants, or so near that the time kept free after an appointment may matter:
    in the module, or wherever the staff member sits. One query.

    The hold of `holder` is left out, and those that have expired.
    """
    wanted: dict[str, Any] = {
        "module": module_id,
        "low": low,
        "high": high,
        "now": now,
        "holder": holder,
        "kind": kind_id,
        "staff": staff_id,
    }
    sql = _STATEMENTS[kind_id is not None, staff_id is not None]
    return Around(frozenset(ask(sql, {name: value for name, value in wanted.items() if value is not None})))
