"""What must survive a crash: reviews, verdicts, the outbox and the evidence behind them.

`sqlite.SqliteLedger` is the book, `dispatch.Dispatcher` the only code that asks a poster to send,
`evidence.EvidenceStore` the files a review is replayed from.
"""
