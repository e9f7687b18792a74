"""What happens beside the training steps: the history, and a state saved when the job is asked to end."""

import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from advmri.training.report import Report

EXIT_STATUS_TERMINATED = 143
COLUMNS = ["step", "train_loss", "learning_rate", "holdout_ssim"]


class History(pl.Callback):
    """Collect losses and the holdout's SSIM, and report progress; a loss is the mean over a step's whole batch."""

    def __init__(self, every: int, report: Report) -> None:
        self.every = every
        self.report = report
        self.rows: list[dict[str, float]] = []
        self._step = 0
        self._losses: list[torch.Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, so that a resumed run has a whole history."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an interrupted run's rows."""
        self.rows = state_dict["rows"]

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Begin at the step of a resumed run."""
        self._step = trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add a row every `every` steps; several passes make a step where gradients are accumulated."""
        self._losses.append(outputs["loss"].detach())
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        # Lightning has divided each by their number. All devices take part, so that each has the same history.
        loss = float(trainer.strategy.reduce(torch.stack(self._losses).sum(), reduce_op="mean"))
        self._losses.clear()
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
        table = pd.DataFrame(self.rows).reindex(columns=COLUMNS)
        return table.groupby("step", as_index=False).first()


class SaveWhenTerminated(Checkpoint):
    """On SIGTERM or SIGUSR1 save the state after the current optimiser step and end the program.

    A context around `Trainer.fit`. All devices agree in every step whether one of them was asked to end: a state is
    saved by all of them together, or they would wait for each other for ever. Lightning's own handling of SIGTERM is
    put aside: it talks to the other processes from inside the signal handler, in the middle of whatever they do.
    A `Checkpoint`, since Lightning calls these after all other callbacks, when everything has been updated.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGUSR1)

    def __init__(self, path: Path) -> None:
        self.path = path
        self._requested = False
        self._step = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._requested = True

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Take the signals back from Lightning, which took them when `fit` began."""
        self._step = trainer.global_step
        for number in self.SIGNALS:
            signal.signal(number, self._note)

    def on_train_batch_end(self, trainer: pl.Trainer, *details: Any, **more: Any) -> None:
        """Save and end, if any device was asked to.

        Raises:
            SystemExit: then.
        """
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        if trainer.strategy.reduce_boolean_decision(self._requested, all=False):
            trainer.save_checkpoint(self.path)
            raise SystemExit(EXIT_STATUS_TERMINATED)
