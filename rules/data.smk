# Volumes and boxes (simulated ones are made here), the index of each volume, and its sampling masks.

if CONFIG.dataset.kind == "simulated":

    rule simulate_volume:
        input:
            code=code("simulate_volume"),
        output:
            f"{PLAN.root}/multicoil_{{split}}/{{volume}}.h5",
        params:
            settings=as_json(CONFIG.dataset.simulation),
            seed=CONFIG.seed,
        log:
            f"logs/data/{CONFIG.dataset.name}/simulate_volume/{{split}}-{{volume}}.log",
        resources:
            mem_mb=2000,
            runtime=10,
        conda:
            "../envs/environment.yaml"
        shell:
            "python -m workflow_scripts.simulate_volume --volume {wildcards.volume:q} --seed {params.seed}"
            " --settings {params.settings:q} --output {output:q} --log {log:q}"

    rule simulate_annotations:
        input:
            code=code("simulate_annotations"),
        output:
            f"{PLAN.root}/annotations.csv",
        params:
            settings=as_json(CONFIG.dataset.simulation),
            seed=CONFIG.seed,
        log:
            f"logs/data/{CONFIG.dataset.name}/simulate_annotations.log",
        resources:
            mem_mb=2000,
            runtime=10,
        conda:
            "../envs/environment.yaml"
        shell:
            "python -m workflow_scripts.simulate_annotations --seed {params.seed} --settings {params.settings:q}"
            " --output {output:q} --log {log:q}"


rule index_volume:
    input:
        volume=volume_file("val"),
        annotations=str(PLAN.annotations),
        code=code("index_volume"),
    output:
        f"{RESULTS}/index/{{volume}}.json",
    params:
        minimum_box_size=CONFIG.dataset.minimum_box_size,
    log:
        f"{LOGS}/index_volume/{{volume}}.log",
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.index_volume --volume {input.volume:q} --annotations {input.annotations:q}"
        " --minimum-box-size {params.minimum_box_size} --output {output:q} --log {log:q}"


rule sampling_mask:
    input:
        index=rules.index_volume.output,
        code=code("sampling_mask"),
    output:
        f"{RESULTS}/masks/{{acceleration}}x/{{volume}}.h5",
    params:
        type=CONFIG.mask.type,
        centre_fraction=lambda wildcards: CONFIG.mask.center_fractions[int(wildcards.acceleration)],
    log:
        f"{LOGS}/sampling_mask/{{acceleration}}x/{{volume}}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.sampling_mask --index {input.index:q} --acceleration {wildcards.acceleration}"
        " --centre-fraction {params.centre_fraction} --mask-type {params.type} --output {output:q} --log {log:q}"
