"""The world's sign-in pages: an authorization server inside the process, with PKCE and one grant per account.

A browser finds nothing at the address; a test hands it to an owner (`Owner.allow`, `Owner.deny`), who
answers with the address the browser is sent back to.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

from genie.core.errors import (
    ConnectFault,
    Denied,
    NoCalendars,
    NotAllowedThere,
    PermissionMissing,
    SignInExpired,
)
from genie.providers.memory.provider import account_of
from genie.providers.memory.world import WORLDS, Code, World
from genie.providers.port import Grant, Secret
from genie.providers.registry import ProviderSettings

NOTHING_SAVED = "Nothing was saved."


class Pages:
    """Sign-in for every account of every world of this process."""

    access = ("See your profile (who granted)", "View and edit events on your calendars")

    def __init__(self, settings: ProviderSettings) -> None:
        self._pages = settings.of("memory")["pages"]

    def address(self, *, state: str, challenge: str, redirect_uri: str, account: str = "") -> str:
        asked = {
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "redirect_uri": redirect_uri,
            "login_hint": account,
        }
        return f"{self._pages}?{urlencode(asked)}"

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> Grant:
        world = next((world for world in list(WORLDS.values()) if code in world.codes), None)
        if world is None:
            raise too_late()
        with world.asked("exchange"):
            given = world.codes.pop(code, None)
            if (
                given is None
                or given.redirect_uri != redirect_uri
                or given.challenge != challenge_of(verifier)
            ):
                raise too_late()
            return grant_of(world, given)

    def refusal(self, *, error: str, description: str) -> ConnectFault:
        if error == "access_denied":
            return Denied(f"You did not allow the access, so no calendar was connected. {NOTHING_SAVED}")
        return NotAllowedThere(f"This account may not grant access to other programs. {NOTHING_SAVED}")

    def revoke(self, secret: Secret) -> None:
        if "refresh" not in secret:
            return  # a password: nothing was granted
        world = WORLDS[secret["world"]]
        with world.asked("revoke"):
            person = world.person(secret["account"])
            if person is not None and secret["refresh"] in person.refresh_tokens:
                person.access_tokens.clear()
                person.refresh_tokens.clear()


def too_late() -> SignInExpired:
    return SignInExpired(f"The sign-in took too long or was finished before. {NOTHING_SAVED}")


def grant_of(world: World, given: Code) -> Grant:
    """Raises PermissionMissing and NoCalendars, and then leaves no token behind."""
    person = world.person(given.account)
    assert person is not None
    if not given.calendars:
        raise PermissionMissing(f"You signed in, but did not tick the calendar permission. {NOTHING_SAVED}")
    if not person.calendars:
        raise NoCalendars(f"This account has no calendar for events. {NOTHING_SAVED}")
    access, refresh = world.new_token("access"), world.new_token("refresh")
    person.access_tokens.add(access)
    person.refresh_tokens.add(refresh)
    secret = {"world": world.name, "account": person.address, "access": access, "refresh": refresh}
    calendars = [calendar.info for calendar in person.calendars.values()]
    return Grant(account_of(world, person), secret, "View and edit events on your calendars", calendars)


def challenge_of(verifier: str) -> str:
    """S256 (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
