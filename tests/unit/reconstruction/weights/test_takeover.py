"""Checkpoints from elsewhere: fastMRI's published layout, its Lightning modules, users' factories."""

import copy
import inspect
import re
import shlex
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from fastmri.models import Unet, VarNet
from support import SMALL_NETWORKS, random_network, run_program, small_scan
from torch import nn

from advmri.acquisition.kspace import rss_reconstruction
from advmri.errors import InputError
from advmri.reconstruction.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from advmri.reconstruction.weights.fastmri_layout import recognise
from advmri.reconstruction.weights.takeover import Wanted, take_over
from workflow_scripts import import_checkpoint

CPU = torch.device("cpu")
MODULES = {
    "unet": lambda: Unet(1, 1, chans=6, num_pool_layers=3),
    "varnet": lambda: VarNet(num_cascades=3, chans=4, pools=2, sens_chans=2, sens_pools=3),
}
SIZES = {
    "unet": {"chans": 6, "num_pool_layers": 3},
    "varnet": {"num_cascades": 3, "chans": 4, "pools": 2, "sens_chans": 2, "sens_pools": 3},
}


def wanted(architecture, acceleration=4, trained_on="train+val", **arguments):
    return Wanted(architecture, arguments, acceleration, trained_on)


def lightning(architecture, network):
    """What Lightning 2.6 writes for fastMRI's modules (pl_modules/unet_module.py, varnet_module.py)."""
    state = {f"{architecture}.{key}": value for key, value in network.state_dict().items()}
    if architecture == "varnet":
        state["loss.w"] = torch.ones(1, 1, 7, 7) / 49
    best = {"best_model_score": torch.tensor(0.3), "dirpath": "checkpoints", "best_k_models": {}}
    return {
        "epoch": 50,
        "global_step": 1000,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'validation_loss'}": best},
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 1e-3, "params": [0]}]}],
        "lr_schedulers": [{"step_size": 40, "gamma": 0.1}],
        "hparams_name": "kwargs",
        "hyper_parameters": {**SIZES[architecture], "lr": 0.001, "drop_prob": 0.0},
    }


def image_of(reconstructor):
    scan = small_scan()
    kspace = scan.kspace[None] * scan.mask
    return reconstructor(kspace, scan.mask[None], scan.num_low_frequencies, scan.crop)


class Compiled(nn.Module):
    """Names weights as `torch.compile(network)` does; importing the compiler takes seconds."""

    def __init__(self, network):
        super().__init__()
        self._orig_mod = network

    def forward(self, *inputs):
        return self._orig_mod(*inputs)


def compiled_parts(network):
    """Names as in a network of which only the parts were compiled."""
    parts = copy.deepcopy(network)
    for name, part in list(parts.named_children()):
        setattr(parts, name, Compiled(part))
    return parts


LAYOUTS = {
    "published": lambda network: network.state_dict(),
    "old zip-less": lambda network: network.state_dict(),
    "data parallel": lambda network: torch.nn.DataParallel(network).state_dict(),
    "half precision": lambda network: {key: value.half() for key, value in network.state_dict().items()},
    "compiled": lambda network: Compiled(network).state_dict(),
    "compiled parts": lambda network: compiled_parts(network).state_dict(),
    "compiled, data parallel": lambda network: torch.nn.DataParallel(Compiled(network)).state_dict(),
    "at model": lambda network: {"model": network.state_dict(), "epoch": 3, "optimizer": {"state": {}}},
    "at model_state_dict, compiled": lambda network: {"model_state_dict": Compiled(network).state_dict()},
}
"""What training code saves of a network of fastMRI's."""


@pytest.mark.parametrize("architecture", MODULES)
@pytest.mark.parametrize("layout", [*LAYOUTS, "lightning", "lightning, compiled"])
def test_fastmris_files_are_taken_as_they_are(tmp_path, architecture, layout):
    torch.manual_seed(1)
    network = MODULES[architecture]()
    if layout in LAYOUTS:
        content = LAYOUTS[layout](network)
    else:
        content = lightning(architecture, Compiled(network) if "compiled" in layout else network)
    if layout == "half precision":
        network.load_state_dict(content)
    torch.save(content, tmp_path / "given.pt", _use_new_zipfile_serialization=layout != "old zip-less")
    found = take_over(tmp_path / "given.pt", wanted(architecture))
    assert found.checkpoint == Checkpoint(architecture, SIZES[architecture], 4, "train+val") and not found.complete
    expected = random_network(architecture, **SIZES[architecture])
    expected.network.load_state_dict(network.state_dict())
    assert torch.equal(image_of(found.reconstructor), image_of(expected))
    assert not found.reconstructor.training and not any(one.requires_grad for one in found.reconstructor.parameters())


