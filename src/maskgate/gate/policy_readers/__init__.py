"""Readers of the parts of a policy file: one file for each block, each read strictly."""
