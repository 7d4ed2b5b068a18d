"""The metrics, each declared once, in a registry of Plaudit's own. docs/operations.md lists them all."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus-client leaves it untyped
registry = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

events_collected = Counter(
    "plaudit_events_collected", "Events made durable, by source", ["source"], registry=registry
)
requests_refused = Counter(
    "plaudit_requests_refused",
    "Refused requests, and refused events of batches, by code",
    ["code"],
    registry=registry,
)
dispositions = Counter("plaudit_dispositions", "What became of events, by code", ["code"], registry=registry)
invitations_made = Counter(
    "plaudit_invitations_made",
    "Invitations written to the ledger, by destination",
    ["destination"],
    registry=registry,
)
attempts = Counter(
    "plaudit_attempts",
    "Attempts to send an invitation, by destination, outcome, and whose fault it was that it must be repeated",
    ["destination", "outcome", "fault"],
    registry=registry,
)
attempt_seconds = Histogram(
    "plaudit_attempt_seconds",
    "How long an attempt took",
    ["destination"],
    buckets=_SECONDS,
    registry=registry,
)
batch_seconds = Histogram(
    "plaudit_batch_seconds", "How long a batch took from log to ledger", buckets=_SECONDS, registry=registry
)
profile_events = Counter("plaudit_profile_events", "Events that went into profiles", registry=registry)
values_changed = Counter(
    "plaudit_values_changed", "Values of audiences and computed traits that became others", registry=registry
)
profile_seconds = Histogram(
    "plaudit_profile_seconds", "How long a batch took into profiles", buckets=_SECONDS, registry=registry
)
attention = Gauge(
    "plaudit_attention",
    "Invitations that wait for a person, by destination and state",
    ["destination", "state"],
    registry=registry,
)
log_lag = Gauge("plaudit_log_lag", "Log entries that wait to be processed", registry=registry)
in_flight = Gauge(
    "plaudit_in_flight", "Invitations being sent, by destination", ["destination"], registry=registry
)
paused = Gauge("plaudit_paused", "1 while a destination is paused", ["destination"], registry=registry)
breaker = Gauge(
    "plaudit_breaker_open",
    "1 while a destination gets probes only, since nothing gets through",
    ["destination"],
    registry=registry,
)
