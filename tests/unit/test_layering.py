"""Every room and what it may import: arrows point down, there is no circle, and a room that is not listed fails."""

import ast
from pathlib import PurePosixPath

import pytest
from support import ROOT

MODULES = sorted([*ROOT.glob("advmri/**/*.py"), *ROOT.glob("workflow_scripts/*.py")])

GROUND = {"errors", "seeds"}
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "seeds": set(),
    "storage": GROUND,
    "acquisition/thermal": set(),
    "acquisition": {"storage", *GROUND},
    "provenance": {"storage", *GROUND},
    "volumes": {"acquisition/thermal", "storage", *GROUND},
    "image_quality": set(),
    "reconstruction/kernels": {"provenance", "storage", *GROUND},
    "reconstruction": {"reconstruction/kernels", "acquisition", *GROUND},
    "reconstruction/weights": {"reconstruction", "storage", *GROUND},
    "simulation": GROUND,
    "training": {"reconstruction", "reconstruction/weights", "volumes", "acquisition", "image_quality", *GROUND},
    "attacks": {"reconstruction", "acquisition", "image_quality", *GROUND},
    "attacks/noise": {"attacks", "reconstruction", "acquisition", *GROUND},
    "attacks/noise/bounds": {"attacks", "attacks/noise"},
    "attacks/noise/objectives": {"attacks", "attacks/noise"},
    "attacks/noise/optimisers": {"attacks", "attacks/noise", "attacks/noise/bounds"},
    "attacks/motion": {"attacks", "reconstruction", "acquisition", "image_quality", *GROUND},
    "attacks/motion/motions": {"attacks/motion"},
    "attacks/motion/operators": {"attacks/motion"},
    "attacks/settings": {"attacks", "attacks/noise/optimisers", "attacks/motion", *GROUND},
    "scores": {"attacks/settings", "image_quality", "volumes", "storage", *GROUND},
    "claims": {"attacks/settings", "scores", "storage", *GROUND},
    "figures": {"attacks", "attacks/settings", "scores", "image_quality", "storage", *GROUND},
    "tracing": {"scores", "image_quality", "reconstruction/weights", "provenance", "storage", *GROUND},
    "config": {
        *("attacks", "attacks/settings", "claims", "figures", "simulation", "training", "volumes"),
        *("provenance", "storage", *GROUND),
    },
    "single_slice": {
        *("attacks", "attacks/settings", "image_quality", "reconstruction", "acquisition/thermal", "volumes"),
        *GROUND,
    },
    "workflow_scripts": set(),
}
"""Lowest first. A room is a folder of `advmri` without its subfolders, or a single file that is named here.

`attacks/settings` is the door of the attacks: the union of the families' settings, which no family imports.
"""
ROOMS["workflow_scripts"] = set(ROOMS) - {"config", "single_slice", "workflow_scripts"}
ROOMS["cli"] = {"workflow_scripts", "config", "provenance", "volumes", "storage", *GROUND}
SCHEMA_PROGRAM = "workflow_scripts/write_schema.py"
"""The one program that reads the config's schema: an edit to that must rerun no job."""
SHARED_BY_PROGRAMS = {
    *(
        "attack_inputs",
        "figure_files",
        "launcher",
        "partial_folder",
        "program",
        "table_output",
        "termination",
        "torch_setup",
    ),
}
FORBIDDEN = {
    "": ("snakemake",),
    "storage": ("torch",),
    "provenance": ("torch", "numpy"),
    "image_quality": ("torch",),
    "simulation": ("torch",),
    "scores": ("torch",),
    "claims": ("torch",),
    "figures": ("torch",),
    "config": ("torch", "numpy", "pandas", "h5py"),
}


def place_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(place):
    """The room of a file, given as a path from the root without `.py`."""
    if not place.startswith("advmri/"):
        return PurePosixPath(place).parts[0]
    inside = place.removeprefix("advmri/")
    return inside if inside in ROOMS else PurePosixPath(inside).parent.as_posix()


def imports(path):
    """Every module that a source file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_imported(path):
    """The rooms of the project's modules that a file imports."""
    found = set()
    for name in imports(path):
        stem = name.replace(".", "/")
        if (ROOT / f"{stem}.py").is_file():
            found.add(room_of(stem))
    return found - {room_of(place_of(path).removesuffix(".py"))}


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_a_room_imports_what_it_may(path):
    if path.name == "__init__.py":
        loaded = rooms_imported(path)
        assert loaded <= {"errors"}, "a package that imports would load its parts with every module inside"
        return
    room = room_of(place_of(path).removesuffix(".py"))
    assert room in ROOMS, f"{place_of(path)}: list the room {room} in ROOMS, with what it may import"
    allowed = ROOMS[room] | ({"config"} if place_of(path) == SCHEMA_PROGRAM else set())
    assert rooms_imported(path) <= allowed, f"{place_of(path)} imports {rooms_imported(path) - allowed}"
    outside = {name.split(".")[0] for name in imports(path)}
    heavy = {name for above, names in FORBIDDEN.items() if room.startswith(above) for name in names}
    light = {"torch", "numpy"} if path.name == "settings.py" else set()
    assert not outside & (heavy | light), place_of(path)


def test_no_import_is_relative():
    """The other tests read names from the root."""
    nodes = ((path, node) for path in MODULES for node in ast.walk(ast.parse(path.read_text())))
    relative = [place_of(path) for path, node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative


def test_arrows_point_down():
    order = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in allowed), room


def test_the_list_is_no_longer_than_the_house():
    rooms = {room_of(place_of(path).removesuffix(".py")) for path in MODULES if path.name != "__init__.py"}
    assert rooms == set(ROOMS)
    for room, allowed in ROOMS.items():
        files = [path for path in MODULES if room_of(place_of(path).removesuffix(".py")) == room]
        used = set().union(*(rooms_imported(path) for path in files))
        assert room == "workflow_scripts" or allowed - GROUND <= used, (room, allowed - GROUND - used)


def test_no_two_files_differ_by_a_plural():
    files = [path for path in MODULES if path.name != "__init__.py"]
    stems = {path.stem for path in files if path.is_relative_to(ROOT / "advmri")}
    beside = {other.name for path in files for other in path.parent.iterdir() if other.is_dir()} - {"attacks"}
    assert not [stem for stem in stems if f"{stem}s" in stems | beside]


def test_tests_lie_in_the_folders_of_what_they_test():
    folders = {place_of(path.parent).removeprefix("tests/unit/") for path in ROOT.glob("tests/unit/*/**/test_*.py")}
    sources = {place_of(path.parent).removeprefix("advmri/") for path in MODULES} | {"benchmarks"}
    assert folders <= sources, folders - sources


def test_programs_import_no_other_program():
    for path in ROOT.glob("workflow_scripts/*.py"):
        others = {name.split(".")[1] for name in imports(path) if name.startswith("workflow_scripts.")}
        assert others <= SHARED_BY_PROGRAMS, path


def test_snakefiles_import_only_the_light_parts():
    light = (
        "advmri.attacks.settings",
        "advmri.config.",
        "advmri.errors",
        "advmri.provenance.",
        "advmri.storage.layout",
        "advmri.storage.run_lock",
    )
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]:
        stripped = [line.strip() for line in path.read_text().splitlines()]
        lines = [line.split() for line in stripped if line.startswith(("import ", "from "))]
        ours = [words[1] for words in lines if words[1].startswith(("advmri", "workflow_scripts"))]
        assert all(name.startswith(light) for name in ours), path
        assert not {words[1].split(".")[0] for words in lines} & {"torch", "numpy", "pandas", "h5py"}
