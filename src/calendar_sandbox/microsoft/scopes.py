"""What an app may ask of a Microsoft account, in the words of Microsoft's permissions page.

Names and texts: the service principal of Microsoft Graph (`userConsentDisplayName` and
`userConsentDescription`), learn.microsoft.com/graph/permissions-reference and
learn.microsoft.com/entra/identity-platform/scopes-oidc.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OPENID, PROFILE, EMAIL, OFFLINE = "openid", "profile", "email", "offline_access"
SIGN_IN = (OPENID, PROFILE, EMAIL, OFFLINE)
RESOURCE = "00000003-0000-0000-c000-000000000000"  # Microsoft Graph
PREFIXES = ("https://graph.microsoft.com/", f"{RESOURCE}/")
DEFAULT = ".default"  # all an app is registered for


@dataclass(frozen=True)
class Permission:
    """`title` is what the page lists, `description` what unfolds below it."""

    title: str
    description: str
    work_only: bool = False  # personal accounts do not have it


PERMISSIONS = {
    OPENID: Permission(
        "Sign you in",
        "Allows you to sign in to the app with your account and allows the app to read your basic profile.",
    ),
    PROFILE: Permission(
        "View your basic profile",
        "Allows the app to see your basic profile (for example, name, picture, user name, email address).",
    ),
    EMAIL: Permission("View your email address", "Allows the app to read your primary email address."),
    OFFLINE: Permission(
        "Maintain access to data you have given it access to",
        "Allows the app to see and update the data you gave it access to, even when you are not currently "
        "using the app. This does not give the app any additional permissions.",
    ),
    "User.Read": Permission(
        "Sign you in and read your profile",
        "Allows you to sign in to the app with your organizational account and let the app read your "
        "profile. It also allows the app to read basic company information.",
    ),
    "Calendars.ReadBasic": Permission(
        "Read basic details of your calendars",
        "Allows the app to read events in your calendars, except for properties such as body, attachments, "
        "and extensions.",
    ),
    "Calendars.Read": Permission("Read your calendars", "Allows the app to read events in your calendars."),
    "Calendars.ReadWrite": Permission(
        "Have full access to your calendars",
        "Allows the app to read, update, create and delete events in your calendars.",
    ),
    "Calendars.Read.Shared": Permission(
        "Read calendars you can access",
        "Allows the app to read events in all calendars that you can access, including delegate and shared "
        "calendars.",
        work_only=True,
    ),
    "Calendars.ReadWrite.Shared": Permission(
        "Read and write to your and shared calendars",
        "Allows the app to read, update, create and delete events in all calendars in your organization you "
        "have permissions to access. This includes delegate and shared calendars.",
        work_only=True,
    ),
    "MailboxSettings.Read": Permission(
        "Read your mailbox settings",
        "Allows the app to read your mailbox settings. Does not include permission to send mail.",
    ),
}
REGISTERED = ("User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared")  # what `.default` stands for
SPELT = {name.lower(): name for name in PERMISSIONS}  # the service does not mind capital letters


def asked_for(text: str) -> list[str]:
    """Read a space-delimited list: short names in Microsoft's spelling, each once, in the given order.

    Names that are not known stay as they are.
    """
    names: list[str] = []
    for scope in text.split():
        short = _short(scope)
        names += REGISTERED if short == DEFAULT else [SPELT.get(short.lower(), scope)]
    return list(dict.fromkeys(names))


def unknown(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in scopes if scope not in PERMISSIONS]


def for_account(scopes: Iterable[str], *, personal: bool) -> list[str]:
    """What an account of the kind can grant at all; personal ones are not asked for the rest."""
    return [scope for scope in scopes if not (personal and PERMISSIONS[scope].work_only)]


def written(scopes: Iterable[str], asked: str = "") -> str:
    """Return the list as it stands in an answer: names of Graph as they were asked for, those of signing in
    behind them, and not `offline_access`, which no access token has.
    """
    long = any(scope.lower().startswith(PREFIXES[0]) for scope in asked.split())
    graph = [f"{PREFIXES[0]}{scope}" if long else scope for scope in scopes if scope not in SIGN_IN]
    basic = [scope for scope in (PROFILE, OPENID, EMAIL) if scope in scopes]
    return " ".join([*graph, *basic])


def _short(scope: str) -> str:
    for prefix in PREFIXES:
        if scope.lower().startswith(prefix):
            return scope[len(prefix) :]
    return scope
