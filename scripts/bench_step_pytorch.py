"""PyTorch's side of `npm run bench:step`: the same dream and distillation steps, eager, on the CPU.

    python scripts/bench_step_pytorch.py --model teacher.onnx --batch 64 --threads 2 --steps 5

Prints {"ready": true} after warm-up. Then, for each line `dream N` or `distill N` on stdin, runs N steps
and prints one line {"kind": "dream", "ms": <median per step>, "format": "contiguous"|"channels_last"};
`quit` or the end of stdin ends it. Each kind runs in the memory format that was faster during warm-up."""

import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from onnx_to_torch import OnnxModule

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def total_variation(x):
    """Mean squared difference of horizontal plus that of vertical neighbours."""
    across = x[:, :, :, 1:] - x[:, :, :, :-1]
    down = x[:, :, 1:, :] - x[:, :, :-1, :]
    return across.square().mean() + down.square().mean()


def statistics_loss(network):
    """Sum over batch norms of ||mean - running mean||2 + ||variance - running variance||2 of its input.

    Sums divided by the count: with gradients, three times as fast as `mean` and eight times as `var_mean`.
    """
    loss = 0.0
    for norm in network.batch_norms:
        x = norm.input
        count = x.numel() // x.shape[1]
        axes = [axis for axis in range(x.dim()) if axis != 1]
        mean = x.sum(axes) / count
        variance = (x * x).sum(axes) / count - mean * mean
        loss = loss + torch.linalg.vector_norm(mean - norm.mean)
        loss = loss + torch.linalg.vector_norm(variance - norm.variance)
    return loss


class Dream:
    """One DeepInversion update (arXiv 1912.08795): jitter, flip, losses, backward to the images, Adam."""

    def __init__(self, args, memory_format):
        self.teacher = OnnxModule(args.model, args.batch).freeze().to_format(memory_format)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(self.teacher.input_shape, generator=generator)
        self.images = images.contiguous(memory_format=memory_format).requires_grad_(True)
        with torch.no_grad():
            classes = self.teacher(images).shape[1]
        self.labels = torch.randint(0, classes, (args.batch,), generator=generator)
        self.optimizer = torch.optim.Adam([self.images], lr=0.05, betas=(0.5, 0.9))
        self.count = 0

    def step(self):
        self.count += 1
        shift = (self.count % 5 - 2, self.count // 5 % 5 - 2)
        x = torch.roll(self.images, shift, (2, 3))
        if self.count % 2:
            x = x.flip(3)
        logits = self.teacher(x)
        loss = (
            F.cross_entropy(logits, self.labels)
            + 10.0 * statistics_loss(self.teacher)
            + 2.5e-5 * total_variation(self.images)
            + 3e-8 * self.images.square().mean()
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.images.clamp_(-3.0, 3.0)


class Distill:
    """One distillation update: masked student in training mode, KL to the teacher, SGD with momentum."""

    TEMPERATURE = 3.0

    def __init__(self, args, memory_format):
        self.teacher = OnnxModule(args.model, args.batch).freeze().to_format(memory_format)
        self.student = OnnxModule(args.model, args.batch).to_format(memory_format)
        self.student.batch_statistics = True
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(self.teacher.input_shape, generator=generator)
        self.images = images.contiguous(memory_format=memory_format)
        self.optimizer = torch.optim.SGD(self.student.trainable(), lr=1e-3, momentum=0.9)
        self.weights = [leaf for leaf in self.student.trainable() if leaf.dim() > 1]
        self.masks = [(w.detach().abs() > w.detach().abs().median()).to(w.dtype) for w in self.weights]

    def step(self):
        t = self.TEMPERATURE
        with torch.no_grad():
            target = F.log_softmax(self.teacher(self.images) / t, 1)
        logits = F.log_softmax(self.student(self.images) / t, 1)
        loss = t * t * F.kl_div(logits, target, reduction="batchmean", log_target=True)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(self.weights, self.masks)


def measure(work, steps):
    """Median milliseconds of one step."""
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        work.step()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def faster_format(kind, args):
    """(format name, workload) of the memory format with the lower median; the two take turns."""
    works = {name: kind(args, memory_format) for name, memory_format in FORMATS.items()}
    rounds = [{name: measure(work, args.steps) for name, work in works.items()} for _ in range(3)]
    name = min(works, key=lambda name: min(r[name] for r in rounds[1:]))
    return name, works[name]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="steps per format and round of the warm-up")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    works = {kind: faster_format(build, args) for kind, build in (("dream", Dream), ("distill", Distill))}
    print(json.dumps({"ready": True, "pytorch": torch.__version__}), flush=True)
    for line in sys.stdin:
        kind, *count = line.split()
        if kind == "quit":
            break
        name, work = works[kind]
        print(
            json.dumps({"kind": kind, "ms": round(measure(work, int(count[0])), 3), "format": name}),
            flush=True,
        )


if __name__ == "__main__":
    main()
