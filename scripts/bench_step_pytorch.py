"""PyTorch's side of `npm run bench:step`: the same dream or distillation step, eager.

    python scripts/bench_step_pytorch.py --model FILE --kind dream --format contiguous --batch 64 --threads 2 --device cpu

Prints {"ready": true} when the step is built. Then, for each line `run N` on stdin, runs N steps and prints
{"ms": <median per step>, "peakBytes": <resident memory at its highest>}; the end of stdin ends it."""

import argparse
import json
import resource
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


def divergence(network):
    """Mean over batch norms, of the mean over channels, of KL(N(batch) || N(stored)); variances with epsilon.

    Sums divided by the count: with gradients, three times as fast as `mean` and eight times as `var_mean`.
    """
    loss = 0.0
    for norm in network.batch_norms:
        deviation = norm.input - norm.mean.view(1, -1, *[1] * (norm.input.dim() - 2))
        count = deviation.numel() // deviation.shape[1]
        axes = [axis for axis in range(deviation.dim()) if axis != 1]
        mean = deviation.sum(axes) / count
        square = (deviation * deviation).sum(axes) / count
        variance = (square - mean * mean).relu() + norm.epsilon
        stored = norm.variance + norm.epsilon
        loss = loss + (((square + norm.epsilon) / stored - 1 - (variance / stored).log()) / 2).mean()
    return loss / len(network.batch_norms)


def feature_loss(teacher, student):
    """Mean over batch norms of the squared distance of their outputs, relative to the teacher's mean square."""
    loss = 0.0
    for ours, theirs in zip(student.batch_norms, teacher.batch_norms):
        loss = loss + F.mse_loss(ours.output, theirs.output) / (theirs.output.square().mean() + 1e-6)
    return loss / len(teacher.batch_norms)


class Dream:
    """One DeepInversion update (arXiv 1912.08795): jitter, flip, losses, backward to the images, Adam."""

    def __init__(self, args, memory_format):
        self.teacher = OnnxModule(args.model, args.batch).freeze()
        self.teacher.to_format(memory_format).to_device(args.device)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(self.teacher.input_shape, generator=generator).to(args.device)
        self.images = images.contiguous(memory_format=memory_format).requires_grad_(True)
        with torch.no_grad():
            classes = self.teacher(images).shape[1]
        self.labels = torch.randint(0, classes, (args.batch,), generator=generator).to(args.device)
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
            + 10.0 * divergence(self.teacher)
            + 2.5e-5 * total_variation(self.images)
            + 3e-8 * self.images.square().mean()
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.images.clamp_(-3.0, 3.0)


class Distill:
    """One distillation update: masked student in training mode, KL and features, LARS."""

    TEMPERATURE = 3.0
    RATE = 1e-3
    MOMENTUM = 0.8
    TRUST = 0.4

    def __init__(self, args, memory_format):
        self.teacher, self.student = (
            OnnxModule(args.model, args.batch, keep_features=True)
            .to_format(memory_format)
            .to_device(args.device)
            for _ in range(2)
        )
        self.teacher.freeze()
        self.student.batch_statistics = True
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(self.teacher.input_shape, generator=generator).to(args.device)
        self.images = images.contiguous(memory_format=memory_format)
        self.weights = [leaf for leaf in self.student.trainable() if leaf.dim() > 1]
        self.vectors = [leaf for leaf in self.student.trainable() if leaf.dim() <= 1]
        self.velocities = {leaf: torch.zeros_like(leaf) for leaf in self.student.trainable()}
        self.masks = [(w.detach().abs() > w.detach().abs().median()).to(w.dtype) for w in self.weights]

    def step(self):
        t = self.TEMPERATURE
        with torch.no_grad():
            target = F.log_softmax(self.teacher(self.images) / t, 1)
        logits = F.log_softmax(self.student(self.images) / t, 1)
        divergence = F.kl_div(logits, target, reduction="batchmean", log_target=True)
        loss = t * t * divergence + feature_loss(self.teacher, self.student)
        for leaf in self.student.trainable():
            leaf.grad = None
        loss.backward()
        self.update()

    @torch.no_grad()
    def update(self):
        """As src/optimise/lars.ts, for all layers at once."""
        torch._foreach_mul_([w.grad for w in self.weights], self.masks)
        torch._foreach_add_(self.vectors, self.directions(self.vectors), alpha=-self.RATE)
        directions = self.directions(self.weights)
        lengths = torch._foreach_norm(self.weights)
        torch._foreach_div_(lengths, torch._foreach_norm(directions))
        torch._foreach_mul_(directions, lengths)
        torch._foreach_add_(self.weights, directions, alpha=-self.RATE * self.TRUST)
        torch._foreach_mul_(self.weights, self.masks)

    def directions(self, leaves):
        """Nesterov's: gradient plus momentum times the new velocity."""
        gradients = [leaf.grad for leaf in leaves]
        velocities = [self.velocities[leaf] for leaf in leaves]
        torch._foreach_mul_(velocities, self.MOMENTUM)
        torch._foreach_add_(velocities, gradients)
        return list(torch._foreach_add(gradients, velocities, alpha=self.MOMENTUM))


def synchronize(device):
    """CUDA computes behind the host's back."""
    if device == "cuda":
        torch.cuda.synchronize()


KINDS = {"dream": Dream, "distill": Distill}


def measure(work, steps, device):
    """Median milliseconds of one step."""
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        work.step()
        synchronize(device)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    work = KINDS[args.kind](args, FORMATS[args.format])
    print(json.dumps({"ready": True, "pytorch": torch.__version__}), flush=True)
    for line in sys.stdin:
        ms = measure(work, int(line.split()[1]), args.device)
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"ms": ms, "peakBytes": peak}), flush=True)


if __name__ == "__main__":
    main()
