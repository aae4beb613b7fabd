"""replenishd: lets a learned policy replenish real warehouses, safely."""

from __future__ import annotations

__version__ = "0.1.0"
