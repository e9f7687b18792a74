"""The table of metrics: what each measures, which way is better and how it is written. A new one is one entry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advmri.image_quality.image_pair import ImagePair, SsimOfBox
from advmri.image_quality.ssim import WHOLE_IMAGE, Region, cut_out_ssim, region_ssim


def ssim(pair: ImagePair, region: Region) -> float:
    """Return the mean structural similarity; of the cut-out box where `ssim_of_box` says so."""
    if pair.ssim_of_box == "crop" and region != WHOLE_IMAGE:
        found = cut_out_ssim(pair.target, pair.image, region)
        if found is not None:
            return found
    return region_ssim(pair.similarity, region)


def psnr(pair: ImagePair, region: Region) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal images."""
    target, image = pair.cut_out(region)
    error = np.mean((target - image) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(pair.data_range**2 / error))


def nmse(pair: ImagePair, region: Region) -> float:
    """Return the squared error's norm over the target's squared norm (fastmri/evaluate.py:26)."""
    target, image = pair.cut_out(region)
    return float(np.sum((target - image) ** 2) / np.sum(target**2))


@dataclass(frozen=True)
class Metric:
    """One entry of the table.

    Attributes:
        name: of its columns.
        measure: its value for an image in a region (rows and columns), whatever the number of slices.
        higher_is_better: decides what its change from the clean image is called, and its sign.
        label: in figures.
        unit: empty where it has none.
        written: how figures write a value, for `str.format`; empty: it is in tables only.
    """

    name: str
    measure: Callable[[ImagePair, Region], float]
    higher_is_better: bool
    label: str
    unit: str = ""
    written: str = ""

    @property
    def change(self) -> str:
        """Name of what an attack costs: `<name>_drop` or `<name>_rise`, positive where the image gets worse."""
        return f"{self.name}_{'drop' if self.higher_is_better else 'rise'}"

    def cost(self, clean: Any, attacked: Any) -> Any:
        """Return `change`: the clean value minus the attacked one or the reverse, of numbers or columns."""
        return clean - attacked if self.higher_is_better else attacked - clean

    def axis(self, where: str) -> str:
        """Return the label of an axis, for instance `PSNR of the volume (dB)`."""
        return f"{self.label} {where}" + (f" ({self.unit})" if self.unit else "")

    def text(self, value: float) -> str:
        """Return a value as figures write it, for instance `SSIM 0.621`."""
        return self.written.format(value).replace("inf", "∞")


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("ssim", ssim, higher_is_better=True, label="SSIM", written="SSIM {:.3f}"),
        Metric("psnr", psnr, higher_is_better=True, label="PSNR", unit="dB", written="{:.1f} dB"),
        Metric("nmse", nmse, higher_is_better=False, label="NMSE"),
    )
}
"""By name, in the order of the tables' columns."""


def shown_metrics() -> list[Metric]:
    """Return those that figures and the printed summary show."""
    return [metric for metric in METRICS.values() if metric.written]


def score(
    target: NDArray[np.float32],
    image: NDArray[np.float32],
    data_range: float,
    regions: dict[str, Region],
    ssim_of_box: SsimOfBox = "map",
) -> dict[str, dict[str, float]]:
    """Return every metric of one reconstruction by region: `{region: {metric: value}}`.

    Args:
        target: fully sampled RSS [h, w].
        image: reconstruction [h, w], same units.
        data_range: the volume's maximum.
        regions: rows and columns of each region by its name.
        ssim_of_box: see `ImagePair`.
    """
    pair = ImagePair(target, image, data_range, ssim_of_box)
    return {
        region: {name: metric.measure(pair, place) for name, metric in METRICS.items()}
        for region, place in regions.items()
    }
