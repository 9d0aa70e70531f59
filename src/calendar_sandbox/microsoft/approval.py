"""Where an administrator approves an app for a whole organisation, without signing in to it.

    GET  /{tenant}/adminconsent         client_id, redirect_uri?, state?: all the app is registered for
    GET  /{tenant}/v2.0/adminconsent    the same with scope
    POST to either                      request, account, decision (accept|cancel)

The browser goes back with `admin_consent=True` and the tenant, and with an error beside them where it was
declined (learn.microsoft.com/entra/identity-platform/v2-admin-consent); without `redirect_uri` to the first
registered address. Microsoft signs the administrator in first; here that and the decision are one page.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.microsoft import aadsts, scopes
from calendar_sandbox.microsoft.aadsts import Refused
from calendar_sandbox.microsoft.authorization import (
    CONSUMERS,
    Way,
    app_of,
    in_tenant,
    tenant_of,
)
from calendar_sandbox.microsoft.state import Account, Client, World
from calendar_sandbox.standin.clients import shown_name
from calendar_sandbox.standin.signin import signin_page, text_of

SYSTEM = "Microsoft"
PLACES = ("/{tenant}/adminconsent", "/{tenant}/v2.0/adminconsent")


@dataclass(frozen=True)
class Approval:
    """What is to be approved. `query` is how it was asked."""

    tenant: str
    client: Client
    way: Way
    scopes: tuple[str, ...]
    named: bool  # the app said which permissions
    query: str

    @property
    def app(self) -> str:
        return shown_name(self.client, self.way.redirect_uri)

    def administrators(self, world: World) -> list[Account]:
        """Who may decide."""
        return [
            one
            for one in world.accounts.values()
            if one.admin and not one.personal and not one.suspended and in_tenant(one, self.tenant)
        ]


async def show(request: Request) -> Response:
    return _answered(request, request.url.query, None)


async def decide(request: Request) -> Response:
    form = await request.form()
    decided = (text_of(form, "account"), text_of(form, "decision"))
    return _answered(request, text_of(form, "request"), decided)


def _answered(request: Request, query: str, decided: tuple[str, str] | None) -> Response:
    world: World = request.app.state.microsoft.world
    with world.lock:
        try:
            approval = _asked(world, request.path_params["tenant"], query, named="/v2.0/" in request.url.path)
        except Refused as refused:
            told = refused.as_json(world)
            return signin_page("microsoft/refused.html", SYSTEM, status=refused.status, told=told)
        administrators = approval.administrators(world)
        chosen = next((one for one in administrators if decided and one.upn == decided[0]), None)
        if chosen is not None and decided is not None:
            return _back(world, approval, chosen, accepted=decided[1] == "accept")
    return signin_page(
        "microsoft/organization.html",
        SYSTEM,
        redirect_uri=approval.way.redirect_uri,
        approval=approval,
        administrators=administrators,
        asked=[scopes.PERMISSIONS[scope] for scope in approval.scopes],
        path=request.url.path,
    )


def _asked(world: World, path: str, query: str, *, named: bool) -> Approval:
    """Raise Refused."""
    tenant = tenant_of(world, path)
    if tenant == CONSUMERS:
        raise aadsts.no_tenant(path)
    given = dict(parse_qsl(query, keep_blank_values=True))
    client, redirect_uri = app_of(world, tenant, given)
    if named and not given.get("scope"):
        raise aadsts.missing("scope")
    wanted = scopes.asked_for(given.get("scope", "") if named else scopes.DEFAULT)
    if unknown := scopes.unknown(wanted):
        raise aadsts.no_such_scope(client, unknown[0])
    return Approval(tenant, client, Way(redirect_uri, state=given.get("state")), tuple(wanted), named, query)


def _back(world: World, approval: Approval, admin: Account, *, accepted: bool) -> Response:
    told = {"admin_consent": "True", "tenant": admin.tid}
    if accepted:
        consented = world.tenants[admin.tid].consented
        consented += [] if approval.client.id in consented else [approval.client.id]
        told |= {"scope": " ".join(approval.scopes)} if approval.named else {}
    else:
        refused = aadsts.declined()
        told |= {"error": "consent_required", "error_description": refused.description(world)}
    return RedirectResponse(approval.way.address(told), 303)


routes = [
    *(Route(place, show, methods=["GET"]) for place in PLACES),
    *(Route(place, decide, methods=["POST"]) for place in PLACES),
]
