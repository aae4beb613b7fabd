"""Runs the daemon with one planted defect: what the kill campaign must be able to find.

    python benchmarks/kill_planted.py no_quarantine run --config FILE

A harness that finds nothing in these proves nothing about the product. Never shipped.
"""

from __future__ import annotations

import sys
from typing import Any

from connector.cli import main
from connector.erp.sap.post import SapPoster
from connector.ledger import attempts
from connector.ledger.attempts import NoAttempt
from connector.ledger.dispatch import Dispatcher
from connector.ledger.lines import by_keys
from connector.ledger.resolve import Resolver
from connector.ports import InDoubt


def no_quarantine() -> None:
    """Believe the first look that finds nothing: an ERP that commits late then files twice."""
    Resolver.quarantine_over = lambda *_: True  # type: ignore[method-assign]
    Resolver.absent_twice = lambda *_: True  # type: ignore[method-assign]
    Resolver.next_look_seconds = lambda *_: 0.0  # type: ignore[method-assign]


def intent_after_send() -> None:
    """Send first and write it down afterwards: a kill in between forgets what was sent."""

    def send(self: Dispatcher, keys: Any, sender: Any) -> Any:
        store, secret = self.outside.store, self.outside.secret
        answer = self.outside.poster.post(attempts.document_of(by_keys(store, keys), secret))
        attempt = attempts.begin(store, keys, sender, secret)
        return attempt if isinstance(attempt, NoAttempt) else (attempt, answer)

    Dispatcher.send = send  # type: ignore[method-assign]


def resend_in_doubt() -> None:
    """Retry a send whose answer was lost, as HTTP clients do."""
    post = SapPoster.post

    def again(self: SapPoster, document: Any) -> Any:
        for _ in range(3):
            answer = post(self, document)
            if not isinstance(answer, InDoubt):
                break
        return answer

    SapPoster.post = again  # type: ignore[method-assign]


if __name__ == "__main__":
    defect, *words = sys.argv[1:]
    {each.__name__: each for each in (no_quarantine, intent_after_send, resend_in_doubt)}[defect]()
    sys.argv = ["replenishd", *words]
    sys.exit(main(words))
