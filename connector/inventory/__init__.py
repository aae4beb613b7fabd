"""The pure room: what is where, what is coming, what is needed. No I/O, no clock."""
