"""Claim (b): both networks lose SSIM at a similar rate."""

from advmri.claims.inputs import Claim, ClaimInputs, box_slopes
from advmri.claims.verdict import ClaimRow

CLAIM = Claim("b", "both networks lose SSIM at a similar rate")
UNITS = {"region_attack": (100.0, "1% of eta"), "rotation_attack": (1.0, "degree")}
FEWEST_SEVERITIES = 2


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare the slopes of SSIM against severity: a straight line per box, their means' ratio."""
    if not inputs.pairs:
        return CLAIM.not_tested("no E2E-VarNet beside a U-Net; name other pairs in claims.pairs")
    found = []
    most = inputs.settings.similar_slopes
    for role in (role for role in UNITS if role in inputs.roles):
        if len(inputs.severities(role)) < FEWEST_SEVERITIES:
            continue
        scale, unit = UNITS[role]
        for first, second in inputs.pairs:
            for acceleration in inputs.accelerations:
                slopes = [box_slopes(inputs.of(role, model, acceleration), scale) for model in (first, second)]
                found.append(
                    inputs.row(
                        CLAIM,
                        inputs.ratio(slopes[0], slopes[1]),
                        measure=f"SSIM per {unit}, the first's over the second's",
                        models=(first, second),
                        attack=inputs.roles[role],
                        acceleration=acceleration,
                        severity=None,
                        above=1 / most,
                        below=most,
                    )
                )
    return found or CLAIM.not_tested(
        "no attack with two severities in the role figures.region_attack or rotation_attack"
    )
