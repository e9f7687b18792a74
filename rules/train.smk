# Checkpoints, trained here or taken over, and their clean quality.

# A training job may have several GPUs. On one node Lightning starts a process for each; over several nodes srun does,
# inside an allocation without an outer srun (`mpi` tells the SLURM executor so).
TRAINING_RESOURCES = {"gpu": GPUS * CONFIG.compute.training_processes}
TRAINING_THREADS = CONFIG.compute.threads
TRAINING_LAUNCH = ""
if CONFIG.compute.nodes > 1:
    per_node = CONFIG.compute.devices
    TRAINING_RESOURCES |= {"mpi": "srun", "nodes": CONFIG.compute.nodes}
    # The executor refuses one task per node, and would take `tasks` for tasks per GPU.
    several = {"tasks_per_node": per_node}
    TRAINING_RESOURCES |= several if per_node > 1 else {"tasks": CONFIG.compute.nodes, "tasks_per_gpu": 0}
    TRAINING_LAUNCH = f"srun --nodes={CONFIG.compute.nodes} --ntasks-per-node={per_node} "
else:
    TRAINING_THREADS *= CONFIG.compute.training_processes


rule train:
    input:
        volumes=expand(volume_file("train"), volume=PLAN.training_volumes),
        code=lambda wildcards: code("train", loaded.architecture_module(CONFIG, wildcards.model)),
    output:
        checkpoint=f"{RESULTS}/{layout.CHECKPOINT}",
        history=f"{RESULTS}/{layout.HISTORY}",
    log:
        f"{LOGS}/train/{layout.SERIES}.log",
    benchmark:
        f"{RESULTS}/{layout.BENCHMARKS}/train/{layout.SERIES}.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, FIGURES.trained_models)) or "$^",
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
        acquired_columns=CONFIG.dataset.acquired_columns,
        seed=CONFIG.seed,
        compute=COMPUTE,
        devices=CONFIG.compute.devices,
        nodes=CONFIG.compute.nodes,
        launch=TRAINING_LAUNCH,
        digest=lambda wildcards: code_digest("train", loaded.architecture_module(CONFIG, wildcards.model)),
    # `exec`: a signal to the job reaches the program, which saves its state, and not a shell that ends at once.
    shell:
        "exec {params.launch}python -m workflow_scripts.train --name {wildcards.model:q}-{wildcards.acceleration}x"
        " --architecture {params.architecture} --arguments {params.arguments:q} --settings {params.settings:q}"
        " --acceleration {wildcards.acceleration} --centre-fraction {params.centre_fraction}"
        " --mask-type {params.type} --acquired-columns {params.acquired_columns}"
        " --seed {params.seed} --workers {resources.loader_workers} {params.compute}"
        " --devices {params.devices} --nodes {params.nodes} --code-digest {params.digest} --volumes {input.volumes:q} --history {output.history:q}"
        " --output {output.checkpoint:q} --log {log:q}"


rule import_checkpoint:
    input:
        checkpoint=given_checkpoint,
        code=lambda wildcards: code("import_checkpoint", loaded.architecture_module(CONFIG, wildcards.model)),
    output:
        f"{RESULTS}/{layout.CHECKPOINT}",
    log:
        f"{LOGS}/import_checkpoint/{layout.SERIES}.log",
    wildcard_constraints:
        model="|".join(re.escape(model) for model in CONFIG.models if model not in FIGURES.trained_models) or "$^",
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
        digest=lambda wildcards: option("--code-digest", loaded.outside_code(CONFIG, wildcards.model)),
        compute=COMPUTE,
    shell:
        "python -m workflow_scripts.import_checkpoint --name {wildcards.model:q} --architecture {params.architecture}"
        " --arguments {params.arguments:q} --contract {params.contract:q} --acceleration {wildcards.acceleration}"
        " {params.checkpoint} {params.trained_on} {params.digest} {params.compute}"
        " --output {output:q} --log {log:q}"


rule validate:
    input:
        checkpoint=f"{RESULTS}/{layout.CHECKPOINT}",
        volumes=expand(volume_file("val"), volume=PLAN.audited_volumes),
        masks=expand(f"{RESULTS}/{layout.MASK}", volume=PLAN.audited_volumes, allow_missing=True),
        code=lambda wildcards: code(
            "validate", loaded.architecture_module(CONFIG, wildcards.model), "advmri.reconstruction.zero_filled"
        ),
    output:
        f"{RESULTS}/{layout.VALIDATION}",
    log:
        f"{LOGS}/validate/{layout.SERIES}.log",
    benchmark:
        f"{RESULTS}/{layout.BENCHMARKS}/validate/{layout.SERIES}.tsv"
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
            f"{RESULTS}/{layout.HISTORY}",
            model=FIGURES.trained_models,
            acceleration=CONFIG.accelerations,
        ),
        code=code("training_figure"),
    output:
        svg=f"{RESULTS}/{layout.FIGURE}.svg".format(figure=layout.TRAINING_FIGURE),
        png=report(
            f"{RESULTS}/{layout.FIGURE}.png".format(figure=layout.TRAINING_FIGURE),
            caption="../report/training.rst",
            category="Figures",
            labels=FIGURES.labels(layout.TRAINING_FIGURE),
        ),
        csv=f"{RESULTS}/{layout.FIGURE}.csv".format(figure=layout.TRAINING_FIGURE),
    log:
        f"{LOGS}/figure/{layout.TRAINING_FIGURE}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(15),
    params:
        results=lambda wildcards, output: str(Path(output.csv).parents[1]),
        models=FIGURES.trained_models,
        accelerations=CONFIG.accelerations,
        labels=FIGURES.curve_labels(),
    shell:
        "python -m workflow_scripts.training_figure --results {params.results:q} --models {params.models:q}"
        " --accelerations {params.accelerations} --labels {params.labels:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"
