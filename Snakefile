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


if workflow.is_main_process:
    RUN_LOCK = RunLock(Path(RESULTS))

    onstart:
        try:
            RUN_LOCK.take()
        except InputError as error:
            raise WorkflowError(f"{error}") from None
        tell_cost()

    onsuccess:
        RUN_LOCK.release()

    onerror:
        RUN_LOCK.release()


rule all:
    default_target: True
    input:
        rules.collect_tables.output,
        rules.judge_claims.output,
        expand(f"{RESULTS}/{layout.FIGURE}.{{kind}}", figure=FIGURES.of_the_run, kind=("png", "svg", "csv")),
        rules.provenance_table.output,
        # What nothing above reads where it is there already.
        expand(
            [f"{RESULTS}/{layout.CHECKPOINT}", f"{RESULTS}/{layout.VALIDATION}"],
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        expand(f"{RESULTS}/{layout.HISTORY}", model=FIGURES.trained_models, acceleration=CONFIG.accelerations),
        rules.judge_claims.input.sweeps,
        rules.showcase.output if FIGURES.shown_slices else [],
        rules.convergence_figure.input.tables if CONFIG.convergence.attack else [],
        MISSING.asked() if workflow.is_main_process else [],
