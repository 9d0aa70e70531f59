"""Django's settings, all from `env`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genie.config import env
from genie.providers.registry import FOLDERS, kind_of

SOURCE = Path(__file__).resolve().parent.parent
DEBUG = env.flag("GENIE_DEBUG")

GENIE_ENCRYPTION_KEYS: list[str] = env.words("GENIE_ENCRYPTION_KEYS")
"""Fernet keys, newest first; the first encrypts, all decrypt (`manage.py rotate_secrets`)."""
GENIE_PUBLIC_URL = env.text("GENIE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
SECRET_KEY = env.secret_key(public_url=GENIE_PUBLIC_URL)
GENIE_PRIVATE_NETWORKS = env.flag("GENIE_PRIVATE_NETWORKS")
"""May an address that an owner types lead to a private network or loopback, or be plain http?"""
GENIE_PROVIDER_OPTIONS: dict[str, dict[str, str]] = {
    kind: {name: env.text(f"GENIE_{kind}_{name}".upper()) for name in kind_of(kind).options}
    for kind in FOLDERS
}
"""Each calendar system's own settings: `GENIE_<KIND>_<NAME>`, described on its page in docs/providers/."""
GENIE_BEHIND_PROXY = env.flag("GENIE_BEHIND_PROXY")
"""Is what X-Forwarded-Proto and the last hop of X-Forwarded-For say true?"""
GENIE_TRUSTED_PROXIES = env.networks("GENIE_TRUSTED_PROXIES", env.words("GENIE_TRUSTED_PROXIES"))
"""Further proxies, whose addresses in X-Forwarded-For are not the visitor's."""
GENIE_LIMITS_PER_ADDRESS = env.limits(
    "GENIE_LIMITS_PER_ADDRESS", env.words("GENIE_LIMITS_PER_ADDRESS") or ["10/10m", "30/1d"]
)
GENIE_LIMITS_PER_EMAIL = env.limits(
    "GENIE_LIMITS_PER_EMAIL", env.words("GENIE_LIMITS_PER_EMAIL") or ["10/1d"]
)
"""How many bookings, and how many moves, one visitor may make at one company (`flows.take_turn`)."""
GENIE_APPOINTMENTS_PER_EMAIL = env.number(
    "GENIE_APPOINTMENTS_PER_EMAIL", env.text("GENIE_APPOINTMENTS_PER_EMAIL", "5")
)
"""So many live future appointments may be booked with one e-mail address in one module; 0: any number."""
GENIE_HOLDS_PER_ADDRESS = env.number("GENIE_HOLDS_PER_ADDRESS", env.text("GENIE_HOLDS_PER_ADDRESS", "3"))
"""So many slots one network address may hold at one company at once (`flows.hold_slot`); 0: any number."""
GENIE_WIRING = "genie.config.wiring"
"""Where `flows.wired` finds what the floors below get handed; a lower floor never imports this one."""
GENIE_LINK_HOURS = int(env.text("GENIE_LINK_HOURS", "72"))
GENIE_MAIL_FROM = env.text("GENIE_MAIL_FROM", "Schedule Genie <no-reply@localhost>")
GENIE_MAIL: dict[str, object] = env.Mail(env.text("GENIE_EMAIL_URL", "smtp://127.0.0.1:25")).parts
GENIE_DEMO: dict[str, str] = {
    "calendar": env.text("GENIE_DEMO_CALENDAR_URL"),
    "mail": env.text("GENIE_DEMO_MAIL_URL"),
    "caldav": env.text("GENIE_DEMO_CALDAV_URL"),
}
GENIE_INSTALLATION_FILE = env.text("GENIE_INSTALLATION_FILE")
"""What tells this database from a restored or copied one (`flows.recognise`); empty: nothing is compared."""
GENIE_METRICS_TOKEN = env.text("GENIE_METRICS_TOKEN")
"""What `/metrics` wants to be shown; empty: there is no such page."""
GENIE_DEMO_PASSWORD = env.text("GENIE_DEMO_PASSWORD")
"""What `seed_demo` gives the demo's users."""

ALLOWED_HOSTS = env.allowed_hosts(public_url=GENIE_PUBLIC_URL, others=env.words("GENIE_ALLOWED_HOSTS"))
GENIE_WEBHOOKS = env.webhooks(
    public_url=GENIE_PUBLIC_URL, choice=env.text("GENIE_PUSH", "auto").lower() or "auto"
)
"""Where calendar systems tell us of changes (`web/hooks.py`); empty: all calendars are polled."""
CSRF_TRUSTED_ORIGINS = [GENIE_PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "genie.store.apps.StoreConfig",
    "genie.web.apps.WebConfig",
    "genie.worker.apps.WorkerConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "genie.web.security.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "genie.config.urls"
WSGI_APPLICATION = "genie.config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "genie.web.dashboard.context.shell",
            ],
            # icons, fields and the like need no {% load %}
            "builtins": ["genie.web.templatetags.ui"],
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **env.Database(env.text("DATABASE_URL", "postgres://genie@127.0.0.1:5432/genie")).parts,
        # without persistence a third of the throughput; None = kept, checked once a request
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}

AUTH_USER_MODEL = "store.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = GENIE_PUBLIC_URL.startswith("https://")
# half a year, this host only: others of the domain are not ours to bind, and a preload list is no way back
SECURE_HSTS_SECONDS = 180 * 24 * 3600 if GENIE_PUBLIC_URL.startswith("https://") else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GENIE_BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = env.text("GENIE_STATIC_ROOT") or str(SOURCE.parent.parent / ".run" / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG and not env.flag("GENIE_TESTING")
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

PROCRASTINATE_WORKER_DEFAULTS: dict[str, Any] = {
    "concurrency": 4,
    # seconds; jobs that wait for a time or a lock are found only by asking
    "fetch_job_polling_interval": 0.5,
    "delete_jobs": "successful",
    # a killed worker is noticed after 6 s, and what it was doing runs again
    "update_heartbeat_interval": 2.0,
    "stalled_worker_timeout": 6.0,
}

SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"hide_tokens": {"()": "genie.config.logs.HideTokens"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["hide_tokens"]}
    },
    "root": {"handlers": ["console"], "level": env.text("GENIE_LOG_LEVEL", "INFO")},
    # an httpx INFO line holds whole addresses, which may hold a token
    "loggers": {
        "httpx": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        # at their source as well, whatever handler an operator adds
        "django.request": {"filters": ["hide_tokens"]},
        "django.security.csrf": {"filters": ["hide_tokens"]},
        "django.server": {"filters": ["hide_tokens"]},
    },
}
