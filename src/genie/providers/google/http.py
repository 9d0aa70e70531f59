"""Conversations with Google: its word for what went wrong, and how it wants to be asked."""

from __future__ import annotations

from collections.abc import Mapping

from genie.providers import conversation
from genie.providers.conversation import Body
from genie.providers.registry import ProviderSettings


class Http(conversation.Http):
    """Requests to the operator's addresses for Google."""

    def __init__(self, settings: ProviderSettings) -> None:
        # Google compresses only for those whose name says so (its guide to performance)
        agent = {"User-Agent": f"{settings.user_agent} (gzip)"}
        super().__init__(settings, who="Google", reason_of=reason_of, headers=agent)
        self.options = settings.of("google")


def reason_of(body: Body) -> str:
    """`errors[].reason` of the API, `error` of the token endpoint."""
    error = body.get("error")
    if isinstance(error, str):
        return error
    if not isinstance(error, Mapping):
        return ""
    for name in ("errors", "details"):
        for one in error.get(name) or ():
            if isinstance(one, Mapping) and isinstance(one.get("reason"), str):
                return str(one["reason"])
    return str(error.get("status") or "")
