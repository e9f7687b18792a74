"""Constants of fastMRI's instance normalisation (fastmri/data/transforms.py:369-377), for the U-Net and its loss."""

CLAMP_STANDARD_DEVIATIONS = 6.0
NORMALISATION_EPSILON = 1e-11
