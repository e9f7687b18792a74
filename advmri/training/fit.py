"""Train one reconstruction on one or several devices, going on from an interrupted run's last state."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.plugins.environments import LightningEnvironment, SLURMEnvironment
from pytorch_lightning.strategies import DDPStrategy
from torch.utils.data import DataLoader

from advmri.errors import InputError
from advmri.reconstruction.protocol import Reconstructor
from advmri.reconstruction.weights.weights_file import archive_damage
from advmri.seeds import derive_seed
from advmri.training.batches import Batches, share_batch
from advmri.training.callbacks import History, SaveWhenTerminated
from advmri.training.dataset import MaskSettings, SliceDataset
from advmri.training.length import training_length
from advmri.training.module import ReconstructionTraining
from advmri.training.report import Report
from advmri.training.settings import TrainingSettings
from advmri.volumes.reading import Volume

LOGGER = logging.getLogger("advmri.training")
HISTORY_POINTS = 100


@dataclass(frozen=True)
class Compute:
    """Where and how to compute.

    Attributes:
        device: torch device type, `cpu` or `cuda`.
        workers: data loader processes per device.
        devices: processes per node, each with a device of its own. Lightning starts them on one node.
        nodes: with more than one, srun has started a process per device.
    """

    device: str
    workers: int = 0
    devices: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """Number of devices over all nodes."""
        return self.devices * self.nodes

    def trainer_options(self) -> dict[str, Any]:
        """Return what Lightning's Trainer needs to know.

        The environment is always named: Lightning would take a single process inside a SLURM job for one of several
        that srun had started.
        """
        options: dict[str, Any] = {
            "accelerator": "gpu" if self.device == "cuda" else "cpu",
            "devices": self.devices,
            "num_nodes": self.nodes,
            "plugins": [LightningEnvironment() if self.nodes == 1 else SLURMEnvironment(auto_requeue=False)],
            # Batches and holdout are shared by this project's own rules.
            "use_distributed_sampler": False,
        }
        if self.processes > 1:
            options["strategy"] = DDPStrategy(process_group_backend="nccl" if self.device == "cuda" else "gloo")
        return options


def _saved_state(path: Path) -> Path | None:
    """Return the state of an interrupted run; None where there is none, or its checksums say that it is damaged."""
    if path.is_file() and (damage := archive_damage(path)):
        LOGGER.warning("%s: damaged: %s; training starts from the beginning", path, damage)
        return None
    return path if path.is_file() else None


def _steps_done(last: Path | None) -> int:
    """Return the optimiser steps behind an interrupted run's state; 0 where there is none."""
    if last is None:
        return 0
    return int(torch.load(last, map_location="cpu", mmap=True, weights_only=True)["global_step"])


def split_holdout(volumes: Sequence[Volume], holdout_volumes: int) -> tuple[Sequence[Volume], Sequence[Volume]]:
    """Return the volumes to train on and the last `holdout_volumes`, which are only looked at.

    Raises:
        InputError: where no volume is left to train on.
    """
    training = volumes[: max(0, len(volumes) - holdout_volumes)]
    if not training:
        raise InputError(
            f"{len(volumes)} training volumes and holdout_volumes = {holdout_volumes}: none is left to train on."
        )
    return training, volumes[len(training) :]


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

    With several devices on one node Lightning starts this program again for each further one; all return, with the
    same weights and history.

    Args:
        reconstructor: with random weights (already seeded).
        volumes: of the train split; the last `settings.holdout_volumes` of them are only looked at.
        settings: of the training.
        mask: how masks are drawn, new for each sample.
        seed: of order, augmentation and masks.
        compute: devices and workers.
        work_folder: for the state of an interrupted run; a `last.ckpt` in it is taken up.
        report: progress.

    Raises:
        InputError: where no volume is left to train on, or a batch cannot be shared among the devices.
        SystemExit: after SIGTERM or SIGUSR1, with the state saved.
    """
    training, holdout = split_holdout(volumes, settings.holdout_volumes)
    sharing = share_batch(settings.batch_size, compute.processes, settings.slices_per_device)
    length = training_length(settings, sum(volume.slices for volume in training))
    dataset = SliceDataset(
        training, mask, derive_seed(seed, "training"), length.steps * settings.batch_size, settings.augmentation
    )
    last = work_folder / "last.ckpt"
    state = _saved_state(last)
    history = History(max(1, length.steps // HISTORY_POINTS), report)
    termination = SaveWhenTerminated(last)
    callbacks: list[pl.Callback] = [
        history,
        ModelCheckpoint(
            work_folder,
            filename="last",
            every_n_train_steps=length.steps_per_save,
            enable_version_counter=False,
            save_top_k=1,
        ),
        termination,
    ]
    if settings.weight_average is not None:
        callbacks.append(EMAWeightAveraging(decay=settings.weight_average))
    validation: dict[str, Any] = {"limit_val_batches": 0}
    if holdout:
        every = min(settings.holdout_every or length.steps_per_save, length.steps) * sharing.passes
        validation = {"val_check_interval": every, "check_val_every_n_epoch": None}
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings(), termination:
        warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*`srun` command is available.*")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        trainer = pl.Trainer(
            **compute.trainer_options(),
            precision="bf16-mixed" if settings.precision == "bf16" else "32-true",
            max_steps=length.steps,
            max_epochs=-1,
            accumulate_grad_batches=sharing.passes,
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
        holdout_loader = DataLoader(SliceDataset(holdout, mask, derive_seed(seed, "holdout"))) if holdout else None
        trainer.fit(
            ReconstructionTraining(reconstructor, settings, length.steps, sharing.slices_per_pass),
            Batches(dataset, length.steps, sharing, compute.workers, _steps_done(state)),
            holdout_loader,
            ckpt_path=state,
            weights_only=True,
        )
    torch.set_grad_enabled(True)
    return history.table()
