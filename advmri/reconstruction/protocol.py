"""The contract that every reconstruction fulfils."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Reconstructor(nn.Module, ABC):
    """Map masked multi-coil k-space to a magnitude image; differentiable in k-space and deterministic.

    The image has the units of the RSS target and the size of the volume's reconstruction. All weights are in `network`,
    which stays empty where there are none.
    """

    network: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Identity()

    @abstractmethod
    def forward(self, kspace: Tensor, mask: Tensor, num_low_frequencies: int, crop: tuple[int, int]) -> Tensor:
        """Reconstruct.

        Args:
            kspace: complex64 [B, C, H, W], zero outside the measured columns.
            mask: bool [B, W], the measured columns.
            num_low_frequencies: number of fully sampled central columns.
            crop: (h, w) of the image.

        Returns:
            float32 [B, h, w].
        """
