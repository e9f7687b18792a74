"""The compiled normalisation and activation is the stock one: outputs and gradients, also where nothing varies."""

import logging
import tempfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from advmri.reconstruction.kernels import native, normalise_activate
from advmri.reconstruction.kernels.normalise_activate import SOURCE

EPSILON, SLOPE = 1e-5, 0.2
STOCK = {
    size: nn.Sequential(nn.InstanceNorm2d(size, eps=EPSILON), nn.LeakyReLU(SLOPE)) for size in (1, 2, 3, 8, 40, 300)
}


@pytest.fixture
def compiler():
    if native.load_native(SOURCE) is None:
        pytest.skip("no C compiler here")


def images(shape, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) * 3 + 5).to(dtype)


def compare(shape, seed, weigh=lambda output: output, dtype=torch.float64):
    """Outputs and input gradients of the stock modules and of the fused pass."""
    results = []
    for function in (STOCK[shape[1]], lambda image: normalise_activate.normalise_activate(image, EPSILON, SLOPE)):
        image = images(shape, seed, dtype).requires_grad_(True)
        output = function(image + 0.0)
        weights = images(weigh(output).shape, seed + 1, dtype) - 5
        (gradient,) = torch.autograd.grad((weigh(output) * weights).sum(), image)
        results.append((output.detach(), gradient))
    return zip(*results, strict=True)


@given(
    shape=st.tuples(st.integers(1, 3), st.sampled_from(sorted(STOCK)), st.integers(1, 40), st.integers(2, 40)),
    seed=st.integers(0, 2**30),
)
def test_equals_stock(shape, seed):
    for expected, found in compare(shape, seed):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_single_precision_is_as_near_to_the_truth_as_stock():
    for (expected, found), (true, _) in zip(
        compare((2, 8, 60, 50), 3, dtype=torch.float32), compare((2, 8, 60, 50), 3), strict=True
    ):
        assert (found - true).abs().max() <= 2 * (expected - true).abs().max() + 1e-6


def test_bfloat16_rounds_once(compiler):
    """Stored in bfloat16 and computed in float32: forward within half a unit in the last place."""
    image = images((2, 8, 30, 21), 5).to(torch.bfloat16)
    variable = image.clone().requires_grad_(True)
    output = normalise_activate.normalise_activate(variable + 0.0, EPSILON, SLOPE)
    exact = image.double().requires_grad_(True)
    expected = STOCK[8](exact)
    assert output.dtype == torch.bfloat16
    assert ((output.double() - expected).abs() <= 2.0**-8 * expected.abs() + 1e-6).all()
    weights = images(output.shape, 6) - 5
    (gradient,) = torch.autograd.grad((output * weights.to(torch.bfloat16)).sum(), variable)
    (true,) = torch.autograd.grad((expected * weights).sum(), exact)
    assert gradient.dtype == torch.bfloat16 and (gradient.double() - true).norm() < 0.01 * true.norm()


@pytest.mark.parametrize(
    "weigh",
    [
        lambda output: torch.cat([output, 2 * output], dim=1),
        lambda output: output[..., 1:-1, 2:],
        lambda output: output.permute(0, 2, 3, 1).flatten(1, 2),
        lambda output: output.sum().expand(3, 3),
        lambda output: output[:, :1],
    ],
    ids=["stack", "crop", "permuted", "constant", "one channel"],
)
def test_gradients_of_any_layout(weigh):
    for expected, found in compare((2, 3, 9, 7), 1, weigh):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_images_without_contrast():
    """Zero variance: the output is 0, and the gradient as PyTorch defines it there."""
    results = []
    for function in (STOCK[2], lambda image: normalise_activate.normalise_activate(image, EPSILON, SLOPE)):
        image = torch.full((1, 2, 4, 4), 3.0, dtype=torch.float64, requires_grad=True)
        output = function(image + 0.0)
        (gradient,) = torch.autograd.grad((output * torch.arange(32.0).reshape(output.shape)).sum(), image)
        results.append((output.detach(), gradient))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)
    assert not results[1][0].any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_nan_stays_in_its_channel(dtype):
    image = images((2, 3, 6, 6), 0, dtype)
    image[1, 2, 3, 3] = torch.nan
    found = normalise_activate.normalise_activate(image.clone(), EPSILON, SLOPE)
    assert torch.equal(found.isnan(), STOCK[3](image).isnan())


