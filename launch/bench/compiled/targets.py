"""GPUs to compile for: what XLA asks of a GPU, and what a model of its speed takes."""

import re
from typing import NamedTuple

SCHEDULERS = 4  # of a multiprocessor; each issues one instruction of a warp a clock
WARP = 32


class Target(NamedTuple):
    """A GPU that need not be there."""

    description: str
    """As XLA reads it: a GpuTargetConfigProto as text."""
    sustained_clock: float
    """Hertz under load, which is less than the highest of the description."""

    def number(self, name: str) -> float:
        """One of the description's."""
        found = re.search(rf"\b{name}: ([\d.]+)", self.description)
        assert found is not None, name
        return float(found[1])

    @property
    def name(self) -> str:
        return re.findall(r'device_description_str: "(.*)"', self.description)[0]

    @property
    def issues(self) -> float:
        """Instructions of warps that all schedulers issue a second."""
        return self.number("core_count") * SCHEDULERS * self.sustained_clock

    @property
    def bandwidth(self) -> float:
        """Bytes a second of its memory."""
        return self.number("memory_bandwidth")


# The numbers of openxla/xla, xla/backends/gpu/target_config/specs/h100_sxm.txtpb (Apache 2.0). The clock under load is what
# nvidia-smi told of one at work on these walks, at up to 515 W: that with which 132 x 128 multiply-adds make the 67 TFLOP/s of
# NVIDIA's data sheet.
H100 = Target(
    """
gpu_device_info {
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  shared_memory_per_core: 233472
  threads_per_core_limit: 2048
  core_count: 132
  fpus_per_core: 128
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000
  l2_cache_size: 52428800
  clock_rate_ghz: 1.98
  device_memory_size: 84942979072
  shared_memory_per_block_optin: 232448
  cuda_compute_capability {
    major: 9
    feature_extension: ACCELERATED_FEATURES
  }
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
  thread_dim_limit_x: 1024
  thread_dim_limit_y: 1024
  thread_dim_limit_z: 64
  device_vendor: "NVIDIA Corporation"
  platform_version: "Compute Capability 9.0a"
  device_address_bits: 64
  pcie_bandwidth: 34359738368
  ecc_enabled: true
  name: "NVIDIA H100 80GB HBM3"
  driver_version: "13.0.0"
  runtime_version: "13.0.0"
  compile_time_toolkit_version: "13.0.0"
  dnn_version: "9.10.0"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
""",
    sustained_clock=1.98e9,
)
TARGETS = {"h100": H100}
