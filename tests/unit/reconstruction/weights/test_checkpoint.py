"""model.pt: loads without running code, holds fastMRI's keys, and says what is wrong with another file."""

import pytest
import torch
from fastmri.models import Unet, VarNet
from support import SMALL_NETWORKS, random_network, small_scan

from advmri.errors import InputError
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

CPU = torch.device("cpu")


def save(path, network="unet", **changes):
    architecture, network = network, random_network(network)
    facts = {"architecture": architecture, "arguments": SMALL_NETWORKS[architecture], "acceleration": 4}
    checkpoint = Checkpoint(**facts | {"trained_on": "train", "training": {"steps": 3, "volumes": ["a"]}} | changes)
    save_checkpoint(path, checkpoint, network)
    return checkpoint, network


def test_a_checkpoint_does_not_say_what_code_runs(tmp_path):
    """A factory may be any function that can be imported, with any arguments."""
    path, trace = tmp_path / "model.pt", tmp_path / "ran"
    save(path, **{"architecture": "os:mkdir", "arguments": {"path": str(trace)}})
    for factory in (None, "my.networks:make"):
        with pytest.raises(InputError, match=r"model\.pt: names the factory 'os:mkdir'"):
            load_checkpoint(path, CPU, factory)
    assert not trace.exists()


@pytest.mark.parametrize("architecture", ["unet", "varnet"])
def test_round_trip(tmp_path, architecture):
    checkpoint, network = save(tmp_path / "model.pt", architecture)
    found, loaded = load_checkpoint(tmp_path / "model.pt", CPU)
    assert found == checkpoint
    assert not loaded.training and not any(weight.requires_grad for weight in loaded.parameters())
    scan = small_scan(architecture)
    mask = scan.mask[None]
    masked = scan.kspace[None] * scan.mask
    first, second = (model(masked, mask, scan.num_low_frequencies, scan.crop) for model in (network, loaded))
    assert torch.equal(first, second)


def test_weights_fit_the_stock_modules(tmp_path):
    for architecture, stock in (
        ("unet", Unet(1, 1, chans=4, num_pool_layers=2)),
        ("varnet", VarNet(num_cascades=2, chans=3, pools=2, sens_chans=2, sens_pools=2)),
    ):
        save(tmp_path / "model.pt", architecture)
        content = torch.load(tmp_path / "model.pt", weights_only=True)
        assert content["format_version"] == 1 and content["architecture"]["name"] == architecture
        stock.load_state_dict(content["state_dict"])


def test_weights_of_another_architecture(tmp_path):
    save(tmp_path / "model.pt", arguments={"chans": 6, "num_pool_layers": 2})
    with pytest.raises(InputError, match=r"model\.pt: its weights do not fit"):
        load_checkpoint(tmp_path / "model.pt", CPU)


def test_other_files_are_named(tmp_path):
    path = tmp_path / "model.pt"
    with pytest.raises(InputError, match=r"model\.pt: there is no such checkpoint"):
        load_checkpoint(path, CPU)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"model\.pt: not a checkpoint"):
        load_checkpoint(path, CPU)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(InputError, match=r"model\.pt: not an AdvMRI checkpoint"):
        load_checkpoint(path, CPU)
    save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"model\.pt: damaged: not a whole zip file"):
        load_checkpoint(path, CPU)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"trained_on": None}, "trained_on"),
        ({"architecture": "unet"}, "name, arguments"),
        ({"state_dict": 3}, "state_dict"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_named(tmp_path, change, named):
    save(tmp_path / "model.pt")
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    torch.save({key: value for key, value in (content | change).items() if value is not None}, tmp_path / "model.pt")
    with pytest.raises(InputError, match=rf"model\.pt: not a whole checkpoint: {named} missing"):
        load_checkpoint(tmp_path / "model.pt", CPU)


class Evil:
    def __reduce__(self):
        return (print, ("code that a checkpoint must not run",))


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    torch.save({"format_version": 1, "state_dict": Evil()}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="weights_only"):
        load_checkpoint(tmp_path / "model.pt", CPU)
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("architecture", "arguments", "named"),
    [
        ("resnet", {}, "no advmri/reconstruction/resnet.py"),
        ("protocol", {}, "no function 'build'"),
        ("unet", {"channels": 3}, "does not take the arguments"),
        ("../unet", {}, "no advmri/reconstruction"),
    ],
)
def test_unknown_architectures_and_arguments(architecture, arguments, named):
    with pytest.raises(InputError, match=named):
        build_reconstructor(architecture, arguments)
