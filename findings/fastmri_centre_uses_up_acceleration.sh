#!/usr/bin/env bash
# fastmri 0.3.0: what its Cartesian mask functions do where the fully sampled centre alone is 1/acceleration of the
# columns, or more. Two functions take a centre fraction of 0.25 or 0.3 at 4x without a word; `equispaced_fraction`
# raises errors of arithmetic that name neither setting.
# Seen with 368 columns:
#   random, 0.3 at 4x: 110 columns measured, 3.35x in place of 4x (a negative probability adds none)
#   equispaced, 0.08 at 4x, fastMRI's published fraction: 113 columns, 3.26x: its lines come on top of the centre
#   equispaced_fraction, 0.25 at 4x: ZeroDivisionError: division by zero; 0.3 at 4x: ValueError: high <= 0
# Why it matters here: results are labelled with the nominal acceleration. AdvMRI's config refuses such fractions
# (`mask.center_fractions`), and a mask file holds `realised_acceleration`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip torch==2.13.0
pip numpy==2.4.6 pandas==3.1.1 h5py==3.16.0 pyyaml==6.0.3 requests==2.34.2 tqdm==4.70.1
pip --no-deps fastmri==0.3.0
"$folder/venv/bin/python" - <<'P'
from fastmri.data.subsample import create_mask_for_mask_type

COLUMNS = 368


def measured(kind, fraction, acceleration=4):
    """Columns measured, or the error."""
    try:
        mask, _ = create_mask_for_mask_type(kind, [fraction], [acceleration])((1, COLUMNS, 2), seed=(1, 2, 3))
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return int(mask.sum())


seen = {
    ("random", 0.3): measured("random", 0.3),
    ("equispaced", 0.08): measured("equispaced", 0.08),
    ("equispaced_fraction", 0.25): measured("equispaced_fraction", 0.25),
    ("equispaced_fraction", 0.3): measured("equispaced_fraction", 0.3),
}
for (kind, fraction), found in seen.items():
    print(f"{kind}, {fraction} at 4x: {found}")
assert list(seen.values()) == [110, 113, "ZeroDivisionError: division by zero", "ValueError: high <= 0"], seen
P
