"""The history of the gate's tables."""
