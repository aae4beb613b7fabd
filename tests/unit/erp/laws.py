"""How long a law is tried: enough to find what examples miss, short enough to run every time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

tried = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
