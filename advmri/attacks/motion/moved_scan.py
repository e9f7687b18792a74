"""A slice of a patient who moved: what the network makes of it, moved back."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from advmri.acquisition.kspace import crop_centre, fft2c, ifft2c, rss, rss_reconstruction
from advmri.attacks.motion.fourier_shift import shift_kspace, shift_magnitude
from advmri.attacks.motion.moves import AT_REST, Move, RotationOperator
from advmri.attacks.scan import Scan


@dataclass(frozen=True)
class MovedScan:
    """R X for rigid moves R = shift after rotation, and their inverses.

    Attributes:
        scan: the slice at rest.
        operator: how images are turned; None where no move turns them.
    """

    scan: Scan
    operator: RotationOperator | None

    @cached_property
    def _coil_images(self) -> Tensor:
        return ifft2c(self.scan.kspace)

    def _moved(self, move: Move) -> tuple[Tensor, Tensor]:
        """Return the moved k-space [C, H, W] and the fully sampled image [h, w] of it."""
        kspace = self.scan.kspace
        if self.operator is not None:
            turned = self.operator.rotate_complex(self._coil_images, move.angle)
            kspace = fft2c(turned)
            if move.distance == 0:
                return kspace, rss(crop_centre(turned, self.scan.crop))
        kspace = shift_kspace(kspace, move.rows, move.columns)
        return kspace, rss_reconstruction(kspace, self.scan.crop)

    def _moved_back(self, image: Tensor, move: Move) -> Tensor:
        """Return an image [h, w] of the moved patient, shifted back and then turned back."""
        back = shift_magnitude(image[None], -move.rows, -move.columns)
        if self.operator is not None:
            full_shape = (self.scan.kspace.shape[-2], self.scan.kspace.shape[-1])
            back = self.operator.rotate_magnitude(back, -move.angle, full_shape)
        return back[0]

    def reconstruct(self, moves: Sequence[Move]) -> tuple[Tensor, Tensor]:
        """Return R^-1 f(M(R k)) and R^-1 RSS(R k), each [B, h, w], of B moves in one batch of the network.

        At rest these are exactly the clean reconstruction and the target, unless the operator changes images there too.
        """
        unmoved = [move == AT_REST and (self.operator is None or self.operator.EXACT_AT_ZERO) for move in moves]
        moving = [move for move, at_rest in zip(moves, unmoved, strict=True) if not at_rest]
        images = iter(self._reconstruct_moving(moving))
        pairs = [(self.scan.clean(), self.scan.target) if at_rest else next(images) for at_rest in unmoved]
        return torch.stack([one for one, _ in pairs]), torch.stack([two for _, two in pairs])

    def _reconstruct_moving(self, moves: Sequence[Move]) -> list[tuple[Tensor, Tensor]]:
        if not moves:
            return []
        kspace = self.scan.kspace.new_empty(len(moves), *self.scan.kspace.shape)
        full = []
        for place, move in enumerate(moves):
            kspace[place], image = self._moved(move)
            full.append(self._moved_back(image, move))
        found = self.scan.reconstruct(kspace)
        return [(self._moved_back(image, move), target) for image, target, move in zip(found, full, moves, strict=True)]
