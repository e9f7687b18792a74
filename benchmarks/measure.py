"""Run one attack once and write its time and peak memory as JSON; a process of its own, so that the peak is its own."""

import argparse
import json
import resource
import sys
import time
from typing import Literal

import torch

from advmri.attacks.motion.moved_scan import MovedScan
from advmri.attacks.motion.moves import Move
from advmri.attacks.motion.operators import shears
from advmri.attacks.noise.attack import attack_with_noise
from advmri.attacks.noise.optimisers.settings import noise_attack
from benchmarks import plain
from benchmarks.case import Case

Implementation = Literal["plain", "uncropped", "float32", "bfloat16"]
PLAIN = ("plain", "uncropped")
BYTES_PER_GB = 1e9


def attack(case: Case, threat_model: str, implementation: Implementation) -> float:
    """Do the attack and return the seconds it took, building slice and network excluded."""
    scan, box = case.scan(), case.box()
    if implementation not in PLAIN:
        scan.reconstructor.requires_grad_(False)
    _synchronise(case.device)
    begun = time.perf_counter()
    if threat_model == "noise" and implementation in PLAIN:
        plain.noise_attack(scan, box, case.noise_levels(), case.steps, implementation == "uncropped")
    elif threat_model == "noise":
        settings = noise_attack(severities=case.noise_levels(), steps=case.steps, search_precision=implementation)
        attack_with_noise([scan], [{"box": box}], settings, [0], scan.target.max().item(), case.severities)
    elif implementation in PLAIN:
        plain.rotation_sweep(scan, box, case.degrees(), implementation == "uncropped")
    else:
        moved, batch_size = MovedScan(scan, shears), 1 if case.device == "cpu" else case.angles
        moves = [Move(degrees) for degrees in case.degrees()]
        with torch.no_grad():
            for first in range(0, len(moves), batch_size):
                moved.reconstruct(moves[first : first + batch_size])
    _synchronise(case.device)
    return time.perf_counter() - begun


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _peak_memory_gb(device: str) -> float:
    """Return the largest memory of this process so far (Linux: KiB), or of its tensors on a GPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / BYTES_PER_GB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / BYTES_PER_GB


def main() -> None:
    """Read the case from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("threat_model", choices=("noise", "rotation"))
    parser.add_argument(
        "implementation", choices=(*PLAIN, "float32", "bfloat16"), help="a plain one, or what AdvMRI searches in"
    )
    parser.add_argument("case", type=json.loads, help="the fields of a Case as JSON")
    arguments = parser.parse_args()
    case = Case(**arguments.case)
    torch.set_num_threads(case.threads)
    seconds = attack(case, arguments.threat_model, arguments.implementation)
    per = case.severities if arguments.threat_model == "noise" else case.angles
    sys.stdout.write(json.dumps({"seconds": seconds / per, "peak_gb": _peak_memory_gb(case.device)}) + "\n")


if __name__ == "__main__":
    main()
