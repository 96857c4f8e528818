"""Trains the two fixture teachers on the procedural images and exports each in three forms (PyTorch, CPU).

    python scripts/train_fixture_teachers.py --out fixtures [--only resnet8] [--epochs 30]

Per teacher it writes teachers/NAME-torchscript.onnx and NAME-dynamo.onnx (batch norm kept) and
NAME-folded.onnx (the default exporter, batch norm folded into the convolutions), checks each with
onnxruntime, and measures accuracy on the evaluation images before and after global magnitude pruning. The
figures go to teachers/accuracy.json."""

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import nn

from procedural_images import make_images

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
TRAINING_IMAGES, TRAINING_SEED = 20000, 2
EVALUATION_IMAGES, EVALUATION_SEED = 200, 1
SPARSITIES = (0.5, 0.75, 0.8, 0.9)


def conv_bn(inputs, outputs, kernel, stride=1, groups=1):
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class SliceAndPad(nn.Module):
    """The parameter-free shortcut of CIFAR ResNets (He et al. 2015, option A): new channels are zero."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.extra = (outputs - inputs) // 2

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.body = nn.Sequential(
            *conv_bn(inputs, outputs, 3, stride), nn.ReLU(), *conv_bn(outputs, outputs, 3)
        )
        self.shortcut = shortcut

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet8(nn.Module):
    """Basic blocks of 16, 32 and 64 channels; shortcuts: identity, strided 1x1 conv, slice and pad."""

    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(3, 16, 3), nn.ReLU())
        self.blocks = nn.Sequential(
            BasicBlock(16, 16, 1, nn.Identity()),
            BasicBlock(16, 32, 2, nn.Sequential(*conv_bn(16, 32, 1, 2))),
            BasicBlock(32, 64, 2, SliceAndPad(32, 64)),
        )
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1)
        return self.linear(torch.flatten(x, 1))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        expand = [] if expansion == 1 else [*conv_bn(inputs, hidden, 1), nn.ReLU6()]
        self.body = nn.Sequential(
            *expand,
            *conv_bn(hidden, hidden, 3, stride, groups=hidden),
            nn.ReLU6(),
            *conv_bn(hidden, outputs, 1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al. 2018) for 32-pixel images: seven inverted residuals, ReLU6."""

    # (expansion, channels, stride)
    BLOCKS = ((1, 16, 2), (4, 24, 1), (4, 24, 1), (4, 32, 2), (4, 32, 1), (4, 48, 2), (4, 48, 1))

    def __init__(self, classes=10):
        super().__init__()
        layers, channels = [*conv_bn(3, 16, 3), nn.ReLU6()], 16
        for expansion, outputs, stride in self.BLOCKS:
            layers.append(InvertedResidual(channels, outputs, stride, expansion))
            channels = outputs
        self.features = nn.Sequential(*layers, *conv_bn(channels, 192, 1), nn.ReLU6())
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(192, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


TEACHERS = {"resnet8": (ResNet8, 15), "mobilenetv2": (MobileNetV2, 20)}


def preprocess(images):
    return (torch.from_numpy(images).float() / 255 - MEAN) / STD


def shifted_and_flipped(batch, generator):
    """Random horizontal flips and shifts of up to 2 pixels (reflected border)."""
    dx, dy = torch.randint(0, 5, (2,), generator=generator).tolist()
    batch = F.pad(batch, (2, 2, 2, 2), mode="reflect")[:, :, dy : dy + 32, dx : dx + 32]
    flip = torch.rand(len(batch), generator=generator) < 0.5
    return torch.where(flip.view(-1, 1, 1, 1), batch.flip(3), batch)


def train(network, images, labels, epochs, batch=128):
    """SGD with Nesterov momentum, one-cycle rate, label smoothing; leaves the network in eval mode."""
    generator = torch.Generator().manual_seed(0)
    data, targets = preprocess(images), torch.from_numpy(labels)
    network.to(memory_format=torch.channels_last)  # a third faster on a CPU
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = len(data) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, epochs * steps, pct_start=0.2)
    network.train()
    for epoch in range(epochs):
        order, total, start = torch.randperm(len(data), generator=generator), 0.0, time.time()
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            batch_images = shifted_and_flipped(data[rows], generator)
            logits = network(batch_images.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, targets[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"  epoch {epoch + 1:2d}: loss {total / steps:.3f}, {time.time() - start:.0f} s", flush=True)
    network.eval().to(memory_format=torch.contiguous_format)


def accuracy(network, images, labels):
    with torch.no_grad():
        logits = torch.cat(
            [network(preprocess(part)) for part in np.array_split(images, max(1, len(images) // 500))]
        )
    return (logits.argmax(1).numpy() == labels).mean().item()


def prune_globally(network, sparsity):
    """A copy whose smallest conv and linear weights, by magnitude over the whole network, are zero."""
    network = copy.deepcopy(network)
    weights = [m.weight for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    magnitudes = torch.cat([w.detach().abs().flatten() for w in weights])
    threshold = magnitudes.kthvalue(int(round(sparsity * len(magnitudes)))).values
    with torch.no_grad():
        for w in weights:
            w.mul_(w.abs() > threshold)
    return network


def export(network, name, folder):
    """The three forms; returns their paths."""
    paths = {form: folder / f"{name}-{form}.onnx" for form in ("torchscript", "dynamo", "folded")}
    example = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    names = {"input_names": ["input"], "output_names": ["logits"]}
    torch.onnx.export(
        network,
        (example,),
        paths["torchscript"],
        dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        opset_version=13,
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        **names,
    )
    dynamic = {"dynamo": True, "external_data": False, "dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    torch.onnx.export(network, (example,), paths["dynamo"], optimize=False, **dynamic, **names)
    torch.onnx.export(network, (example,), paths["folded"], **dynamic, **names)
    for path in paths.values():
        drop_debug_notes(path)
    return paths


def drop_debug_notes(path):
    """Removes the exporter's notes on each node (some name local folders): a quarter of a small file."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)


def check_export(path, network, images):
    """onnxruntime on the file against PyTorch, on real inputs."""
    x = preprocess(images)
    with torch.no_grad():
        expected = network(x).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (actual,) = session.run(["logits"], {"input": x.numpy()})
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


def write_evaluation_images(folder):
    images, labels = make_images(EVALUATION_IMAGES, EVALUATION_SEED)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "evaluation.images.npy", images)
    np.save(folder / "evaluation.labels.npy", labels)
    return images, labels


def make_teacher(name, epochs, out, evaluation):
    build, default_epochs = TEACHERS[name]
    torch.manual_seed(0)
    network = build()
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{name}: {parameters} parameters", flush=True)
    train(network, *make_images(TRAINING_IMAGES, TRAINING_SEED), epochs or default_epochs)
    (out / "teachers").mkdir(parents=True, exist_ok=True)
    for path in export(network, name, out / "teachers").values():
        check_export(path, network, evaluation[0])
    large = make_images(5000, 3)
    pruned = {s: prune_globally(network, s) for s in SPARSITIES}
    return {
        "parameters": parameters,
        "evaluation": {"count": EVALUATION_IMAGES, "accuracy": accuracy(network, *evaluation)}
        | {"pruned": {str(s): accuracy(p, *evaluation) for s, p in pruned.items()}},
        "others": {"count": 5000, "accuracy": round(accuracy(network, *large), 4)}
        | {"pruned": {str(s): round(accuracy(p, *large), 4) for s, p in pruned.items()}},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("fixtures"))
    parser.add_argument("--only", choices=TEACHERS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=1, help="the result depends on it in the last digits")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    evaluation = write_evaluation_images(args.out / "images")
    record = args.out / "teachers" / "accuracy.json"
    for name in [args.only] if args.only else TEACHERS:
        result = make_teacher(name, args.epochs, args.out, evaluation)
        print(json.dumps(result, indent=2))
        results = json.loads(record.read_text()) if record.exists() else {}
        record.write_text(json.dumps(results | {name: result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
