"""What an app may ask of a Google account, in the words Google shows on its consent page.

Texts: the Calendar API's discovery document and developers.google.com/identity/protocols/oauth2/scopes.
"""

from __future__ import annotations

from collections.abc import Iterable

OPENID = "openid"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
CALENDAR = "https://www.googleapis.com/auth/calendar"

# The sign-in scopes are agreed to together with choosing the account; they have no tick of their own.
SIGN_IN = {
    PROFILE: "See your personal info, including any personal info you’ve made publicly available",
    EMAIL: "See your primary Google Account email address",
    OPENID: "Associate you with your personal info on Google",
}
TICKED = {
    CALENDAR: (
        "See, edit, share, and permanently delete all the calendars you can access using Google Calendar"
    ),
    f"{CALENDAR}.readonly": "See and download any calendar you can access using your Google Calendar",
    f"{CALENDAR}.events": "View and edit events on all your calendars",
    f"{CALENDAR}.events.readonly": "View events on all your calendars",
    f"{CALENDAR}.events.owned": "See, create, change, and delete events on Google calendars you own",
    f"{CALENDAR}.events.owned.readonly": "See the events on Google calendars you own",
    f"{CALENDAR}.events.public.readonly": "See the events on public calendars",
    f"{CALENDAR}.events.freebusy": "See the availability on Google calendars you have access to",
    f"{CALENDAR}.freebusy": "View your availability in your calendars",
    f"{CALENDAR}.calendarlist": "See, add, and remove Google calendars you’re subscribed to",
    f"{CALENDAR}.calendarlist.readonly": "See the list of Google calendars you’re subscribed to",
    f"{CALENDAR}.calendars": (
        "See and change the properties of Google calendars you have access to, and create secondary calendars"
    ),
    f"{CALENDAR}.calendars.readonly": (
        "See the title, description, default time zone, and other properties of Google calendars "
        "you have access to"
    ),
    f"{CALENDAR}.acls": "See and change the sharing permissions of Google calendars you own",
    f"{CALENDAR}.acls.readonly": "See the sharing permissions of Google calendars you own",
    f"{CALENDAR}.app.created": (
        "Make secondary Google calendars, and see, create, change, and delete events on them"
    ),
    f"{CALENDAR}.settings.readonly": "View your Calendar settings",
}
# Google answers with the long names, whichever were asked for.
LONG = {"email": EMAIL, "profile": PROFILE, f"{CALENDAR}/": CALENDAR}


def asked_for(text: str) -> list[str]:
    """Read a space-delimited list as Google does: long names, each once, `openid` with what needs it."""
    scopes = list(dict.fromkeys(LONG.get(scope, scope) for scope in text.split()))
    if OPENID not in scopes and (EMAIL in scopes or PROFILE in scopes):
        scopes.append(OPENID)
    return scopes


def unknown(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in scopes if scope not in SIGN_IN and scope not in TICKED]


def written(scopes: Iterable[str]) -> str:
    """Return the list as it stands in an answer."""
    return " ".join(scopes)
