"""From k-space, a mask, a network and a box to the largest damage found, with its certificate and scores.

No files and no Snakemake; the search, the certificate and the metrics are those of the workflow, and so are the bits.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from advmri.acquisition.thermal.measure import measure_thermal_noise
from advmri.acquisition.thermal.relative_norm import thermal_relative_norm
from advmri.attacks.family_programs import Task, attack_of, verification_of
from advmri.attacks.scan import Scan
from advmri.errors import InputError
from advmri.image_quality.image_pair import SsimOfBox
from advmri.image_quality.ssim import WHOLE_IMAGE, Region
from advmri.reconstruction.contract import check_contract
from advmri.reconstruction.settings import ContractSettings
from advmri.single_slice.inputs import (
    Bounds,
    acquired_columns,
    check_fully_sampled,
    checked_centre,
    checked_crop,
    checked_options,
    checked_range,
    checked_region,
    live_kspace,
    measured_columns,
)
from advmri.single_slice.keywords import checked_settings
from advmri.single_slice.network import Network, as_reconstructor, device_of, frozen, name_of, reproducible
from advmri.single_slice.result import SliceAttack
from advmri.single_slice.scores import scores_of


class AuditedSlice:
    """A fully sampled slice, the mask under which it is reconstructed, and the network under audit.

    While the network is attacked it is in evaluation mode with frozen weights, and torch computes deterministic
    float32; both are as they were afterwards. No image is kept between two attacks: the network may change.
    """

    def __init__(
        self,
        kspace: Tensor | ArrayLike,
        mask: Tensor | ArrayLike,
        network: Network,
        *,
        crop: tuple[int, int] | None = None,
        num_low_frequencies: int | None = None,
        data_range: float | None = None,
        padding: tuple[int, int] | None = None,
    ) -> None:
        """Check what is given and measure the slice's thermal noise.

        Args:
            kspace: complex64 [C, H, W] of NumPy or torch, fully sampled, centred. Coils that are zero are left out.
            mask: measured columns bool [W].
            network: `network(kspace [B, C, H, W], mask [B, W], num_low_frequencies, crop) -> float32 [B, h, w]`, a
                module or a function, see `advmri.reconstruction.protocol`. Computed on the device of its weights.
            crop: (h, w) of the image; None: all of [H, W].
            num_low_frequencies: fully sampled central columns, which some networks need; None: counted in the mask.
            data_range: largest value of the volume's RSS, for SSIM and PSNR; None: that of this slice.
            padding: acquired columns [left, right), for the thermal noise; None: from the first to the last with data.

        Raises:
            InputError: where an argument is wrong.
        """
        live = live_kspace(kspace)
        samples, shape = live.samples, live.samples.shape[1:]
        columns = measured_columns(mask, shape[1])
        acquired = acquired_columns(padding, samples)
        check_fully_sampled(samples, acquired)
        self._thermal = measure_thermal_noise(samples, acquired)
        self._network, self._live = network, live
        reconstructor = as_reconstructor(network)
        device = device_of(reconstructor, kspace)
        covariance = np.asarray(self._thermal.covariance_real) + 1j * np.asarray(self._thermal.covariance_imaginary)
        self._scan = Scan(
            kspace=torch.from_numpy(samples).to(device),
            mask=torch.from_numpy(columns).to(device),
            num_low_frequencies=checked_centre(num_low_frequencies, columns),
            crop=checked_crop(shape if crop is None else crop, shape),
            reconstructor=reconstructor,
            coil_covariance=torch.from_numpy(covariance).to(device),
        )
        self.data_range = checked_range(data_range, _array(self._scan.target))

    def check_contract(self) -> None:
        """Try the network on a synthetic scan of this slice's size, as the workflow does before any attack.

        Raises:
            InputError: with every part of the contract of `advmri/reconstruction/protocol.py` that it does not keep.
        """
        coils, rows, columns = self._scan.kspace.shape
        sizes = ContractSettings(
            coils=coils, rows=rows, columns=columns, crop=self._scan.crop, maximum=float(self._scan.target.max())
        )
        reconstructor = self._scan.reconstructor
        with frozen(reconstructor), reproducible():
            check_contract(name_of(self._network), reconstructor, sizes, self._scan.kspace.device)

    def attack(
        self,
        box: Bounds | None = None,
        *,
        seed: int = 0,
        box_number: int = 0,
        batch_size: int = 8,
        ssim_of_box: SsimOfBox = "map",
        **settings: Any,
    ) -> SliceAttack:
        """Search the perturbation of the largest damage at every severity, certify it and score it.

        Args:
            box: ((row0, row1), (column0, column1)) in the crop, half-open; None: the whole image.
            seed: of all random numbers; `derive_seed(seed of the config, attack, volume, slice)` is the workflow's.
            box_number: of the box in its slice; random numbers depend on it too.
            batch_size: perturbations or moves computed at a time; more is faster and needs more memory.
            ssim_of_box: `map` or `crop`, as `metrics.ssim_of_box` in the config.
            settings: the keys of an entry of `attacks` in the config: `severities`, `optimiser`, `steps`, ...
                `threat_model` is `noise` unless given, `target` is `box` where there is one, else `image`.

        Raises:
            InputError: where an argument is wrong, or the network fails.
        """
        batch_size, ssim_of_box = checked_options(batch_size, ssim_of_box)
        attack = checked_settings({"target": "image" if box is None else "box"} | settings)
        if attack.target == "box" and box is None:
            raise InputError("box: missing; target: box needs one, ((row0, row1), (column0, column1)).")
        regions: dict[str, Region] = {"image": WHOLE_IMAGE}
        if box is not None:
            regions = {"box": checked_region(box, self._scan.crop), **regions}
        name = f"box_{box_number}" if attack.target == "box" else "image"
        # Anew: the network may have changed since the last attack.
        scan = replace(self._scan)
        with frozen(scan.reconstructor), reproducible():
            clean = self._checked_image(scan)
            task = Task(scan, {name: regions[attack.target]}, seed, self.data_range, probes_gradient=True)
            (found,) = attack_of(attack)([task], attack, batch_size)
            arrays = {key: _array(value) for key, value in found[name].items()}
        if not np.isfinite(arrays["reconstruction"]).all():
            raise InputError(f"network: {name_of(self._network)} returns NaN or infinity when attacked; train it anew.")
        target = _array(scan.target)
        rows, columns = (
            range(*part.indices(size)) for part, size in zip(regions[attack.target], scan.crop, strict=True)
        )
        measured_samples = len(scan.measured_columns) * scan.kspace.shape[1]
        thermal = thermal_relative_norm(np.asarray(self._thermal.sigma), self._live.samples, measured_samples)
        return SliceAttack(
            settings=attack,
            rows=(rows.start, rows.stop),
            columns=(columns.start, columns.stop),
            target=target,
            clean=clean,
            mask=_array(scan.mask),
            coils=self._live.coils,
            all_coils=self._live.all_coils,
            thermal_relative_norm=thermal,
            arrays=arrays,
            scores=scores_of(attack, target, clean, arrays, thermal, regions, self.data_range, ssim_of_box),
        )

    def verify(self, found: SliceAttack) -> list[str]:
        """Compute again what the stored perturbations do; return a line for every number that does not agree.

        Args:
            found: by `attack` on this slice.
        """
        box = slice(*found.rows), slice(*found.columns)
        region = box if found.settings.target == "box" else WHOLE_IMAGE
        task = Task(replace(self._scan), {"attacked": region}, 0, self.data_range)
        with frozen(task.scan.reconstructor), reproducible():
            return verification_of(found.settings)(task, found.settings, found.arrays)

    def _checked_image(self, scan: Scan) -> np.ndarray:
        """Return the clean reconstruction [h, w]; raises InputError where it is no finite float32 image."""
        image = scan.clean()
        if not isinstance(image, Tensor) or image.dtype != torch.float32 or image.shape != scan.crop:
            found = f"{image.dtype} {list(image.shape)}" if isinstance(image, Tensor) else f"a {type(image).__name__}"
            raise InputError(
                f"network: {name_of(self._network)} returns {found} for one slice; it must return float32 [B, h, w] ="
                f" [1, {scan.crop[0]}, {scan.crop[1]}] (check_contract() tries all of the contract)."
            )
        if not torch.isfinite(image).all():
            raise InputError(
                f"network: {name_of(self._network)} returns NaN or infinity for this slice; train it anew."
            )
        return _array(image)


def _array(value: Tensor) -> np.ndarray:
    return np.asarray(value.detach().cpu())
