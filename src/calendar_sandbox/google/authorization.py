"""What an app asks for when it sends a person to the sign-in pages, and the way back (pure).

Parameters and their meaning: developers.google.com/identity/protocols/oauth2/web-server, *Step 1*, and
developers.google.com/identity/openid-connect/openid-connect, *Authentication URI parameters*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from calendar_sandbox.google import scopes
from calendar_sandbox.google.state import Client, Grant, World
from calendar_sandbox.standin import pkce
from calendar_sandbox.standin.clients import may_return_to, shown_name

ISSUER = "https://accounts.google.com"  # also here: clients compare the `iss` of an id token with it
PROMPTS = {"none", "consent", "select_account"}


class Refused(Exception):
    """The request cannot be served and nobody is sent anywhere: the person sees an error page."""

    def __init__(self, code: str, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status


@dataclass(frozen=True)
class Wish:
    """One request for authorization. `query` is how it came, to be carried from page to page."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    query: str
    state: str | None = None
    prompt: frozenset[str] = frozenset()
    login_hint: str = ""
    offline: bool = False
    combined: bool = False  # include_granted_scopes
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""

    @property
    def app(self) -> str:
        return shown_name(self.client, self.redirect_uri)

    @property
    def sign_in(self) -> list[str]:
        """The scopes that come with choosing the account."""
        return [scope for scope in self.scopes if scope in scopes.SIGN_IN]

    @property
    def ticked(self) -> list[str]:
        """The scopes a person agrees to one by one."""
        return [scope for scope in self.scopes if scope in scopes.TICKED]

    @property
    def granular(self) -> bool:
        """Say whether there are ticks: "Applications requesting only one non-Sign-In scope are not subject to
        the granular permission consent screen" (Google's guide to granular permissions).
        """
        return len(self.scopes) > 1

    def needs_consent(self, grant: Grant | None) -> bool:
        """Say whether the person must be asked: for what is new, or because the app wants it so."""
        return "consent" in self.prompt or not set(self.scopes) <= set(grant.scopes if grant else ())

    def agreed(self, ticks: list[str]) -> list[str]:
        """Return the scopes a person grants by these ticks."""
        return [scope for scope in self.scopes if scope in scopes.SIGN_IN or scope in ticks]

    def back(self, values: Mapping[str, str]) -> str:
        """Return the app's address with an answer; `state` comes back as it was sent."""
        state = {} if self.state is None else {"state": self.state}
        joined = urlencode(dict(values) | state | {"iss": ISSUER})
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{joined}"


def wish_of(world: World, query: str) -> Wish:
    """Read an authorization request, or raise Refused as Google does."""
    pairs = parse_qsl(query, keep_blank_values=True)
    doubled = [name for name, count in Counter(name for name, _value in pairs).items() if count > 1]
    if doubled:
        raise _invalid(f"OAuth 2 parameters can only have a single value: {doubled[0]}")
    given = dict(pairs)
    client = _client(world, given)
    if given.get("response_type") != "code":
        raise _invalid(
            f"Invalid response_type: {given['response_type']}"
            if given.get("response_type")
            else "Required parameter is missing: response_type"
        )
    method, challenge = _challenge(given)
    return Wish(
        client=client,
        redirect_uri=given["redirect_uri"],
        scopes=tuple(_scopes(given)),
        query=query,
        state=given.get("state"),
        prompt=_prompt(given),
        login_hint=given.get("login_hint", ""),
        offline=_one_of(given, "access_type", ("online", "offline")) == "offline",
        combined=_one_of(given, "include_granted_scopes", ("false", "true")) == "true",
        code_challenge=challenge,
        code_challenge_method=method,
        nonce=given.get("nonce", ""),
    )


def _client(world: World, given: Mapping[str, str]) -> Client:
    if not given.get("client_id"):
        raise _invalid("Missing required parameter: client_id")
    client = world.clients.get(given["client_id"])
    if client is None:
        raise Refused("invalid_client", "The OAuth client was not found.", status=401)
    if not given.get("redirect_uri"):
        raise _invalid("Missing required parameter: redirect_uri")
    if not may_return_to(client, given["redirect_uri"]):
        raise Refused(
            "redirect_uri_mismatch",
            "You can’t sign in to this app because the address it wants you sent back to is not one of those "
            "registered for it. If you are the app’s developer, register it: "
            f"--google-client {client.id}:SECRET:{given['redirect_uri']}",
        )
    return client


def _scopes(given: Mapping[str, str]) -> list[str]:
    asked = scopes.asked_for(given.get("scope", ""))
    if not asked:
        raise _invalid("Missing required parameter: scope")
    if unknown := scopes.unknown(asked):
        valid = [scope for scope in asked if scope not in unknown]
        raise Refused(
            "invalid_scope",
            f"Some requested scopes were invalid. {{valid=[{', '.join(valid)}], "
            f"invalid=[{', '.join(unknown)}]}}",
        )
    return asked


def _prompt(given: Mapping[str, str]) -> frozenset[str]:
    asked = frozenset(given.get("prompt", "").split())
    if strange := sorted(asked - PROMPTS):
        raise _invalid(f"Invalid parameter value for prompt: Invalid prompt: {strange[0]}")
    if "none" in asked and len(asked) > 1:
        raise _invalid("Invalid parameter value for prompt: none cannot be combined with other values")
    return asked


def _challenge(given: Mapping[str, str]) -> tuple[str, str]:
    challenge = given.get("code_challenge", "")
    if not challenge:
        return "", ""
    method = given.get("code_challenge_method") or "plain"
    if method not in pkce.METHODS:
        raise _invalid(f"Invalid code_challenge_method: {method}")
    if not pkce.is_challenge(challenge):
        raise _invalid("Invalid code_challenge")
    return method, challenge


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, str]) -> str:
    value = given.get(name) or choices[0]
    if value not in choices:
        raise _invalid(f"Invalid parameter value for {name}: {value}")
    return value


def _invalid(text: str) -> Refused:
    return Refused("invalid_request", text)
