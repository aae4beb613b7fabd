"""What each command of a person does to the ledger: the same in the daemon and without one."""

from __future__ import annotations

from datetime import datetime

from connector.errors import CommandRefused
from connector.ledger.control import Command
from connector.ledger.lines import Line
from connector.ledger.queries import line as line_by_key
from connector.ledger.reviews import accept_review
from connector.ledger.sqlite import SqliteLedger


def execute(ledger: SqliteLedger, command: Command, now: datetime) -> str:
    """Carry a command out and return the sentence that says so; raise CommandRefused."""
    who, brake = command.who, ledger.brake
    if command.verb == "halt":
        brake.halt(site=command.site, who=who, why=command.why, now=now)
        return f"{command.site or 'every site'} is halted; nothing is sent from now on"
    if command.verb == "resume":
        lifted = brake.resume(site=command.site, who=who, now=now)
        return f"{command.site or 'every site'} is released ({lifted} halts lifted)"
    if command.verb == "rearm":
        brake.rearm(site=command.site, node=command.node, who=who, now=now)
        return f"{command.site}/{command.node} posts again"
    if command.verb == "accept":
        review = accept_review(ledger.store, command.site, who=who, why=command.why, now=now)
        return f"{review}: later reviews compare with this picture"
    return _on_line(ledger, command, now)


def _on_line(ledger: SqliteLedger, command: Command, now: datetime) -> str:
    who = command.who
    _require_site(ledger, command)
    if command.verb == "approve":
        return _told("will be sent", ledger.approve(command.line, who=who, now=now))
    if command.verb == "reject":
        refused = ledger.refuse(command.line, who=who, why=command.why, now=now)
        return _told("will not be sent", refused)
    if command.verb == "write_off":
        ended = ledger.write_off(command.line, who=who, why=command.why, now=now)
        return _told("is written off", ended)
    adopted = ledger.adopt(command.line, command.number, command.number_line, who=who, now=now)
    return _told(f"is {command.number}/{command.number_line} in the ERP", adopted)


def _require_site(ledger: SqliteLedger, command: Command) -> None:
    found = line_by_key(ledger.store, command.line)
    if found is not None and command.site and found.site != command.site:
        msg = f"line {command.line} is of site {found.site}, not of {command.site}"
        raise CommandRefused(msg, hint="name the line's own site")


def _told(what: str, line: Line) -> str:
    return f"{line.key}: {line.quantity} {line.unit} of {line.item} at {line.node} {what}"
