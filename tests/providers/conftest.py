"""One Radicale and one Xandikos for all provider tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.google_sandbox import google_sandbox, google_server  # noqa: F401  fixtures
from tests.microsoft_sandbox import microsoft_sandbox, microsoft_server  # noqa: F401  fixtures
from tests.providers import google_script, microsoft_script, servers

pytest.register_assert_rewrite("tests.providers.contract")


@pytest.fixture(scope="session")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def old_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server without sync-collection."""
    with servers.old_radicale(tmp_path_factory.mktemp("old")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture
def google() -> Iterator[google_script.Script]:
    """A server that answers by a script, as Google's reference says."""
    with google_script.scripted() as script:
        yield script


@pytest.fixture
def microsoft() -> Iterator[microsoft_script.Script]:
    """The same, as Microsoft's reference says."""
    with google_script.scripted(microsoft_script.Script) as script:
        yield script
