"""Time whole attacks against a plain implementation on stock fastMRI modules, turn about, and print ratios of medians.

Each attack is a process of its own. Noise: seconds per attack of one box at one severity; rotation: seconds per angle.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.case import Case

LOADED = 0.5


def measure(case: Case, threat_model: str, implementation: str) -> dict[str, float]:
    """Run one attack in its own process and return seconds and peak memory.

    Raises:
        RuntimeError: where it fails, with its last line.
    """
    command = [sys.executable, "-m", "benchmarks.measure", threat_model, implementation, json.dumps(asdict(case))]
    environment = {**os.environ, "OMP_NUM_THREADS": str(case.threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{implementation} {threat_model} {case.architecture} failed: {done.stderr.strip()[-300:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(case: Case, threat_model: str, implementations: list[str], runs: int) -> dict[str, Any]:
    """Run the implementations, `plain` among them, turn about and return their medians and all runs."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in implementations}
    for run in range(runs):
        for name in implementations:
            found[name].append(measure(case, threat_model, name))
            seconds, peak = found[name][-1]["seconds"], found[name][-1]["peak_gb"]
            sys.stderr.write(
                f"{threat_model} {case.architecture} {name}, run {run + 1}: {seconds:.2f} s, {peak:.2f} GB\n"
            )
    medians = {
        name: {key: statistics.median(one[key] for one in many) for key in many[0]} for name, many in found.items()
    }
    ratios = {name: medians["plain"]["seconds"] / one["seconds"] for name, one in medians.items() if name != "plain"}
    return {
        "threat_model": threat_model,
        "architecture": case.architecture,
        "ratios": ratios,
        "medians": medians,
        "runs": found,
    }


def implementations(network: str, threat_model: str, uncropped: bool, bfloat16: bool) -> list[str]:
    """Return what is compared for a network and a threat model, in the order of each turn."""
    other = ["uncropped"] if uncropped and network == "unet" else []
    return ["plain", *other, "float32", *(["bfloat16"] if bfloat16 and threat_model == "noise" else [])]


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as lines of text."""
    lines = [f"{'attack':<10}{'network':<9}{'':<10}{'seconds':>9}{'peak GB':>9}{'ratio':>8}"]
    for result in results:
        for name, median in result["medians"].items():
            ratio = f"{result['ratios'][name]:.2f}x" if name in result["ratios"] else ""
            first = f"{result['threat_model']:<10}{result['architecture']:<9}{name:<10}"
            lines.append(f"{first}{median['seconds']:>9.2f}{median['peak_gb']:>9.2f}{ratio:>8}".rstrip())
    return "\n".join(lines)


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    default = Case("unet")
    made.add_argument("--networks", nargs="+", choices=("unet", "varnet"), default=["unet", "varnet"])
    made.add_argument("--threat-models", nargs="+", choices=("noise", "rotation"), default=["noise", "rotation"])
    made.add_argument("--runs", type=int, default=3, help="of each implementation")
    for name in ("coils", "rows", "columns", "crop", "steps", "angles", "severities"):
        made.add_argument(f"--{name}", type=int, default=getattr(default, name))
    made.add_argument("--bfloat16", action="store_true", help="also search in bfloat16 (noise)")
    made.add_argument(
        "--uncropped", action="store_true", help="also the plain U-Net on the uncropped image, as in the published code"
    )
    made.add_argument("--small", action="store_true", help="tiny networks, to try the benchmark itself")
    made.add_argument("--threads", type=int, default=os.cpu_count())
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    made.add_argument("--output", type=Path, help="write all runs to this JSON file")
    return made


def main() -> None:
    """Compare, print the table, write the JSON file."""
    arguments = vars(options().parse_args())
    networks, threat_models = arguments.pop("networks"), arguments.pop("threat_models")
    runs, output = arguments.pop("runs"), arguments.pop("output")
    bfloat16, uncropped = arguments.pop("bfloat16"), arguments.pop("uncropped")
    load = os.getloadavg()[0]
    if load > LOADED:
        sys.stderr.write(f"the machine is busy (load {load:.1f}): times and ratios are not to be trusted\n")
    results = [
        compare(
            Case(architecture=network, **arguments),
            threat_model,
            implementations(network, threat_model, uncropped, bfloat16),
            runs,
        )
        for threat_model in threat_models
        for network in networks
    ]
    sys.stdout.write(table(results) + "\n")
    if output is not None:
        machine = {"processor": platform.processor() or platform.machine(), "load_before": load}
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps({"case": arguments, "machine": machine, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
