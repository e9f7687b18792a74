"""Thermal noise of an acquisition, measured where k-space and the image hold no signal."""
