"""What the environment may not leave out."""

from __future__ import annotations

import pytest

from genie.config import env


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
