"""Claim (a): the E2E-VarNet scores better than the U-Net at every severity."""

from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import NOTE_SEPARATOR, ClaimRow, all_of

CLAIM = Claim("a", "the E2E-VarNet scores better than the U-Net at every severity")
ROLES = ("region_attack", "rotation_attack")


def _every_severity(rows: list[ClaimRow]) -> ClaimRow:
    """Return the row that closes a series: its smallest difference, and whether all of them hold."""
    facts = vars(min(rows, key=lambda row: row.estimate))
    found = all_of([row.verdict for row in rows])
    elsewhere = "undecided at another severity" if found == "undecided" != facts["verdict"] else ""
    return ClaimRow(
        **facts
        | {
            "verdict": found,
            "note": NOTE_SEPARATOR.join(filter(None, [elsewhere, facts["note"]])),
            "measure": f"{rows[0].measure}; the smallest over all severities",
            "severity": None,
        }
    )


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare SSIM in the same boxes at every severity, for the noise on boxes and for rotations."""
    if not inputs.pairs:
        return CLAIM.not_tested("no E2E-VarNet beside a U-Net; name other pairs in claims.pairs")
    found = []
    for role in (role for role in ROLES if role in inputs.roles):
        for better, other in inputs.pairs:
            for acceleration in inputs.accelerations:
                rows = [
                    inputs.row(
                        CLAIM,
                        inputs.difference(
                            inputs.of(role, better, acceleration, severity).ssim,
                            inputs.of(role, other, acceleration, severity).ssim,
                        ),
                        measure="SSIM of the first minus SSIM of the second",
                        models=(better, other),
                        attack=inputs.roles[role],
                        acceleration=acceleration,
                        severity=severity,
                        above=0.0,
                    )
                    for severity in inputs.severities(role)
                ]
                found += [*rows, _every_severity(rows)]
    return found or CLAIM.not_tested("no attack in the role figures.region_attack or rotation_attack")
