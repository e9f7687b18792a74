"""Tissue parameters at 3 T and the turbo-spin-echo signal equation.

Sources of T1 and T2 unless a line says otherwise:
[1] Gold GE et al., "Musculoskeletal MRI at 3.0 T: relaxation times and image contrast", AJR 2004;183:343-351.
[2] Stanisz GJ et al., "T1, T2 relaxation and magnetization transfer in tissue at 3T", MRM 2005;54:507-512.
[3] Du J et al., "Short T2 contrast with three-dimensional ultrashort echo time imaging", MRI 2011;29:470-482.
Proton densities are relative to water and rounded from textbook water contents.
"""

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True)
class Pool:
    """Protons of one kind: density relative to water, T1 and T2 in ms."""

    density: float
    t1_ms: float
    t2_ms: float


@dataclass(frozen=True)
class Tissue:
    """A tissue as a pool of water and a pool of fat, which fat suppression and chemical shift treat differently."""

    water: Pool
    fat: Pool


@dataclass(frozen=True)
class Signal:
    """Magnitude of a tissue's water and fat signal, 1 being fully relaxed pure water."""

    water: float
    fat: float


NO_PROTONS = Pool(0.0, 1000.0, 1.0)

# [1]: subcutaneous fat 371 / 133 ms, marrow fat 365 / 133 ms, muscle 1420 / 32 ms, cartilage 1240 / 37 ms,
# synovial fluid 3620 / 767 ms.
SUBCUTANEOUS_FAT = Tissue(Pool(0.08, 1420.0, 35.0), Pool(0.92, 371.0, 133.0))
DEEP_FAT = Tissue(Pool(0.12, 1420.0, 35.0), Pool(0.82, 371.0, 133.0))
YELLOW_MARROW = Tissue(Pool(0.14, 1100.0, 40.0), Pool(0.72, 365.0, 133.0))
RED_MARROW = Tissue(Pool(0.40, 1100.0, 40.0), Pool(0.42, 365.0, 133.0))
OEDEMATOUS_MARROW = Tissue(Pool(0.72, 1800.0, 90.0), Pool(0.20, 365.0, 133.0))
MUSCLE = Tissue(Pool(0.80, 1420.0, 32.0), NO_PROTONS)
CARTILAGE = Tissue(Pool(0.82, 1240.0, 42.0), NO_PROTONS)
# Deep zone: T2 falls towards the bone as collagen aligns (Smith HE et al., JMRI 2001;14:50-55).
DEEP_CARTILAGE = Tissue(Pool(0.72, 1150.0, 26.0), NO_PROTONS)
FLUID = Tissue(Pool(1.00, 3620.0, 767.0), NO_PROTONS)
# [3] gives T2* of 3-8 ms for menisci and 1-3 ms for tendon; slices hold some interstitial water with longer T2.
MENISCUS = Tissue(Pool(0.65, 900.0, 11.0), NO_PROTONS)
LIGAMENT = Tissue(Pool(0.60, 800.0, 10.5), NO_PROTONS)
CRUCIATE = Tissue(Pool(0.68, 900.0, 17.0), Pool(0.03, 371.0, 133.0))
CORTICAL_BONE = Tissue(Pool(0.15, 300.0, 0.5), Pool(0.01, 365.0, 133.0))
SCAR_BONE = Tissue(Pool(0.10, 900.0, 20.0), Pool(0.30, 365.0, 133.0))
SKIN = Tissue(Pool(0.55, 900.0, 24.0), Pool(0.05, 371.0, 133.0))
SEPTUM = Tissue(Pool(0.55, 1200.0, 30.0), Pool(0.18, 371.0, 133.0))
OEDEMA = Tissue(Pool(0.92, 2400.0, 130.0), Pool(0.04, 371.0, 133.0))
# Nerve fascicles in fatty epineurium.
NERVE = Tissue(Pool(0.60, 1100.0, 45.0), Pool(0.12, 371.0, 133.0))
# [2]: blood 1932 / 275 ms; moving spins leave the slice between excitation and echo.
FLOWING_BLOOD = Tissue(Pool(0.06, 1932.0, 275.0), NO_PROTONS)
SLOW_BLOOD = Tissue(Pool(0.55, 1932.0, 110.0), NO_PROTONS)


def tissue_signal(tissue: Tissue, repetition_time_ms: float, echo_time_ms: float) -> Signal:
    """Evaluate S = PD (1 - exp(-TR / T1)) exp(-TE / T2) for the water and the fat of a tissue."""
    return Signal(
        pool_signal(tissue.water, repetition_time_ms, echo_time_ms),
        pool_signal(tissue.fat, repetition_time_ms, echo_time_ms),
    )


def pool_signal(pool: Pool, repetition_time_ms: float, echo_time_ms: float) -> float:
    """Evaluate the turbo-spin-echo signal of one pool."""
    recovery = 1.0 - exp(-repetition_time_ms / pool.t1_ms)
    return pool.density * recovery * exp(-echo_time_ms / pool.t2_ms)
