"""Applications that measure: Prometheus' exposition, and OpenTelemetry's middleware."""

from __future__ import annotations

import httpx
import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry, Counter, make_asgi_app
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route


@pytest.fixture
def counted(client_of):
    """A site that counts its visits and exposes the count below /metrics."""
    registry = CollectorRegistry()
    visits = Counter("visits", "Requests for pages", ["page"], registry=registry)

    async def page(request):
        visits.labels(request.path_params["name"]).inc()
        return PlainTextResponse("seen")

    metrics = make_asgi_app(registry)
    return client_of(Starlette(routes=[Route("/page/{name}", page), Mount("/metrics", metrics)]))


def count_of(text, page):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["visits"].samples
    return sum(
        sample.value
        for sample in samples
        if sample.name == "visits_total" and sample.labels == {"page": page}
    )


def test_prometheus(counted):
    """ASGI-29: it chooses format and coding by the request's fields."""
    for _ in range(3):
        counted.get("/page/a")
    plain = counted.get("/metrics/", headers={"accept-encoding": "identity"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert count_of(plain.text, "a") == 3
    zipped = counted.get("/metrics/", headers={"accept-encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert count_of(zipped.text, "a") == 3
    chosen = counted.get("/metrics/", params={"name[]": "nothing"})
    assert "visits_total" not in chosen.text
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    assert "openmetrics" in counted.get("/metrics/", headers=accept).headers["content-type"]


@pytest.fixture
def traced(client_of):
    """A site below OpenTelemetry's middleware; `client.spans` are those of its requests."""

    async def page(request):
        return PlainTextResponse("seen")

    async def stream(request):
        async def pieces():
            for _ in range(3):
                yield "piece"

        return StreamingResponse(pieces())

    async def broken(request):
        raise LookupError("broken")

    routes = [Route("/page", page), Route("/stream", stream), Route("/broken", broken)]
    spans = InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    app = OpenTelemetryMiddleware(Starlette(routes=routes), tracer_provider=tracing)
    client = client_of(app, lifespan="on")
    client.spans = spans
    yield client
    tracing.shutdown()


def finished(client, name):
    """The one finished span of that name; the server has stopped, so that all have finished."""
    client.serving.stop()
    (span,) = [span for span in client.spans.get_finished_spans() if span.name == name]
    return span


def test_opentelemetry_attributes(traced):
    """ASGI-22, ASGI-24, ASGI-31: what a span says of a request is read from the scope."""
    assert traced.get("/page?a=1", headers={"user-agent": "tester"}).text == "seen"
    attributes = finished(traced, "GET /page").attributes
    assert attributes["http.method"] == "GET"
    assert attributes["http.scheme"] == "http"
    assert attributes["http.flavor"] == "1.1"
    assert attributes["http.user_agent"] == "tester"
    assert attributes["net.peer.ip"] == "127.0.0.1"
    assert attributes["net.host.port"] == traced.serving.port
    assert attributes["http.status_code"] == 200


def test_opentelemetry_around_streams(traced):
    """ASGI-5: its wrapped `receive` and `send` pass everything on."""
    assert traced.get("/stream").text == "piece" * 3
    assert finished(traced, "GET /stream").attributes["http.status_code"] == 200


def test_opentelemetry_around_errors(traced):
    """FLT-C1: the exception goes through it."""
    with pytest.raises(httpx.HTTPStatusError):
        traced.get("/broken", headers={"connection": "close"}).raise_for_status()
    assert finished(traced, "GET /broken").status.status_code is StatusCode.ERROR
