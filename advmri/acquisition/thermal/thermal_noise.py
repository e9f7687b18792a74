"""All that is known of one slice's thermal noise, as the volume's index holds it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ThermalNoise:
    """Noise of one slice. All sigmas are SDs of the real (and imaginary) part of k-space noise, in its units.

    Attributes:
        sigma: the estimate that is used [C]: `background_rms`, or `edges` where anatomy fills the background.
        edges: from the corners of k-space [C].
        background_rms, background_sd: from the background of each coil's image [C], Firbank's two estimators.
        rss_rms, rss_sd: the same from the background of the RSS image: one number for all coils.
        covariance_real, covariance_imaginary: parts of Psi = E[n n^H] [C][C]; its diagonal is 2 sigma^2.
        relative_norm: eta_thermal on all acquired columns [C].
    """

    sigma: list[float]
    edges: list[float]
    background_rms: list[float]
    background_sd: list[float]
    rss_rms: float
    rss_sd: float
    covariance_real: list[list[float]]
    covariance_imaginary: list[list[float]]
    relative_norm: list[float]
