"""Claim (e): SSIM falls continuously around the worst angle; a range of angles does harm, not one by itself."""

from advmri.claims.box import BOX
from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import ClaimRow

CLAIM = Claim("e", "SSIM falls continuously around the worst angle")


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare what is regained one step from the angle of lowest SSIM with the range of SSIM over the whole sweep."""
    if "rotation_attack" not in inputs.roles:
        return CLAIM.not_tested("no attack in the role figures.rotation_attack")
    table = inputs.sweeps
    found = []
    for model in inputs.models:
        for acceleration in inputs.accelerations:
            rows = table[(table.model == model) & (table.acceleration == acceleration)].set_index(BOX)
            if rows.empty:
                continue
            steps, severity = rows.step.max(), rows.theta_max.max()
            found.append(
                inputs.row(
                    CLAIM,
                    inputs.ratio(rows.regained, rows.range),
                    measure=f"SSIM regained {steps:g} degrees from the worst angle over the sweep's whole range",
                    models=(model,),
                    attack=inputs.roles["rotation_attack"],
                    acceleration=acceleration,
                    severity=severity,
                    below=inputs.settings.isolated,
                )
            )
    return found or CLAIM.not_tested("no sweep of angles")
