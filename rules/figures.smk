# The paper's figures from the tables and the attack files, each redrawn alone.

# Per figure: what it shows, the roles it needs, and whether it reads attack files (none, of one acceleration, of all).
FIGURE_PLAN = {
    "figure_1a": ("SSIM in boxes against noise level", ("region_attack",), "none"),
    "figure_1b": ("Attack on boxes and on the whole image", ("region_attack", "image_attack"), "none"),
    "figure_2": ("Clean and attacked reconstructions", ("region_attack",), "one"),
    "figure_3": ("Attack on a box and on the whole image", ("region_attack", "image_attack"), "one"),
    "figure_4a": ("SSIM in boxes against rotation", ("rotation_attack",), "none"),
    "figure_4b": ("SSIM against angle in one slice", ("rotation_attack",), "all"),
    "figure_5": ("Worst rotation of one slice", ("rotation_attack",), "one"),
    "figure_quality": ("Clean quality", (), "none"),
}
FIGURES = [
    figure for figure, (_, roles, _) in FIGURE_PLAN.items() if all(getattr(CONFIG.figures, role) for role in roles)
]
SHOWCASE_ACCELERATION = CONFIG.figures.showcase.acceleration or max(CONFIG.accelerations)


def figure_attack_files(wildcards):
    """The attack files that a figure may read: which slice it shows is decided by the scores."""
    _, roles, read = FIGURE_PLAN[wildcards.figure]
    if read == "none":
        return []
    return all_jobs(
        rules.attack.output[0],
        attacks=[getattr(CONFIG.figures, role) for role in roles],
        accelerations=[SHOWCASE_ACCELERATION] if read == "one" else None,
    )


def figure_settings(wildcards):
    """The config's part for a figure; models as a list, since their order gives the colours."""
    settings = CONFIG.figures.model_dump(mode="json", exclude={"showcase", "flip_up_down"})
    if FIGURE_PLAN[wildcards.figure][2] != "none":
        settings |= CONFIG.figures.showcase.model_dump(mode="json") | {"flip_up_down": CONFIG.figures.flip_up_down}
    settings["models"] = [[name, model.label or name] for name, model in CONFIG.models.items()]
    settings |= {"accelerations": CONFIG.accelerations, "confidence": CONFIG.statistics.confidence}
    return json.dumps(settings, sort_keys=True)


rule figure:
    input:
        metrics=rules.collect_tables.output.metrics,
        summary=rules.collect_tables.output.summary,
        quality=rules.collect_tables.output.quality,
        attack_files=figure_attack_files,
        code=lambda wildcards: code("figure", f"advmri.figures.{wildcards.figure}"),
    output:
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {
                "figure": wildcards.figure.removeprefix("figure_"),
                "shows": FIGURE_PLAN[wildcards.figure][0],
            },
        ),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
    params:
        settings=figure_settings,
        attacks=f"{RESULTS}/attacks",
        jobs=lambda wildcards: (
            [f"{volume}/{slices}" for volume in PLAN.audited_volumes for slices in PLAN.slice_jobs(volume)]
            if FIGURE_PLAN[wildcards.figure][2] != "none"
            else []
        ),
    log:
        f"{LOGS}/figure/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURES),
    resources:
        mem_mb=2000,
        runtime=15,
    conda:
        "../envs/environment.yaml"
    shell:
        "python -m workflow_scripts.figure --figure {wildcards.figure} --settings {params.settings:q}"
        " --metrics {input.metrics:q} --summary {input.summary:q} --quality {input.quality:q}"
        " --attacks-folder {params.attacks:q} --jobs {params.jobs:q}"
        " --svg {output.svg:q} --png {output.png:q} --csv {output.csv:q} --log {log:q}"
