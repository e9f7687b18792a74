"""The knee simulator: determinism, units, geometry, contrast and lesions."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from advmri.simulation import tissues
from advmri.simulation.canvas import Canvas
from advmri.simulation.implicit_surfaces import coverage, ellipsoid_distance, smooth_union
from advmri.simulation.knee import SimulatedVolume, lesion_boxes, muscle_signal, simulate_volume
from advmri.simulation.lesion_plan import LESION_KINDS, acquisition, planned_lesions, volume_names
from advmri.simulation.settings import SimulationSettings
from advmri.simulation.tissues import Pool, pool_signal, tissue_signal

SMALL = SimulationSettings(train_volumes=4, val_volumes=2, slices=4, crop=64, columns=72, coils=3, slice_spacing_mm=6.0)
SEED = 7
PROTON_DENSITY_VOLUME, FAT_SUPPRESSED_VOLUME = "knee_val_001", "knee_val_002"


@pytest.fixture(scope="module", params=[PROTON_DENSITY_VOLUME, FAT_SUPPRESSED_VOLUME])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def simulated(name: str) -> SimulatedVolume:
    return simulate_volume(SMALL, SEED, name)


def root_sum_of_squares(volume: SimulatedVolume) -> NDArray[np.float64]:
    """Full field of view [slices, 2 * crop, columns]."""
    shifted = np.fft.ifftshift(volume.kspace, axes=(-2, -1))
    images = np.fft.fftshift(np.fft.ifft2(shifted, norm="ortho"), axes=(-2, -1))
    return np.sqrt((np.abs(images) ** 2).sum(axis=1))


def cropped(image: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    rows, columns = ((side - size) // 2 for side in image.shape[-2:])
    return image[..., rows : rows + size, columns : columns + size]


def test_layout_and_units(simulated: SimulatedVolume, name: str) -> None:
    assert simulated.kspace.shape == (4, 3, 128, 72)
    assert simulated.kspace.dtype == np.complex64
    assert simulated.acquisition == acquisition(name)
    assert name in simulated.patient_id
    assert 1e-4 < root_sum_of_squares(simulated).max() < 4e-3


def test_equal_arguments_give_equal_bits(simulated: SimulatedVolume, name: str) -> None:
    again = simulate_volume(SMALL, SEED, name)
    assert np.array_equal(again.kspace, simulated.kspace)
    assert again.boxes == simulated.boxes


def test_volumes_and_seeds_differ() -> None:
    reference = simulate_volume(SMALL, SEED, "knee_train_001").kspace
    for seed, name in ((SEED, "knee_train_003"), (SEED + 1, "knee_train_001")):
        other = simulate_volume(SMALL, seed, name).kspace
        assert np.linalg.norm(other - reference) > 0.3 * np.linalg.norm(reference)


def test_noise_has_the_stated_sigma_and_scales_with_the_snr(simulated: SimulatedVolume, name: str) -> None:
    quiet = simulate_volume(SMALL.model_copy(update={"snr": SMALL.snr * 1e6}), SEED, name)
    noise = simulated.kspace - quiet.kspace
    assert noise.real.std() == pytest.approx(simulated.noise_sigma, rel=0.02)
    assert noise.imag.std() == pytest.approx(simulated.noise_sigma, rel=0.02)
    assert quiet.noise_sigma == pytest.approx(1e-6 * simulated.noise_sigma)


def test_muscle_signal_over_sigma_is_the_snr() -> None:
    """The receiver gain of a subject is 0.7 to 1.15 times the standard one."""
    volume = simulate_volume(SMALL, SEED, PROTON_DENSITY_VOLUME)
    assert 0.7 * 0.8e-3 <= volume.noise_sigma * SMALL.snr / muscle_signal(SMALL) <= 1.15 * 0.8e-3


def test_readout_is_oversampled(simulated: SimulatedVolume) -> None:
    power = root_sum_of_squares(simulated) ** 2
    outside = np.concatenate([power[:, :32], power[:, 96:]], axis=1).sum()
    assert outside < 0.3 * power.sum()
    edges = np.concatenate([power[:, :8], power[:, 120:]], axis=1).mean()
    assert edges < 3 * 2 * SMALL.coils * simulated.noise_sigma**2


def test_femur_lies_at_the_bottom_of_the_array() -> None:
    """Higher rows are superior: the thigh is wider than the shin, so more of its pixels hold tissue."""
    image = cropped(root_sum_of_squares(simulate_volume(SMALL, SEED, PROTON_DENSITY_VOLUME)), 64)
    tissue = image > 0.15 * np.percentile(image, 95)
    assert tissue[:, -16:].sum() > tissue[:, :16].sum()


def test_boxes_follow_the_plan_without_simulating(simulated: SimulatedVolume, name: str) -> None:
    boxes = lesion_boxes(SMALL, SEED, name)
    assert boxes == simulated.boxes
    planned = planned_lesions(SMALL, SEED, name)
    assert [(box.slice, box.label) for box in boxes] == [(lesion.slice, lesion.label) for lesion in planned]


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), crop=st.sampled_from([64, 160]))
def test_boxes_lie_in_the_crop_and_hold_an_ssim_window(seed: int, crop: int) -> None:
    settings = SimulationSettings(slices=6, crop=crop, columns=crop + 8)
    for box in lesion_boxes(settings, seed, "knee_train_002"):
        assert 0 <= box.row0 < box.row1 <= crop
        assert 0 <= box.column0 < box.column1 <= crop
        assert min(box.row1 - box.row0, box.column1 - box.column0) >= 7
        assert (box.row1 - box.row0) * (box.column1 - box.column0) < 0.2 * crop**2


@pytest.mark.parametrize("seed", range(3))
def test_lesions_change_their_boxes_and_hardly_anything_else(seed: int) -> None:
    settings = SMALL.model_copy(update={"snr": 1e6, "crop": 96, "columns": 104})
    diseased = simulate_volume(settings, seed, FAT_SUPPRESSED_VOLUME)
    healthy = simulate_volume(settings, seed, FAT_SUPPRESSED_VOLUME, with_lesions=False)
    assert healthy.boxes == [] and diseased.boxes
    change = np.abs(cropped(root_sum_of_squares(diseased) - root_sum_of_squares(healthy), 96))
    outside = np.ones(change.shape, dtype=bool)
    for box in diseased.boxes:
        inside = (box.slice, slice(box.row0, box.row1), slice(box.column0, box.column1))
        assert change[inside].max() > 0.05 * np.percentile(cropped(root_sum_of_squares(healthy), 96), 99)
        outside[inside] = False
    assert (change[outside] ** 2).sum() < 0.1 * (change**2).sum()


def test_plan_names_balanced_contrasts_and_known_labels() -> None:
    settings = SimulationSettings()
    known = {kind.label for kind in LESION_KINDS}
    labels: Counter[str] = Counter()
    for split in ("train", "val"):
        names = volume_names(settings, split)
        assert len(set(names)) == len(names) and all(name.startswith(f"knee_{split}_") for name in names)
        contrasts = Counter(acquisition(name) for name in names)
        assert set(contrasts) == {"CORPD_FBK", "CORPDFS_FBK"} and len(set(contrasts.values())) == 1
        for name in names:
            lesions = planned_lesions(settings, 0, name)
            assert len({lesion.slice for lesion in lesions}) == settings.lesions_per_volume
            assert all(0 <= lesion.slice < settings.slices for lesion in lesions)
            labels.update(lesion.label for lesion in lesions)
    assert set(labels) <= known and len(labels) >= 5


def test_plan_rejects_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="split"):
        volume_names(SMALL, "test")
    with pytest.raises(ValueError, match="named knee_"):
        acquisition("file1000001")


def test_settings_reject_contradictions() -> None:
    with pytest.raises(ValidationError, match="columns"):
        SimulationSettings(crop=160, columns=120)
    with pytest.raises(ValidationError, match="lesions_per_volume"):
        SimulationSettings(slices=1, lesions_per_volume=2)
    with pytest.raises(ValidationError, match="extra"):
        SimulationSettings.model_validate({"slizes": 3})


@given(
    density=st.floats(0.1, 1.0),
    t1=st.floats(100, 4000),
    t2=st.floats(5, 800),
    tr=st.floats(500, 5000),
    te=st.floats(5, 100),
)
def test_signal_equation(density: float, t1: float, t2: float, tr: float, te: float) -> None:
    pool = Pool(density, t1, t2)
    signal = pool_signal(pool, tr, te)
    assert 0 <= signal <= density
    assert pool_signal(pool, tr, te + t2) == pytest.approx(signal / np.e)
    assert pool_signal(pool, 1e9, te) == pytest.approx(density * np.exp(-te / t2))


def test_contrast_of_proton_density_and_fat_suppression() -> None:
    settings = SimulationSettings()

    def signal(tissue: tissues.Tissue, fat: float) -> float:
        pools = tissue_signal(tissue, settings.repetition_time_ms, settings.echo_time_ms)
        return pools.water + fat * pools.fat

    def proton_density(tissue: tissues.Tissue) -> float:
        return signal(tissue, 1.0)

    def suppressed(tissue: tissues.Tissue) -> float:
        return signal(tissue, settings.residual_fat)

    fat, marrow, fluid = tissues.SUBCUTANEOUS_FAT, tissues.YELLOW_MARROW, tissues.FLUID
    assert proton_density(fat) > proton_density(fluid) > proton_density(tissues.CARTILAGE)
    assert proton_density(marrow) > proton_density(tissues.CARTILAGE) > proton_density(tissues.MENISCUS)
    assert proton_density(fat) > 2 * proton_density(tissues.MUSCLE)
    assert proton_density(tissues.MUSCLE) > 4 * proton_density(tissues.CORTICAL_BONE)
    assert suppressed(fluid) > suppressed(tissues.CARTILAGE) > suppressed(tissues.MUSCLE) > 2 * suppressed(marrow)
    assert suppressed(tissues.OEDEMATOUS_MARROW) > 2 * suppressed(marrow)


def test_fat_suppression_darkens_marrow_in_the_image() -> None:
    """The middle of the distal femur is brighter than muscle signal without, darker with fat suppression."""
    noiseless = SMALL.model_copy(update={"snr": 1e6})
    for name, brighter in ((PROTON_DENSITY_VOLUME, True), (FAT_SUPPRESSED_VOLUME, False)):
        volume = simulate_volume(noiseless, SEED, name, with_lesions=False)
        image = cropped(root_sum_of_squares(volume), 64)[1]
        muscle = volume.noise_sigma * noiseless.snr
        assert (np.median(image[35:40, 28:36]) > muscle) == brighter


def test_coverage_integrates_to_the_area() -> None:
    axis = np.arange(-20, 20, 0.5, dtype=np.float32)
    x, z = np.meshgrid(axis, axis)
    disc = ellipsoid_distance(x, 0.0, z, (0.0, 0.0, 0.0), (8.0, 8.0, 8.0))
    assert coverage(disc, 0.5).sum() * 0.25 == pytest.approx(np.pi * 64, rel=5e-3)
    assert np.all(smooth_union(disc, disc + 1, 3.0) <= disc)


def test_canvas_paints_water_and_fat_apart() -> None:
    canvas = Canvas((1, 3), 1.0, 2800.0, 30.0)
    canvas.blend(np.array([[1.0, 1.0, 0.0]], dtype=np.float32), tissues.SUBCUTANEOUS_FAT)
    canvas.blend(np.array([[0.0, 1.0, 0.0]], dtype=np.float32), tissues.MUSCLE)
    assert canvas.fat[0, 0] > 0.5 and canvas.fat[0, 1] == 0 and canvas.fat[0, 2] == 0
    assert canvas.water[0, 1] == pytest.approx(tissue_signal(tissues.MUSCLE, 2800.0, 30.0).water)
