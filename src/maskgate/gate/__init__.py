"""The gate: who may release what, decided by somebody else, carried out once."""
