"""Addresses of keys, linked calendars and availability calendars."""

from django.urls import URLPattern, URLResolver, path

from genie.web.dashboard.remote import availability, configuration, incidents, keys, standing

CALENDAR = "company/<slug:slug>/apps/<slug:module_slug>/calendar"
OF_THE_TEAM = "company/<slug:slug>/apps/<slug:module_slug>/team/<int:staff_id>/calendar"
KEYS = "company/<slug:slug>/keys"
SCHEDULE = "company/<slug:slug>/schedules/<int:schedule_id>/calendars"


def of_a_calendar(page: str) -> list[URLPattern]:
    """The page of a linked calendar and its buttons; with or without `staff_id` they have the same names."""
    return [
        path(page, configuration.configuration, name="remote_calendar"),
        path(f"{page}/state", configuration.state, name="remote_calendar_state"),
        path(f"{page}/use-key", configuration.use_key, name="use_key"),
        path(f"{page}/connect", configuration.connect, name="connect_calendar"),
        path(f"{page}/realtime", configuration.realtime, name="realtime"),
        path(f"{page}/rules", configuration.rules, name="inbound_rules"),
        path(f"{page}/unlink", configuration.unlink_token, name="unlink"),
        path(f"{page}/retry", configuration.retry, name="retry"),
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    *of_a_calendar(CALENDAR),
    *of_a_calendar(OF_THE_TEAM),
    path(
        "company/<slug:slug>/incidents/<int:incident_id>", incidents.decide_incident, name="decide_incident"
    ),
    path("company/<slug:slug>/health", standing.connection_health, name="connection_health"),
    path("connections", standing.all_connections, name="all_connections"),
    path(KEYS, keys.keys, name="remote_keys"),
    path(f"{KEYS}/list", keys.key_list, name="remote_key_list"),
    path(f"{KEYS}/links", keys.create_link, name="create_registration_link"),
    path(f"{KEYS}/links/<int:link_id>/revoke", keys.revoke_link, name="revoke_registration_link"),
    path(f"{KEYS}/<int:key_id>/reauthorize", keys.reauthorize, name="reauthorize_key"),
    path(f"{KEYS}/<int:key_id>/discard", keys.discard_key, name="discard_key"),
    path(f"{KEYS}/<int:key_id>/check", keys.check, name="check_key"),
    path(f"{SCHEDULE}/show", availability.show, name="show_availability_calendars"),
    path(f"{SCHEDULE}/add", availability.add, name="add_availability_calendar"),
    path(f"{SCHEDULE}/add-public", availability.add_public, name="add_public_calendar"),
    path(f"{SCHEDULE}/remove", availability.remove, name="remove_availability_calendar"),
]
