# Scores of every attack file, the tables over all of them, and what they say about the paper's claims.


rule score:
    input:
        attack_file=rules.attack.output,
        index=rules.index_volume.output,
    output:
        f"{RESULTS}/metrics/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.csv",
    log:
        f"{LOGS}/score/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(30),
    params:
        ssim_of_box=CONFIG.metrics.ssim_of_box,
        # As for attacks.
        digest=lambda wildcards: code_digest("score", *modules_of_reading([wildcards.attack])),
    shell:
        "python -m workflow_scripts.score --attack-file {input.attack_file:q} --index {input.index:q}"
        " --ssim-of-box {params.ssim_of_box}"
        " --output {output:q} --log {log:q}"


rule collect_tables:
    input:
        scores=attack_jobs(f"{RESULTS}/metrics/{{attack}}/{{model}}-{{acceleration}}x/{{volume}}/slices_{{slices}}.csv"),
        indices=expand(f"{RESULTS}/index/{{volume}}.json", volume=PLAN.audited_volumes),
        annotations=dataset_file(PLAN.annotations),
        validations=expand(
            f"{RESULTS}/models/{{model}}-{{acceleration}}x/validation.csv",
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("collect"),
    output:
        metrics=f"{RESULTS}/tables/metrics.csv",
        summary=report(
            f"{RESULTS}/tables/summary.csv",
            caption="../report/summary.rst",
            category="Tables",
            labels={"table": "summary", "shows": "Means and intervals"},
        ),
        excluded=report(
            f"{RESULTS}/tables/excluded.csv",
            caption="../report/excluded.rst",
            category="Tables",
            labels={"table": "excluded", "shows": "Annotations not used"},
        ),
        quality=report(
            f"{RESULTS}/tables/quality.csv",
            caption="../report/quality.rst",
            category="Tables",
            labels={"table": "quality", "shows": "Clean quality"},
        ),
    log:
        f"{LOGS}/collect_tables.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=minutes(30),
    params:
        # Folder and jobs, not the paths: one shell command holds 128 KiB.
        folder=lambda wildcards, output: str(Path(output.metrics).parents[1] / "metrics"),
        series=[
            f"{attack}/{model}-{acceleration}x"
            for attack in CONFIG.attacks
            for model in CONFIG.models
            for acceleration in CONFIG.accelerations
        ],
        jobs=[f"{volume}/{slices}" for volume in PLAN.audited_volumes for slices in PLAN.slice_jobs(volume)],
        volumes=PLAN.validation_volumes,
        zero_filled=[name for name, model in CONFIG.models.items() if model.architecture == "zero_filled"],
        confidence=CONFIG.statistics.confidence,
        resamples=CONFIG.statistics.resamples,
        seed=CONFIG.seed,
    shell:
        "python -m workflow_scripts.collect --scores-folder {params.folder:q} --series {params.series:q}"
        " --jobs {params.jobs:q} --indices {input.indices:q}"
        " --annotations {input.annotations:q} --validation-volumes {params.volumes:q}"
        " --validations {input.validations:q} --zero-filled {params.zero_filled:q} --confidence {params.confidence} --resamples {params.resamples}"
        " --seed {params.seed} --metrics {output.metrics:q} --summary {output.summary:q}"
        " --excluded {output.excluded:q} --quality {output.quality:q} --log {log:q}"


rule judge_claims:
    input:
        metrics=rules.collect_tables.output.metrics,
        # Their sweeps of angles.
        attack_files=attack_jobs(ATTACK_FILE, attacks=CLAIM_SWEEPS),
        code=code("claims", *modules_of_reading(CLAIM_SWEEPS)),
    output:
        report(
            f"{RESULTS}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"table": "claims", "shows": "The paper's claims"},
        ),
    log:
        f"{LOGS}/judge_claims.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=minutes(30),
    params:
        attacks=lambda wildcards, output: str(Path(output[0]).parents[1] / "attacks"),
        series=[f"{model}-{acceleration}x" for model in CONFIG.models for acceleration in CONFIG.accelerations],
        jobs=[f"{volume}/{slices}" for volume in PLAN.audited_volumes for slices in PLAN.slice_jobs(volume)],
        roles=json.dumps(CLAIM_ROLES, sort_keys=True),
        pairs=json.dumps(CONFIG.claim_pairs),
        settings=as_json(CONFIG.claims, exclude={"pairs"}),
        confidence=CONFIG.statistics.confidence,
        resamples=CONFIG.statistics.resamples,
        seed=CONFIG.seed,
    shell:
        "python -m workflow_scripts.claims --metrics {input.metrics:q} --attacks-folder {params.attacks:q}"
        " --series {params.series:q} --jobs {params.jobs:q} --roles {params.roles:q} --pairs {params.pairs:q}"
        " --settings {params.settings:q} --confidence {params.confidence} --resamples {params.resamples}"
        " --seed {params.seed} --output {output:q} --log {log:q}"
