# Volumes and boxes (simulated ones are made here), the index of each volume, and its sampling masks.

if CONFIG.dataset.kind == "simulated":

    rule simulate_volume:
        input:
            code=code("simulate_volume"),
        output:
            f"{PLAN.root}/multicoil_{{split}}/{{volume}}.h5",
        log:
            f"logs/data/{CONFIG.dataset.name}/simulate_volume/{{split}}-{{volume}}.log",
        conda:
            "../envs/environment.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=minutes(10),
        params:
            # How many volumes there are does not change any of them.
            settings=as_json(CONFIG.dataset.simulation, exclude={"train_volumes", "val_volumes"}),
            seed=CONFIG.seed,
        shell:
            "python -m workflow_scripts.simulate_volume --volume {wildcards.volume:q} --seed {params.seed}"
            " --settings {params.settings:q} --output {output:q} --log {log:q}"

    rule simulate_annotations:
        input:
            code=code("simulate_annotations"),
        output:
            f"{PLAN.root}/annotations.csv",
        log:
            f"logs/data/{CONFIG.dataset.name}/simulate_annotations.log",
        conda:
            "../envs/environment.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=minutes(10),
        params:
            settings=as_json(CONFIG.dataset.simulation),
            seed=CONFIG.seed,
        shell:
            "python -m workflow_scripts.simulate_annotations --seed {params.seed} --settings {params.settings:q}"
            " --output {output:q} --log {log:q}"


rule index_volume:
    input:
        volume=volume_file("val"),
        # One file for all volumes: `boxes` below follows the part of this volume, so that others may come and go.
        annotations=ancient(dataset_file(PLAN.annotations)),
        code=code("index_volume"),
    output:
        f"{RESULTS}/{layout.INDEX}",
    log:
        f"{LOGS}/index_volume/{{volume}}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=minutes(10),
    params:
        minimum_box_size=CONFIG.dataset.minimum_box_size,
        acquired_columns=CONFIG.dataset.acquired_columns,
        # What the boxes follow from; those of simulated volumes change with the volumes, or their code.
        boxes=lambda wildcards: (
            code_digest("simulate_annotations")
            if CONFIG.dataset.kind == "simulated"
            else PLAN.boxes_digest(wildcards.volume)
        ),
    shell:
        "python -m workflow_scripts.index_volume --volume {input.volume:q} --annotations {input.annotations:q}"
        " --minimum-box-size {params.minimum_box_size} --acquired-columns {params.acquired_columns} --output {output:q} --log {log:q}"


rule sampling_mask:
    input:
        index=rules.index_volume.output,
        code=code("sampling_mask"),
    output:
        f"{RESULTS}/{layout.MASK}",
    log:
        f"{LOGS}/sampling_mask/{{acceleration}}x/{{volume}}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=minutes(10),
    params:
        type=CONFIG.mask.type,
        centre_fraction=lambda wildcards: CONFIG.mask.center_fractions[int(wildcards.acceleration)],
    shell:
        "python -m workflow_scripts.sampling_mask --index {input.index:q} --acceleration {wildcards.acceleration}"
        " --centre-fraction {params.centre_fraction} --mask-type {params.type} --output {output:q} --log {log:q}"
