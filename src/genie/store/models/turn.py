"""What strangers did on the public pages, as far as it is counted."""

from __future__ import annotations

from django.db import models


class Turn(models.Model):
    """One booking or change by a visitor: counted so that no visitor can flood a company, soon forgotten.

    `whose` is a keyed hash (`store.keyed`) of company, kind of act, and network address or e-mail address:
    nobody's address is kept.
    """

    whose = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["whose", "at"], name="turn_whose_at")]
