# Checkpoints, trained here or taken over, and their clean quality.


rule train:
    input:
        volumes=expand(volume_file("train"), volume=PLAN.training_volumes),
        code=lambda wildcards: code("train", architecture_module(wildcards.model)),
    output:
        checkpoint=f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
        history=f"{RESULTS}/models/{{model}}-{{acceleration}}x/history.csv",
    log:
        f"{LOGS}/train/{{model}}-{{acceleration}}x.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{model}}-{{acceleration}}x.tsv"
    wildcard_constraints:
        model=trained_models(),
    priority: 10
    conda:
        "../envs/environment.yaml"
    threads: TRAINING_THREADS
    resources:
        **TRAINING_RESOURCES,
        mem_mb=growing(8000),
        runtime=minutes(720),
        # Here and not below: who loads the slices changes nothing in what is trained, and a resource causes no rerun.
        loader_workers=CONFIG.compute.workers,
    params:
        architecture=lambda wildcards: CONFIG.models[wildcards.model].architecture,
        arguments=lambda wildcards: json.dumps(CONFIG.models[wildcards.model].arguments, sort_keys=True),
        settings=lambda wildcards: as_json(CONFIG.models[wildcards.model].training),
        centre_fraction=lambda wildcards: CONFIG.mask.center_fractions[int(wildcards.acceleration)],
        type=CONFIG.mask.type,
        seed=CONFIG.seed,
        compute=COMPUTE,
        devices=CONFIG.compute.devices,
        nodes=CONFIG.compute.nodes,
        launch=TRAINING_LAUNCH,
        digest=lambda wildcards: code_digest("train", architecture_module(wildcards.model)),
    # `exec`: a signal to the job reaches the program, which saves its state, and not a shell that ends at once.
    shell:
        "exec {params.launch}python -m workflow_scripts.train --name {wildcards.model:q}-{wildcards.acceleration}x"
        " --architecture {params.architecture} --arguments {params.arguments:q} --settings {params.settings:q}"
        " --acceleration {wildcards.acceleration} --centre-fraction {params.centre_fraction}"
        " --mask-type {params.type} --seed {params.seed} --workers {resources.loader_workers} {params.compute}"
        " --devices {params.devices} --nodes {params.nodes} --code-digest {params.digest} --volumes {input.volumes:q} --history {output.history:q}"
        " --output {output.checkpoint:q} --log {log:q}"


rule import_checkpoint:
    input:
        checkpoint=given_checkpoint,
        code=lambda wildcards: code("import_checkpoint", architecture_module(wildcards.model)),
    output:
        f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
    log:
        f"{LOGS}/import_checkpoint/{{model}}-{{acceleration}}x.log",
    wildcard_constraints:
        model=trained_models(False),
    conda:
        "../envs/environment.yaml"
    threads: CONFIG.compute.threads
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=minutes(10),
    params:
        architecture=lambda wildcards: CONFIG.models[wildcards.model].network,
        arguments=lambda wildcards: json.dumps(CONFIG.models[wildcards.model].arguments, sort_keys=True),
        contract=lambda wildcards: as_json(CONFIG.models[wildcards.model].contract),
        checkpoint=lambda wildcards: option("--checkpoint", given_checkpoint(wildcards)),
        trained_on=lambda wildcards: option("--trained-on", CONFIG.models[wildcards.model].trained_on),
        digest=lambda wildcards: option("--code-digest", outside_code(wildcards.model)),
        compute=COMPUTE,
    shell:
        "python -m workflow_scripts.import_checkpoint --name {wildcards.model:q} --architecture {params.architecture}"
        " --arguments {params.arguments:q} --contract {params.contract:q} --acceleration {wildcards.acceleration}"
        " {params.checkpoint} {params.trained_on} {params.digest} {params.compute}"
        " --output {output:q} --log {log:q}"


rule validate:
    input:
        checkpoint=f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
        volumes=expand(volume_file("val"), volume=PLAN.audited_volumes),
        masks=expand(f"{RESULTS}/masks/{{{{acceleration}}}}x/{{volume}}.h5", volume=PLAN.audited_volumes),
        code=lambda wildcards: code(
            "validate", architecture_module(wildcards.model), "advmri.reconstruction.zero_filled"
        ),
    output:
        f"{RESULTS}/models/{{model}}-{{acceleration}}x/validation.csv",
    log:
        f"{LOGS}/validate/{{model}}-{{acceleration}}x.log",
    benchmark:
        f"{RESULTS}/benchmarks/validate/{{model}}-{{acceleration}}x.tsv"
    conda:
        "../envs/environment.yaml"
    threads: CONFIG.compute.threads
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=minutes(120),
    params:
        compute=COMPUTE,
        factory=lambda wildcards: option("--factory", CONFIG.models[wildcards.model].factory),
    shell:
        "python -m workflow_scripts.validate --checkpoint {input.checkpoint:q} --model {wildcards.model:q}"
        " --acceleration {wildcards.acceleration} {params.compute} {params.factory} --volumes {input.volumes:q}"
        " --masks {input.masks:q} --output {output:q} --log {log:q}"


rule training_figure:
    input:
        histories=expand(
            f"{RESULTS}/models/{{model}}-{{acceleration}}x/history.csv",
            model=TRAINED,
            acceleration=CONFIG.accelerations,
        ),
        code=code("training_figure"),
    output:
        svg=f"{RESULTS}/figures/figure_training.svg",
        png=report(
            f"{RESULTS}/figures/figure_training.png",
            caption="../report/training.rst",
            category="Figures",
            labels=figure_labels("training", "Learning curves"),
        ),
        csv=f"{RESULTS}/figures/figure_training.csv",
    log:
        f"{LOGS}/figure/figure_training.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        folder=lambda wildcards, output: str(Path(output.csv).parents[1] / "models"),
        models=TRAINED,
        accelerations=CONFIG.accelerations,
        labels=json.dumps([[name, model.label or name] for name, model in CONFIG.models.items()]),
    shell:
        "python -m workflow_scripts.training_figure --models-folder {params.folder:q} --models {params.models:q}"
        " --accelerations {params.accelerations} --labels {params.labels:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"
