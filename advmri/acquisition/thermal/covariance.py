"""How the noise of one coil goes with that of another."""

import numpy as np
from numpy.typing import NDArray


def coil_covariance(samples: NDArray[np.complex64]) -> NDArray[np.complex128]:
    """Return Psi = E[n n^H] [C, C] of complex noise samples [C, n]; its diagonal is 2 sigma^2."""
    noise = samples.astype(np.complex128)
    return noise @ noise.conj().T / noise.shape[1]


def coil_correlation(covariance: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return |Psi_ij| / sqrt(Psi_ii Psi_jj) [C, C], 0 for coils without noise."""
    scale = np.sqrt(covariance.diagonal().real)
    product = np.outer(scale, scale)
    return np.divide(np.abs(covariance), product, out=np.zeros(product.shape), where=product > 0)
