"""The pure room that may only lower an order, or hold it. A fail-safe that cannot decide denies."""
