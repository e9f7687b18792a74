"""The contract's check: real networks pass, and each way to break it is named."""

import pytest
import torch
from support import DETACHED, Detached, LeastSquares, random_network
from torch import nn

from advmri.acquisition.kspace import rss_reconstruction
from advmri.errors import InputError
from advmri.reconstruction.contract import check_contract, contract_problems, contract_scan
from advmri.reconstruction.settings import ContractSettings
from advmri.reconstruction.user_model import UserReconstructor

CPU = torch.device("cpu")
SETTINGS = ContractSettings()
SMALL = ContractSettings(coils=3, rows=40, columns=32, crop=(24, 24))


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
    assert scan.kspace.shape == (3, 3, 50, 41) and scan.kspace.dtype == torch.complex64
    assert scan.mask.shape == (3, 41) and 0.4 < scan.mask.float().mean() < 0.7
    assert scan.target.shape == (3, 30, 32) and float(scan.target.max()) == pytest.approx(2.0, rel=0.05)
    assert (scan.kspace[..., ~scan.mask[0]] == 0).all() and (scan.kspace[..., scan.mask[0]] != 0).all()
    first = (41 - scan.num_low_frequencies + 1) // 2
    assert scan.mask[0, first : first + scan.num_low_frequencies].all()
    flat = scan.target.flatten(1)
    for statistic in (flat.amax(1), flat.mean(1), flat.var(1)):
        ordered = statistic.sort().values
        assert (ordered[1:] > 1.3 * ordered[:-1]).all()


def drifting(image, kspace, calls=[0]):  # noqa: B006 - state between calls is what is tested
    calls[0] += 1
    return image * (1 + 0.01 * calls[0])


def spoil(image, kspace):
    kspace[0, 0, 0, 0] = 1
    return image


BROKEN = {
    "output: a list": lambda image, kspace: [image],
    "shape: [3, 1, 64, 64], expected [B, h, w] = [3, 64, 64]": lambda image, kspace: image[:, None],
    "dtype: torch.float64": lambda image, kspace: image.double(),
    "dtype: torch.complex64": lambda image, kspace: image.to(torch.complex64),
    "finite: 1 of 12288": lambda image, kspace: (
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
    "batch: 1 of 3 slices give [2, 64, 64]": lambda image, kspace: (
        image if len(image) > 1 else torch.cat([image, image])
    ),
    "batch: 2 of 3 slices give [1, 64, 64]": lambda image, kspace: image if len(image) != 2 else image[:1],
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
    with pytest.raises(InputError, match=r"model mine does not keep the contract.*finite: 12288 of 12288"):
        check_contract("mine", network, SETTINGS, CPU)


def test_a_network_for_one_size_is_checked_on_that_size():
    def one_size(image, kspace):
        if image.shape[1:] != (32, 48):
            raise ValueError("only 32 x 48")
        return image

    assert problems(one_size)[0].endswith("on k-space [3, 4, 96, 80], crop [64, 64]: only 32 x 48")
    assert problems(one_size, ContractSettings(crop=(32, 48))) == []


class MaximumOfTheBatch(nn.Module):
    """Normalises by the batch's largest value; `slices` with the same maximum do not show it."""

    def __init__(self, normalise):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        if normalise:
            self.layers.insert(1, nn.BatchNorm2d(8, track_running_stats=False))
        self.of_batch = not normalise

    def forward(self, kspace, mask, num_low_frequencies, crop):
        image = rss_reconstruction(kspace, crop)
        scale = image.max() if self.of_batch else image.amax(dim=(1, 2), keepdim=True)
        return image + scale * self.layers((image / scale)[:, None])[:, 0]


@pytest.mark.parametrize("normalise", [False, True], ids=["maximum of the batch", "statistics of the batch"])
def test_networks_that_mix_the_slices_of_a_batch_are_refused(normalise):
    found = contract_problems(UserReconstructor(MaximumOfTheBatch(normalise)).eval(), SETTINGS, CPU)
    assert [problem.split(":")[0] for problem in found] == ["batch"]


def test_a_gradient_that_drops_a_part_is_refused():
    """As deepinv's CG-SENSE does by default with what flows through the coil maps."""
    assert contract_problems(UserReconstructor(LeastSquares(through_maps=True)), SMALL, CPU) == []
    problem = contract_problems(UserReconstructor(LeastSquares(through_maps=False)), SMALL, CPU)[0]
    assert problem.startswith("gradient: along its centre columns the error changes by")


def test_a_scale_that_is_detached_is_found_by_the_gradient():
    class Scaled(MaximumOfTheBatch):
        def forward(self, kspace, mask, num_low_frequencies, crop):
            image = rss_reconstruction(kspace, crop)
            scale = image.amax(dim=(1, 2), keepdim=True).detach()
            return image + scale * torch.relu(self.layers((image / scale)[:, None])[:, 0])

    found = contract_problems(UserReconstructor(Scaled(normalise=False)).eval(), SETTINGS, CPU)
    assert found and found[0].startswith("gradient: along its")


class InFloat32(nn.Module):
    """Cannot be computed in float64."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, kspace, mask, num_low_frequencies, crop):
        if kspace.dtype != torch.complex64:
            raise TypeError("complex64 only")
        return self.network(kspace, mask, num_low_frequencies, crop)


@pytest.mark.parametrize("architecture", ["unet", "varnet", "zero_filled"])
@pytest.mark.parametrize("seed", range(3))
def test_right_gradients_pass_in_float32_too(architecture, seed):
    network = random_network(architecture, seed=seed)
    assert contract_problems(UserReconstructor(InFloat32(network)).eval(), SETTINGS, CPU) == []


def test_wrong_gradients_are_found_in_float32_too():
    problem = contract_problems(UserReconstructor(InFloat32(LeastSquares(through_maps=False))), SMALL, CPU)[0]
    assert problem.startswith("gradient: along its centre columns")


@pytest.mark.parametrize("network", [UserReconstructor, InFloat32])
@pytest.mark.parametrize("part", DETACHED)
def test_what_the_gradient_lacks_is_found_where_it_is_orthogonal_to_the_rest(part, network):
    found = contract_problems(UserReconstructor(network(Detached(ZeroFilled(), part))).eval(), SMALL, CPU)
    assert found and all(problem.startswith("gradient: along k-space's") for problem in found)


@pytest.mark.parametrize(
    ("architecture", "part"), [("unet", "half the coils"), ("unet", "imaginary part"), ("varnet", "half the rows")]
)
def test_networks_without_a_part_of_the_gradient_are_refused(architecture, part):
    network = Detached(random_network(architecture), part)
    assert any("along k-space's" in problem for problem in contract_problems(UserReconstructor(network), SMALL, CPU))


def test_a_network_that_uses_no_centre_is_not_refused():
    class Edges(ZeroFilled):
        def forward(self, kspace, mask, num_low_frequencies, crop):
            kspace = kspace.clone()
            first = (kspace.shape[-1] - num_low_frequencies + 1) // 2
            kspace[..., first : first + num_low_frequencies] = 0
            return super().forward(kspace, mask, num_low_frequencies, crop)

    assert contract_problems(UserReconstructor(Edges()).eval(), SMALL, CPU) == []
