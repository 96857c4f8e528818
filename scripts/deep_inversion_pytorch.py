"""DeepInversion (arXiv 1912.08795) in PyTorch, eager, on the CPU: the other side of `npm run bench:dream`.

    python scripts/deep_inversion_pytorch.py --model FILE --settings settings.json --start start.f32 --threads 2

Settings: batch, iterations, learningRate, jitter, betas, weights (crossEntropy, batchNorm, totalVariation, l2), scale and
offset (of the model's input, per channel), range (of the pixels), targets (classes of each batch). `start` holds the
images to begin with, float32, batch after batch. Prints {"seconds", "terms", "predictions", "pytorch", "format"}: of
the iterations alone, in the faster memory format; the loss and its terms of the last batch as it is in the end, without
jitter; the classes the teacher sees in all images."""

import argparse
import json
import time

import numpy as np
import torch
import torch.nn.functional as F

from bench_step_pytorch import FORMATS, divergence, total_variation
from onnx_to_torch import OnnxModule

TRIALS = 3


class Inversion:
    def __init__(self, model, settings, memory_format):
        self.settings, self.memory_format = settings, memory_format
        self.teacher = OnnxModule(model, settings["batch"]).freeze().to_format(memory_format)
        self.scale, self.offset = (
            torch.tensor(settings[key]).view(1, -1, 1, 1) for key in ("scale", "offset")
        )

    def begin(self, start, targets):
        settings = self.settings
        images = torch.tensor(start).contiguous(memory_format=self.memory_format)
        self.images = images.requires_grad_(True)
        self.targets = torch.tensor(targets)
        self.optimizer = torch.optim.Adam(
            [self.images], lr=settings["learningRate"], betas=settings["betas"], eps=1e-8
        )
        self.best, self.best_loss = images.detach().clone(), torch.tensor(torch.inf)

    def loss(self, images):
        """Of what the network sees and of the images themselves: total and terms."""
        logits = self.teacher(images * self.scale + self.offset)
        terms = {
            "crossEntropy": F.cross_entropy(logits, self.targets),
            "batchNorm": divergence(self.teacher),
            "totalVariation": total_variation(self.images),
            "l2": self.images.square().mean(),
        }
        weights = self.settings["weights"]
        return sum(weights[name] * value for name, value in terms.items()), terms, logits

    def step(self, iteration, generator):
        settings = self.settings
        reach = settings["jitter"]
        down, across, mirror = torch.randint(0, 2 * reach + 1, (3,), generator=generator).tolist()
        x = torch.roll(self.images, (down - reach, across - reach), (2, 3))
        if mirror % 2:
            x = x.flip(3)
        rate = settings["learningRate"] * (1 + np.cos(np.pi * iteration / settings["iterations"])) / 2
        self.optimizer.param_groups[0]["lr"] = rate
        loss, _, _ = self.loss(x)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            if loss < self.best_loss:
                self.best_loss = loss.detach()
                self.best.copy_(self.images)
        self.optimizer.step()
        if settings["range"]:
            with torch.no_grad():
                self.images.clamp_(settings["range"]["low"], settings["range"]["high"])

    def end(self):
        """The best images' terms and logits, without jitter."""
        with torch.no_grad():
            self.images.copy_(self.best)
            loss, terms, logits = self.loss(self.images)
        return {"loss": loss.item()} | {name: value.item() for name, value in terms.items()}, logits


def fastest(model, settings, start):
    """The memory format in which a few steps take the least time."""

    def trial(memory_format):
        work = Inversion(model, settings, memory_format)
        work.begin(start, settings["targets"][0])
        generator = torch.Generator().manual_seed(0)
        work.step(0, generator)
        begin = time.perf_counter()
        for iteration in range(TRIALS):
            work.step(iteration, generator)
        return time.perf_counter() - begin

    return min(FORMATS, key=lambda name: trial(FORMATS[name]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--model", "--settings", "--start"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with open(args.settings) as file:
        settings = json.load(file)
    start = np.fromfile(args.start, np.float32).reshape(-1, *settings["shape"])
    name = fastest(args.model, settings, start[0])
    work = Inversion(args.model, settings, FORMATS[name])
    seconds, predictions, terms = 0.0, [], {}
    for index, targets in enumerate(settings["targets"]):
        generator = torch.Generator().manual_seed(index)
        work.begin(start[index], targets)
        begin = time.perf_counter()
        for iteration in range(settings["iterations"]):
            work.step(iteration, generator)
        seconds += time.perf_counter() - begin
        terms, logits = work.end()
        predictions += logits.argmax(1).tolist()
    result = {"seconds": seconds, "terms": terms, "predictions": predictions}
    print(json.dumps(result | {"pytorch": torch.__version__, "format": name}))


if __name__ == "__main__":
    main()
