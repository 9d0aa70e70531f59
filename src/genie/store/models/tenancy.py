"""Who uses the product: agencies, their companies (the tenants), users and what they may reach."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Agency(models.Model):
    """A partner that runs the platform for several companies."""

    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Company(models.Model):
    """A business; owns everything below; the tenant. `slug` stands in addresses."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="companies")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    zone = models.CharField(max_length=64, default="UTC", help_text="IANA time zone")
    accent = models.CharField(max_length=7, default="#4f46e5", help_text="accent colour of public pages")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    AGENCY_SUPER_ADMIN = "agency_super_admin", "Agency Super Admin"
    AGENCY_ADMIN = "agency_admin", "Agency Admin"
    COMPANY_ADMIN = "company_admin", "Company Admin"
    COMPANY_LIGHT = "company_light", "Company Light"

    @property
    def is_agency(self) -> bool:
        return self in (Role.AGENCY_SUPER_ADMIN, Role.AGENCY_ADMIN)


class Users(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """Somebody who logs in. The role is the user's; a company role reaches the companies of `Access` only."""

    email = models.EmailField(max_length=254, unique=True)  # always lower case
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=32, choices=Role.choices)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[Users] = Users()

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)


class Access(models.Model):
    """A company user's access to one company. Agency roles reach all companies of their agency without."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="accesses")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="accesses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "company"], name="access_once")]


class LoginTry(models.Model):
    """One try to log in that did not (yet) succeed: counted to slow down guessing, forgotten after a day.

    Both are keyed hashes (`store.keyed`): nobody's address is kept.
    """

    account = models.CharField(max_length=254)  # of the e-mail typed, lower case; need not exist
    address = models.CharField(max_length=64)  # of the network address, or the known device; "" is neither
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="login_try_account"),
            models.Index(fields=["address", "at"], name="login_try_address"),
        ]
