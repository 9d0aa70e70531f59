"""Conversations with Microsoft: its word for what went wrong, in Graph and at the identity platform."""

from __future__ import annotations

from collections.abc import Mapping

from genie.providers import conversation
from genie.providers.conversation import Body
from genie.providers.registry import ProviderSettings


class Http(conversation.Http):
    """Requests to the operator's addresses for Microsoft."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings, who="Microsoft", reason_of=reason_of)
        self.options = settings.of("microsoft")

    def graph(self, path: str) -> str:
        """The address of a path in Graph."""
        return f"{self.options['graph_url'].rstrip('/')}/{path}"


def endpoint(options: Mapping[str, str], name: str) -> str:
    """The address of an endpoint of the identity platform: `authorize` or `token`."""
    return f"{options['authority'].rstrip('/')}/{options['tenant']}/oauth2/v2.0/{name}"


def approval_address(options: Mapping[str, str]) -> str:
    """Where an administrator approves this installation for an organisation (*Admin consent*).

    Personal accounts have no administrators, so the tenants of which they are a part do not do.
    """
    tenant = options["tenant"]
    whose = "organizations" if tenant in ("common", "consumers") else tenant
    return f"{options['authority'].rstrip('/')}/{whose}/adminconsent?client_id={options['client_id']}"


def reason_of(body: Body) -> str:
    """`error.code` of Graph, `error` of the token endpoint."""
    error = body.get("error")
    if isinstance(error, str):
        return error
    return str(error.get("code") or "") if isinstance(error, Mapping) else ""
