"""The poster that posts nothing, on purpose."""

from __future__ import annotations

from collections.abc import Sequence

from connector.ports import FiledLine, PostOutcome, Recorded, RequisitionDocument


class ShadowPoster:
    """Records instead of sending; the ERP is never touched."""

    mode: str = "shadow"

    def post(self, document: RequisitionDocument) -> PostOutcome:  # noqa: ARG002 # the port's shape
        """Return that nothing was sent."""
        return Recorded()

    def find(self, keys: Sequence[str]) -> list[FiledLine]:  # noqa: ARG002 # the port's shape
        """Return nothing: what was never sent cannot be found."""
        return []