def test_bits_do_not_depend_on_threads(compiler):
    image = images((2, 40, 64, 64), 0, torch.float32)
    found = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            variable = image.clone().requires_grad_(True)
            output = normalise_activate.normalise_activate(variable + 0.0, EPSILON, SLOPE)
            found.append((output, *torch.autograd.grad((output * image).sum(), variable)))
    finally:
        torch.set_num_threads(1)
    for other in found[1:]:
        assert all(torch.equal(one, same) for one, same in zip(found[0], other, strict=True))


def test_without_a_compiler(monkeypatch, caplog):
    monkeypatch.setattr(native, "_compiler", lambda: None)
    native.load_native.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, logger="advmri"):
            for expected, found in compare((2, 8, 10, 9), 0):
                torch.testing.assert_close(found, expected)
        assert [record.message for record in caplog.records] == [
            "no C compiler found: normalise_activate.c is not used, and networks are slower on the CPU"
        ]
    finally:
        native.load_native.cache_clear()


def test_code_that_does_not_compile(tmp_path, monkeypatch, caplog, compiler):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "wrong.c").write_text("int wrong(void) { return missing; }\n")
    with caplog.at_level(logging.WARNING, logger="advmri"):
        assert native.load_native(tmp_path / "wrong.c") is None
    assert "wrong.c cannot be compiled" in caplog.text
    assert not [file for file in tmp_path.rglob("*") if file.suffix == ".so" or file.name.startswith(".")]


def test_threads_are_those_of_pytorch(tmp_path, monkeypatch, compiler):
    """Where OpenMP's symbols are there, as with PyTorch's wheels, and a plain loop where they are not."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "threads.c"
    text = "int threads(void) { int n = 0;\n#pragma omp parallel num_threads(2) reduction(+ : n)\nn++;\nreturn n; }\n"
    source.write_text(text)
    library = native.load_native(source)
    assert library is not None and library.threads() in (1, 2)
    source.write_text(text + "#ifdef _OPENMP\nvoid missing(void);\nvoid use(void) { missing(); }\n#endif\n")
    native.load_native.cache_clear()
    library = native.load_native(source)
    assert library is not None and library.threads() == 1
    native.load_native.cache_clear()


def test_libraries_are_kept_and_follow_their_source(tmp_path, monkeypatch, compiler):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source, header = tmp_path / "answer.c", tmp_path / "answer_value.h"
    source.write_text('#include "answer_value.h"\nint answer(void) { return VALUE; }\n')
    for value in (1, 2):
        header.write_text(f"#define VALUE {value}\n")
        for _ in range(2):
            native.load_native.cache_clear()
            library = native.load_native(source)
            assert library is not None and library.answer() == value
    assert len(list((tmp_path / "cache" / "advmri").iterdir())) == 2
    native.load_native.cache_clear()


def test_without_a_writable_cache(tmp_path, monkeypatch, compiler):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "answer.c").write_text("int answer(void) { return 42; }\n")
    library = native.load_native(tmp_path / "answer.c")
    assert library is not None and library.answer() == 42


def test_a_cache_that_cannot_be_written_gives_way_to_tmpdir(tmp_path, monkeypatch, caplog, compiler):
    """Kept for the next process, and said once."""
    (tmp_path / "home").write_text("a file, below which not even root can write")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sources = [tmp_path / f"answer_{value}.c" for value in (1, 2)]
    for value, source in enumerate(sources):
        source.write_text(f"int answer(void) {{ return {value}; }}\n")
    for _ in range(2):
        for value, source in enumerate(sources):
            native.load_native.cache_clear()
            library = native.load_native(source)
            assert library is not None and library.answer() == value
    (folder,) = tmp_path.glob("advmri-cache-*")
    assert len(list(folder.iterdir())) == 2 and folder.stat().st_mode & 0o777 == 0o700
    (record,) = caplog.records
    assert f"home/cache: compiled code cannot be kept there (Not a directory); it is kept in {folder}" in record.message
    native.load_native.cache_clear()
    native._say_where.cache_clear()
