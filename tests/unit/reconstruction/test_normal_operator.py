"""The normal operator in blocks of rows: what it computes, its gradients, and that it is Hermitian."""

import pytest
import torch

from advmri.reconstruction import normal_operator as module
from advmri.reconstruction.normal_operator import normal_operator


def operands(batch=2, coils=3, height=7, width=6):
    generator = torch.Generator().manual_seed(0)
    maps, images = (
        torch.randn(shape, dtype=torch.complex128, generator=generator)
        for shape in ((batch, coils, height, width), (2, batch, height, width))
    )
    return maps, *images, torch.rand(batch, width, generator=generator) < 0.5


@pytest.fixture(autouse=True, params=[1, 100, 2**17])
def block(request, monkeypatch):
    monkeypatch.setattr(module, "CACHED_ELEMENTS", request.param)


def composed(maps, image, columns):
    lines = torch.fft.fft(maps * image[:, None], norm="ortho") * columns[:, None, None]
    return (maps.conj() * torch.fft.ifft(lines, norm="ortho")).sum(dim=1)


def test_equals_composed_operations():
    maps, image, weights, columns = operands()
    results = []
    for function in (composed, normal_operator):
        variables = [maps.clone().requires_grad_(True), image.clone().requires_grad_(True)]
        output = function(*variables, columns)
        results.append((output.detach(), *torch.autograd.grad((output * weights).real.sum(), variables)))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


def test_gradients_by_finite_differences():
    maps, image, _, columns = operands(batch=1, coils=2, height=3, width=4)
    variables = (maps.requires_grad_(True), image.requires_grad_(True))
    assert torch.autograd.gradcheck(lambda first, second: normal_operator(first, second, columns), variables)


def test_hermitian_and_non_negative():
    maps, first, second, columns = operands()
    one, other = normal_operator(maps, first, columns), normal_operator(maps, second, columns)
    torch.testing.assert_close(
        torch.vdot(second.flatten(), one.flatten()), torch.vdot(other.flatten(), first.flatten())
    )
    assert torch.vdot(first.flatten(), one.flatten()).real >= 0


def test_nothing_is_kept_for_maps_without_gradient():
    maps, image, _, columns = operands()
    variable = image.clone().requires_grad_(True)
    normal_operator(maps, variable, columns).abs().sum().backward()
    assert variable.grad is not None and maps.grad is None
