"""The people of a company whom visitors come to see."""

from __future__ import annotations

from django.db import models

from genie.store.models.module import Module
from genie.store.models.schedule import Schedule
from genie.store.models.tenancy import Company, User


class StaffMember(models.Model):
    """Somebody with an own availability schedule, whom one or several modules of the company offer."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="staff")
    name = models.CharField(max_length=120)  # as visitors read it
    email = models.EmailField(max_length=254, blank=True)  # hears of own appointments
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="staff")
    active = models.BooleanField(default=True)  # False: keeps what is booked, is offered no more
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """A staff member as one of a module's team. A module with none is served by its own calendar."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="team")
    staff = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="teams")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["module", "staff"], name="team_member_once")]
