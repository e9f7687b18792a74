"""SSIM, PSNR and NMSE are scikit-image's and fastMRI's; a box averages the map of the whole image."""

import numpy as np
import pytest
from fastmri import evaluate
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from advmri.image_quality.image_pair import ImagePair
from advmri.image_quality.metrics import METRICS, score
from advmri.image_quality.ssim import WHOLE_IMAGE, region_ssim, ssim_map


def images(seed, height=20, width=17):
    rng = np.random.default_rng(seed)
    target = rng.random((height, width)).astype(np.float32) * 1e-3
    return target, (target + 1e-4 * rng.standard_normal((height, width))).astype(np.float32)


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(8, 24), st.integers(8, 24), st.floats(0.5, 3))
def test_whole_image_equals_scikit_image_and_fastmri(seed, height, width, factor):
    target, image = images(seed, height, width)
    data_range = float(factor * target.max())
    found = score(target, image, data_range, {"image": WHOLE_IMAGE})["image"]
    np.testing.assert_allclose(found["ssim"], structural_similarity(target, image, data_range=data_range), rtol=1e-5)
    np.testing.assert_allclose(found["ssim"], evaluate.ssim(target[None], image[None], data_range)[0], rtol=1e-5)
    np.testing.assert_allclose(found["psnr"], evaluate.psnr(target, image, data_range), rtol=1e-5)
    np.testing.assert_allclose(found["nmse"], evaluate.nmse(target, image), rtol=1e-4)


@given(seeds, st.integers(1, 4), st.floats(0.5, 3))
def test_a_volume_is_scored_as_fastmri_does(seed, slices, factor):
    pairs = [images(seed + number) for number in range(slices)]
    target, image = (np.stack(stack) for stack in zip(*pairs, strict=True))
    data_range = float(factor * target.max())
    found = {name: one.measure(ImagePair(target, image, data_range), WHOLE_IMAGE) for name, one in METRICS.items()}
    np.testing.assert_allclose(found["ssim"], evaluate.ssim(target, image, data_range)[0], rtol=1e-5)
    np.testing.assert_allclose(found["psnr"], evaluate.psnr(target, image, data_range), rtol=1e-5)
    np.testing.assert_allclose(found["nmse"], evaluate.nmse(target, image), rtol=1e-4)


@given(seeds, st.integers(0, 12), st.integers(0, 10), st.integers(1, 12), st.integers(1, 12))
def test_box_averages_the_full_map_and_cuts_out_the_error(seed, row, column, height, width):
    target, image = images(seed)
    box = (slice(row, min(row + height, 20)), slice(column, min(column + width, 17)))
    found = score(target, image, 1e-3, {"image": WHOLE_IMAGE, "box": box})["box"]
    similarity = structural_similarity(target, image, win_size=7, data_range=1e-3, full=True)[1]
    np.testing.assert_allclose(found["ssim"], similarity[box].mean(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["nmse"], evaluate.nmse(target[box], image[box]), rtol=1e-4)
    np.testing.assert_allclose(
        found["psnr"], peak_signal_noise_ratio(target[box], image[box], data_range=1e-3), rtol=1e-5
    )


def test_a_box_at_the_border_uses_the_map_up_to_the_border():
    target, image = images(1)
    similarity = ssim_map(target, image, 1e-3)
    assert similarity.shape == target.shape
    assert region_ssim(similarity, (slice(0, 3), slice(0, 4))) == pytest.approx(similarity[:3, :4].mean())
    assert region_ssim(similarity, WHOLE_IMAGE) != pytest.approx(similarity.mean())


def test_boxes_smaller_than_the_window_have_a_score():
    target, image = images(2)
    found = score(target, image, 1e-3, {"box": (slice(4, 6), slice(3, 8))})["box"]
    assert all(np.isfinite(value) for value in found.values())


def test_equal_images():
    target, _ = images(3)
    found = score(target, target, 1e-3, {"image": WHOLE_IMAGE})["image"]
    assert found == {"ssim": pytest.approx(1), "psnr": float("inf"), "nmse": 0}


@given(seeds, st.integers(7, 15), st.integers(7, 12))
def test_the_cut_out_box_is_scored_as_advrec_does(seed, height, width):
    target, image = images(seed)
    box = (slice(2, 2 + height), slice(4, 4 + width))
    found = score(target, image, 1e-3, {"image": WHOLE_IMAGE, "box": box}, "crop")
    expected = structural_similarity(target[box], image[box], data_range=target.max() - target.min())
    np.testing.assert_allclose(found["box"]["ssim"], expected, rtol=1e-5)
    usual = score(target, image, 1e-3, {"image": WHOLE_IMAGE, "box": box})
    assert found["image"] == usual["image"] and found["box"]["psnr"] == usual["box"]["psnr"]


def test_a_box_smaller_than_the_window_keeps_the_map():
    target, image = images(1)
    box = {"box": (slice(2, 8), slice(4, 16))}
    assert score(target, image, 1e-3, box, "crop") == score(target, image, 1e-3, box)
