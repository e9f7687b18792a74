"""Claim (g): the same perturbation barely changes the fully sampled reconstruction."""

from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import ClaimRow

CLAIM = Claim("g", "the same perturbation barely changes the fully sampled reconstruction")


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Take what the fully sampled image loses in the boxes under the noise found, at the largest eta."""
    if "region_attack" not in inputs.roles:
        return CLAIM.not_tested("no attack in the role figures.region_attack")
    severity = inputs.severities("region_attack")[-1]
    found = []
    for model in inputs.models:
        for acceleration in inputs.accelerations:
            full = inputs.of("region_attack", model, acceleration, severity).fully_sampled_ssim
            found.append(
                inputs.row(
                    CLAIM,
                    inputs.difference(full * 0 + 1, full),
                    measure="SSIM that the fully sampled image loses in the box (1 minus its SSIM)",
                    models=(model,),
                    attack=inputs.roles["region_attack"],
                    acceleration=acceleration,
                    severity=severity,
                    below=inputs.settings.barely,
                )
            )
    return found
