# AdvMRI: how badly can a learned MR reconstruction be made to fail? See README.md.

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/attack.smk"
include: "rules/convergence.smk"
include: "rules/evaluate.smk"
include: "rules/figures.smk"


report: "report/workflow.rst"


onstart:
    tell_cost()


rule all:
    default_target: True
    input:
        rules.collect_tables.output,
        rules.judge_claims.output,
        expand(f"{RESULTS}/{layout.FIGURE}.png", figure=FIGURES.of_the_run),
        rules.provenance_table.output,
