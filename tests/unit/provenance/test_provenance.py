"""Each program depends on the modules that it imports, however deep, and on no other."""

from pathlib import PurePosixPath

import pytest

from advmri.attacks.settings import kinds, read_settings
from advmri.config import factory_code
from advmri.errors import InputError
from advmri.provenance import sources as provenance
from advmri.provenance.sources import check_working_folder, outside_path, source_paths, sources, sources_digest
from advmri.storage.file_digest import file_sha256

ATTACK = [
    "workflow_scripts.attack",
    "advmri.reconstruction.unet",
    *read_settings({"threat_model": "noise"}).modules(),
]


def matching(files, *beginnings):
    return [file for file in files if file.startswith(beginnings)]


def test_attack_depends_on_what_it_computes_with():
    files = sources(ATTACK)
    for file in (
        "workflow_scripts/attack.py",
        "workflow_scripts/program.py",
        "advmri/acquisition/kspace.py",
        "advmri/acquisition/thermal/relative_norm.py",
        "advmri/attacks/noise/bounds/coil_l2.py",
        "advmri/attacks/noise/objectives/l2.py",
        "advmri/attacks/noise/problem.py",
        "advmri/attacks/noise/search.py",
        "advmri/attacks/noise/optimisers/__init__.py",
        "advmri/attacks/noise/optimisers/pgd.py",
        "advmri/reconstruction/unet.py",
        "advmri/image_quality/ssim.py",
    ):
        assert file in files
    assert not matching(files, "advmri/training", "advmri/figures", "advmri/simulation")
    assert not {
        "advmri/image_quality/metrics.py",
        "advmri/config/schema.py",
        "advmri/config/planning.py",
        "advmri/scores/statistics.py",
        "advmri/attacks/noise/optimisers/gaussian.py",
        "advmri/attacks/noise/objectives/ssim.py",
        "advmri/attacks/noise/verification.py",
        "advmri/attacks/noise/stored.py",
        "advmri/attacks/motion/attack.py",
        "workflow_scripts/verify_attack.py",
        "advmri/reconstruction/varnet.py",
        "advmri/reconstruction/zero_filled.py",
    } & set(files)


def test_compiled_sources_belong_to_their_module():
    files = sources(["advmri.reconstruction.varnet"])
    folder = "advmri/reconstruction/kernels"
    assert {f"{folder}/normalise_activate.py", f"{folder}/normalise_activate.c"} <= set(files)
    assert {f"{folder}/frozen_layers.c", f"{folder}/frozen_layers_convolve.h"} <= set(files)


def test_training_depends_on_no_attack():
    files = sources(["workflow_scripts.train", "advmri.reconstruction.varnet"])
    assert "advmri/training/fit.py" in files and "advmri/acquisition/kspace.py" in files
    assert not matching(files, "advmri/attacks", "advmri/figures", "advmri/simulation")
    assert not matching(files, "advmri/config/", "advmri/image_quality/metrics.py", "advmri/storage/attack_file.py")


def test_scores_and_tables_depend_on_no_network():
    reading = {module for kind in kinds() for module in kind.reading_modules()}
    score = sources(["workflow_scripts.score", *reading])
    assert "advmri/image_quality/metrics.py" in score and "advmri/image_quality/ssim.py" in score
    assert not matching(score, "advmri/reconstruction", "advmri/training")
    light = {"__init__", "settings", "stored", "family"}
    assert {PurePosixPath(file).stem for file in matching(score, "advmri/attacks")} == light
    collect = sources(["workflow_scripts.collect"])
    assert "advmri/scores/statistics.py" in collect and "advmri/image_quality/metrics.py" in collect
    assert not matching(collect, "advmri/attacks", "advmri/reconstruction", "advmri/training", "advmri/scores/scoring")


