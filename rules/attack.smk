# One job per attack, model, acceleration, volume and bundle of annotated slices.


rule attack:
    input:
        volume=volume_file("val"),
        index=rules.index_volume.output,
        mask=rules.sampling_mask.output,
        checkpoint=f"{RESULTS}/{layout.CHECKPOINT}",
    output:
        f"{RESULTS}/{layout.ATTACK_FILE}",
    log:
        f"{LOGS}/attack/{layout.JOB}.log",
    benchmark:
        f"{RESULTS}/{layout.BENCHMARKS}/attack/{layout.JOB}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: CONFIG.compute.threads
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=minutes(240),
    params:
        settings=lambda wildcards: as_json(CONFIG.attacks[wildcards.attack]),
        seed=CONFIG.seed,
        batch_size=CONFIG.attack.batch_size,
        slices_per_batch=CONFIG.attack.slices_per_batch,
        compute=COMPUTE,
        factory=lambda wildcards: option("--factory", CONFIG.models[wildcards.model].factory),
        # Of the source files, which are inputs elsewhere: thousands of jobs times 40 files were most of the time of a dry run.
        digest=lambda wildcards: code_digest(
            "attack",
            loaded.architecture_module(CONFIG, wildcards.model),
            *loaded.modules_of_attack(CONFIG, wildcards.attack),
        ),
    # `exec`: a signal to the job reaches the program, which ends after its slice, and not a shell that ends at once.
    shell:
        "exec python -m workflow_scripts.attack --attack {wildcards.attack:q} --settings {params.settings:q}"
        " --model {wildcards.model:q} --acceleration {wildcards.acceleration} --slices {wildcards.slices}"
        " --seed {params.seed} --batch-size {params.batch_size}"
        " --slices-per-batch {params.slices_per_batch} {params.compute} {params.factory} --code-digest {params.digest}"
        " --volume {input.volume:q} --index {input.index:q} --mask {input.mask:q}"
        " --checkpoint {input.checkpoint:q} --output {output:q} --log {log:q}"
