"""The contract's check: real networks pass, and each way to break it is named."""

import pytest
import torch
from support import random_network
from torch import nn

from advmri.acquisition.kspace import rss_reconstruction
from advmri.errors import InputError
from advmri.reconstruction.contract import check_contract, contract_problems, contract_scan
from advmri.reconstruction.settings import ContractSettings
from advmri.reconstruction.user_model import UserReconstructor

CPU = torch.device("cpu")
SETTINGS = ContractSettings()


class ZeroFilled(nn.Module):
    """Keeps the contract; what it returns is what a test makes of its image."""

    def __init__(self, change=lambda image, kspace: image):
        super().__init__()
        self.change = change

    def forward(self, kspace, mask, num_low_frequencies, crop):
        return self.change(rss_reconstruction(kspace, crop), kspace)


def problems(change, settings=SETTINGS):
    return contract_problems(UserReconstructor(ZeroFilled(change)).eval(), settings, CPU)


@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
def test_networks_of_this_project_keep_it(architecture):
    assert contract_problems(random_network(architecture), SETTINGS, CPU) == []


def test_the_scan_is_what_networks_are_given():
    scan = contract_scan(ContractSettings(coils=3, rows=50, columns=41, crop=(30, 32), maximum=2.0), CPU)
    assert scan.kspace.shape == (2, 3, 50, 41) and scan.kspace.dtype == torch.complex64
    assert scan.mask.shape == (2, 41) and 0.4 < scan.mask.float().mean() < 0.7
    assert scan.target.shape == (2, 30, 32) and float(scan.target.max()) == pytest.approx(2.0, rel=0.05)
    assert (scan.kspace[..., ~scan.mask[0]] == 0).all() and (scan.kspace[..., scan.mask[0]] != 0).all()
    first = (41 - scan.num_low_frequencies + 1) // 2
    assert scan.mask[0, first : first + scan.num_low_frequencies].all()
    assert not torch.allclose(scan.kspace[0], scan.kspace[1], rtol=0.1)


def drifting(image, kspace, calls=[0]):  # noqa: B006 - state between calls is what is tested
    calls[0] += 1
    return image * (1 + 0.01 * calls[0])


def spoil(image, kspace):
    kspace[0, 0, 0, 0] = 1
    return image


BROKEN = {
    "output: a list": lambda image, kspace: [image],
    "shape: [2, 1, 64, 64], expected [B, h, w] = [2, 64, 64]": lambda image, kspace: image[:, None],
    "dtype: torch.float64": lambda image, kspace: image.double(),
    "dtype: torch.complex64": lambda image, kspace: image.to(torch.complex64),
    "finite: 1 of 8192": lambda image, kspace: (
        image.masked_fill(torch.arange(64 * 64).view(64, 64) + image * 0 == 5, 0)
        if len(image) < 2
        else image.index_put((torch.tensor([0]), torch.tensor([3]), torch.tensor([4])), torch.tensor([torch.nan]))
    ),
    "units: the image's norm is": lambda image, kspace: image / image.amax(),
    "gradient: the image does not depend": lambda image, kspace: image.detach(),
    "gradient: NaN or infinite": lambda image, kspace: image + (kspace - kspace.detach()).abs().sum().sqrt(),
    "gradient: zero everywhere": lambda image, kspace: image.detach() + 0 * kspace.abs().sum(),
    "determinism: two calls": drifting,
    "batch: a slice's image changes": lambda image, kspace: image - 0.1 * image.mean(dim=0, keepdim=True),
    "batch: one slice alone": lambda image, kspace: image if len(image) == 2 else torch.cat([image, image]),
    "input: forward changes": spoil,
    "forward: RuntimeError in test_contract.py": lambda image, kspace: image + torch.ones(7),
}


@pytest.mark.parametrize("named", BROKEN)
def test_what_is_broken_is_named(named):
    found = problems(BROKEN[named])
    assert any(problem.startswith(named) for problem in found), found


def test_only_what_is_broken_is_named():
    assert [problem.split(":")[0] for problem in problems(drifting)] == ["determinism", "batch"]
    assert [problem.split(":")[0] for problem in problems(BROKEN["gradient: the image does not depend"])] == [
        "gradient"
    ]


def test_dropout_and_batch_statistics_are_found_in_training_mode_only():
    class Net(ZeroFilled):
        def __init__(self):
            super().__init__(lambda image, kspace: image * self.drop(torch.ones_like(image)))
            self.drop = nn.Dropout(0.5)

    network = UserReconstructor(Net())
    assert contract_problems(network.eval(), SETTINGS, CPU) == []
    assert any(problem.startswith("determinism") for problem in contract_problems(network.train(), SETTINGS, CPU))


def test_a_network_with_weights_that_are_not_numbers_is_refused():
    network = random_network("unet")
    next(network.parameters()).data[0] = torch.nan
    with pytest.raises(InputError, match=r"model mine does not keep the contract.*finite: 8192 of 8192"):
        check_contract("mine", network, SETTINGS, CPU)


def test_a_network_for_one_size_is_checked_on_that_size():
    def one_size(image, kspace):
        if image.shape[1:] != (32, 48):
            raise ValueError("only 32 x 48")
        return image

    assert problems(one_size)[0].endswith("on k-space [2, 4, 96, 80], crop [64, 64]: only 32 x 48")
    assert problems(one_size, ContractSettings(crop=(32, 48))) == []
