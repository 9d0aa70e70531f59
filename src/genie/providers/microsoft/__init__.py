"""Microsoft Outlook Calendar (Microsoft Graph v1.0, identity platform v2.0)."""

from genie.providers.kind import Kind

KIND = Kind(
    label="Microsoft Outlook Calendar",
    key_name="Azure key",
    calendar_name="Outlook Calendar",
    provider="genie.providers.microsoft.provider:Microsoft",
    sign_in="genie.providers.microsoft.auth:MicrosoftSignIn",
    signs_in_at="Microsoft",
    consent="Press Accept where it asks for permission, or nothing can be connected.",
    take_back=(
        "remove this app at myapps.microsoft.com (work and school accounts) or at "
        "account.live.com/consent/Manage (personal accounts)"
    ),
    approval="admin_consent",
    hosts=("outlook.com", "hotmail.com", "live.com", "office365.com", "office.com", "microsoft.com"),
    notifications="genie.providers.microsoft.notifications:heard",
    options={
        "client_id": "",
        "client_secret": "",
        "certificate": "",
        "tenant": "common",
        "authority": "https://login.microsoftonline.com",
        "graph_url": "https://graph.microsoft.com/v1.0",
        "requests_per_minute": "1000",
        "requests_at_once": "4",
    },
    needs=("client_id", "client_secret|certificate"),
    secret_options=("client_secret",),
)
