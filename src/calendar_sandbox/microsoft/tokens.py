"""Codes to tokens: what the token endpoint answers, and what it tells about people (no HTTP here).

Answers: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, *Redeem a code for an access
token* and *Refresh the access token*; claims: id-token-claims-reference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from calendar_sandbox.microsoft import aadsts, assertions, scopes
from calendar_sandbox.microsoft.authorization import client_of, in_tenant, tenant_of
from calendar_sandbox.microsoft.state import (
    REFRESH_LIFETIME,
    Account,
    AuthorizationCode,
    Client,
    Grant,
    RefreshToken,
    World,
)
from calendar_sandbox.standin import pkce, signing

Answer = dict[str, Any]
ISSUER = "https://login.microsoftonline.com"  # also here: clients compare the `iss` of an id token with it
SHORTEST, LONGEST = 3600, 5400  # seconds: "a random value ranging between 60-90 minutes"
TOKEN_START, SHORTEST_TOKEN = "0.A", 100  # the form of what was given out here


def exchanged(world: World, path: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> Answer:
    """Answer the token endpoint; `path` is the tenant in it. Raise Refused.

    `basic` is the client's id and secret when they came by HTTP Basic.
    """
    tenant = tenant_of(world, path)
    kind = form.get("grant_type", "")
    if not kind:
        raise aadsts.missing("grant_type")
    client = _client(world, tenant, path, form, basic)
    if kind == "authorization_code":
        return _by_code(world, tenant, client, form)
    if kind == "refresh_token":
        return _by_refresh(world, tenant, client, form)
    raise aadsts.unsupported_grant(kind)


def person(world: World, bearer: str) -> Answer | None:
    """What Graph's userinfo endpoint tells; None for a token that does not count or has no `openid`."""
    token = world.bearer(bearer)
    if token is None or scopes.OPENID not in token.scopes:
        return None
    account = world.accounts[token.account]
    known: Answer = {"sub": _subject(account, token.client_id)}
    if scopes.PROFILE in token.scopes:
        known |= {"name": account.name, "given_name": account.given_name, "family_name": account.surname}
    if scopes.EMAIL in token.scopes:
        known["email"] = account.mail
    return known


def withdrawn(world: World, account: Account, client_id: str) -> None:
    """The person takes back what was allowed: from now on the app's tokens want consent again.

    Other than a grant an administrator revoked, whose tokens want a new sign-in (`World.revoke_grant`).
    """
    grant = world.grant_of(account, client_id)
    world.revoke_grant(account, client_id)
    if grant is not None:
        kept = Grant(account.oid, client_id, refresh_tokens=grant.refresh_tokens)
        world.grants[f"{account.oid} {client_id}"] = kept


def _client(
    world: World, tenant: str, path: str, form: Mapping[str, str], basic: tuple[str, str] | None
) -> Client:
    id_, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not id_:
        raise aadsts.missing("client_id")
    client = client_of(world, tenant, id_)
    if form.get("client_assertion"):
        assertions.prove(world, client, path, form)
        return client
    confidential = bool(client.secret or client.certificates)
    if secret and not confidential:
        raise aadsts.public_client()
    if confidential and not secret:
        raise aadsts.no_secret()
    if not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise aadsts.wrong_secret(client)
    return client


def _by_code(world: World, tenant: str, client: Client, form: Mapping[str, str]) -> Answer:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise aadsts.missing(name)
    code = world.codes.get(form["code"])
    if code is None or code.client_id != client.id:
        raise aadsts.malformed("invalid_grant")
    account = _alive(world, code.account)
    if not in_tenant(account, tenant):
        raise aadsts.other_tenant()
    grant = world.grant_of(account, client.id)
    if code.used:
        raise aadsts.code_used() if grant else aadsts.revoked()
    if code.expires <= world.now():
        raise aadsts.too_old()
    if code.redirect_uri != form["redirect_uri"]:
        raise aadsts.other_redirect(form["redirect_uri"], code.redirect_uri)
    _prove(code, form.get("code_verifier", ""))
    asked = form.get("scope", "") or " ".join(code.scopes)
    _consented(client, account, grant, asked)
    code.used = True
    answer = _tokens(world, account, client, code.scopes, asked, code.nonce)
    if scopes.OFFLINE in code.scopes:
        code.refresh_token = world.issue_refresh_token(account, client.id, code.scopes).token
        answer["refresh_token"] = code.refresh_token
    return answer | _client_info(account, form)


