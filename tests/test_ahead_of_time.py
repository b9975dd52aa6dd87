"""What a compiler makes of the programs for a GPU that is not there, and how it is read."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from jax.experimental import topologies

from launch import command
from launch.bench import ahead_of_time, walks
from launch.bench.compiled import compiling, facts, launches, machine_code
from launch.bench.compiled.targets import TARGETS

ROOT = Path(__file__).parent.parent
KERNEL = """
//--------------------- .text.kernel --------------------------
.text.kernel:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/              @!P0 EXIT ;
.L_x_1:
        /*0020*/                   FMUL R16, R10.reuse, R17 ;
        /*0030*/                   MUFU.RCP R3, R16 ;
        /*0040*/               @P1 BRA `(.L_x_2) ;
        /*0050*/                   MOV R4, 0x60 ;
        /*0060*/                   CALL.REL.NOINC `($__internal_0_$__slow) ;
.L_x_2:
        /*0070*/                   IADD3 R12, R12, -0x4, RZ ;
        /*0080*/                   ISETP.NE.U32.AND P2, PT, R12, RZ, PT ;
        /*0090*/               @P2 BRA `(.L_x_1) ;
        /*00a0*/                   STG.E desc[UR4][R2.64], R12 ;
        /*00b0*/                   EXIT ;
.L_x_3:
        /*00c0*/                   BRA `(.L_x_3);
        .weak           $__internal_0_$__slow
