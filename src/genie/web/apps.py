from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages; no tables."""

    name = "genie.web"
    label = "web"
