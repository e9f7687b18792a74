"""How the noise of one coil goes with that of another."""

import numpy as np
from numpy.typing import NDArray


def coil_covariance(samples: NDArray[np.complex64]) -> NDArray[np.complex128]:
    """Return Psi = E[n n^H] [C, C] of complex noise samples [C, n]; its diagonal is 2 sigma^2."""
    noise = samples.astype(np.complex128)
    return noise @ noise.conj().T / noise.shape[1]
