# Scores of every attack file, the tables over all of them, and what they say about the paper's claims.


rule score:
    input:
        attack_file=rules.attack.output,
        index=rules.index_volume.output,
    output:
        f"{RESULTS}/{layout.SCORE_FILE}",
    log:
        f"{LOGS}/score/{layout.JOB}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(30),
    params:
        ssim_of_box=CONFIG.metrics.ssim_of_box,
        # As for attacks.
        digest=lambda wildcards: code_digest("score", *loaded.modules_of_reading(CONFIG, [wildcards.attack])),
    shell:
        "python -m workflow_scripts.score --attack-file {input.attack_file:q} --index {input.index:q}"
        " --ssim-of-box {params.ssim_of_box}"
        " --output {output:q} --log {log:q}"


rule collect_tables:
    input:
        scores=PLAN.attack_jobs(f"{RESULTS}/{layout.SCORE_FILE}"),
        indices=expand(f"{RESULTS}/{layout.INDEX}", volume=PLAN.audited_volumes),
        annotations=dataset_file(PLAN.annotations),
        validations=expand(
            f"{RESULTS}/{layout.VALIDATION}",
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("collect"),
    output:
        metrics=f"{RESULTS}/{layout.METRICS}",
        summary=report(
            f"{RESULTS}/{layout.SUMMARY}",
            caption="../report/summary.rst",
            category="Tables",
            labels={"table": "summary", "shows": "Means and intervals"},
        ),
        excluded=report(
            f"{RESULTS}/{layout.EXCLUDED}",
            caption="../report/excluded.rst",
            category="Tables",
            labels={"table": "excluded", "shows": "Annotations not used"},
        ),
        quality=report(
            f"{RESULTS}/{layout.QUALITY}",
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
        results=lambda wildcards, output: str(Path(output.metrics).parents[1]),
        series=[
            f"{attack}/{model}-{acceleration}x"
            for attack in CONFIG.attacks
            for model in CONFIG.models
            for acceleration in CONFIG.accelerations
        ],
        jobs=PLAN.jobs,
        volumes=PLAN.validation_volumes,
        zero_filled=CONFIG.baseline_models,
        confidence=CONFIG.statistics.confidence,
        resamples=CONFIG.statistics.resamples,
        seed=CONFIG.seed,
    shell:
        "python -m workflow_scripts.collect --results {params.results:q} --series {params.series:q}"
        " --jobs {params.jobs:q} --indices {input.indices:q}"
        " --annotations {input.annotations:q} --validation-volumes {params.volumes:q}"
        " --validations {input.validations:q} --zero-filled {params.zero_filled:q} --confidence {params.confidence} --resamples {params.resamples}"
        " --seed {params.seed} --metrics {output.metrics:q} --summary {output.summary:q}"
        " --excluded {output.excluded:q} --quality {output.quality:q} --log {log:q}"


if "rotation_attack" in FIGURES.attacks:

    rule collect_sweeps:
        input:
            attack_files=PLAN.attack_jobs(f"{RESULTS}/{layout.ATTACK_FILE}", [FIGURES.attacks["rotation_attack"]]),
            code=code("sweeps", *loaded.modules_of_reading(CONFIG, [FIGURES.attacks["rotation_attack"]])),
        output:
            f"{RESULTS}/{layout.SWEEPS}",
        log:
            f"{LOGS}/collect_sweeps.log",
        conda:
            "../envs/environment.yaml"
        resources:
            mem_mb=growing(4000),
            runtime=minutes(30),
        params:
            results=lambda wildcards, output: str(Path(output[0]).parents[1]),
            series=[
                f"{FIGURES.attacks['rotation_attack']}/{model}-{acceleration}x"
                for model in CONFIG.models
                for acceleration in CONFIG.accelerations
            ],
            jobs=PLAN.jobs,
        shell:
            "python -m workflow_scripts.sweeps --results {params.results:q} --series {params.series:q}"
            " --jobs {params.jobs:q} --output {output:q} --log {log:q}"


rule judge_claims:
    input:
        metrics=rules.collect_tables.output.metrics,
        quality=rules.collect_tables.output.quality,
        sweeps=f"{RESULTS}/{layout.SWEEPS}" if "rotation_attack" in FIGURES.attacks else [],
        code=code("claims"),
    output:
        report(
            f"{RESULTS}/{layout.CLAIMS}",
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
        roles=json.dumps(FIGURES.judged_roles, sort_keys=True),
        pairs=json.dumps(CONFIG.claim_pairs),
        settings=as_json(CONFIG.claims, exclude={"pairs"}),
        confidence=CONFIG.statistics.confidence,
        resamples=CONFIG.statistics.resamples,
        seed=CONFIG.seed,
    shell:
        "python -m workflow_scripts.claims --metrics {input.metrics:q} --quality {input.quality:q} --sweeps {input.sweeps:q}"
        " --roles {params.roles:q} --pairs {params.pairs:q}"
        " --settings {params.settings:q} --confidence {params.confidence} --resamples {params.resamples}"
        " --seed {params.seed} --output {output:q} --log {log:q}"