def test_the_published_sizes_are_recognised_from_names_and_shapes():
    """The leaderboard's networks without their weights: 496.4 and 29.9 million parameters."""
    with torch.device("meta"):
        unet, varnet = Unet(1, 1, chans=256, num_pool_layers=4), VarNet(12, 8, 4, 18, 4)
    assert recognise(unet.state_dict()) == ("unet", {"chans": 256, "num_pool_layers": 4})
    sizes = {"num_cascades": 12, "chans": 18, "pools": 4, "sens_chans": 8, "sens_pools": 4}
    assert recognise(varnet.state_dict()) == ("varnet", sizes)
    assert recognise({"layer.weight": torch.zeros(1)}) is None


def test_sizes_given_must_be_those_found_and_others_go_to_the_network(tmp_path):
    torch.save(MODULES["varnet"]().state_dict(), tmp_path / "given.pt")
    found = take_over(tmp_path / "given.pt", wanted("varnet", chans=4, crop_readout=True))
    assert found.checkpoint.arguments == SIZES["varnet"] | {"crop_readout": True}
    assert found.reconstructor.crop_readout
    with pytest.raises(InputError) as caught:
        take_over(tmp_path / "given.pt", wanted("varnet", chans=18, pools=2))
    message = str(caught.value)
    assert "found varnet with num_cascades 3, chans 4, pools 2" in message
    assert "expected varnet with chans 18, pools 2" in message and len(message.splitlines()) == 1


def test_the_other_architecture_is_named_with_its_sizes(tmp_path):
    torch.save(MODULES["varnet"]().state_dict(), tmp_path / "given.pt")
    with pytest.raises(InputError, match=r"found varnet with num_cascades 3.*expected unet with chans 256"):
        take_over(tmp_path / "given.pt", wanted("unet", chans=256))
    save_checkpoint(tmp_path / "own.pt", Checkpoint("unet", SMALL_NETWORKS["unet"], 4, "train"), random_network("unet"))
    with pytest.raises(InputError, match=r"found unet with chans 4.*expected unet with chans 5"):
        take_over(tmp_path / "own.pt", wanted("unet", trained_on=None, chans=5))


def test_what_it_was_trained_on_must_be_said_once(tmp_path):
    torch.save(MODULES["unet"]().state_dict(), tmp_path / "given.pt")
    with pytest.raises(InputError, match=r"given\.pt: does not say what it was trained on; set the model's trained_on"):
        take_over(tmp_path / "given.pt", wanted("unet", trained_on=None))
    facts = Checkpoint("unet", SMALL_NETWORKS["unet"], 4, "train+val")
    save_checkpoint(tmp_path / "own.pt", facts, random_network("unet"))
    assert take_over(tmp_path / "own.pt", wanted("unet", trained_on=None)).checkpoint == facts
    with pytest.raises(InputError, match=r"trained on 'train\+val', the config says 'train'"):
        take_over(tmp_path / "own.pt", wanted("unet", trained_on="train"))


def broken(network, change):
    state = dict(network.state_dict())
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("up_conv.0.layers.0.weight"), "up_conv.0.layers.0.weight is missing"),
        (lambda state: state.update(extra=torch.zeros(2)), "extra is unknown"),
        (
            lambda state: state.update({"conv.layers.0.weight": torch.zeros(5, 2, 3, 3)}),
            "conv.layers.0.weight is 5x2x3x3, expected 48x24x3x3",
        ),
        (lambda state: state["conv.layers.0.weight"].fill_(torch.nan), "conv.layers.0.weight holds NaN or infinity"),
    ],
)
def test_weights_that_do_not_fit_are_named_in_one_line(tmp_path, change, named):
    torch.save(broken(MODULES["unet"](), change), tmp_path / "given.pt")
    with pytest.raises(InputError) as caught:
        take_over(tmp_path / "given.pt", wanted("unet"))
    assert named in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_other_contents_are_refused(tmp_path):
    path = tmp_path / "given.pt"
    for content, named in (
        ({"a": 1}, "no checkpoint of a known layout"),
        ([1, 2], "no checkpoint of a known layout"),
        ({"layer.weight": torch.zeros(1)}, r"neither of fastmri.models.Unet nor of VarNet \(first: layer.weight\)"),
    ):
        torch.save(content, path)
        with pytest.raises(InputError, match=named):
            take_over(path, wanted("unet"))
    torch.save(MODULES["unet"]().state_dict(), path)
    with pytest.raises(InputError, match="weights alone; these are known for unet and varnet, not for zero_filled"):
        take_over(path, wanted("zero_filled"))


