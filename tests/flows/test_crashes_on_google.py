"""A worker dies in a drain with Google: nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.flows.standin_crashes import Crashes
from tests.google_sandbox import GoogleSandbox
from tests.google_scene import GoogleScene, on_google

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(google_sandbox: GoogleSandbox) -> Iterator[GoogleScene]:
    with on_google(google_sandbox) as made:
        made.drain()
        yield made


class TestWithGoogle(Crashes):
    pass
