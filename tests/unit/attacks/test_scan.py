"""A slice under attack: unmeasured columns have no influence, perturbations act on the measured ones alone."""

import numpy as np
import pytest
import torch
from support import complex_normal, small_scan

from advmri.acquisition.kspace import rss_reconstruction
from advmri.attacks.scan import Scan


def perturbation(rng, scan, batch=2):
    coils, height, _ = scan.kspace.shape
    scale = float(scan.kspace.abs().mean())
    return scale * torch.from_numpy(complex_normal(rng, (batch, coils, height, len(scan.measured_columns))))


def test_perturbation_is_zero_outside_the_measured_columns(rng):
    scan = small_scan()
    z = perturbation(rng, scan)
    difference = scan.perturbed_kspace(z) - scan.kspace
    assert torch.equal(difference * ~scan.mask, torch.zeros_like(difference))
    torch.testing.assert_close(difference[..., scan.mask], z, rtol=1e-3, atol=1e-9)
    assert len(scan.measured_columns) == int(scan.mask.sum()) < len(scan.mask)


@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_unmeasured_columns_have_no_influence(rng, architecture):
    scan = small_scan(architecture)
    garbage = torch.from_numpy(complex_normal(rng, scan.kspace.shape)) * ~scan.mask
    assert garbage.abs().max() > 0
    assert torch.equal(scan.reconstruct((scan.kspace + garbage)[None])[0], scan.clean())


@pytest.mark.parametrize("architecture", ["unet", "varnet"])
def test_gradient_reaches_the_measured_columns_only(architecture):
    scan = small_scan(architecture)
    kspace = scan.kspace[None].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(scan.reconstruct(kspace).sum(), kspace)
    assert gradient[..., scan.mask].abs().sum() > 0
    assert torch.equal(gradient * ~scan.mask, torch.zeros_like(gradient))
    assert torch.isfinite(torch.view_as_real(gradient)).all()


def test_target_and_norms_are_of_the_fully_sampled_kspace():
    scan = small_scan()
    torch.testing.assert_close(scan.target, rss_reconstruction(scan.kspace, scan.crop))
    np.testing.assert_allclose(scan.coil_norms, np.linalg.norm(scan.kspace.reshape(3, -1), axis=1), rtol=1e-5)


def test_members_of_a_batch_do_not_influence_each_other(rng):
    scan = small_scan()
    z = perturbation(rng, scan, batch=3)
    together = scan.reconstruct(scan.perturbed_kspace(z))
    for index in range(3):
        alone = scan.reconstruct(scan.perturbed_kspace(z[index : index + 1]))[0]
        torch.testing.assert_close(together[index], alone, rtol=1e-4, atol=1e-8)


def test_a_dead_coil_gives_a_finite_image_with_the_unet():
    """The VarNet gives NaN, as the stock one does: `read_kspace` refuses such slices."""
    scan = small_scan("unet")
    kspace = scan.kspace.clone()
    kspace[1] = 0
    scan = Scan(kspace, scan.mask, scan.num_low_frequencies, scan.crop, scan.reconstructor)
    assert torch.isfinite(scan.clean()).all()
