# The slices that figures show, and the paper's figures: from the tables and those slices, each redrawn alone.


rule showcase:
    input:
        metrics=rules.collect_tables.output.metrics,
        indices=expand(f"{RESULTS}/{layout.INDEX}", volume=PLAN.audited_volumes),
        # Which slice is shown is decided by the scores: any of them may be.
        attack_files=[
            path
            for shown in FIGURES.shown_slices.values()
            for attack, accelerations in shown.items()
            for path in PLAN.attack_jobs(f"{RESULTS}/{layout.ATTACK_FILE}", [attack], accelerations)
        ],
        code=code("showcase", *loaded.modules_of_reading(CONFIG, FIGURES.shown_attacks)),
    output:
        f"{RESULTS}/{layout.SHOWCASE}",
    log:
        f"{LOGS}/showcase.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        settings=FIGURES.showcase_settings(),
        results=lambda wildcards, output: str(Path(output[0]).parent),
        jobs=PLAN.jobs,
    shell:
        "python -m workflow_scripts.showcase --settings {params.settings:q} --metrics {input.metrics:q}"
        " --results {params.results:q} --jobs {params.jobs:q} --output {output:q} --log {log:q}"


rule figure:
    input:
        metrics=rules.collect_tables.output.metrics,
        summary=rules.collect_tables.output.summary,
        quality=rules.collect_tables.output.quality,
        showcase=lambda wildcards: rules.showcase.output if FIGURES.shows_slice(wildcards.figure) else [],
        code=lambda wildcards: code("figure", f"advmri.figures.{wildcards.figure}"),
    output:
        svg=f"{RESULTS}/{layout.FIGURE}.svg",
        png=report(
            f"{RESULTS}/{layout.FIGURE}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: FIGURES.labels(wildcards.figure),
        ),
        csv=f"{RESULTS}/{layout.FIGURE}.csv",
    log:
        f"{LOGS}/figure/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURES.drawn) or "$^",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        settings=lambda wildcards: FIGURES.settings(wildcards.figure),
        captions=CAPTIONS,
    shell:
        "python -m workflow_scripts.figure --figure {wildcards.figure} --settings {params.settings:q}"
        " --metrics {input.metrics:q} --summary {input.summary:q} --quality {input.quality:q}"
        " --showcase {input.showcase:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"


# After all else of the run, since it looks for the records beside every file.
rule provenance_table:
    input:
        tables=rules.collect_tables.output,
        claims=rules.judge_claims.output,
        figures=expand(f"{RESULTS}/{layout.FIGURE}.png", figure=FIGURES.of_the_run),
        code=code("provenance_table"),
    output:
        report(
            f"{RESULTS}/{layout.PROVENANCE}",
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
