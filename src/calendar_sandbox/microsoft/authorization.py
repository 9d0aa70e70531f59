"""What an app asks for when it sends a person to the sign-in pages, and the way back (pure).

Parameters and their meaning: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, *Request
an authorization code*; which accounts a tenant in the path means: v2-protocols, *Endpoints*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from calendar_sandbox.microsoft import aadsts, scopes
from calendar_sandbox.microsoft.aadsts import Refused
from calendar_sandbox.microsoft.state import PERSONAL_TENANT, Account, Client, Grant, World
from calendar_sandbox.standin import pkce
from calendar_sandbox.standin.clients import may_return_to, shown_name

COMMON, ORGANIZATIONS, CONSUMERS = "common", "organizations", "consumers"
PROMPTS = ("none", "login", "consent", "select_account")
MODES = ("query", "fragment", "form_post")


@dataclass(frozen=True)
class Way:
    """How an answer goes back to the app; `state` comes back as it was sent."""

    redirect_uri: str
    mode: str = "query"
    state: str | None = None

    def values(self, values: Mapping[str, str]) -> dict[str, str]:
        return dict(values) | ({} if self.state is None else {"state": self.state})

    def address(self, values: Mapping[str, str]) -> str:
        joined = urlencode(self.values(values))
        if self.mode == "fragment":
            return f"{self.redirect_uri}#{joined}"
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{joined}"


class SentBack(Exception):
    """The request is refused, and the app is told so by way of the browser."""

    def __init__(self, way: Way, refused: Refused) -> None:
        super().__init__(refused.text)
        self.way = way
        self.refused = refused


@dataclass(frozen=True)
class Wish:
    """One request for authorization. `query` is how it came, to be carried from page to page.

    `tenant` is common, organizations, consumers or a tenant's id, `path` how it stood in the path.
    """

    tenant: str
    path: str
    client: Client
    way: Way
    scopes: tuple[str, ...]
    query: str
    prompt: str = ""
    login_hint: str = ""
    domain_hint: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""

    @property
    def app(self) -> str:
        return shown_name(self.client, self.way.redirect_uri)

    def asked_of(self, account: Account) -> list[str]:
        """The permissions this account is asked for."""
        return scopes.for_account(self.scopes, personal=account.personal)

    def needs_consent(self, world: World, account: Account, grant: Grant | None) -> bool:
        """Say whether the permissions page is due: for what is new, or because the app wants it so.

        What an administrator allowed for the organisation is not asked again, unless by `prompt=consent`:
        that asks in any case, and so also those who may not agree.
        """
        if self.prompt == "consent":
            return True
        tenant = world.tenants.get(account.tid)
        if tenant is not None and self.client.id in tenant.consented:
            return False
        return not set(self.asked_of(account)) <= set(grant.scopes if grant else ())

    def fits(self, account: Account) -> bool:
        """Say whether an account of this kind can sign in by this path at all."""
        hint = self.domain_hint.lower()
        kinds = {CONSUMERS: account.personal, ORGANIZATIONS: not account.personal, "": True}
        wanted = kinds.get(hint, account.upn.endswith(f"@{hint}") or account.tid == hint)
        return wanted and in_tenant(account, self.tenant) and in_tenant(account, self.client.audience)

    def refusal_of(self, world: World, account: Account) -> Refused | None:
        """Why the tenant or the app does not let this account in; None when they do."""
        for tenant in (self.tenant, self.client.audience):
            if not in_tenant(account, tenant):
                return aadsts.not_in_tenant(account, self.client, _name_of(world, tenant))
        return None


def may_consent(world: World, account: Account, client: Client) -> bool:
    """Say whether the person may agree for themselves."""
    tenant = world.tenants.get(account.tid)
    if tenant is None or account.admin:
        return True
    return tenant.users_may_consent and not client.needs_admin


def tenant_of(world: World, path: str) -> str:
    """What the tenant in a path means; Refused for one that is not there."""
    name = path.lower()
    if name in (COMMON, ORGANIZATIONS, CONSUMERS):
        return name
    if name == PERSONAL_TENANT:
        return CONSUMERS
    for tenant in world.tenants.values():
        if name in (tenant.id, tenant.name):
            return tenant.id
    raise aadsts.no_tenant(path)


def client_of(world: World, tenant: str, client_id: str) -> Client:
    """Find the app, in the tenant it is asked for in, or raise Refused."""
    client = world.clients.get(client_id)
    if client is None:
        raise aadsts.no_client(client_id, _name_of(world, tenant))
    audience = client.audience
    if audience == CONSUMERS and tenant != CONSUMERS:
        raise aadsts.consumers_only(client)
    if audience == ORGANIZATIONS and tenant == CONSUMERS:
        raise aadsts.no_client(client_id, _name_of(world, tenant))
    if audience not in (COMMON, ORGANIZATIONS, CONSUMERS, tenant):
        if tenant in (COMMON, ORGANIZATIONS):
            raise aadsts.one_tenant_only(client)
        raise aadsts.no_client(client_id, _name_of(world, tenant))
    return client


def wish_of(world: World, path: str, query: str) -> Wish:
    """Read an authorization request.

    Raise Refused where nobody can be sent back, SentBack where the app is told what is wrong.
    """
    tenant = tenant_of(world, path)
    given = dict(parse_qsl(query, keep_blank_values=True))
    client, redirect_uri = app_of(world, tenant, given)
    mode = given.get("response_mode") or MODES[0]
    way = Way(redirect_uri, mode if mode in MODES else MODES[0], given.get("state"))
    try:
        if mode not in MODES:
            raise aadsts.bad_value("response_mode", mode)
        method, challenge = _challenge(given)
        return Wish(
            tenant=tenant,
            path=path,
            client=client,
            way=way,
            scopes=tuple(_scopes(client, given)),
            query=query,
            prompt=_prompt(given),
            login_hint=given.get("login_hint", ""),
            domain_hint=given.get("domain_hint", ""),
            code_challenge=challenge,
            code_challenge_method=method,
            nonce=given.get("nonce", ""),
        )
    except Refused as refused:
        raise SentBack(way, refused) from None


def app_of(world: World, tenant: str, given: Mapping[str, str]) -> tuple[Client, str]:
    """Find the app and the address it is to be answered at, or raise Refused."""
    if not given.get("client_id"):
        raise aadsts.missing("client_id")
    client = client_of(world, tenant, given["client_id"])
    redirect_uri = given.get("redirect_uri") or (client.redirect_uris[0] if client.redirect_uris else "")
    if not redirect_uri:
        raise aadsts.missing("redirect_uri")
    if not may_return_to(client, redirect_uri):
        raise aadsts.wrong_redirect(client, redirect_uri)
    return client, redirect_uri


def _scopes(client: Client, given: Mapping[str, str]) -> list[str]:
    if given.get("response_type") != "code":
        if not given.get("response_type"):
            raise aadsts.missing("response_type")
        raise aadsts.response_type(given["response_type"])
    asked = scopes.asked_for(given.get("scope", ""))
    if not asked:
        raise aadsts.missing("scope")
    if unknown := scopes.unknown(asked):
        raise aadsts.no_such_scope(client, unknown[0])
    return asked


def _prompt(given: Mapping[str, str]) -> str:
    prompt = given.get("prompt", "").lower()
    if prompt and prompt not in PROMPTS:
        raise aadsts.bad_value("prompt", given["prompt"])
    return prompt


def _challenge(given: Mapping[str, str]) -> tuple[str, str]:
    challenge = given.get("code_challenge", "")
    if not challenge and not given.get("code_challenge_method"):
        return "", ""
    method = given.get("code_challenge_method") or "plain"
    if method not in pkce.METHODS:
        raise aadsts.bad_method()
    if not pkce.is_challenge(challenge):
        raise aadsts.bad_challenge()
    return method, challenge


def in_tenant(account: Account, tenant: str) -> bool:
    """Say whether an account is one of those a path or a registration means."""
    if tenant in (ORGANIZATIONS, CONSUMERS):
        return account.personal == (tenant == CONSUMERS)
    return tenant in (COMMON, account.tid)


def _name_of(world: World, tenant: str) -> str:
    """The directory as messages name it."""
    if tenant == CONSUMERS:
        return "Microsoft Accounts"
    return world.tenants[tenant].name if tenant in world.tenants else tenant