def forget():
    """Files are looked for once, as they do not change while Snakemake plans."""
    for cached in (provenance._module_files, provenance._direct_imports):
        cached.cache_clear()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own, in which the modules found can be told by hand."""
    files = {
        "advmri/__init__.py": "",
        "advmri/a.py": "import advmri.b\n\ndef f():\n    from advmri.deep import c as d\n",
        "advmri/b.py": "import torch\nfrom advmri import a\n",
        "advmri/deep/__init__.py": "from advmri import e\n",
        "advmri/deep/c.py": "from advmri.deep.f import thing\n",
        "advmri/deep/f.py": "thing = 1\n",
        "advmri/e.py": "",
        "advmri/unused.py": "",
        "workflow_scripts/__init__.py": "",
        "workflow_scripts/run.py": "from advmri.a import f\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    forget()
    yield tmp_path
    forget()


def test_imports_are_followed_through_cycles_functions_and_packages(project):
    assert sources(["workflow_scripts.run"]) == [
        "advmri/__init__.py",
        "advmri/a.py",
        "advmri/b.py",
        "advmri/deep/__init__.py",
        "advmri/deep/c.py",
        "advmri/deep/f.py",
        "advmri/e.py",
        "workflow_scripts/__init__.py",
        "workflow_scripts/run.py",
    ]


def test_digest_follows_every_source_and_no_other(project):
    def digest():
        forget()
        return sources_digest(["workflow_scripts.run"])

    first = digest()
    (project / "advmri/unused.py").write_text("changed = True\n")
    assert digest() == first
    (project / "advmri/deep/f.py").write_text("thing = 2\n")
    second = digest()
    assert second != first
    (project / "advmri/deep/f.py").write_text("thing = 1\n")
    assert digest() == first


def test_a_users_package_in_this_folder_is_followed_with_its_relative_imports(project):
    files = {
        "mine/__init__.py": "",
        "mine/network.py": "from . import parts\nfrom .deep.layers import layer\nimport advmri.e\n",
        "mine/parts.py": "",
        "mine/deep/__init__.py": "",
        "mine/deep/layers.py": "from ..shared import thing\n",
        "mine/shared.py": "thing = 1\n",
        "mine/unused.py": "",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    found = set(sources(["mine.network"]))
    assert found == set(files) - {"mine/unused.py"} | {"advmri/__init__.py", "advmri/e.py"}
    assert factory_code.in_project("mine.network:make") and factory_code.factory_digest("mine.network:make") == ""


def test_a_users_package_elsewhere_is_known_by_its_content(tmp_path, monkeypatch):
    package = tmp_path / "elsewhere"
    (package / "deep").mkdir(parents=True)
    for name, text in {"__init__.py": "raise RuntimeError('imported')\n", "deep/net.py": "a = 1\n"}.items():
        (package / name).write_text(text)
    (tmp_path / "single.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def digest(factory):
        factory_code.factory_digest.cache_clear()
        return factory_code.factory_digest(factory)

    factory = "elsewhere.deep.net:make"
    assert factory_code.is_found(factory) and factory_code.is_found("single:make")
    assert not factory_code.in_project(factory) and not factory_code.is_found("elsewhere.deep.other:make")
    first = digest(factory)
    assert len(first) == 64 != digest("single:make") and digest(factory) == first
    (package / "deep" / "other.py").write_text("b = 1\n")
    assert digest(factory) != first


def test_from_another_folder_paths_are_whole_and_the_digest_is_the_same(project, tmp_path_factory, monkeypatch):
    names, digest = sources(["workflow_scripts.run"]), sources_digest(["workflow_scripts.run"])
    assert source_paths(["workflow_scripts.run"]) == names
    assert source_paths(["workflow_scripts.run"], absolute=True) == [str(project / name) for name in names]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "mine.py").write_text("from advmri import e\nimport json\n")
    (project / "json.py").write_text("")
    monkeypatch.chdir(elsewhere)
    forget()
    assert source_paths(["workflow_scripts.run"]) == [str(project / name) for name in names]
    assert sources_digest(["workflow_scripts.run"]) == digest
    # Beside an installed project lie other packages, which are not the user's.
    assert source_paths(["mine"]) == [str(project / "advmri/__init__.py"), str(project / "advmri/e.py"), "mine.py"]
    assert factory_code.in_project("mine:make") and not factory_code.in_project("json:loads")


def test_programs_of_a_repository_are_found_from_another_folder(project, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(provenance, "WORKFLOW", project)
    assert outside_path() == {}
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert outside_path() == {"PYTHONPATH": f"{project}:/elsewhere"}
    monkeypatch.setenv("PYTHONPATH", f"{project}:/elsewhere")
    assert outside_path() == {}
    monkeypatch.setattr(provenance, "WORKFLOW", project / "advmri" / "workflow")
    monkeypatch.setenv("PYTHONPATH", "")
    assert outside_path() == {}


def test_another_copy_in_the_working_folder_is_refused(project, tmp_path_factory, monkeypatch):
    check_working_folder()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    check_working_folder()
    (elsewhere / "advmri").mkdir()
    (elsewhere / "advmri" / "__init__.py").write_text("")
    with pytest.raises(InputError, match=f"{elsewhere} holds another copy"):
        check_working_folder()


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"advmri\.nothing"):
        sources(["advmri.nothing"])


def test_no_module_uses_relative_imports():
    """They would not be followed."""
    for file in [*provenance.ROOT.glob("advmri/**/*.py"), *provenance.ROOT.glob("workflow_scripts/*.py")]:
        assert "\nfrom ." not in f"\n{file.read_text()}", file


def test_file_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
