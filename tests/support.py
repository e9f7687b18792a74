"""Small inputs for the tests: k-space of a smooth object seen by a few coils, volumes, annotation files, programs."""

import argparse
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import torch
from torch import nn

from advmri.acquisition.kspace import crop_centre, fft2c, ifft2c
from advmri.acquisition.masks import make_mask
from advmri.acquisition.thermal.thermal_noise import ThermalNoise
from advmri.attacks.scan import Scan
from advmri.reconstruction.architecture import build_reconstructor
from advmri.reconstruction.weights.checkpoint import Checkpoint, save_checkpoint
from advmri.storage.hdf5_digest import DIGEST
from advmri.volumes.annotations import COLUMNS
from advmri.volumes.checksum import SLICE_DIGESTS
from advmri.volumes.writing import write_volume
from workflow_scripts import attack, index_volume, sampling_mask
from workflow_scripts import program as program_module

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("ADVMRI_SHARED", ROOT.parent / "shared" / "data"))
BLOSC = 32001
"""Number of an HDF5 filter that is not part of HDF5."""
SMALL_NETWORKS = {
    "unet": {"chans": 4, "num_pool_layers": 2},
    "varnet": {"num_cascades": 2, "chans": 3, "pools": 2, "sens_chans": 2, "sens_pools": 2},
}


def complex_normal(rng, shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def centred_fft2(images):
    """NumPy's centred, orthonormal FFT over the last two axes."""
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes=axes), norm="ortho"), axes=axes)


def object_kspace(rng, coils=3, rows=48, columns=32, sigma=1e-6):
    """K-space [C, H, W] of a disc with some detail, smooth coil maps, thermal noise of SD `sigma`; peak about 1e-3."""
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    image = (y**2 + x**2 < 0.6) * (1 + 0.3 * np.sin(9 * x) * np.cos(7 * y)) * 7e-4
    angles = 2 * np.pi * np.arange(coils) / coils
    maps = np.stack([np.exp(-((y - np.sin(a)) ** 2 + (x - np.cos(a)) ** 2) / 3 + 1j * (a + x)) for a in angles])
    return (centred_fft2(image * maps) + sigma * complex_normal(rng, (coils, rows, columns))).astype(np.complex64)


def write_small_volume(path, seed=0, slices=2, coils=3, rows=48, columns=32, crop=(24, 24), patient="patient-1"):
    """Write a volume of `object_kspace` slices, as fastMRI's without checksums; return k-space [slices, C, H, W]."""
    rng = np.random.default_rng(seed)
    kspace = np.stack([object_kspace(rng, coils, rows, columns) for _ in range(slices)])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, kspace, crop=crop, acquisition="CORPD_FBK", patient=patient, field_of_view_mm=(320.0, 213.0))
    remove_checksums(path)
    return kspace


def remove_checksums(path):
    """Make a volume one that may be changed, as those of fastMRI."""
    with h5py.File(path, "r+") as file:
        del file.attrs[DIGEST]
        for name in ("kspace", "reconstruction_rss"):
            del file[name].attrs[SLICE_DIGESTS]


def compress(path, name, number):
    """Store a dataset as if compressed with a filter that this HDF5 does not have."""
    with h5py.File(path, "a") as file:
        values = file[name][()]
        del file[name]
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((1, *values.shape[1:]))
        created.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (0,) * 7)
        space, kind = h5py.h5s.create_simple(values.shape), h5py.h5t.py_create(values.dtype)
        stored = h5py.h5d.create(file.id, name.encode(), kind, space, created)
        for place, one in enumerate(values):
            stored.write_direct_chunk((place,) + (0,) * one.ndim, one.tobytes(), 0)
    return path


def wrong_maximum(file):
    """Give a volume's open file a `max` that is not that of its images."""
    file.attrs["max"] *= 1e3


def image_of_other_kspace(number):
    """Return what makes one stored image of a volume's open file that of other k-space."""

    def change(file):
        file["reconstruction_rss"][number] *= 1.1

    return change


def silence(coils):
    """The thermal noise of an index whose noise does not matter."""
    zeros = [0.0] * coils
    return ThermalNoise(zeros, zeros, zeros, zeros, 0.0, 0.0, [zeros] * coils, [zeros] * coils, zeros)


def write_csv(path, rows):
    """Write a fastMRI+ CSV of (file, slice, study_level, x, y, width, height, label)."""
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def random_network(architecture, seed=0, **arguments):
    """A network with random weights, frozen, in evaluation mode."""
    torch.manual_seed(seed)
    sizes = {**SMALL_NETWORKS.get(architecture, {}), **arguments}
    return build_reconstructor(architecture, sizes).eval().requires_grad_(False)


