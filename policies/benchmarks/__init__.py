"""Public benchmarks: what others publish, beside what the policies made here reach on the same."""
