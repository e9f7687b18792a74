"""The Lightning module that trains any reconstruction."""

from typing import Any

import pytorch_lightning as pl
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from advmri.image_quality.ssim import SSIM_WINDOW
from advmri.reconstruction.protocol import Reconstructor
from advmri.training.dataset import Sample
from advmri.training.losses import LOSSES
from advmri.training.settings import TrainingSettings

LAST_PART = 0.2


class ReconstructionTraining(pl.LightningModule):
    """One reconstruction with its loss, optimiser and schedule; logs `train_loss` and `holdout_ssim`.

    Args:
        reconstructor: trained in place.
        settings: of the training.
        steps: number of optimiser steps.
        slices_per_pass: what sums of losses are divided by; `BatchSharing` says why it may be no whole number.
    """

    def __init__(
        self, reconstructor: Reconstructor, settings: TrainingSettings, steps: int, slices_per_pass: float
    ) -> None:
        super().__init__()
        self.reconstructor = reconstructor
        self.settings = settings
        self.steps = steps
        self.slices_per_pass = slices_per_pass
        self.loss = LOSSES[settings.loss]()

    def _reconstruct(self, sample: Sample) -> Tensor:
        crop = (sample.target.shape[-2], sample.target.shape[-1])
        return self.reconstructor(sample.kspace, sample.mask, int(sample.num_low_frequencies[0]), crop)

    def training_step(self, batch: list[Sample], batch_index: int) -> Tensor:
        """Return the loss of a device's share of a batch, given in groups of equal shape.

        A device without a share takes part with gradients of zero: the others wait for them.
        """
        losses = [self.loss(self._reconstruct(group), group) * len(group.target) for group in batch]
        nothing = [0 * parameter.sum() for parameter in self.parameters()] if not batch else []
        loss = torch.stack(losses or nothing).sum() / self.slices_per_pass
        self.log("train_loss", loss, batch_size=1)
        return loss

    def validation_step(self, batch: Sample, batch_index: int) -> None:
        """Log the SSIM of held-out training slices."""
        images = self._reconstruct(batch).cpu().numpy()
        for image, target, maximum in zip(images, batch.target.cpu().numpy(), batch.maximum.tolist(), strict=True):
            ssim = structural_similarity(target, image, win_size=SSIM_WINDOW, data_range=maximum)
            self.log("holdout_ssim", float(ssim), batch_size=1, on_epoch=True)

    def configure_optimizers(self) -> Any:
        """Return the optimiser and a schedule over steps."""
        settings = self.settings
        optimiser = getattr(torch.optim, settings.optimiser)(self.reconstructor.parameters(), lr=settings.learning_rate)
        if settings.schedule == "cosine":
            main: Any = torch.optim.lr_scheduler.CosineAnnealingLR(
                optimiser, max(1, self.steps - settings.warmup_steps)
            )
        else:
            milestone = max(1, round(self.steps * (1 - LAST_PART)) - settings.warmup_steps)
            main = torch.optim.lr_scheduler.MultiStepLR(optimiser, [milestone], gamma=0.1)
        if settings.warmup_steps:
            warmup = torch.optim.lr_scheduler.LinearLR(optimiser, 1 / settings.warmup_steps, 1, settings.warmup_steps)
            main = torch.optim.lr_scheduler.SequentialLR(optimiser, [warmup, main], [settings.warmup_steps])
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": main, "interval": "step"}}
