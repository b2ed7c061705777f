"""Public helpers for tests: what every method promises, and columns to try it on."""
