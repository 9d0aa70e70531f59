"""Who is asking: one place decides what a visitor's address is, and nobody can choose it."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from genie.config import env
from genie.web.visitor import address_of


def asked(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return address_of(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:5555", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::7]:5555", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", "127.0.0.1"),
        ("192.168.1.5", "192.168.1.5"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_without_a_proxy_it_is_whoever_connects(peer, address):
    assert asked(peer) == address


def test_without_a_proxy_a_header_says_nothing():
    assert asked("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.4", "198.51.100.4"),
        ("1.2.3.4, 198.51.100.4", "198.51.100.4"),
        ("1.2.3.4,198.51.100.4 ", "198.51.100.4"),
        ("10.1.1.1, 198.51.100.4:7000", "198.51.100.4"),
        ("1.2.3.4, 2001:db8::1", "2001:db8::/64"),
        ("1.2.3.4, [2001:db8::1]:443", "2001:db8::/64"),
        ("1.2.3.4, 192.168.1.5", "192.168.1.5"),
        ("1.2.3.4, 198.51.100.4, 10.9.0.1", "198.51.100.4"),
        ("1.2.3.4, 198.51.100.4, 192.0.2.1, 10.9.0.1", "198.51.100.4"),
        ("10.9.0.2, 10.9.0.1", ""),
        ("1.2.3.4, unknown", ""),
        ("1.2.3.4, ", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_behind_proxies_it_is_the_last_hop_that_is_not_ours(settings, forwarded, address):
    settings.GENIE_BEHIND_PROXY = True
    settings.GENIE_TRUSTED_PROXIES = env.networks("GENIE_TRUSTED_PROXIES", ["10.9.0.0/16", "192.0.2.1"])
    assert asked("172.17.0.2", forwarded) == address


@pytest.mark.parametrize(
    ("url", "peer", "address"),
    [
        ("https://genie.example", "127.0.0.1", ""),
        ("https://genie.example", "172.17.0.2", ""),
        ("https://genie.example", "::1", ""),
        ("http://genie.example", "127.0.0.1", ""),
        ("http://genie.example", "192.168.1.5", "192.168.1.5"),
        ("https://genie.example", "1.1.1.1", "1.1.1.1"),
        ("http://127.0.0.1:8000", "127.0.0.1", "127.0.0.1"),
        ("https://localhost", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_proxy_that_nobody_told_of_is_not_taken_for_the_visitor(settings, url, peer, address):
    """All visitors would count as one, and share what one may do."""
    settings.GENIE_PUBLIC_URL = url
    assert asked(peer) == address


def test_networks_that_are_none_are_said():
    with pytest.raises(env.Misconfigured, match=r"GENIE_TRUSTED_PROXIES.*10\.0\.0\.999"):
        env.networks("GENIE_TRUSTED_PROXIES", ["10.0.0.1", "10.0.0.999"])
