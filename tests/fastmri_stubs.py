"""The fastMRI knee set as far as a dry run can see it: real names, headers and sizes, data never allocated."""

import h5py
from support import SHARED

from advmri.volumes.ismrmrd_header import encode_header

SLICES, COILS, ROWS, COLUMNS, CROP = 36, 15, 640, 368, 320
HEADER = encode_header((ROWS, COLUMNS), (CROP, CROP), SLICES, COILS, (280.0, 161.0))


def real_names(split):
    """Names of the published knee volumes of a split, without ending."""
    return (SHARED / "fastmri-manifest" / f"knee_multicoil_{split}.txt").read_text().replace(".h5", "").split()


def write_stub(path):
    """Write a volume whose datasets have their real shape and no storage: some kilobytes on disk."""
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", (SLICES, COILS, ROWS, COLUMNS), "complex64")
        file.create_dataset("reconstruction_rss", (SLICES, CROP, CROP), "float32")
        file.create_dataset("ismrmrd_header", data=HEADER)
        file.attrs.update(acquisition="CORPD_FBK", max=1e-3, norm=0.1, patient_id=path.stem)


def write_stub_set(root, copies=1):
    """Write both splits below `root`, the validation split and its boxes several times under further names.

    Returns the names of the validation split and the path of the boxes.
    """
    validation = real_names("val")
    names = validation + [f"{name}-{copy}" for copy in range(2, copies + 1) for name in validation]
    for split, volumes in (("train", real_names("train")), ("val", names)):
        folder = root / f"multicoil_{split}"
        folder.mkdir(parents=True)
        for name in volumes:
            write_stub(folder / f"{name}.h5")
    lines = (SHARED / "fastmri-plus" / "knee.csv").read_text().splitlines(keepends=True)
    known = set(validation)
    with (root / "knee.csv").open("w") as file:
        file.writelines(lines)
        for copy in range(2, copies + 1):
            for line in lines[1:]:
                name, rest = line.split(",", 1)
                if name in known:
                    file.write(f"{name}-{copy},{rest}")
    return names, root / "knee.csv"
