"""`GET /metrics`: figures for Prometheus, all from the database, so that any process may answer.

Nothing in it names a company, a person, an account or an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from genie.core.lag import BOUNDS
from genie.store.models import SyncCount
from genie.store.queries.totals import Counted, counted_ever, gauges
from genie.store.record_file import doubt_there

DIRECTIONS = {SyncCount.What.OUT: SyncCount.What.OUT_MS, SyncCount.What.IN: SyncCount.What.IN_MS}


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """404 where `GENIE_METRICS_TOKEN` is not set, 401 to who does not show it (`Authorization: Bearer`)."""
    token: str = settings.GENIE_METRICS_TOKEN
    if not token:
        raise Http404("This installation shows no metrics.")
    shown = request.headers.get("Authorization", "")
    if not compare_digest(shown.encode(), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FromDatabase(timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class FromDatabase(Collector):
    """Reads everything when it is asked, in a fixed number of queries."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def describe(self) -> Iterable[Metric]:
        """Empty, so that to register it asks nothing."""
        return []

    def collect(self) -> Iterable[Metric]:
        ever = counted_ever()
        yield _lags(ever)
        for what, name, words in REQUESTS:
            family = CounterMetricFamily(name, words, labels=["kind"])
            for kind, counts in ever.items():
                family.add_metric([kind], counts.get(what, {}).get(0, 0))
            yield family
        for gauge in gauges(self._now):
            family_ = GaugeMetricFamily(gauge.name, gauge.words, labels=list(gauge.labels))
            for values, number in gauge.numbers.items():
                family_.add_metric(values, number)
            yield family_
        yield _paused()


REQUESTS = (
    (SyncCount.What.ASKED, "genie_provider_requests", "Requests to calendar systems"),
    (SyncCount.What.THROTTLED, "genie_provider_throttled", "Requests answered with: slow down"),
    (SyncCount.What.FAILED, "genie_provider_failed", "Requests without an answer, or answered with 5xx"),
)


def _paused() -> Metric:
    words = "1 while nothing is sent, since the database may not be this installation's own"
    return GaugeMetricFamily(
        "genie_paused", words, 0 if doubt_there(settings.GENIE_INSTALLATION_FILE) is None else 1
    )


def _lags(ever: Mapping[str, Counted]) -> Metric:
    family = HistogramMetricFamily(
        "genie_sync_lag_seconds",
        "How long a change took: out, from here to the calendar; in, from being noticed there to here",
        labels=["direction", "kind"],
    )
    for kind, counts in ever.items():
        for what, milliseconds in DIRECTIONS.items():
            buckets, so_far = [], 0
            for number, bound in enumerate([*BOUNDS, None]):
                so_far += counts.get(what, {}).get(number, 0)
                buckets.append(("+Inf" if bound is None else str(float(bound)), so_far))
            total = counts.get(milliseconds, {}).get(0, 0) / 1000
            family.add_metric([str(what), kind], buckets=buckets, sum_value=total)
    return family


urlpatterns: list[URLPattern | URLResolver] = [path("metrics", metrics, name="metrics")]
