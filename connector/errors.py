"""Every failure, grouped by what must happen next.

    ReplenishError
    ├── ConfigError          fix the configuration; nothing started
    ├── ErpUnavailable       try again later; this review is skipped
    ├── ErpDenied            wrong or missing authorisation; fix it in the ERP
    ├── ErpContractBroken    the ERP answered something we do not read; stop this site
    ├── SnapshotUnfit        the picture cannot be ordered from; next review decides afresh
    ├── PolicyUnusable       this policy is refused; base-stock takes over
    ├── LedgerUnavailable    nothing may be posted
    ├── NotLeader            another daemon owns this site's state directory
    ├── ReviewSlotTaken      this review was already started by somebody
    └── CommandRefused       a person asked for something that cannot be done

A refused *order* is not an error: it is a verdict, and verdicts are data.
"""

from __future__ import annotations

from typing import Any

EXIT_DONE = 0
EXIT_NEEDS_A_PERSON = 1
EXIT_USAGE = 2
EXIT_TRY_LATER = 75
EXIT_CONFIG = 78


class ReplenishError(Exception):
    """Something failed; the message says what, the hint says the next step."""

    exit_code = EXIT_NEEDS_A_PERSON

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.hint = hint
        self.facts = facts

    @property
    def kind(self) -> str:
        """Return the documented kind's name: rooms have finer ones of their own."""
        return next(each.__name__ for each in type(self).__mro__ if each.__module__ == __name__)

    def __str__(self) -> str:
        """Return the message with its next step."""
        message = super().__str__()
        return f"{message} ({self.hint})" if self.hint else message


class ConfigError(ReplenishError):
    """The configuration cannot be used."""

    exit_code = EXIT_CONFIG


class ErpUnavailable(ReplenishError):
    """The ERP did not answer, or answered that it cannot now."""

    exit_code = EXIT_TRY_LATER


class ErpDenied(ReplenishError):
    """The ERP refused our credentials or our authorisation."""


class ErpContractBroken(ReplenishError):
    """The ERP answered something this version does not read."""


class SnapshotUnfit(ReplenishError):
    """The snapshot cannot be ordered from."""


class PolicyUnusable(ReplenishError):
    """The policy bundle, or its answer, is refused."""


class LedgerUnavailable(ReplenishError):
    """The ledger cannot be written or does not verify; nothing may be posted."""


class NotLeader(ReplenishError):
    """Another process holds this site."""

    exit_code = EXIT_TRY_LATER


class ReviewSlotTaken(ReplenishError):
    """The review of this slot was already started."""

    exit_code = EXIT_DONE


class CommandRefused(ReplenishError):
    """What a person asked for cannot be done as asked."""
