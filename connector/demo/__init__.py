"""The whole product on one machine: a made-up ERP, the real daemon, two months in two minutes."""
