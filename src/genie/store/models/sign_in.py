"""Sign-ins under way on a provider's own pages."""

from __future__ import annotations

from django.db import models

from genie.store.models.calendar import RegistrationLink


class SignInAttempt(models.Model):
    """One walk of one browser to the provider's pages and back (RFC 6749, 7636). Forgotten after a day.

    What stands in addresses and in the browser is known by its SHA-256 alone. The PKCE verifier, which we
    must say again, is sealed, and emptied when it was used.
    """

    link = models.ForeignKey(RegistrationLink, on_delete=models.CASCADE, related_name="sign_ins")
    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    verifier = models.BinaryField(editable=False)
    redirect_uri = models.CharField(max_length=500)  # the same must be named again at the exchange
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="sign_in_attempt_made")]
