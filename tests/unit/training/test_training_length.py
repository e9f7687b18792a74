"""Epochs and steps, and when the official recipes lower the learning rate."""

import pytest
from pydantic import ValidationError
from support import random_network

from advmri.training.length import training_length
from advmri.training.module import ReconstructionTraining
from advmri.training.settings import TrainingSettings

RECIPE = {"loss": "ssim", "optimiser": "Adam", "learning_rate": 0.0003}


def test_epochs_are_counted_in_slices_and_saved_each():
    length = training_length(TrainingSettings(epochs=50, batch_size=32, **RECIPE), 34_742)
    assert length.steps == 54_285 and length.steps_per_save == 1086


def test_steps_are_taken_as_they_are():
    length = training_length(TrainingSettings(steps=455, **RECIPE), 7)
    assert (length.steps, length.steps_per_save) == (455, 45)


def test_a_short_epoch_is_one_step():
    length = training_length(TrainingSettings(epochs=3, batch_size=32, **RECIPE), 10)
    assert (length.steps, length.steps_per_save) == (1, 1)


@pytest.mark.parametrize("both", [{}, {"steps": 3, "epochs": 2}])
def test_either_steps_or_epochs(both):
    with pytest.raises(ValidationError, match="either steps or epochs"):
        TrainingSettings(**both, **RECIPE)


def test_learning_rate_falls_after_40_of_50_epochs():
    """What fastMRI's StepLR(step_size=40, gamma=0.1) does within its 50 epochs."""
    settings = TrainingSettings(epochs=50, batch_size=4, schedule="step", **RECIPE)
    steps = training_length(settings, 12).steps
    module = ReconstructionTraining(random_network("unet").requires_grad_(True), settings, steps, slices_per_pass=4)
    configured = module.configure_optimizers()
    rates = []
    for _ in range(steps):
        rates.append(configured["optimizer"].param_groups[0]["lr"])
        configured["optimizer"].step()
        configured["lr_scheduler"]["scheduler"].step()
    assert rates == pytest.approx([0.0003] * (40 * 3) + [0.00003] * (10 * 3))
