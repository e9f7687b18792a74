"""How long a training is: optimiser steps from steps or epochs, and how often its state is saved."""

from dataclasses import dataclass

from advmri.training.settings import TrainingSettings

SAVES = 10
"""States saved during a training that is counted in steps."""


@dataclass(frozen=True)
class TrainingLength:
    """Optimiser steps in all, and between two saved states: an epoch where the training is counted in epochs."""

    steps: int
    steps_per_save: int


def training_length(settings: TrainingSettings, slices: int) -> TrainingLength:
    """Return the length of a training on so many slices.

    Batches do not end with an epoch: each takes the next `batch_size` samples of an endless series of passes. So
    epochs x slices / batch_size steps are made, rounded up once.
    """
    if settings.epochs is None:
        assert settings.steps is not None
        return TrainingLength(settings.steps, max(1, settings.steps // SAVES))
    steps = -(-settings.epochs * slices // settings.batch_size)
    return TrainingLength(steps, max(1, round(slices / settings.batch_size)))
