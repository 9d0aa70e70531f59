"""A worker dies in a drain with Microsoft: nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.flows.standin_crashes import Crashes
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.microsoft_scene import MicrosoftScene, on_microsoft

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(microsoft_sandbox: MicrosoftSandbox) -> Iterator[MicrosoftScene]:
    with on_microsoft(microsoft_sandbox) as made:
        made.drain()
        yield made


class TestWithMicrosoft(Crashes):
    pass
