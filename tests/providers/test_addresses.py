"""Which addresses may be spoken to, and where a password may travel."""

from __future__ import annotations

import ipaddress

import pytest

from genie.providers.addresses import client, may_use, site_of
from genie.providers.registry import ProviderSettings

PUBLIC, HOME = ProviderSettings(), ProviderSettings(allow_private_networks=True)
IPV4_PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "198.18.0.1", "240.0.0.1"]
PRIVATE = [*IPV4_PRIVATE, "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::"]
CLOUD = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "fe80::1"]
NOBODYS = [*CLOUD, "0.0.0.0", "::", "224.0.0.1", "ff02::1"]


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::8.8.8.8"]
)
def test_public_addresses_are_for_everybody(address):
    assert may_use(ipaddress.ip_address(address), PUBLIC)
    assert may_use(ipaddress.ip_address(address), HOME)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_only_where_the_operator_allows_them(address):
    assert not may_use(ipaddress.ip_address(address), PUBLIC)
    assert may_use(ipaddress.ip_address(address), HOME)


@pytest.mark.parametrize("address", NOBODYS)
def test_the_keys_of_cloud_machines_are_never_asked_for(address):
    assert not may_use(ipaddress.ip_address(address), HOME)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://p42-caldav.icloud.com:443/1/", "icloud.com"),
        ("https://caldav.fastmail.com", "fastmail.com"),
        ("https://cal.example.co.uk/dav", "example.co.uk"),
        ("https://other.co.uk/", "other.co.uk"),
        ("https://Example.COM./", "example.com"),
        ("http://localhost:5232/", "localhost"),
        ("http://127.0.0.1:5232/", "127.0.0.1"),
        ("http://[::1]:80/", "::1"),
    ],
)
def test_a_password_stays_within_its_site(url, site):
    assert site_of(url) == site


def test_the_machine_s_own_proxies_and_passwords_are_not_used(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with client(PUBLIC) as http:
        assert not http.trust_env
        assert not http.follow_redirects
        assert http.headers["Accept-Encoding"] == "identity"
