"""python -m connector is replenishd."""

from __future__ import annotations

from connector.cli import main

main()
