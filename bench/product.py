"""The product for a benchmark: a durable PostgreSQL of its own, a worker as a program, one linked module."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from run import postgres

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def database(folder: Path) -> Iterator[None]:
    """Django set up on a fresh cluster with everything that keeps data safe switched on."""
    cluster = postgres.Cluster(folder / "postgres", tied=True)
    folder.chmod(0o755)  # the unprivileged account has to pass
    cluster.start()
    os.environ |= {
        "DATABASE_URL": cluster.url(),
        "DJANGO_SETTINGS_MODULE": "genie.config.settings",
        "GENIE_TESTING": "1",
        "GENIE_LOG_LEVEL": "WARNING",
        "GENIE_PRIVATE_NETWORKS": "1",
        "GENIE_SECRET_KEY": secrets.token_urlsafe(32),
        "GENIE_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        cluster.stop()


@contextmanager
def worker() -> Iterator[None]:
    """A worker, as `make run` starts it, once it beats."""
    from procrastinate.contrib.django.models import ProcrastinateWorker

    process = subprocess.Popen(
        [sys.executable, "manage.py", "procrastinate", "worker"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not ProcrastinateWorker.objects.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the worker ended at once ({process.returncode})")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()
