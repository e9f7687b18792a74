"""What is deleted from a finished run is made again, with what follows from it: `delete it and start again`."""

from rerun_table import SWEEPS, TABLES, counts_of
from snakemake_runs import TINY

UNET = "models/unet-4x"


def remove(workflow, *patterns):
    """Remove the first file of each pattern below the results."""
    for pattern in patterns:
        min((workflow.folder / "results/tiny").glob(pattern)).unlink()


def test_a_deleted_file_is_made_again_and_what_follows_from_it(edited):
    """Each of these is read by no job that would run otherwise."""
    remove(edited, "tables/sweeps.csv", "showcase.h5", "figures/figure_2.svg")
    figures = {"judge_claims": 1, "figure": 4, "showcase": 1, **SWEEPS}
    assert counts_of(edited.planned(*TINY)) == figures
    attack_file = "attacks/noise-image/unet-4x/knee_val_001/slices_*.h5"
    remove(edited, attack_file, "metrics/gaussian/unet-4x/*/slices_*.csv", f"{UNET}/validation.csv")
    counts = {"attack": 1, "score": 2, "validate": 1, **SWEEPS, **TABLES}
    assert counts_of(edited.planned(*TINY)) == counts
    remove(edited, "index/knee_val_001.json", f"{UNET}/history.csv", "masks/4x/knee_val_002.h5")
    counts |= {"index_volume": 1, "sampling_mask": 2, "train": 1, "training_figure": 1}
    assert counts_of(edited.planned(*TINY)) == counts | {"validate": 2, "attack": 16, "score": 16}