SAVED = {
    "lightning": lambda: lightning("unet", MODULES["unet"]()) | {"hyper_parameters": Namespace(chans=6)},
    "module": lambda: MODULES["unet"](),
    "module below a key": lambda: {"model": MODULES["unet"](), "epoch": 3},
    "weights beside a class": lambda: {"model": MODULES["unet"]().state_dict(), "options": Namespace(chans=6)},
    "at model_state_dict": lambda: {"args": Namespace(), "model_state_dict": MODULES["unet"]().state_dict()},
    "at another key": lambda: {"args": Namespace(), "scores": {}, "network": MODULES["unet"]().state_dict()},
    "module at another key": lambda: {"epoch": 3, "criterion": nn.L1Loss(), "net": MODULES["unet"]()},
}
"""What training codes save with `torch.save`, beside plain weights."""


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", SAVED)
def test_a_class_in_a_checkpoint_is_named_with_a_way_out_that_leads_out(tmp_path, name, zipped):
    """The command of the message is run as it stands; what it writes is then taken."""
    path = tmp_path / "it's old.ckpt"
    torch.save(SAVED[name](), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError) as caught:
        take_over(path, wanted("unet"))
    message = str(caught.value)
    assert "which is not loaded, as that would run code" in message and len(message.splitlines()) == 1
    python, option, code = shlex.split(message.partition("(")[2].rpartition(")")[0])
    assert (python, option) == ("python", "-c")
    exec(code, {})
    named = re.search(r", and name (.*) instead\.$", message)[1]
    assert take_over(Path(named), wanted("unet")).checkpoint.architecture == "unet"


