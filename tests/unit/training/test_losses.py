"""The losses are those that fastMRI's own training modules compute."""

import numpy as np
import pytest
import torch
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import UnetDataTransform
from fastmri.losses import SSIMLoss
from skimage.metrics import structural_similarity
from support import object_kspace, random_network

from advmri.acquisition.masks import fastmri_seed, make_mask
from advmri.training.dataset import Sample
from advmri.training.losses import LOSSES
from advmri.training.module import ReconstructionTraining
from advmri.training.settings import TrainingSettings
from advmri.volumes.reading import rss_image

CROP = (24, 20)


@pytest.fixture
def sample(rng):
    """A batch of two slices; the second has a bright spot in the target, which the clamp cuts."""
    kspace = np.stack([object_kspace(rng), object_kspace(rng)])
    target = np.stack([rss_image(one, CROP) for one in kspace])
    target[1, 3, 4] = 20 * target.max()
    mask = make_mask(32, 4, 0.16, "random", fastmri_seed("file1"))
    return kspace, Sample(
        kspace=torch.from_numpy(kspace) * mask.columns,
        mask=mask.columns.expand(2, -1),
        num_low_frequencies=torch.tensor([mask.num_low_frequencies] * 2),
        target=torch.from_numpy(target),
        maximum=torch.tensor([1e-3, 2e-3]),
    )


def test_normalised_l1_is_the_unets_loss(sample):
    """F.l1_loss(network(image), target) on fastMRI's normalised and clamped images, unet_module.py:92."""
    kspace, batch = sample
    network = random_network("unet")
    transform = UnetDataTransform("multicoil", create_mask_for_mask_type("random", [0.16], [4]))
    expected = []
    for one, target in zip(kspace, batch.target.numpy(), strict=True):
        stock = transform(one, None, target, {"max": 1.0}, "file1.h5", 0)
        expected.append(torch.nn.functional.l1_loss(network.network(stock.image[None, None])[0, 0], stock.target))
    assert stock.target.max() == 6
    image = network(batch.kspace, batch.mask, int(batch.num_low_frequencies[0]), CROP)
    found = LOSSES["l1_normalised"]()(image, batch)
    torch.testing.assert_close(found, torch.stack(expected).mean(), rtol=1e-4, atol=1e-6)


def test_ssim_is_the_varnets_loss(sample):
    """1 - SSIM with the volume's maximum as data range, one for each member of the batch, varnet_module.py:106."""
    _, batch = sample
    image = batch.target * 0.9 + 1e-5
    found = LOSSES["ssim"]()(image, batch)
    stock = SSIMLoss()
    each = [stock(image[i][None, None], batch.target[i][None, None], batch.maximum[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(found, torch.stack(each).mean(), rtol=1e-5, atol=1e-7)
    assert found.dtype == torch.float32


def test_ssim_loss_agrees_with_the_score(sample):
    """What is minimised is what is reported: scikit-image's SSIM (the loss has no margin to leave out)."""
    _, batch = sample
    target = batch.target[:1].clone()
    image = (target * 0.9 + 2e-5).clamp_min(0)
    one = Sample(batch.kspace[:1], batch.mask[:1], batch.num_low_frequencies[:1], target, batch.maximum[:1])
    expected = structural_similarity(target[0].numpy(), image[0].numpy(), win_size=7, data_range=1e-3)
    assert 1 - float(LOSSES["ssim"]()(image, one)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_zero_or_least_at_the_target_and_differentiable(sample, name):
    _, batch = sample
    clean = batch._replace(target=batch.target.clamp_max(1e-3))
    image = clean.target.clone().requires_grad_(True)
    loss = LOSSES[name]()(image, clean)
    worse = LOSSES[name]()(clean.target * 0.8, clean)
    assert loss < 0.1 * worse
    (gradient,) = torch.autograd.grad(LOSSES[name]()(image * 0.8, clean), image)
    assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0


def test_a_batch_of_several_shapes_has_the_mean_loss_of_its_samples(sample):
    _, batch = sample
    one, two = (Sample(*(values[index : index + 1] for values in batch)) for index in range(2))
    settings = TrainingSettings(steps=1, loss="l1_normalised", optimiser="Adam", learning_rate=0.1)
    module = ReconstructionTraining(random_network("unet"), settings, 1, slices_per_pass=2)
    module.log = lambda *args, **more: None
    together = module.training_step([batch], 0)
    torch.testing.assert_close(module.training_step([one, two], 0), together, rtol=1e-5, atol=0)
    alone = [module.training_step([sample], 0) for sample in (one, two)]
    torch.testing.assert_close(alone[0] + alone[1], together, rtol=1e-5, atol=0)
    assert not torch.isclose(alone[0] * 2, together, rtol=1e-3)


def test_a_device_without_a_share_has_gradients_of_zero():
    settings = TrainingSettings(steps=1, loss="ssim", optimiser="Adam", learning_rate=0.1)
    network = random_network("varnet").requires_grad_(True)
    module = ReconstructionTraining(network, settings, 1, slices_per_pass=0.5)
    module.log = lambda *args, **more: None
    loss = module.training_step([], 0)
    loss.backward()
    assert loss == 0 and all((weight.grad == 0).all() for weight in network.parameters())
