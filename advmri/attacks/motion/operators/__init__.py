"""Rotation of images about the centre of the FFT; each module is one way to interpolate."""
