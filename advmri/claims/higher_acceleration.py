"""Claim (f): more is lost at 8x than at 4x; in both readings of the words."""

from itertools import pairwise

from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import ClaimRow

LEVEL = Claim("f", "under attack, SSIM is lower at the higher acceleration")
DROP = Claim("f", "the attack takes more SSIM at the higher acceleration")


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare each acceleration with the next higher one in the same boxes, at every eta above 0."""
    why = ""
    if "region_attack" not in inputs.roles:
        why = "no attack in the role figures.region_attack"
    elif len(inputs.accelerations) < 2:
        why = "one acceleration alone"
    if why:
        return LEVEL.not_tested(why) + DROP.not_tested(why)
    found = []
    for claim, column, sign in ((LEVEL, "ssim", -1), (DROP, "ssim_drop", 1)):
        for model in inputs.models:
            for lower, higher in pairwise(inputs.accelerations):
                for severity in (one for one in inputs.severities("region_attack") if one > 0):
                    values = {
                        acceleration: inputs.of("region_attack", model, acceleration, severity)[column]
                        for acceleration in (lower, higher)
                    }
                    words = {-1: f"SSIM at {lower}x minus SSIM at {higher}x"}
                    words[1] = f"SSIM lost at {higher}x minus SSIM lost at {lower}x"
                    order = (higher, lower) if sign > 0 else (lower, higher)
                    found.append(
                        inputs.row(
                            claim,
                            inputs.difference(values[order[0]], values[order[1]]),
                            measure=words[sign],
                            models=(model,),
                            attack=inputs.roles["region_attack"],
                            acceleration=higher,
                            beside=lower,
                            severity=severity,
                            above=0.0,
                        )
                    )
    return found
