"""Signing in at the Microsoft stand-in, under the paths of the Microsoft identity platform v2.0.

    GET  /{tenant}/oauth2/v2.0/authorize     where an app sends a person: pick an account, agree, go back
    GET  /{tenant}/oauth2/v2.0/login         “Use another account”: an address to type
    POST /{tenant}/oauth2/v2.0/pick          an account was picked; this browser is signed in to it now
    GET  /{tenant}/oauth2/v2.0/permissions   what the app asks for: all of it or nothing
    POST /{tenant}/oauth2/v2.0/permissions   decision (accept|cancel), organization (an administrator's tick)
    GET  /{tenant}/oauth2/v2.0/logout        this browser forgets its accounts; post_logout_redirect_uri
    POST /{tenant}/oauth2/v2.0/token         codes and refresh tokens to access tokens
    GET  /{tenant}/v2.0/.well-known/openid-configuration    where all of this is
    GET  /{tenant}/discovery/v2.0/keys       the public key of the id tokens
    GET  /oidc/userinfo                      who signed in, as far as the permissions allow

`tenant` is common, organizations, consumers, a tenant's id or its domain. There is no password: whoever may
play the owners may sign in as them. A browser remembers the accounts it picked in one cookie.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.microsoft import aadsts, scopes, tokens
from calendar_sandbox.microsoft.aadsts import Refused
from calendar_sandbox.microsoft.authorization import (
    CONSUMERS,
    MODES,
    ORGANIZATIONS,
    SentBack,
    Way,
    Wish,
    may_consent,
    tenant_of,
    wish_of,
)
from calendar_sandbox.microsoft.state import PERSONAL_TENANT, Account, World
from calendar_sandbox.pages import BIGGEST_FORM
from calendar_sandbox.standin import pkce, signing
from calendar_sandbox.standin.clients import may_return_to
from calendar_sandbox.standin.faults import Fault
from calendar_sandbox.standin.signin import Face, basic_of, remember, remembered, signin_page, text_of

SYSTEM, COOKIE = "Microsoft", "pretend_microsoft"
PLACE = "/{tenant}/oauth2/v2.0"
NOT_FOUND = (
    "This username may be incorrect. Make sure you typed it correctly. This stand-in only knows the accounts "
    "it was started with."
)
WRONG_KIND = {
    ORGANIZATIONS: "You can’t sign in here with a personal account. Use your work or school account instead.",
    CONSUMERS: "You can’t sign in here with a work or school account. Use your personal account instead.",
}
LOCKED = "Your account has been locked. Contact your support person to unlock it, then try again."
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Endpoint = Callable[[Request], Awaitable[Response]]


# --- pages


def refusing(endpoint: Endpoint) -> Endpoint:
    """Show the error page where nobody can be sent back; else tell the app by way of the browser."""

    async def shown(request: Request) -> Response:
        world = _world(request)
        try:
            return await endpoint(request)
        except SentBack as sent:
            with world.lock:
                return _told(world, sent.way, sent.refused)
        except Refused as refused:
            with world.lock:
                told = refused.as_json(world)
            return signin_page("microsoft/refused.html", SYSTEM, status=refused.status, told=told)

    return shown


@refusing
async def authorize(request: Request) -> Response:
    world = _world(request)
    with world.lock:
        wish = _wish(world, request, request.url.query)
        here = _signed_in(request, world)
        hinted = _hinted(world, wish)
        if wish.prompt == "none":
            return _silently(world, wish, here, hinted)
        fitting = [account for account in here if wish.fits(account)]
        if wish.prompt in ("", "consent") and (hinted or len(fitting) == 1):
            return _with_account(world, wish, hinted or fitting[0])
        return _picker(world, wish, here, hinted)


@refusing
async def login(request: Request) -> Response:
    """Ask for an address."""
    wish = _wish(_world(request), request, request.query_params.get("request", ""))
    return _page("identifier.html", wish, typed=wish.login_hint, error="")


@refusing
async def pick(request: Request) -> Response:
    world, form = _world(request), await request.form()
    with world.lock:
        wish = _wish(world, request, text_of(form, "request"))
        typed = text_of(form, "account").strip()
        account = world.account_of(typed) if typed else None
        error = _why_not(wish, account)
        if account is None or error:
            return _page("identifier.html", wish, typed=typed, error=error, status=400)
        here = _signed_in(request, world)
    values = urlencode({"account": account.upn, "request": wish.query})
    answer = RedirectResponse(f"{_place(wish)}/permissions?{values}", 303)
    remember(answer, COOKIE, (one.upn for one in (here if account in here else [*here, account])))
    return answer


@refusing
async def permissions(request: Request) -> Response:
    world = _world(request)
    with world.lock:
        wish = _wish(world, request, request.query_params.get("request", ""))
        return _with_account(world, wish, _account(world, request.query_params.get("account", "")))


@refusing
async def decide(request: Request) -> Response:
    world, form = _world(request), await request.form()
    with world.lock:
        wish = _wish(world, request, text_of(form, "request"))
        account = _account(world, text_of(form, "account"))
        if not may_consent(world, account, wish.client):
            raise SentBack(wish.way, aadsts.needs_admin())
        if text_of(form, "decision") != "accept":
            raise SentBack(wish.way, aadsts.declined())
        if account.admin and text_of(form, "organization"):
            consented = world.tenants[account.tid].consented
            consented += [] if wish.client.id in consented else [wish.client.id]
        return _granted(world, wish, account, status=303)


@refusing
async def logout(request: Request) -> Response:
    """Forget this browser's accounts; go on to an address that belongs to an app."""
    world = _world(request)
    with world.lock:
        tenant_of(world, request.path_params["tenant"])
        clients = list(world.clients.values())
    back = request.query_params.get("post_logout_redirect_uri", "")
    state = request.query_params.get("state")
    answer: Response = signin_page("microsoft/signed_out.html", SYSTEM)
    if back and any(may_return_to(client, back) for client in clients):
        answer = RedirectResponse(Way(back, state=state).address({}) if state else back, 302)
    answer.delete_cookie(COOKIE)
    return answer


