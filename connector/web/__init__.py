"""The read-only face over HTTP: probes, metrics and one status page."""
