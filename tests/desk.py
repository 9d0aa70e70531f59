"""An admin before the dashboard: what the pages of a business on a stage say, and its buttons."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client
from tests.reading import words
from tests.sync_scene import Business

from genie.store.models import Appointment


@dataclass
class Desk:
    """Each page as one line of text."""

    scene: Business
    client: Client

    def configuration(self) -> str:
        """*Remote Calendar Configuration*."""
        return self._read("apps/main/calendar")

    def authorization(self) -> str:
        """*Remote Authorization*, the list of keys."""
        return self._read("keys")

    def appointment(self, appointment: Appointment) -> str:
        return self._read(f"appointments/{appointment.id}")

    def press(self, path: str, **fields: object) -> str:
        """Press a button; what the page then says."""
        answer = self.client.post(self._address(path), fields, follow=True)
        assert answer.status_code == 200, (path, answer.status_code)
        return words(answer)

    def _read(self, path: str) -> str:
        answer = self.client.get(self._address(path))
        assert answer.status_code == 200, (path, answer.status_code)
        return words(answer)

    def _address(self, path: str) -> str:
        return f"/company/{self.scene.module.company.slug}/{path}"
