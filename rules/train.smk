# Checkpoints, trained here or taken over, and their clean quality.


def model_is_trained(model):
    """Whether a model is trained here."""
    return CONFIG.models[model].training is not None


rule train:
    input:
        volumes=expand(volume_file("train"), volume=PLAN.training_volumes),
        code=lambda wildcards: code("train", architecture_module(wildcards.model)),
    output:
        checkpoint=f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
        history=f"{RESULTS}/models/{{model}}-{{acceleration}}x/history.csv",
    params:
        architecture=lambda wildcards: CONFIG.models[wildcards.model].architecture,
        arguments=lambda wildcards: json.dumps(CONFIG.models[wildcards.model].arguments, sort_keys=True),
        settings=lambda wildcards: as_json(CONFIG.models[wildcards.model].training),
        centre_fraction=lambda wildcards: CONFIG.mask.center_fractions[int(wildcards.acceleration)],
        type=CONFIG.mask.type,
        seed=CONFIG.seed,
        compute=COMPUTE,
        workers=CONFIG.compute.workers,
        digest=lambda wildcards: code_digest("train", architecture_module(wildcards.model)),
    log:
        f"{LOGS}/train/{{model}}-{{acceleration}}x.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{model}}-{{acceleration}}x.tsv"
    wildcard_constraints:
        model="|".join(re.escape(model) for model in CONFIG.models if model_is_trained(model)) or "$^",
    threads: CONFIG.compute.threads
    resources:
        mem_mb=8000,
        runtime=720,
    priority: 10
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.train --name {wildcards.model:q}-{wildcards.acceleration}x"
        " --architecture {params.architecture} --arguments {params.arguments:q} --settings {params.settings:q}"
        " --acceleration {wildcards.acceleration} --centre-fraction {params.centre_fraction}"
        " --mask-type {params.type} --seed {params.seed} --workers {params.workers} {params.compute}"
        " --code-digest {params.digest} --volumes {input.volumes:q} --history {output.history:q}"
        " --output {output.checkpoint:q} --log {log:q}"


rule import_checkpoint:
    input:
        checkpoint=lambda wildcards: CONFIG.models[wildcards.model].checkpoint.format(
            acceleration=wildcards.acceleration
        ),
        code=lambda wildcards: code("import_checkpoint", architecture_module(wildcards.model)),
    output:
        f"{RESULTS}/models/{{model}}-{{acceleration}}x/model.pt",
    params:
        architecture=lambda wildcards: CONFIG.models[wildcards.model].architecture,
    log:
        f"{LOGS}/import_checkpoint/{{model}}-{{acceleration}}x.log",
    wildcard_constraints:
        model="|".join(re.escape(model) for model in CONFIG.models if not model_is_trained(model)) or "$^",
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.import_checkpoint --checkpoint {input.checkpoint:q}"
        " --architecture {params.architecture} --acceleration {wildcards.acceleration}"
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
    params:
        compute=COMPUTE,
    log:
        f"{LOGS}/validate/{{model}}-{{acceleration}}x.log",
    benchmark:
        f"{RESULTS}/benchmarks/validate/{{model}}-{{acceleration}}x.tsv"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.validate --checkpoint {input.checkpoint:q} --model {wildcards.model:q}"
        " --acceleration {wildcards.acceleration} {params.compute} --volumes {input.volumes:q}"
        " --masks {input.masks:q} --output {output:q} --log {log:q}"
