"""A calendar system whose accounts are granted on pages of their own, as people would be offered it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.connect_scene import NOW, SETTINGS, Scene

from genie.flows.begin_sign_in import Begun, begin_sign_in
from genie.flows.create_registration_link import create_registration_link
from genie.flows.finish_sign_in import CameBack, finish_sign_in
from genie.providers import memory
from genie.providers.registry import FOLDERS
from genie.store.models import RemoteKey

KIND = replace(
    memory.KIND,
    label="Paged Calendar",
    key_name="Paged key",
    signs_in_at="Paged",
    take_back="remove Schedule Genie under paged.example/connections",
    for_tests=False,
)
"""The in-process system, but offered to people."""
BACK = "https://genie.example/connect/return/paged"
ACCOUNT = "desk@acme.example"


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kind `paged` is part of the product for the time of a test."""
    monkeypatch.setitem(FOLDERS, "paged", "tests.sign_in_scene")
    return


def new_link(acme: Scene, **fields: Any) -> str:
    """A registration link's token."""
    values = {"company": acme.company, "kind": "paged", "user": acme.admin, "hours": 72, "now": NOW}
    values["settings"] = SETTINGS
    return create_registration_link(**(values | fields)).token


def begin(token: str, *, now: datetime = NOW) -> Begun:
    return begin_sign_in(token=token, redirect_uri=BACK, settings=SETTINGS, now=now)


def asked(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def came_back(address: str, **changes: str) -> CameBack:
    """What stands in the address a browser was sent back to."""
    found = asked(address) | changes
    return CameBack(
        found.get("state", ""),
        found.get("code", ""),
        found.get("error", ""),
        found.get("error_description", ""),
    )


def finish(
    back: CameBack, browser: str, *, kind: str = "paged", now: datetime = NOW, **fields: Any
) -> RemoteKey:
    return finish_sign_in(kind=kind, back=back, browser=browser, now=now, **({"settings": SETTINGS} | fields))


def signed_in(acme: Scene, account: str = ACCOUNT, **fields: Any) -> RemoteKey:
    """The key of an owner who went to the pages and came back."""
    if acme.world.person(account) is None:
        acme.world.add_account(account)
    begun = begin(new_link(acme, **fields))
    return finish(came_back(acme.owner(account).allow(begun.address)), begun.browser)
