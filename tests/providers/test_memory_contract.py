"""The in-process calendar world keeps the contract, with cursors and without."""

from __future__ import annotations

import pytest
from tests.providers.contract import ProviderContract, PushContract
from tests.providers.sides import MemorySide


class TestMemory(ProviderContract):
    @pytest.fixture
    def side(self):
        return MemorySide()


class TestMemoryWithoutCursors(ProviderContract):
    @pytest.fixture
    def side(self):
        return MemorySide(cursors=False)


class TestMemoryPush(PushContract):
    @pytest.fixture(params=[False, True], ids=["greets", "proves by a handshake"])
    def side(self, request):
        side = MemorySide()
        side.world.handshakes = request.param
        return side