class LeastSquares(nn.Module):
    """SENSE by steps of steepest descent, with maps from the centre; `through_maps` follows the gradient into them."""

    def __init__(self, through_maps):
        super().__init__()
        self.through_maps = through_maps

    def forward(self, kspace, mask, num_low_frequencies, crop):
        first = (kspace.shape[-1] - num_low_frequencies + 1) // 2
        centre = torch.zeros_like(kspace)
        centre[..., first : first + num_low_frequencies] = kspace[..., first : first + num_low_frequencies]
        images = ifft2c(centre)
        maps = images / images.abs().square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-12)
        if not self.through_maps:
            maps = maps.detach()
        image = (maps.conj() * ifft2c(kspace)).sum(dim=1)
        for _ in range(30):
            residual = (fft2c(maps * image[:, None]) - kspace) * mask[:, None, None, :]
            image = image - 0.9 * ((maps.conj() * ifft2c(residual)).sum(dim=1) + 0.01 * image)
        return crop_centre(image[:, None], crop).abs()[:, 0]


def _central(kspace, num_low_frequencies):
    first = (kspace.shape[-1] - num_low_frequencies + 1) // 2
    columns = torch.arange(kspace.shape[-1])
    return (columns >= first) & (columns < first + num_low_frequencies)


def _first_half(kspace, axis):
    places = torch.arange(kspace.shape[axis]) < kspace.shape[axis] // 2
    return places.view(-1, *[1] * (-axis - 1))


DETACHED = {
    "all coils but one": lambda kspace, count: torch.arange(kspace.shape[1])[:, None, None] > 0,
    "half the coils": lambda kspace, count: ~_first_half(kspace, -3),
    "columns beside the centre": lambda kspace, count: ~_central(kspace, count),
    "centre columns": _central,
    "imaginary part": None,
    "half the rows": lambda kspace, count: ~_first_half(kspace, -2),
    "every second pair of columns": lambda kspace, count: torch.arange(kspace.shape[-1]) // 2 % 2 == 1,
}


class Detached(nn.Module):
    """A network whose gradient lacks what flows through a part of k-space, by its name in `DETACHED`."""

    def __init__(self, network, part):
        super().__init__()
        self.network, self.part = network, part

    def forward(self, kspace, mask, num_low_frequencies, crop):
        dropped = DETACHED[self.part]
        if dropped is None:
            kspace = torch.complex(kspace.real, kspace.imag.detach())
        else:
            kspace = torch.where(dropped(kspace, num_low_frequencies), kspace.detach(), kspace)
        return self.network(kspace, mask, num_low_frequencies, crop)


def small_scan(architecture="varnet", seed=0, kspace=None, **arguments):
    """One slice under a 4x mask with a random network."""
    if kspace is None:
        kspace = object_kspace(np.random.default_rng(seed))
    mask = make_mask(kspace.shape[-1], 4, 0.16, "random", seed=5)
    return Scan(
        torch.from_numpy(kspace),
        mask.columns,
        mask.num_low_frequencies,
        (24, 24),
        random_network(architecture, seed, **arguments),
    )


def command_line(options):
    """The words of a command line that say this."""
    words = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def run_program(program: ModuleType, **options):
    """Call a program's main with its own command line, in this process."""
    arguments: argparse.Namespace = program.options().parse_args(command_line(options))
    program.main(arguments)


def run_with_records(monkeypatch, program: ModuleType, **options):
    """The same as a command does it, with records beside what is written."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [f"{program.__name__.rpartition('.')[2]}.py", *command_line(options)])
        patch.setattr(program_module, "_READ", {})
        patch.setattr(program_module, "_WRITTEN", set())
        program_module.run(program.main, program.options())


def training_options(folder, volumes, architecture, settings):
    """The training program's options for a small network."""
    return {
        "name": f"{architecture}-4x",
        "architecture": architecture,
        "arguments": json.dumps(SMALL_NETWORKS[architecture]),
        "settings": json.dumps(settings),
        "acceleration": 4,
        "centre_fraction": 0.16,
        "seed": 1,
        "device": "cpu",
        "volumes": volumes,
        "history": folder / "history.csv",
        "output": folder / "model.pt",
    }


def make_run(folder, architecture, slices=3, **arguments):
    """A volume, its boxes, index and mask, and a random checkpoint, made by the programs; their paths by name."""
    write_small_volume(folder / "v1.h5", slices=slices)
    boxes = [("v1", number, "No", 4, 6, 9, 8, "tear") for number in range(slices)]
    write_csv(folder / "boxes.csv", [*boxes, ("v1", 0, "No", 12, 2, 5, 7, "oedema")])
    paths = {"volume": folder / "v1.h5", "index": folder / "v1.json", "mask": folder / "mask.h5"}
    paths["checkpoint"] = folder / "model.pt"
    run_program(index_volume, volume=paths["volume"], annotations=folder / "boxes.csv", output=paths["index"])
    run_program(sampling_mask, index=paths["index"], acceleration=4, centre_fraction=0.16, output=paths["mask"])
    sizes = SMALL_NETWORKS[architecture] | arguments
    facts = Checkpoint(architecture, sizes, acceleration=4, trained_on="train")
    save_checkpoint(paths["checkpoint"], facts, random_network(architecture, **arguments))
    return paths


def attack_run(paths, output, settings, slices="000-002", **options):
    """Run the attack program on what `make_run` made."""
    named = {"attack": "test", "model": "m", "acceleration": 4, "seed": 3, "batch_size": 4, "device": "cpu"}
    run_program(attack, **named | options, **paths, slices=slices, settings=json.dumps(settings), output=output)
