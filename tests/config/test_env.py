"""What the environment may not leave out."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from django.urls import reverse

from genie.config import env, settings
from genie.config.wiring import provider_settings
from genie.core.limits import limits_of
from genie.providers.registry import pushing


@pytest.mark.parametrize(
    "url", ["https://genie.example", "http://192.168.1.5:8000", "http://localhost.evil.example"]
)
def test_an_installation_that_others_reach_does_not_start_with_the_known_key(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.delenv("GENIE_SECRET_KEY", raising=False)
    with pytest.raises(env.Misconfigured, match="GENIE_SECRET_KEY is not set"):
        env.secret_key(public_url=url)
    monkeypatch.setenv("GENIE_SECRET_KEY", "a-key-of-its-own")
    assert env.secret_key(public_url=url) == "a-key-of-its-own"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:9000", "http://[::1]:8000"])
def test_on_ones_own_machine_it_does(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.delenv("GENIE_SECRET_KEY", raising=False)
    assert env.secret_key(public_url=url) == env.DEVELOPMENT_KEY


def settings_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The settings as a process with these variables reads them."""
    for name in ("GENIE_PUBLIC_URL", "GENIE_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(settings.__file__)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://genie.example", ["genie.example"]),
        ("https://Genie.Example:8443/", ["genie.example"]),
        ("http://192.168.1.5:8000", ["192.168.1.5"]),
        ("https://[2001:db8::7]:8000", ["[2001:db8::7]"]),
        ("http://127.0.0.1:8000", ["127.0.0.1", "localhost", "[::1]"]),
        ("http://localhost:8000", ["127.0.0.1", "localhost", "[::1]"]),
        ("http://[::1]:8000", ["127.0.0.1", "localhost", "[::1]"]),
    ],
)
def test_it_answers_to_the_host_of_its_public_address_only(
    monkeypatch: pytest.MonkeyPatch, url: str, hosts: list[str]
) -> None:
    assert sorted(settings_with(monkeypatch, GENIE_PUBLIC_URL=url)["ALLOWED_HOSTS"]) == sorted(hosts)


def test_further_hosts_are_named_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"GENIE_PUBLIC_URL": "https://genie.example", "GENIE_ALLOWED_HOSTS": "10.0.0.5 book.example"}
    assert settings_with(monkeypatch, **given)["ALLOWED_HOSTS"] == [
        "genie.example",
        "10.0.0.5",
        "book.example",
    ]


@pytest.mark.parametrize("url", ["genie.example", "https://", "ftp://genie.example", "https://[::1"])
def test_a_public_address_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(env.Misconfigured, match="GENIE_PUBLIC_URL"):
        settings_with(monkeypatch, GENIE_PUBLIC_URL=url)


def test_browsers_are_told_to_stay_with_https_where_it_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    safe = settings_with(monkeypatch, GENIE_PUBLIC_URL="https://genie.example")
    assert safe["SECURE_HSTS_SECONDS"] == 180 * 24 * 3600
    assert not safe.get("SECURE_HSTS_PRELOAD") and not safe.get("SECURE_HSTS_INCLUDE_SUBDOMAINS")
    assert settings_with(monkeypatch, GENIE_PUBLIC_URL="http://genie.example")["SECURE_HSTS_SECONDS"] == 0


def test_limits_of_visitors_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = settings_with(monkeypatch)
    assert usual["GENIE_LIMITS_PER_ADDRESS"] == limits_of(["10/10m", "30/1d"])
    assert (usual["GENIE_LIMITS_PER_EMAIL"], usual["GENIE_APPOINTMENTS_PER_EMAIL"]) == (
        limits_of(["10/1d"]),
        5,
    )
    assert usual["GENIE_HOLDS_PER_ADDRESS"] == 3
    given = {"GENIE_LIMITS_PER_ADDRESS": "100/1h", "GENIE_LIMITS_PER_EMAIL": "off"}
    changed = settings_with(monkeypatch, **given, GENIE_APPOINTMENTS_PER_EMAIL="0")
    assert changed["GENIE_LIMITS_PER_ADDRESS"] == limits_of(["100/1h"])
    assert (changed["GENIE_LIMITS_PER_EMAIL"], changed["GENIE_APPOINTMENTS_PER_EMAIL"]) == ((), 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENIE_LIMITS_PER_ADDRESS", "ten a day"),
        ("GENIE_LIMITS_PER_EMAIL", "10/10s"),
        ("GENIE_APPOINTMENTS_PER_EMAIL", "-1"),
        ("GENIE_APPOINTMENTS_PER_EMAIL", "five"),
        ("GENIE_HOLDS_PER_ADDRESS", "some"),
    ],
)
def test_limits_that_are_none_are_said(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(env.Misconfigured, match=name):
        settings_with(monkeypatch, **{name: value})


@pytest.mark.parametrize(
    ("url", "choice", "webhooks"),
    [
        ("https://genie.example", "", "https://genie.example/hooks"),
        ("https://genie.example:8443/", "AUTO", "https://genie.example:8443/hooks"),
        ("https://genie.example", "off", ""),
        ("http://genie.example", "auto", ""),
        ("https://localhost:8000", "auto", ""),
        ("http://127.0.0.1:8000", "", ""),
        ("http://127.0.0.1:8000", "on", "http://127.0.0.1:8000/hooks"),
    ],
)
def test_calendar_systems_are_told_an_address_that_they_can_reach(
    monkeypatch: pytest.MonkeyPatch, url: str, choice: str, webhooks: str
) -> None:
    found = settings_with(monkeypatch, GENIE_PUBLIC_URL=url, GENIE_PUSH=choice, GENIE_SECRET_KEY="k" * 50)
    assert found["GENIE_WEBHOOKS"] == webhooks


def test_they_are_told_the_address_where_the_webhook_is(monkeypatch: pytest.MonkeyPatch) -> None:
    webhooks = env.webhooks(public_url="https://genie.example", choice="auto")
    monkeypatch.setattr("django.conf.settings.GENIE_WEBHOOKS", webhooks)
    told = pushing(provider_settings())
    assert told
    for kind, address in told.items():
        assert address == "https://genie.example" + reverse("hook", kwargs={"kind": kind})


def test_any_other_word_for_push_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(env.Misconfigured, match="GENIE_PUSH is 'yes'"):
        env.webhooks(public_url="https://genie.example", choice="yes")
