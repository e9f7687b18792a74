"""The notebook: its cells run, and what is committed with them is what they printed and drew."""

import base64
import hashlib
import re
import struct
import warnings

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt
from support import ROOT

PATH = ROOT / "docs" / "one_slice.ipynb"
SMALLER = {
    "KNEES = 6": "KNEES = 1",
    "TRAINING_STEPS = 300": "TRAINING_STEPS = 10",
    "SEVERITIES = [0, 0.005, 0.01, 0.015, 0.02, 0.025]": "SEVERITIES = [0, 0.025]",
}
FIGURES = 3


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_cells_run(notebook):
    source = "\n".join(cell.source for cell in code_cells(notebook))
    for written, smaller in SMALLER.items():
        assert source.count(written) == 1
        source = source.replace(written, smaller)
    names = {"__name__": "notebook"}
    mpl.use("Agg")
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*non-interactive")
        exec(compile(source, PATH.name, "exec"), names)
        drawn = [plt.figure(number) for number in plt.get_fignums()]
        for figure in drawn:
            figure.canvas.draw()
        plt.close("all")
    assert len(drawn) == FIGURES
    found, control = names["found"], names["control"]
    assert found.severity.tolist() == control.severity.tolist() == [0, np.float32(0.025)]
    assert found.certificate.gauge.max() <= 1 + 1e-5
    assert found.arrays["final_objective"][1] > control.arrays["final_objective"][1]


def test_its_outputs_are_there_and_belong_to_its_cells(notebook):
    nbformat.validate(notebook)
    assert PATH.stat().st_size < 1_000_000
    sources = "\x1f".join(cell.source for cell in notebook.cells)
    assert notebook.metadata["sources_sha256"] == hashlib.sha256(sources.encode()).hexdigest(), "run `make notebook`"
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"stream", "display_data"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    images = [base64.b64decode(output.data["image/png"]) for output in outputs if "data" in output]
    sizes = [struct.unpack(">II", image[16:24]) for image in images]
    assert len(sizes) == FIGURES and all(width > 700 and height > 200 for width, height in sizes)


def test_what_it_prints_is_an_attack_that_outdoes_its_control(notebook):
    text = "".join(output.get("text", "") for cell in code_cells(notebook) for output in cell.outputs)
    scores = re.findall(r"noise by (\w+) in rows .* SSIM ([\d.]+) clean, ([\d.]+) at severity 0.025; gauge 1.0", text)
    (pgd, clean, worst), (gaussian, same, random), _ = scores
    assert (pgd, gaussian, clean) == ("pgd", "gaussian", same)
    assert float(worst) < float(clean) - 0.1 and abs(float(random) - float(clean)) < 0.02
    assert "Warning" not in text