$__internal_0_$__slow:
        /*00d0*/                   FMUL R1, R1, R1 ;
        /*00e0*/                   RET.REL.NODEC R2 `(kernel) ;
.text.small:
        /*0000*/                   DADD R2, R2, R4 ;
        /*0010*/                   DFMA R2, R2, R4, R4 ;
        /*0020*/                   EXIT ;
"""
SAID = """ptxas info    : Compiling entry function 'kernel' for 'sm_90a'
ptxas info    : Function properties for kernel
    8 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 28 registers, used 0 barriers
ptxas info    : Compiling entry function 'small' for 'sm_90a'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 6 registers, used 0 barriers
"""
SEQUENCE = """
000: kCommandBuffer [source       | next=011 (1)]
    001: kCustomKernel [source       | sink        ] fill grid: [4, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
    002: kWhile         [source       | sink        ]
condition:
        003: kCustomKernel [source | sink] look grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
      body:
        004: kCustomKernel [source | sink] go grid: [2, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
011: kWhile         [prev=000 (1) | next=028 (1)]
condition:
    012: kCustomKernel [source | sink] loop_and_fusion grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
  body:
    013: kCopy          [source       | next=014 (1)] kCopy
    014: kWhile         [prev=013 (1) | next=000 (1)]
condition:
        015: kCustomKernel [source | sink] loop_compare_fusion grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
      body:
        000: kCommandBuffer [source | sink]
            016: kCustomKernel [source | sink] step grid: [2048, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
            017: kCustomKernel [source | sink] count grid: [1, 1, 1] threads: [1, 1, 1]  shared_memory: 0 bytes
    018: kCustomKernel [prev=014 (1) | sink        ] after grid: [4, 1, 1] threads: [128, 1, 1]  shared_memory: 0 bytes
"""
HLO = """
%fused_add (param_0: f32[512,512], param_1: f64[]) -> (f32[512,512], s32[4]) {
}
ENTRY %main (a: f32[]) -> f32[] {
  %loop_add_fusion.1 = (f32[512,512]{1,0}, s32[4]{0}) fusion(%a, %b), kind=kLoop, calls=%fused_add, metadata={}
  %while.36 = (s32[]) while(%tuple), condition=%c, body=%d, backend_config={"known_trip_count":{"n":"240"}}
  %while.67 = (s32[]) while(%tuple.1), condition=%e, body=%f
}
"""


def test_kernels_are_read_from_what_the_assembler_says_and_from_a_disassembly():
    found = machine_code.kernels_from(SAID, KERNEL)
    kernel, small = found["kernel"], found["small"]
    assert (kernel.registers, kernel.spilled, small.registers, small.spilled) == (28, 32, 6, 0)
    (loop,) = kernel.loops
    assert [each.base for each in loop.instructions] == ["FMUL", "MUFU", "BRA", "IADD3", "ISETP", "BRA"]  # no call
    assert (len(loop), loop.steps, loop.clocks) == (6, 4, 8)  # 4 steps; a warp's reciprocals take 8 clocks
    assert (len(kernel.whole), small.loops, small.whole.clocks) == (10, (), 4)


def test_launches_are_read_with_their_loops():
    rounds = launches.loop_rounds('profile_annotation: "while.36"\n    thunk_id: 14\n', HLO)
    assert rounds == {14: 240}
    tree = launches.tree(SEQUENCE, rounds)
    inner = [([each.name for each in loop.leaves()], loop.rounds, free) for loop, free in tree.innermost()]
    assert inner == [(["look", "go"], None, True), (["step", "count"], 240, False)]
    (waiting,) = tree.waiting()  # not the loop of a command buffer, and none whose rounds are known
    names = [each.name for each in waiting.leaves()]
    assert names == ["loop_and_fusion", "kCopy", "step", "count", "after"]
    assert next(iter(tree.leaves())).threads == 4 * 128


def test_traffic_is_that_of_a_kernels_parameters_and_results(tmp_path):
    (tmp_path / "module.sm_9.0a_gpu_after_optimizations.txt").write_text(HLO)
    arrays = 512 * 512 * 4
    assert launches.traffic_of(tmp_path) == {"loop_add_fusion_1": (2 * arrays + 8 + 16, 512 * 512)}


@pytest.mark.parametrize(("width", "lanes"), [(1, 512), (4, 128), (1_024, 0), (0, 0)])
def test_a_lane_of_a_loop_has_so_many_numbers_of_its_largest_array(width, lanes):
    """A round of 4 kB and 3 instructions of 8 warps takes the 2 microseconds of its launch."""
    tree = launches.tree(SEQUENCE.replace(" go grid", " small grid"), {})
    (loop, free), *_ = tree.innermost()
    loop = loop._replace(inside=loop.inside[1:])
    code, traffic = machine_code.kernels_from(SAID, KERNEL), {"small": launches.Traffic(4_096, 512)}
    compiled = compiling.Compiled(1.0, 1.0, tree, code, traffic)
    found = facts.around(loop, free, compiled, width, TARGETS["h100"])
    assert found.speed == pytest.approx(lanes / 2e-6)
    assert found.moved == (4_096 / lanes if lanes else 0)
    assert found.instructions == (8 * 3 * 32 / lanes if lanes else 0)


@pytest.mark.parametrize(
    ("flags", "missing", "told"),
    [
        (["--target=h200"], False, "`--target` must be one of h100, got 'h200'; did you mean 'h100'?"),
        (
            ["--programs=sorting"],
            False,
            "`--programs` must be part of a name such as 'walk, default sweep, float64'; choose another.",
        ),
        (
            [],
            True,
            "`--target` is compiled for ahead of time, and without nvidia-cuda-nvcc and nvidia-cuda-nvdisasm no machine code can "
            "be read; install the extra: pip install '.[ahead-of-time]'.",
        ),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_a_sentence(flags, missing, told, monkeypatch, capsys):
    tools = {True: None, False: "/usr/bin/true"}
    monkeypatch.setattr(compiling, "tool", lambda name: tools[missing])
    monkeypatch.setattr("sys.argv", ["ahead_of_time", *flags])
    with pytest.raises(SystemExit, match="2"):
        command.run(ahead_of_time.main, ahead_of_time.Settings)
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_without_the_plugin_the_extra_is_named(monkeypatch):
    def no_platform(**options):
        raise RuntimeError("Unknown backend cuda")

    monkeypatch.setattr(topologies, "get_topology_desc", no_platform)
    told = r"^`target` needs JAX's plugin for CUDA, which is not there; install the extra: pip install '\.\[ahead-of-time\]'\.$"
    with pytest.raises(ValueError, match=told):
        compiling.device_of(TARGETS["h100"])


def test_a_benchs_share_is_by_the_instructions_of_the_kernel_that_walked(monkeypatch):
    tree = launches.tree(SEQUENCE.replace(" fill grid", " kernel grid"), {})
    compiled = compiling.Compiled(1.0, 1.0, tree, machine_code.kernels_from(SAID, KERNEL), {})
    monkeypatch.setattr(compiling, "tool", lambda name: "/usr/bin/true")
    monkeypatch.setattr(compiling, "looked_at", lambda lowered: compiled)
    monkeypatch.setattr(walks, "walk", lambda *about: jax.jit(lambda optimizer: optimizer))
    walks.instructions_of_a_step.cache_clear()
    size = walks.Size(256, 10)
    assert walks.instructions_of_a_step("wedge, shared, pallas", size) == 4 * 128 * 6 / (256 * 4)
    assert walks.instructions_of_a_step("wedge, shared, blocked", size) is None


# What is compiled for an H100, where the extra is installed: in a process of its own, in which JAX looks for no GPU


FAST = {  # instructions a setting and step, at most
    "walk, tent, shared, pallas, float32": 14,
    "walk, tent, shared, pallas, float64": 19,
    "walk, tent, lanes, pallas, float32": 33,
    "walk, tent, lanes, pallas, float64": 60,
    "walk, wedge, shared, pallas, float32": 35,
    "walk, wedge, shared, pallas, float64": 62,
    "walk, wedge, lanes, pallas, float32": 39,
    "walk, wedge, lanes, pallas, float64": 64,
}


@pytest.fixture(scope="module")
def of_walks(tmp_path_factory):
    """What is told of every program that walks."""
    if compiling.lacking() is not None:
        pytest.skip("the extra `ahead-of-time` is not installed")
    path = tmp_path_factory.mktemp("ahead") / "facts.json"
    program = [sys.executable, "-m", "launch.bench.ahead_of_time", "--programs=walk", f"--json={path}"]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())


@pytest.mark.slow
def test_walks_spill_no_registers(of_walks):
    assert {name: told["spilled"] for name, told in of_walks.items() if told["spilled"]} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_a_fast_walk_is_one_kernel_of_few_instructions(name, of_walks):
    (loop,) = of_walks[name]["loops"]
    assert loop["kernel"]
    assert 5 < loop["instructions"] <= FAST[name]


@pytest.mark.slow
def test_the_default_sweep_is_one_kernel_that_waits_for_nobody(of_walks):
    told = of_walks["walk, default sweep, float64"]
    assert told["waiting"] == 0
    assert told["launches"] <= 3
    assert {loop["kernel"] != "" for loop in told["loops"]} == {True}
    assert max(loop["instructions"] for loop in told["loops"]) <= 140


@pytest.mark.slow
def test_walks_in_plain_jax_wait_for_nobody_either(of_walks):
    assert {name: told["waiting"] for name, told in of_walks.items() if "blocked" in name and told["waiting"]} == {}
