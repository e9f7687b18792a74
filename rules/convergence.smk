# How much more a longer search would find, on a sample of slices: only where the config asks for it.


rule convergence:
    input:
        volumes=[dataset_file(PLAN.volume_path("val", volume)) for volume, _ in SAMPLED],
        indices=[f"{RESULTS}/index/{volume}.json" for volume, _ in SAMPLED],
        masks=[f"{RESULTS}/masks/{{acceleration}}x/{volume}.h5" for volume, _ in SAMPLED],
        checkpoint=f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
        code=lambda wildcards: code("convergence", *modules_of_convergence(wildcards.model)),
    output:
        f"{RESULTS}/convergence/{{model}}-{{acceleration}}x.csv",
    log:
        f"{LOGS}/convergence/{{model}}-{{acceleration}}x.log",
    benchmark:
        f"{RESULTS}/benchmarks/convergence/{{model}}-{{acceleration}}x.tsv"
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
            f"{RESULTS}/convergence/{{model}}-{{acceleration}}x.csv",
            model=CONFIG.models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("convergence_figure"),
    output:
        svg=f"{RESULTS}/figures/figure_convergence.svg",
        png=report(
            f"{RESULTS}/figures/figure_convergence.png",
            caption="../report/convergence.rst",
            category="Figures",
            labels=figure_labels("convergence", "What a longer search would find"),
        ),
        csv=f"{RESULTS}/figures/figure_convergence.csv",
    log:
        f"{LOGS}/figure/figure_convergence.log",
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
