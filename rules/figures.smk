# The paper's figures from the tables and the attack files, each redrawn alone.


rule figure:
    input:
        metrics=rules.collect_tables.output.metrics,
        summary=rules.collect_tables.output.summary,
        quality=rules.collect_tables.output.quality,
        attack_files=figure_attack_files,
        code=lambda wildcards: code(
            "figure", f"advmri.figures.{wildcards.figure}", *modules_of_reading(figure_attacks(wildcards.figure))
        ),
    output:
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: figure_labels(
                wildcards.figure.removeprefix("figure_"), FIGURE_PLAN[wildcards.figure][0]
            ),
        ),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
    log:
        f"{LOGS}/figure/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        settings=figure_settings,
        captions=CAPTIONS,
        attacks=lambda wildcards, output: str(Path(output.csv).parents[1] / "attacks"),
        jobs=lambda wildcards: (
            [f"{volume}/{slices}" for volume in PLAN.audited_volumes for slices in PLAN.slice_jobs(volume)]
            if FIGURE_PLAN[wildcards.figure][2] != "none"
            else []
        ),
    shell:
        "python -m workflow_scripts.figure --figure {wildcards.figure} --settings {params.settings:q}"
        " --metrics {input.metrics:q} --summary {input.summary:q} --quality {input.quality:q}"
        " --attacks-folder {params.attacks:q} --jobs {params.jobs:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"


# After all else of the run, since it looks for the records beside every file.
rule provenance_table:
    input:
        tables=rules.collect_tables.output,
        claims=rules.judge_claims.output,
        figures=RUN_FIGURES,
        code=code("provenance_table"),
    output:
        report(
            f"{RESULTS}/tables/provenance.csv",
            caption="../report/provenance.rst",
            category="Tables",
            labels={"table": "provenance", "shows": "Where every file came from"},
        ),
    log:
        f"{LOGS}/provenance_table.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "python -m workflow_scripts.provenance_table --results {params.results:q} --output {output:q} --log {log:q}"
