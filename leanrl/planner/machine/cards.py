"""The GPUs that are known by name: bytes, speeds and, where somebody named one, a price to start from."""

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class Price:
    """What an hour of a card costs, and who said so when; nobody's price but the one you pay is right."""

    usd_per_hour: float
    seen: str
    source: str


@dataclass(frozen=True)
class Card:
    """One GPU.

    `usable_bytes` is what the driver offers, `memory_gb` what is printed on the box. `bf16_flops` is the dense rate of
    matrix products with fp32 accumulation; `fp32_flops` is that of fp32 products, where it is not half of it. A speed
    of 0 is not known: then no time is predicted.
    """

    name: str
    title: str
    usable_bytes: int
    bandwidth_bytes_per_second: float
    bf16_flops: float
    has_bf16: bool = True
    price: Price | None = None
    memory_gb: int = 0
    fp32_flops: float = 0.0

    def flops(self, compute_bytes: int) -> float:
        """Return the rate of matrix products of numbers of 2 or 4 bytes; fp32 runs on tensor cores as TF32."""
        return self.bf16_flops if compute_bytes == 2 else self.fp32_flops or self.bf16_flops / 2

    def has_speeds(self, compute_bytes: int) -> bool:
        """Whether time can be predicted."""
        return self.bandwidth_bytes_per_second > 0 and self.flops(compute_bytes) > 0


def _card(
    name: str,
    title: str,
    usable_gib: float,
    gb_per_second: float,
    bf16_tflops: float,
    price: Price | None = None,
    *,
    fp32_tflops: float = 0.0,
    has_bf16: bool = True,
) -> Card:
    """Return the card; the title ends in its nominal memory, as in "24 GB"."""
    return Card(
        name,
        title,
        int(usable_gib * GIB),
        gb_per_second * 1e9,
        bf16_tflops * 1e12,
        has_bf16=has_bf16,
        price=price,
        memory_gb=int(title.split()[-2]),
        fp32_flops=fp32_tflops * 1e12,
    )


def _akash(usd_per_hour: float) -> Price:
    return Price(usd_per_hour, "2026-09-20", "Akash marketplace, akash.network/pricing/gpus, starting at")


_PAPER = Price(0.4375, "2025-03", "Open-RS, arXiv 2503.16219: $42 for 4 cards and 24 hours")
_TINA = Price(1.00, "2025-04", "Tina, arXiv 2504.15777: $1 per L40S-hour, disk included")
_LAMBDA = Price(1.48, "2026-05-07", "Lambda on demand, as techbytes.app lists it")
_RUNPOD = Price(0.44, "2026-03-10", "RunPod, as deploybase.ai lists it")
_AWS = Price(1.006, "2026-06-17", "AWS on demand, g5.xlarge in us-east-1, as factualminds.com lists it")
_VERDA = Price(0.82, "2026-10-29", "Verda on demand, verda.com/pricing")

