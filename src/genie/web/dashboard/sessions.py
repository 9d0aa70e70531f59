"""Log in and log out."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from genie.flows.known_device import REMEMBERED, cookie_name, known_device, new_cookie
from genie.flows.log_in import LoginRefused, TooManyTries, log_in
from genie.store.models import User
from genie.web.visitor import address_of


class LoginForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@never_cache
@sensitive_post_parameters("password")
def login_page(request: HttpRequest) -> HttpResponse:
    """The login. `next` is followed only within this installation."""
    onward = safe_next(request)
    if request.user.is_authenticated:
        return redirect(onward)
    form = LoginForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        account = form.cleaned_data["email"].lower()
        cookie = request.COOKIES.get(cookie_name(account), "")
        try:
            user = log_in(
                email=account,
                password=form.cleaned_data["password"],
                address=address_of(request),
                device=known_device(cookie, account=account),
                now=timezone.now(),
            )
        except TooManyTries as refusal:
            form.add_error(None, str(refusal))
            status = 429
        except LoginRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            response = redirect(onward)
            remember_device(request, response, user)
            return response
    return render(request, "dashboard/login.html", {"form": form, "onward": onward}, status=status)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("login")


def safe_next(request: HttpRequest) -> str:
    """Where to go after the login: `next` if it leads to this host, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return resolve_url("home")


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """So that strangers' failures do not keep this user out of this browser."""
    name = cookie_name(user.email)
    response.set_cookie(
        name,
        new_cookie(user, device=known_device(request.COOKIES.get(name, ""), account=user.email)),
        max_age=REMEMBERED,
        path=resolve_url("login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
