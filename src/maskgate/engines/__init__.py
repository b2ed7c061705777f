"""Engines that others run: the same rules there, and the same values bit for bit."""
