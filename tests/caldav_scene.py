"""A business on a stage, linked by our own flows to a calendar on a real CalDAV server behind a proxy."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from tests.caldav_owner import CalDavOwner
from tests.outside import Radicale
from tests.proxy import Proxy, standing_before
from tests.sync_scene import MONDAY, SETTINGS, Business, office

from genie.flows.connect_calendar import connect_calendar
from genie.flows.create_registration_link import create_registration_link
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.register_typed import register_typed
from genie.flows.set_realtime import set_realtime
from genie.providers.registry import ProviderSettings
from genie.store.models import (
    Access,
    Company,
    RemoteCalendar,
    RemoteKey,
    Role,
    User,
)

PASSWORD = "an app password"
QUICK = replace(SETTINGS, timeout=5.0, connect_timeout=2.0)
_numbers = count(1)


@dataclass(kw_only=True)
class CalDavScene(Business):
    """All the product's requests pass `proxy`; `owner` speaks to the server itself."""

    server: Radicale
    proxy: Proxy
    owner: CalDavOwner
    admin: User

    def heal(self) -> None:
        self.proxy.heal()


def admin_of(company: Company) -> User:
    """The company's admin, without the cost of a password."""
    admin = User.objects.create_user(
        f"ada-{next(_numbers)}@acme.example",
        name="Ada",
        role=Role.COMPANY_ADMIN,
        agency=company.agency,
        created_at=MONDAY,
    )
    Access.objects.create(user=admin, company=company)
    return admin


def register(
    admin: User,
    company: Company,
    *,
    address: str,
    user: str,
    password: str,
    now: datetime,
    settings: ProviderSettings = QUICK,
    **renews: RemoteKey,
) -> RemoteKey:
    """Make a registration link and answer it, as the account's owner does. Raises as register_typed."""
    made = create_registration_link(
        company=company, kind="caldav", user=admin, hours=72, settings=settings, now=now, **renews
    )
    typed = {"address": address, "user": user, "password": password}
    return register_typed(token=made.token, typed=typed, settings=settings, now=now)


@contextlib.contextmanager
def on_radicale(
    server: Radicale, *, now: datetime = MONDAY - timedelta(days=3), older: bool = False
) -> Iterator[CalDavScene]:
    """A new account with one calendar, *Work*, registered, linked, and both ways in step."""
    user = f"owner-{uuid.uuid4().hex[:8]}"
    server.set_password(user, PASSWORD)
    calendar = server.make_calendar("work", name="Work", user=user)
    module = office(user, now=now)
    admin = admin_of(module.company)
    with standing_before(server.base_url, older=older) as proxy:
        key = register(admin, module.company, address=proxy.url, user=user, password=PASSWORD, now=now)
        (listed,) = list_remote_calendars(key=key, settings=QUICK, now=now)
        connection = connect_calendar(
            module=module, key=key, remote_id=listed.calendar.remote_id, user=admin, now=now
        )
        set_realtime(company_id=module.company_id, connection_id=connection.id, on=True, now=now)
        connection.refresh_from_db()
        owner = CalDavOwner(server, user, calendar)
        scene = CalDavScene(
            module=module,
            key=key,
            calendar=RemoteCalendar.objects.get(id=listed.calendar.id),
            connection=connection,
            settings=QUICK,
            now=now,
            server=server,
            proxy=proxy,
            owner=owner,
            admin=admin,
        )
        proxy.asked.clear()
        try:
            yield scene
        finally:
            owner.close()
