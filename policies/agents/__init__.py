"""The learning algorithms, one a file; all of them train the same network."""
