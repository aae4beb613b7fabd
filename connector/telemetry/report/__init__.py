"""One self-contained HTML page on what was ordered, what it did, and where it did worse."""

from __future__ import annotations

from connector.telemetry.report.data import ReportData
from connector.telemetry.report.page import render, write_report

__all__ = ["ReportData", "render", "write_report"]