def _silently(world: World, wish: Wish, here: list[Account], hinted: Account | None) -> Response:
    """Answer `prompt=none`: no page is shown, so all must be settled already."""
    fitting = [account for account in here if hinted in (None, account) and wish.fits(account)]
    if not fitting:
        raise SentBack(wish.way, aadsts.nobody_signed_in())
    if len(fitting) > 1:
        raise SentBack(wish.way, aadsts.who_of_them())
    if wish.needs_consent(world, fitting[0], world.grant_of(fitting[0], wish.client.id)):
        raise SentBack(wish.way, aadsts.ask_for_consent(wish.client))
    return _granted(world, wish, fitting[0])


def _with_account(world: World, wish: Wish, account: Account) -> Response:
    refused = wish.refusal_of(world, account)
    if refused is not None:
        raise refused
    if not wish.needs_consent(world, account, world.grant_of(account, wish.client.id)):
        return _granted(world, wish, account)
    if not may_consent(world, account, wish.client):
        return _page("approval.html", wish, account=account)
    asked = [scopes.PERMISSIONS[scope] for scope in wish.asked_of(account)]
    return _page("permissions.html", wish, account=account, asked=asked)


def _granted(world: World, wish: Wish, account: Account, *, status: int = 302) -> Response:
    """Keep what was agreed to and send the person back with a code."""
    asked = wish.asked_of(account)
    grant = world.grant(account, wish.client.id, asked)
    grant.granted = grant.granted or world.now()
    code = world.issue_code(
        account,
        wish.client.id,
        asked,
        redirect_uri=wish.way.redirect_uri,
        tenant=wish.path,
        code_challenge=wish.code_challenge,
        code_challenge_method=wish.code_challenge_method,
        nonce=wish.nonce,
    )
    return _answered(wish.way, {"code": code.code, "session_state": world.new_guid()}, status)


def _told(world: World, way: Way, refused: Refused) -> Response:
    subcode = {"error_subcode": refused.subcode} if refused.subcode else {}
    described = {"error_description": refused.description(world)}
    return _answered(way, {"error": refused.error} | subcode | described, 303)


def _answered(way: Way, values: dict[str, str], status: int) -> Response:
    if way.mode != "form_post":
        return RedirectResponse(way.address(values), status)
    return signin_page(
        "microsoft/form_post.html",
        SYSTEM,
        redirect_uri=way.redirect_uri,
        action=way.redirect_uri,
        values=way.values(values),
    )


def _picker(world: World, wish: Wish, here: list[Account], hinted: Account | None) -> Response:
    known = [account for account in world.accounts.values() if not account.suspended and wish.fits(account)]
    known.sort(key=lambda account: (account is not hinted, account not in here))
    faces = [Face(account.upn, account.name, account in here) for account in known]
    return _page("picker.html", wish, faces=faces, here=here)


def _page(name: str, wish: Wish, *, status: int = 200, **values: Any) -> Response:
    return signin_page(
        f"microsoft/{name}",
        SYSTEM,
        redirect_uri=wish.way.redirect_uri,
        status=status,
        wish=wish,
        place=_place(wish),
        **values,
    )


def _place(wish: Wish) -> str:
    return PLACE.format(tenant=wish.path)


def _wish(world: World, request: Request, query: str) -> Wish:
    return wish_of(world, request.path_params["tenant"], query)


# --- the browser's accounts


def _signed_in(request: Request, world: World) -> list[Account]:
    found = [world.account_of(upn) for upn in remembered(request, COOKIE)]
    return [account for account in found if account and not account.suspended]


