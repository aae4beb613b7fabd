"""The dispatcher, bound to its site: what the review sees of the posting protocol."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from connector.ledger.dispatch import Dispatcher
from connector.ports import Drained


@dataclass(frozen=True, kw_only=True)
class SiteOutbox:
    """The dispatcher, bound to its site."""

    name: str
    dispatcher: Dispatcher

    def settle(self, visible: pl.DataFrame) -> Drained:
        """Resolve what is in doubt and read back what was filed."""
        return self.dispatcher.settle(self.name, visible)

    def drain(self) -> Drained:
        """Send what is owed."""
        return self.dispatcher.drain(self.name)
