# Scores of every attack file, and the tables over all of them.


def all_jobs(pattern, attacks=tuple(CONFIG.attacks), models=tuple(CONFIG.models), accelerations=None):
    """Fill a pattern in for every attack job of the plan."""
    return [
        pattern.format(attack=attack, model=model, acceleration=acceleration, volume=volume, slices=slices)
        for attack in attacks
        for model in models
        for acceleration in accelerations or CONFIG.accelerations
        for volume in PLAN.audited_volumes
        for slices in PLAN.slice_jobs(volume)
    ]


rule score:
    input:
        attack_file=rules.attack.output,
        index=rules.index_volume.output,
        code=code("score"),
    output:
        f"{RESULTS}/metrics/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.csv",
    log:
        f"{LOGS}/score/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.log",
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.score --attack-file {input.attack_file:q} --index {input.index:q}"
        " --output {output:q} --log {log:q}"


rule collect_tables:
    input:
        scores=all_jobs(
            f"{RESULTS}/metrics/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.csv"
        ),
        indices=expand(f"{RESULTS}/index/{{volume}}.json", volume=PLAN.audited_volumes),
        validations=expand(
            f"{RESULTS}/models/{{model}}-{{acceleration}}x/validation.csv",
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("collect"),
    output:
        metrics=f"{RESULTS}/tables/metrics.csv",
        summary=f"{RESULTS}/tables/summary.csv",
        excluded=f"{RESULTS}/tables/excluded.csv",
        quality=f"{RESULTS}/tables/quality.csv",
    params:
        confidence=CONFIG.statistics.confidence,
        resamples=CONFIG.statistics.resamples,
        seed=CONFIG.seed,
    log:
        f"{LOGS}/collect_tables.log",
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.collect --scores {input.scores:q} --indices {input.indices:q}"
        " --validations {input.validations:q} --confidence {params.confidence} --resamples {params.resamples}"
        " --seed {params.seed} --metrics {output.metrics:q} --summary {output.summary:q}"
        " --excluded {output.excluded:q} --quality {output.quality:q} --log {log:q}"
