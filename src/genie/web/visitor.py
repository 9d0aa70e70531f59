"""Who is asking: a visitor's network address, as far as it can be known. The one place that decides it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[\d.]+):\d+)")


def address_of(request: HttpRequest) -> str:
    """An IPv4 address, or the /64 network of an IPv6 one, since a household has all of that; "" if unknown.

    Behind a proxy (GENIE_BEHIND_PROXY): the right-most hop of X-Forwarded-For that is none of
    GENIE_TRUSTED_PROXIES. Each proxy appends who spoke to it; what stands further left, the visitor may
    have invented. What follows from "" is for the caller: nobody shares a limit with the whole world.
    """
    if settings.GENIE_BEHIND_PROXY:
        return said(last_foreign_hop(request.headers.get("X-Forwarded-For", "")))
    peer = parsed(request.META.get("REMOTE_ADDR", ""))
    return "" if peer is None or is_unknown_proxy(peer) else said(peer)


def last_foreign_hop(forwarded: str) -> Address | None:
    for hop in reversed(forwarded.split(",")):
        address = parsed(hop)
        if address is None or not any(address in network for network in settings.GENIE_TRUSTED_PROXIES):
            return address
    return None


def is_unknown_proxy(peer: Address) -> bool:
    """Whether a proxy is in front although nobody said so: the public address says HTTPS, which we do not
    serve ourselves, or another machine's name, and yet the request comes from nearby."""
    public = urlsplit(settings.GENIE_PUBLIC_URL)
    host = parsed(public.hostname or "")
    if public.hostname == "localhost" or (host is not None and host.is_loopback):
        return False
    return peer.is_loopback or (public.scheme == "https" and not peer.is_global)


def parsed(text: str) -> Address | None:
    """An address with or without port and brackets; IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    match = WITH_PORT.fullmatch(text)
    if match:
        text = match["six"] or match["four"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def said(address: Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or "")
