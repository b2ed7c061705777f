"""Cryptographic primitives over whole Arrow columns, and the derivation of subkeys."""
