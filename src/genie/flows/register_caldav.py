"""Answer a registration link with a CalDAV account: address, user and app password."""

from __future__ import annotations

from datetime import datetime

from genie.flows.complete_registration import complete_registration
from genie.flows.open_registration_link import count_try, open_registration_link
from genie.providers.caldav.auth import authorize
from genie.providers.registry import ProviderSettings
from genie.store.models import RemoteKey


def register_caldav(
    *, token: str, address: str, user: str, password: str, settings: ProviderSettings, now: datetime
) -> RemoteKey:
    """The key made or renewed. The server is asked between two transactions.

    Raises LinkClosed, WrongAccount, and each kind of ConnectFault, whose message is for the owner.
    """
    link = open_registration_link(token=token, now=now)
    count_try(link)
    grant = authorize(address=address, user=user, password=password, settings=settings)
    return complete_registration(
        token=token, account=grant.account, secret=grant.secret, granted=grant.granted, now=now
    )
