from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """Tasks and commands; no tables."""

    name = "genie.worker"
    label = "worker"