def test_the_command_says_where_it_finds_no_weights(tmp_path):
    torch.save({"args": Namespace(chans=6), "epoch": 3}, tmp_path / "old.ckpt")
    with pytest.raises(InputError) as caught:
        take_over(tmp_path / "old.ckpt", wanted("unet"))
    code = shlex.split(str(caught.value).partition("(")[2].rpartition(")")[0])[2]
    with pytest.raises(SystemExit, match="no weights at its first level, but: args, epoch"):
        exec(code, {})
    assert not (tmp_path / "old-weights.pt").exists()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"weights: none\n", "a text file"),
        (b"file,slice\nv,1\n", "a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        (bytes(range(255, 0, -1)), "a file of unknown kind"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, content, kind):
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(InputError, match=rf"m\.pt: not a checkpoint \(what torch\.save writes\) but {kind}; check"):
        take_over(tmp_path / "m.pt", wanted("unet"))


def test_other_archives_and_folders_are_no_checkpoints(tmp_path):
    np.savez(tmp_path / "m.npz", weights=np.ones(3))
    with pytest.raises(InputError, match="but a zip archive that torch"):
        take_over(tmp_path / "m.npz", wanted("unet"))
    with pytest.raises(InputError, match="a folder, not a checkpoint; name the file in it"):
        take_over(tmp_path, wanted("unet"))


FACTORY = """
from torch import nn
from advmri.acquisition.kspace import rss_reconstruction

class Scaled(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.filter = nn.Conv2d(1, 1, 3, padding=1)
        self.register_buffer("table", __import__("torch").arange(3.0), persistent=False)
        self.gain = gain

    def forward(self, kspace, mask, num_low_frequencies, crop):
        image = rss_reconstruction(kspace, crop)
        return image * self.gain + 0.01 * self.filter(image[:, None])[:, 0] * self.table[1]

def make(gain=1.0):
    return Scaled(gain)

def fails():
    raise OSError("no such table")

def none():
    return None

def compiled(gain=1.0):
    return Compiled(Scaled(gain))
"""


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """A module of a user's, on Python's path."""
    (tmp_path / "users_networks.py").write_text(FACTORY + inspect.getsource(Compiled))
    monkeypatch.syspath_prepend(tmp_path)
    yield "users_networks:make"
    sys.modules.pop("users_networks", None)


SHAPES = {"weight": (1, 1, 3, 3), "bias": (1,)}


def test_a_factory_without_a_file_brings_its_weights(tmp_path, factory):
    torch.manual_seed(0)
    options = {"architecture": factory, "arguments": '{"gain": 2.0}', "acceleration": 4, "trained_on": "nothing"}
    run_program(import_checkpoint, **options, device="cpu", output=tmp_path / "model.pt")
    torch.manual_seed(1)
    checkpoint, loaded = load_checkpoint(tmp_path / "model.pt", CPU, options["architecture"])
    assert checkpoint == Checkpoint(factory, {"gain": 2.0}, 4, "nothing")
    torch.manual_seed(0)
    expected = take_over(None, Wanted(factory, {"gain": 2.0}, 4, "nothing")).reconstructor
    assert torch.equal(image_of(loaded), image_of(expected))


@pytest.mark.parametrize("prefix", ["", "model.", "module.network.", "_orig_mod.", "model._orig_mod."])
def test_a_factorys_weights_are_found_in_a_training_codes_file(tmp_path, factory, prefix):
    given = {"filter.weight": torch.full((1, 1, 3, 3), 0.5), "filter.bias": torch.zeros(1)}
    others = {} if prefix in ("", "_orig_mod.") else {"loss.w": torch.ones(1)}
    content = {"epoch": 3, "state_dict": {f"{prefix}{key}": value for key, value in given.items()} | others}
    torch.save(content, tmp_path / "given.pt")
    found = take_over(tmp_path / "given.pt", wanted(factory, trained_on="train"))
    assert torch.equal(found.reconstructor.network.filter.weight, given["filter.weight"])


@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_a_compiled_factory_takes_weights_of_either_name(tmp_path, factory, prefix):
    torch.save({f"{prefix}filter.{key}": torch.ones(size) for key, size in SHAPES.items()}, tmp_path / "given.pt")
    found = take_over(tmp_path / "given.pt", wanted("users_networks:compiled", trained_on="train"))
    assert found.reconstructor.network.state_dict()["_orig_mod.filter.weight"].eq(1).all()


def test_a_factorys_weights_that_do_not_fit_are_named(tmp_path, factory):
    torch.save({"filter.weight": torch.zeros(1, 1, 5, 5), "filter.bias": torch.zeros(1)}, tmp_path / "given.pt")
    with pytest.raises(InputError, match=r"filter.weight is 1x1x5x5, expected 1x1x3x3"):
        take_over(tmp_path / "given.pt", wanted(factory))


@pytest.mark.parametrize(
    ("named", "arguments", "message"),
    [
        ("nowhere:make", {}, "No module named 'nowhere'; it must be importable"),
        ("users_networks:nothing", {}, r"users_networks\.py has no function 'nothing'"),
        ("users_networks:make", {"gian": 1}, r"does not take the arguments \{'gian': 1\}: .*gian"),
        ("users_networks:none", {}, "returned a NoneType; it must return a torch.nn.Module"),
    ],
)
def test_factories_that_cannot_be_used(factory, named, arguments, message):
    with pytest.raises(InputError, match=message):
        take_over(None, Wanted(named, arguments, 4, "nothing"))


def test_an_error_inside_a_factory_keeps_its_traceback(factory):
    with pytest.raises(OSError, match="no such table"):
        take_over(None, Wanted("users_networks:fails", {}, 4, "nothing"))


def test_what_has_no_weights_needs_no_file(tmp_path):
    options = {"architecture": "zero_filled", "acceleration": 4, "device": "cpu", "output": tmp_path / "model.pt"}
    run_program(import_checkpoint, **options, name="zero-filled")
    facts, loaded = load_checkpoint(tmp_path / "model.pt", CPU)
    assert facts == Checkpoint("zero_filled", {}, 4, "nothing")
    scan = small_scan()
    kspace = scan.kspace[None] * scan.mask
    assert torch.equal(image_of(loaded), rss_reconstruction(kspace, scan.crop))


def test_a_network_with_weights_needs_them():
    with pytest.raises(InputError, match="unet: its network has weights; give a checkpoint"):
        take_over(None, Wanted("unet", SIZES["unet"], 4, "nothing"))


def test_a_network_that_breaks_the_contract_is_not_written(tmp_path, factory):
    options = {"architecture": factory, "arguments": '{"gain": 1e6}', "acceleration": 4, "trained_on": "nothing"}
    with pytest.raises(InputError, match=r"model mine does not keep the contract.*units"):
        run_program(import_checkpoint, **options, name="mine", device="cpu", output=tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


def test_weights_on_the_meta_device_are_replaced(tmp_path):
    """Loading draws no random weights, and leaves none without values."""
    save_checkpoint(tmp_path / "m.pt", Checkpoint("unet", SMALL_NETWORKS["unet"], 4, "train"), random_network("unet"))
    state = torch.get_rng_state()
    _, loaded = load_checkpoint(tmp_path / "m.pt", CPU)
    assert torch.equal(state, torch.get_rng_state())
    assert isinstance(loaded.network, nn.Module) and not any(one.is_meta for one in loaded.parameters())
