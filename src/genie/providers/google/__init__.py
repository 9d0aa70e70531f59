"""Google Calendar (API v3, OAuth 2.0)."""

from genie.providers.kind import Kind

KIND = Kind(
    label="Google Gmail Calendar",
    key_name="Cloud key",
    calendar_name="Google Calendar",
    provider="genie.providers.google.provider:Google",
    sign_in="genie.providers.google.auth:GoogleSignIn",
    signs_in_at="Google",
    consent="Tick each calendar permission it shows, or nothing can be connected.",
    take_back="remove this app's access at myaccount.google.com/connections",
    hosts=("google.com", "gmail.com", "googlemail.com"),
    notifications="genie.providers.google.notifications:heard",
    options={
        "client_id": "",
        "client_secret": "",
        "auth_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_url": "https://oauth2.googleapis.com/token",
        "revoke_url": "https://oauth2.googleapis.com/revoke",
        "userinfo_url": "https://openidconnect.googleapis.com/v1/userinfo",
        "api_url": "https://www.googleapis.com/calendar/v3",
        "units_per_minute": "600",
    },
    needs=("client_id", "client_secret"),
    secret_options=("client_secret",),
)