def _prove(code: AuthorizationCode, verifier: str) -> None:
    if not code.code_challenge:
        return
    if not verifier:
        raise aadsts.no_verifier()
    if not pkce.proves(verifier, code.code_challenge, code.code_challenge_method):
        raise aadsts.wrong_verifier()


def _by_refresh(world: World, tenant: str, client: Client, form: Mapping[str, str]) -> Answer:
    sent = form.get("refresh_token", "")
    if not sent:
        raise aadsts.missing("refresh_token")
    found = world.refresh_token(sent)
    if found is None:
        raise _not_refreshed(world, sent)
    grant, token = found
    if grant.client_id != client.id:
        raise aadsts.not_valid()
    account = _alive(world, grant.account)
    if not in_tenant(account, tenant):
        raise aadsts.other_tenant()
    asked = form.get("scope", "") or " ".join(token.scopes)
    _consented(client, account, grant, asked)
    token.last_used = world.now()
    newest = world.issue_refresh_token(account, client.id, token.scopes, instead_of=token)
    answer = _tokens(world, account, client, token.scopes, asked, "")
    return answer | {"refresh_token": newest.token} | _client_info(account, form)


def _not_refreshed(world: World, sent: str) -> aadsts.Refused:
    """Why a refresh token does not work: replaced or too old, revoked, or none at all."""
    for grant in world.grants.values():
        for token in grant.refresh_tokens:
            if token.token == sent:
                return _ended(world, token)
    was_ours = sent.startswith(TOKEN_START) and len(sent) >= SHORTEST_TOKEN
    return aadsts.revoked() if was_ours else aadsts.malformed("invalid_grant")


def _ended(world: World, token: RefreshToken) -> aadsts.Refused:
    if world.now() - token.last_used >= REFRESH_LIFETIME:
        return aadsts.refresh_too_old(f"{token.issued:%Y-%m-%dT%H:%M:%S}.0000000Z")
    return aadsts.not_valid()


def _consented(client: Client, account: Account, grant: Grant | None, asked: str) -> None:
    wanted = scopes.asked_for(asked)
    if unknown := scopes.unknown(wanted):
        raise aadsts.bad_scope(unknown[0])
    able = set(scopes.for_account(wanted, personal=account.personal))
    if grant is None or not grant.scopes or not able <= set(grant.scopes):
        raise aadsts.not_consented(client)


def _alive(world: World, oid: str) -> Account:
    account = world.accounts.get(oid)
    if account is None or account.suspended:
        raise aadsts.disabled()
    return account


def _tokens(
    world: World, account: Account, client: Client, signed: list[str], asked: str, nonce: str
) -> Answer:
    """An access token for all that was ever consented to, as the service gives it for one resource."""
    grant = world.grant_of(account, client.id)
    held = list(grant.scopes) if grant else []
    seconds = SHORTEST if account.personal else world.random.randint(SHORTEST, LONGEST)
    token = world.issue_access_token(account, client.id, held, lifetime=timedelta(seconds=seconds))
    answer: Answer = {
        "token_type": "Bearer",
        "scope": scopes.written(held, asked),
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token.token,
    }
    if scopes.OPENID in signed:
        answer["id_token"] = _id_token(world, account, client, signed, nonce)
    return answer


def _id_token(world: World, account: Account, client: Client, signed: list[str], nonce: str) -> str:
    now = int(world.now().timestamp())
    claims: Answer = {
        "ver": "2.0",
        "iss": f"{ISSUER}/{account.tid}/v2.0",
        "sub": _subject(account, client.id),
        "aud": client.id,
        "iat": now,
        "nbf": now,
        "exp": now + SHORTEST,
        "tid": account.tid,
        "uti": world.letters(22),
    }
    if scopes.PROFILE in signed:
        claims |= {"name": account.name, "preferred_username": account.upn, "oid": account.oid}
    if scopes.EMAIL in signed:
        claims["email"] = account.mail
    if nonce:
        claims["nonce"] = nonce
    return signing.signed(claims)


def _subject(account: Account, client_id: str) -> str:
    """Another name of the person for each app ("a pairwise identifier")."""
    return _encoded(hashlib.sha256(f"{client_id} {account.oid}".encode()).digest())


def _client_info(account: Account, form: Mapping[str, str]) -> Answer:
    """Who it was, for Microsoft's own libraries, which ask for it by `client_info=1`."""
    if form.get("client_info") != "1":
        return {}
    who = json.dumps({"uid": account.oid, "utid": account.tid}, separators=(",", ":"))
    return {"client_info": _encoded(who.encode())}


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
