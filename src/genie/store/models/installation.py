"""The one row that says which installation this database belongs to."""

from __future__ import annotations

from django.db import models


class Installation(models.Model):
    """Its name, and a turn raised every minute: the file beside the database has both as well
    (core/recognition)."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    name = models.UUIDField()
    turn = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_once")]

    def __str__(self) -> str:
        return str(self.name)
