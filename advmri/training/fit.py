"""Train one reconstruction for a number of steps, going on from an interrupted run's last state."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint, OnExceptionCheckpoint
from torch.utils.data import DataLoader, Subset

from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor
from advmri.seeds import derive_seed
from advmri.training.dataset import MaskSettings, Sample, SliceDataset, batch_by_shape
from advmri.training.module import ReconstructionTraining
from advmri.training.settings import TrainingSettings
from advmri.volumes import Volume

HISTORY_POINTS = 100
SAVES = 10

Report = Callable[[int, int, float], None]
"""Called with steps done, steps in all and the last loss."""


class History(pl.Callback):
    """Collect what is logged, and report progress."""

    def __init__(self, every: int, report: Report) -> None:
        self.every = every
        self.report = report
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, so that a resumed run has a whole history."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an interrupted run's rows."""
        self.rows = state_dict["rows"]

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add a row every `every` steps."""
        loss = float(outputs["loss"])
        self.report(trainer.global_step, int(trainer.max_steps), loss)
        if trainer.global_step % self.every == 0 or trainer.global_step == trainer.max_steps:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            self.rows.append({"step": trainer.global_step, "train_loss": loss, "learning_rate": rate})

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Add the holdout's SSIM."""
        if "holdout_ssim" in trainer.callback_metrics and not trainer.sanity_checking:
            value = float(trainer.callback_metrics["holdout_ssim"])
            self.rows.append({"step": trainer.global_step, "holdout_ssim": value})

    def table(self) -> pd.DataFrame:
        """Return one row per step: step, train_loss, learning_rate, holdout_ssim."""
        columns = ["step", "train_loss", "learning_rate", "holdout_ssim"]
        table = pd.DataFrame(self.rows).reindex(columns=columns)
        return table.groupby("step", as_index=False).first()


def _steps_done(last: Path) -> int:
    """Return the optimiser steps behind an interrupted run's state; 0 where there is none."""
    if not last.is_file():
        return 0
    return int(torch.load(last, map_location="cpu", mmap=True, weights_only=False)["global_step"])


@dataclass(frozen=True)
class Compute:
    """Where and how to compute: a torch device type (`cpu` or `cuda`) and data loader processes."""

    device: str
    workers: int = 0


class SaveWhenTerminated(OnExceptionCheckpoint):
    """Save the state on SIGTERM, which Lightning heeds between two batches; at any other moment it may be half new."""

    def on_exception(self, trainer: pl.Trainer, *details: Any, **more: Any) -> None:
        """Save, unless gradients are being accumulated: they would be lost."""
        if trainer.received_sigterm and not trainer.fit_loop._should_accumulate():
            super().on_exception(trainer, *details, **more)

    def teardown(self, *details: Any, **more: Any) -> None:
        """Keep the last state until the result is written: `workflow_scripts.train` removes it then."""


class Batches:
    """The batches of a training in order, from number `first` on; the length is that of the whole training.

    Lightning does not wind a loader forward when it resumes: without `first` a resumed run would see the first
    samples again.
    """

    def __init__(self, dataset: SliceDataset, batch_size: int, workers: int, first: int) -> None:
        self.dataset, self.batch_size, self.workers, self.first = dataset, batch_size, workers, first

    def __len__(self) -> int:
        return len(self.dataset) // self.batch_size

    def __iter__(self) -> Iterator[list[Sample]]:
        rest = Subset(self.dataset, range(self.first * self.batch_size, len(self.dataset)))
        return iter(DataLoader(rest, self.batch_size, num_workers=self.workers, collate_fn=batch_by_shape))


def fit(
    reconstructor: Reconstructor,
    volumes: Sequence[Volume],
    settings: TrainingSettings,
    mask: MaskSettings,
    seed: int,
    compute: Compute,
    work_folder: Path,
    report: Report,
) -> pd.DataFrame:
    """Train `reconstructor` in place and return its history.

    Args:
        reconstructor: with random weights (already seeded).
        volumes: of the train split; the last `settings.holdout_volumes` of them are only looked at.
        settings: of the training.
        mask: how masks are drawn, new for each sample.
        seed: of order, augmentation and masks.
        compute: device and workers.
        work_folder: for the state of an interrupted run; a `last.ckpt` in it is taken up.
        report: progress.

    Raises:
        InputError: where no volume is left to train on.
    """
    kept_back = settings.holdout_volumes
    training, holdout = volumes[: len(volumes) - kept_back], volumes[len(volumes) - kept_back :]
    if not training:
        raise InputError(
            f"{len(volumes)} training volumes and holdout_volumes = {kept_back}: none is left to train on."
        )
    batches = settings.steps * settings.accumulate
    dataset = SliceDataset(
        training, mask, derive_seed(seed, "training"), batches * settings.batch_size, settings.augmentation
    )
    history = History(max(1, settings.steps // HISTORY_POINTS), report)
    callbacks: list[pl.Callback] = [
        history,
        ModelCheckpoint(
            work_folder,
            filename="last",
            every_n_train_steps=max(1, settings.steps // SAVES),
            enable_version_counter=False,
            save_top_k=1,
        ),
        SaveWhenTerminated(work_folder, filename="last"),
    ]
    if settings.weight_average is not None:
        callbacks.append(EMAWeightAveraging(decay=settings.weight_average))
    validation: dict[str, Any] = {"limit_val_batches": 0}
    if holdout:
        every = min(settings.holdout_every or settings.steps, settings.steps) * settings.accumulate
        validation = {"val_check_interval": every, "check_val_every_n_epoch": None}
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        trainer = pl.Trainer(
            accelerator="gpu" if compute.device == "cuda" else "cpu",
            devices=1,
            max_steps=settings.steps,
            max_epochs=-1,
            accumulate_grad_batches=settings.accumulate,
            gradient_clip_val=settings.gradient_clip,
            callbacks=callbacks,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            default_root_dir=work_folder,
            deterministic="warn",
            **validation,
        )
        last = work_folder / "last.ckpt"
        holdout_loader = DataLoader(SliceDataset(holdout, mask, derive_seed(seed, "holdout"))) if holdout else None
        trainer.fit(
            ReconstructionTraining(reconstructor, settings),
            Batches(dataset, settings.batch_size, compute.workers, _steps_done(last) * settings.accumulate),
            holdout_loader,
            ckpt_path=last if last.is_file() else None,
            weights_only=False,
        )
    torch.set_grad_enabled(True)
    return history.table()
