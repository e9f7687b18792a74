"""The index of a volume reads back as it was written."""

from support import silence

from advmri.acquisition.thermal.thermal_noise import ThermalNoise
from advmri.volumes.annotations import Box, ExcludedAnnotation
from advmri.volumes.index import SliceIndex, VolumeIndex, read_index

LABEL = "artifact [  1,  2 ]"
NOISE = ThermalNoise(
    sigma=[1e-6, 2.5e-06],
    edges=[1.25e-6, 3.0],
    background_rms=[1e-6, 2.5e-6],
    background_sd=[-1e300, 0.1],
    rss_rms=1.0,
    rss_sd=2.0,
    covariance_real=[[2.0, 0.3], [0.3, 4.0]],
    covariance_imaginary=[[0.0, -0.5], [0.5, 0.0]],
    relative_norm=[0.01, 0.02],
)


def test_round_trip(tmp_path):
    index = VolumeIndex(
        volume="v",
        patient="p",
        acquisition="CORPD_FBK",
        slices=9,
        coils=2,
        rows=48,
        columns=32,
        crop=(24, 20),
        padding=(1, 31),
        maximum=1.25e-3,
        data_sha256="ab",
        data_bytes=7,
        annotated={
            3: SliceIndex([Box(0, "Meniscus Tear", 1, 9, 2, 12), Box(1, "Ödem", 3, 4, 5, 6)], [0, 2], NOISE, "cd"),
            11: SliceIndex([], [0, 1], silence(2), "ef"),
        },
        excluded=[ExcludedAnnotation(7, "v", 0, LABEL, "study-level annotation without a box")],
        flip_up_down=False,
    )
    (tmp_path / "index.json").write_text(index.to_json())
    found = read_index(tmp_path / "index.json")
    assert found.annotated[3] == index.annotated[3] and list(found.annotated) == [3, 11]
    assert found.crop == (24, 20) and found.padding == (1, 31) and found.excluded == index.excluded
    assert found.to_json() == index.to_json() and found.flip_up_down is False
    lines = (tmp_path / "index.json").read_text().splitlines()
    assert '    "sigma": [1e-06, 2.5e-06],' in lines and "     [2.0, 0.3]," in lines and ' "crop": [24, 20],' in lines
