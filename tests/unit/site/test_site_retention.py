"""What a site keeps beside its ledger goes with the reviews that need it."""

from __future__ import annotations

from dataclasses import replace

from site_desks import House

from connector.ledger.retention import Retention

OLD, NEW = "a" * 64, "b" * 64


def test_a_policy_is_kept_as_long_as_the_evidence_of_a_review_that_it_decided(tmp_path):
    house = House(tmp_path)
    house.desk.rewire(replace(house.wiring, retention=Retention(days=2)))
    ledger = house.desk.ledger
    for digest in (OLD, NEW):
        ledger.evidence.keep_policy(digest, {"manifest.json": b"{}"})
        house.desk.tick()
        with ledger.store.write() as write:
            newest = house.reviews()[-1].review_id
            write.run("UPDATE review SET policy_digest = ? WHERE review_id = ?", (digest, newest))
        house.sells()
    kept = ledger.evidence.root / "policies"
    house.desk.tick()
    assert {path.name for path in kept.iterdir()} == {OLD, NEW}
    house.sells()
    house.desk.tick()  # the third day after the first review: its evidence goes
    assert {path.name for path in kept.iterdir()} == {NEW}
    house.desk.close()
