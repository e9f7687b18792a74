# How much more a longer search would find, on a sample of slices: only where the config asks for it.

SAMPLED = PLAN.sampled_slices(CONFIG.convergence.slices) if CONFIG.convergence.attack else []


rule convergence:
    input:
        volumes=[dataset_file(PLAN.volume_path("val", volume)) for volume, _ in SAMPLED],
        indices=[f"{RESULTS}/{layout.INDEX}".format(volume=volume) for volume, _ in SAMPLED],
        masks=[expand(f"{RESULTS}/{layout.MASK}", volume=volume, allow_missing=True) for volume, _ in SAMPLED],
        checkpoint=f"{RESULTS}/{layout.CHECKPOINT}",
        code=lambda wildcards: code("convergence", *loaded.modules_of_convergence(CONFIG, wildcards.model)),
    output:
        f"{RESULTS}/{layout.CONVERGENCE_FILE}",
    log:
        f"{LOGS}/convergence/{layout.SERIES}.log",
    benchmark:
        f"{RESULTS}/{layout.BENCHMARKS}/convergence/{layout.SERIES}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: CONFIG.compute.threads
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=minutes(480),
    params:
        attack=CONFIG.convergence.attack,
        settings=as_json(CONFIG.attacks[CONFIG.convergence.attack]) if CONFIG.convergence.attack else "",
        asked=as_json(CONFIG.convergence, exclude={"attack", "slices"}),
        slices=[number for _, number in SAMPLED],
        seed=CONFIG.seed,
        batch_size=CONFIG.attack.batch_size,
        compute=COMPUTE,
        factory=lambda wildcards: option("--factory", CONFIG.models[wildcards.model].factory),
    shell:
        "python -m workflow_scripts.convergence --attack {params.attack:q} --settings {params.settings:q}"
        " --convergence {params.asked:q} --model {wildcards.model:q} --acceleration {wildcards.acceleration}"
        " --seed {params.seed} --batch-size {params.batch_size} {params.compute} {params.factory} --volumes {input.volumes:q}"
        " --indices {input.indices:q} --masks {input.masks:q} --slices {params.slices}"
        " --checkpoint {input.checkpoint:q} --output {output:q} --log {log:q}"


rule convergence_figure:
    input:
        tables=expand(
            f"{RESULTS}/{layout.CONVERGENCE_FILE}",
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("convergence_figure"),
    output:
        svg=f"{RESULTS}/{layout.FIGURE}.svg".format(figure=layout.CONVERGENCE_FIGURE),
        png=report(
            f"{RESULTS}/{layout.FIGURE}.png".format(figure=layout.CONVERGENCE_FIGURE),
            caption="../report/convergence.rst",
            category="Figures",
            labels=FIGURES.labels(layout.CONVERGENCE_FIGURE),
        ),
        csv=f"{RESULTS}/{layout.FIGURE}.csv".format(figure=layout.CONVERGENCE_FIGURE),
    log:
        f"{LOGS}/figure/{layout.CONVERGENCE_FIGURE}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        labels=json.dumps([[name, model.label or name] for name, model in CONFIG.models.items()]),
    shell:
        "python -m workflow_scripts.convergence_figure --labels {params.labels:q} --tables {input.tables:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"