# Bandwidths and rates are the makers' data sheets. A GeForce adds up in fp32 at half of its tensor cores' rate, which
# is twice the rate of its plain cores; other cards add up at the whole rate. Usable bytes: a run printed the A40's
# (open-rs, logs.txt), drivers those of B200 and MI300X (pytorch/ao pull 4002, ROCm/legacy-rocm-build issue 4414). The
# others are what such cards usually report, a little below the nominal size. `--vram` overrides them.
_ALL = (
    _card("rtx3060-12", "GeForce RTX 3060 12 GB", 11.6, 360, 25.5, _akash(0.14)),
    _card("rtx3070", "GeForce RTX 3070 8 GB", 7.6, 448, 40.6),
    _card("rtx3080-10", "GeForce RTX 3080 10 GB", 9.7, 760, 59.5),
    _card("rtx3080-12", "GeForce RTX 3080 12 GB", 11.6, 912, 61.3),
    _card("rtx3080ti", "GeForce RTX 3080 Ti 12 GB", 11.6, 912, 68.2),
    _card("rtx3090", "GeForce RTX 3090 24 GB", 23.6, 936, 71, _akash(0.16)),
    _card("rtx3090ti", "GeForce RTX 3090 Ti 24 GB", 23.6, 1008, 80),
    _card("rtx4060", "GeForce RTX 4060 8 GB", 7.6, 272, 30.2),
    _card("rtx4060ti-8", "GeForce RTX 4060 Ti 8 GB", 7.6, 288, 44.1),
    _card("rtx4060ti-16", "GeForce RTX 4060 Ti 16 GB", 15.6, 288, 44.1),
    _card("rtx4070", "GeForce RTX 4070 12 GB", 11.6, 504, 58.3),
    _card("rtx4070-super", "GeForce RTX 4070 SUPER 12 GB", 11.6, 504, 71),
    _card("rtx4070ti", "GeForce RTX 4070 Ti 12 GB", 11.6, 504, 80.2),
    _card("rtx4070ti-super", "GeForce RTX 4070 Ti SUPER 16 GB", 15.6, 672, 88.2),
    _card("rtx4080", "GeForce RTX 4080 16 GB", 15.6, 717, 97.5, _akash(0.15)),
    _card("rtx4080-super", "GeForce RTX 4080 SUPER 16 GB", 15.6, 736, 104.4),
    _card("rtx4090", "GeForce RTX 4090 24 GB", 23.5, 1008, 165.2, _akash(0.39)),
    _card("rtx5060", "GeForce RTX 5060 8 GB", 7.5, 448, 38.4),
    _card("rtx5060ti-8", "GeForce RTX 5060 Ti 8 GB", 7.5, 448, 47.4),
    _card("rtx5060ti-16", "GeForce RTX 5060 Ti 16 GB", 15.4, 448, 47.4),
    _card("rtx5070", "GeForce RTX 5070 12 GB", 11.5, 672, 61.7),
    _card("rtx5070ti", "GeForce RTX 5070 Ti 16 GB", 15.4, 896, 87.9),
    _card("rtx5080", "GeForce RTX 5080 16 GB", 15.4, 960, 112.6),
    _card("rtx5090", "GeForce RTX 5090 32 GB", 31.3, 1792, 209.5, _akash(0.67)),
    _card("a4000", "RTX A4000 16 GB", 15.6, 448, 76.7),
    _card("a4500", "RTX A4500 20 GB", 19.6, 640, 94.6),
    _card("a5000", "RTX A5000 24 GB", 23.5, 768, 111.1),
    _card("a6000", "RTX A6000 48 GB", 47.4, 768, 154.8, _VERDA),
    _card("rtx6000-ada", "RTX 6000 Ada 48 GB", 47.4, 960, 364.2),
    _card("rtxpro6000", "RTX PRO 6000 96 GB", 94.9, 1792, 503.8),
    _card("l4", "NVIDIA L4 24 GB", 22.0, 300, 121, _RUNPOD),
    _card("l40", "NVIDIA L40 48 GB", 44.4, 864, 181),
    _card("l40s", "NVIDIA L40S 48 GB", 44.4, 864, 362, _TINA),
    _card("a10", "NVIDIA A10 24 GB", 22.0, 600, 125),
    _card("a10g", "NVIDIA A10G 24 GB", 22.0, 600, 70, _AWS),
    _card("a40", "NVIDIA A40 48 GB", 44.34, 696, 149.7, _PAPER),
    _card("a100-40", "NVIDIA A100 40 GB", 39.4, 1555, 312, _LAMBDA),
    _card("a100-80", "NVIDIA A100 80 GB", 79.1, 1935, 312, _akash(1.71)),
    _card("h100", "NVIDIA H100 SXM 80 GB", 79.1, 3350, 989, _akash(2.71)),
    _card("h100-pcie", "NVIDIA H100 PCIe 80 GB", 79.1, 2000, 756),
    _card("h100-nvl", "NVIDIA H100 NVL 94 GB", 93.0, 3900, 835),
    _card("h200", "NVIDIA H200 SXM 141 GB", 139.8, 4800, 989, _akash(4.45)),
    _card("b200", "NVIDIA B200 180 GB", 178.3, 7700, 2250),
    _card("t4", "NVIDIA T4 16 GB", 14.6, 300, 0, _akash(0.15), fp32_tflops=8.1, has_bf16=False),
    _card("v100-16", "NVIDIA V100 16 GB", 15.7, 900, 0, fp32_tflops=15.7, has_bf16=False),
    _card("v100-32", "NVIDIA V100 32 GB", 31.7, 900, 0, _akash(0.17), fp32_tflops=15.7, has_bf16=False),
    # By its bytes alone: no speed of leanrl's libraries on ROCm is known.
    _card("mi300x", "AMD Instinct MI300X 192 GB", 191.9, 0, 0),
)
CARDS = {card.name: card for card in _ALL}


def name_by_size(usable_bytes: int) -> str:
    """Return what a card is called that is not known by name: "24 GiB card"."""
    return f"{usable_bytes / GIB:.4g} GiB card"
