"""How fast the sync with Microsoft is, with push: see `pushed_sync.py`."""

from __future__ import annotations

from typing import Any

import httpx

from bench import microsoft_pull
from bench.pushed_sync import Side, There, token_of
from run import demo


def linked(stand_in: str) -> There:
    """A module that is linked to a calendar of Ana's, with a key as a sign-in leaves it."""
    from bench.sync import linked_module

    ana, control = microsoft_pull.ANA, f"{stand_in}/_sandbox/microsoft"
    mailbox = f"{control}/as/{ana}/v1.0/me"
    calendar = httpx.post(f"{mailbox}/calendars", json={"name": "Desk"}).raise_for_status().json()["id"]
    person = next(one for one in httpx.get(f"{control}/state").json()["accounts"] if one["upn"] == ana)
    claims = {"tid": person["tid"], "oid": person["oid"], "preferred_username": ana}
    asked = {"upn": ana, "scopes": microsoft_pull.SCOPES, "clientId": demo.MICROSOFT_CLIENT[0]}
    secret = {**token_of(control, asked), **claims, "scopes": microsoft_pull.SCOPES}
    identity = f"{claims['tid']}:{claims['oid']}"
    return There(
        linked_module("microsoft", identity, secret, calendar, "Desk"),
        events=f"{mailbox}/calendars/{calendar}/events",
    )


def is_there(owner: httpx.Client, events: str, link: Any) -> bool:
    """Graph chooses the event's id, so it is looked for by our key."""
    from genie.providers.microsoft.mapping import bearers_of

    asked = {"$filter": bearers_of(link.id.hex), "$top": "1", "$select": "id"}
    return bool(owner.get(events, params=asked).raise_for_status().json()["value"])


SIDE = Side(
    kind="microsoft",
    name="Microsoft",
    module="bench.microsoft_sync",
    serving=microsoft_pull.serving,
    settings=demo.microsoft_settings,
    linked=linked,
    is_there=is_there,
    title="subject",
)
measure, report = SIDE.measure, SIDE.report

if __name__ == "__main__":
    SIDE.main()
