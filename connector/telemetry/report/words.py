"""The report's first sentences: what came out, in plain words, good or bad."""

from __future__ import annotations

from connector.telemetry.report.data import ERP_RULE, OURS, ReportData
from connector.telemetry.report.kpis import Kpi, agreement, compare, shortfalls, written

TERMS = (
    ("Shadow", "Everything is read, decided and recorded; nothing is sent to the ERP."),
    ("Live", "What the fail-safes let through is filed as purchase requisitions in the ERP."),
    ("Review", "One pass over the site: read, decide, screen, record, post."),
    ("Item-node", "One item at one place that stocks it."),
    (
        "ERP rule",
        "The ERP's own reorder-point planning: below the reorder point, order up to the maximum.",
    ),
    ("Fail-safe", "A rule that may only lower an order, hold it for a person, or refuse it."),
    ("Wanted again", "In shadow nothing arrives, so what is missing today is missing tomorrow."),
)


def headline(data: ReportData) -> tuple[str, ...]:
    """Return the result in at most three sentences."""
    if data.world(OURS).is_empty() or data.world(ERP_RULE).is_empty():
        return _shadow_only(data)
    fill, stock, *_ = compare(data)
    days = data.world(OURS)["day"].n_unique()
    worse = len(shortfalls(data))
    outcome = (
        f"In the {days} days since {data.compared_from or data.first_day} customers got "
        f"{written(fill.ours, 'share')} of what they asked for (ERP rule: "
        f"{written(fill.erp, 'share')}) from an average stock of {_money(stock.ours, data)} "
        f"(ERP rule: {_money(stock.erp, data)}{_change_in_brackets(stock)})."
    )
    caveat = (
        f"It did worse in {worse} of the figures; they are listed below."
        if worse
        else "It did not do worse in any figure."
    )
    return (outcome, caveat, *_proof(data))


def _shadow_only(data: ReportData) -> tuple[str, ...]:
    met = agreement(data)
    if not met.ours and not met.only_erp:
        return ("Nobody wanted an order in these days.", *_proof(data))
    wanted = f"{met.fresh:,} order lines were recommended and not sent."
    if met.share is None:
        return (wanted, *_proof(data))
    asked = met.both + met.only_erp
    same = f"Of {asked:,} lines of the ERP's own rule {met.share:.0%} were wanted on the same day."
    return (wanted, same, *_proof(data))


def _proof(data: ReportData) -> tuple[str, ...]:
    """Return what the ERP's own account says about duplicates, where it was asked."""
    asked = data.posted["times_filed"].drop_nulls()
    if asked.is_empty():
        return ()
    filed, twice = int((asked > 0).sum()), int((asked > 1).sum())
    lines = f"{filed:,} line{' was' if filed == 1 else 's were'} filed"
    ending = "none of them twice" if not twice else f"{twice:,} OF THEM MORE THAN ONCE"
    return (f"By the ERP's own account {lines}, {ending}.",)


def change_of(kpi: Kpi) -> str:
    """Return how much a figure differs: points for a share, percent for the rest."""
    change = kpi.change
    if change is None:
        return ""
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    if kpi.kind == "share":
        return f"{sign}{abs(change) * 100:.2f} points"
    return f"{sign}{abs(change):.1%}"


def _change_in_brackets(kpi: Kpi) -> str:
    change = change_of(kpi)
    return f", {change}" if change else ""


def _money(value: float | None, data: ReportData) -> str:
    return f"{written(value, 'money')} {data.currency}"
