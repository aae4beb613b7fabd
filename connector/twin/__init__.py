"""The digital twin's dynamics: one code for numpy and torch, batched and differentiable."""