def _hinted(world: World, wish: Wish) -> Account | None:
    """Find the account `login_hint` means."""
    found = world.account_of(wish.login_hint) if wish.login_hint else None
    return None if found is None or found.suspended or not wish.fits(found) else found


def _why_not(wish: Wish, account: Account | None) -> str:
    """What the page says to a typed address; nothing when the account may go on."""
    if account is None:
        return NOT_FOUND
    if account.suspended:
        return LOCKED
    wrong = wish.tenant in WRONG_KIND and account.personal != (wish.tenant == CONSUMERS)
    return WRONG_KIND[wish.tenant] if wrong else ""


def _account(world: World, upn: str) -> Account:
    account = world.account_of(upn) if upn else None
    if account is None or account.suspended:
        raise aadsts.disabled()
    return account


# --- endpoints for programs


async def token(request: Request) -> Response:
    world = _world(request)
    mine = request.headers.get("client-request-id", "")
    mine = mine if GUID.fullmatch(mine) else ""
    form = await _sent(request)
    with world.lock:
        try:
            answer = tokens.exchanged(world, request.path_params["tenant"], form, _basic(request))
            status = 200
        except Refused as refused:
            answer, status = refused.as_json(world, mine), refused.status
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return JSONResponse(answer, status, headers | ({"client-request-id": mine} if mine else {}))


def fault_words(graph: Any, fault: Fault) -> dict[str, Any]:
    """What the token endpoint says to a fault: its `reason` is an error or a suberror of Microsoft's."""
    return aadsts.demanded(fault.reason, fault.code).as_json(graph.world)


async def userinfo(request: Request) -> Response:
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    world = _world(request)
    with world.lock:
        known = tokens.person(world, bearer.strip()) if kind.lower() == "bearer" else None
    if known is not None:
        return JSONResponse(known)
    said = {"code": "InvalidAuthenticationToken", "message": "Access token validation failure."}
    return JSONResponse({"error": said}, 401)


async def keys(request: Request) -> Response:
    """The public key, as Microsoft's document has it: with its certificate."""
    der = signing.certificate().public_bytes(Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()  # noqa: S324  RFC 7517
    (key,) = signing.public_keys()["keys"]
    more = {"x5t": thumbprint, "x5c": [base64.b64encode(der).decode()]}
    return JSONResponse({"keys": [key | more]}, headers={"Cache-Control": "public, max-age=60"})


async def discovery(request: Request) -> Response:
    """The discovery document: Microsoft's, with this address in it. The issuer stays Microsoft's own name."""
    world, path = _world(request), request.path_params["tenant"]
    try:
        with world.lock:
            tenant = tenant_of(world, path)
    except Refused as refused:
        with world.lock:
            return JSONResponse(refused.as_json(world) | {"error": "invalid_tenant"}, refused.status)
    base = str(request.base_url).rstrip("/")
    place = f"{base}{PLACE.format(tenant=path)}"
    named = tenant if tenant in world.tenants else PERSONAL_TENANT if tenant == CONSUMERS else ""
    return JSONResponse(
        {
            "token_endpoint": f"{place}/token",
            "token_endpoint_auth_methods_supported": [
                *("client_secret_post", "private_key_jwt", "client_secret_basic"),
            ],
            "jwks_uri": f"{base}/{path}/discovery/v2.0/keys",
            "response_modes_supported": list(MODES),
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": list(scopes.SIGN_IN),
            "issuer": f"{tokens.ISSUER}/{named or '{tenantid}'}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{base}/oidc/userinfo",
            "authorization_endpoint": f"{place}/authorize",
            "http_logout_supported": True,
            "end_session_endpoint": f"{place}/logout",
            "claims_supported": [
                *("sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "preferred_username"),
                *("name", "tid", "ver", "oid", "email"),
            ],
            "code_challenge_methods_supported": list(pkce.METHODS),
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }
    )


async def _sent(request: Request) -> dict[str, str]:
    """Read the form; anything else counts as nothing, as at Microsoft."""
    small = int(request.headers.get("content-length") or 0) <= BIGGEST_FORM
    form = await request.form() if small else {}
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _basic(request: Request) -> tuple[str, str] | None:
    try:
        return basic_of(request)
    except ValueError:
        raise aadsts.malformed() from None


def _world(request: Request) -> World:
    world: World = request.app.state.microsoft.world
    return world


routes = [
    Route(f"{PLACE}/authorize", authorize),
    Route(f"{PLACE}/login", login),
    Route(f"{PLACE}/pick", pick, methods=["POST"]),
    Route(f"{PLACE}/permissions", permissions, methods=["GET"]),
    Route(f"{PLACE}/permissions", decide, methods=["POST"]),
    Route(f"{PLACE}/logout", logout),
    Route(f"{PLACE}/token", token, methods=["POST"]),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", discovery),
    Route("/{tenant}/discovery/v2.0/keys", keys),
    Route("/oidc/userinfo", userinfo, methods=["GET", "POST"]),
]
