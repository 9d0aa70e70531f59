"""Who one is, and what the mailbox is set to."""

from __future__ import annotations

from calendar_sandbox.microsoft import errors
from calendar_sandbox.microsoft.api import entities, odata
from calendar_sandbox.microsoft.api.call import Answer, Call


def me(call: Call) -> Answer:
    if not call.own_mailbox:
        raise errors.insufficient()
    said = odata.selected(call, entities.user(call))
    return Answer({"@odata.context": call.context("users/$entity")} | said)


def settings(call: Call) -> Answer:
    if not call.own_mailbox:
        raise errors.access_denied()
    context = call.context(f"users('{call.mailbox.id}')/mailboxSettings")
    return Answer({"@odata.context": context} | entities.settings(call))
