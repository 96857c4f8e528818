"""The recipe of arXiv 2511.20702 in PyTorch, with the settings its authors' code runs: what `npm run bench:recovery` is
compared with.

    python scripts/paper_recipe_pytorch.py --model FILE --sparsity 0.75 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
        --images test.images.npy --labels test.labels.npy [--seed 0] [--threads 2] [--dreams 1024]

Global L1 pruning of every convolution and linear weight; DeepInversion (arXiv 1912.08795) with an entropy loss in place of
labels, 200 iterations; 15 epochs of distillation on batches of 32, T = 3, SGD with rate 1e-3 and momentum 0.9, batch norms
with their stored statistics. Prints {"teacher", "pruned", "recovered"} (top-1 accuracy on the images, 0..1) and
{"seconds": {"dream", "distil", "total"}} as one JSON document. The images are for evaluation alone."""

import argparse
import json
import time

import numpy as np
import torch
import torch.nn.functional as F

from onnx_to_torch import OnnxModule

DREAM_BATCH, ITERATIONS, DREAM_RATE, JITTER = 256, 200, 0.05, 2
BATCH, EPOCHS, TEMPERATURE, RATE = 32, 15, 3.0, 1e-3
EVALUATION_BATCH = 100


def statistics_loss(network):
    """Sum over batch norms of ||mean - running mean||2 + ||variance - running variance||2 of its input (equation 4)."""
    loss = 0.0
    for norm in network.batch_norms:
        x = norm.input
        count = x.numel() // x.shape[1]
        axes = [axis for axis in range(x.dim()) if axis != 1]
        # Sums divided by the count: with gradients, three times as fast as `mean` and eight times as `var_mean`.
        mean = x.sum(axes) / count
        variance = (x * x).sum(axes) / count - mean * mean
        loss = loss + torch.linalg.vector_norm(mean - norm.mean)
        loss = loss + torch.linalg.vector_norm(variance - norm.variance)
    return loss


def total_variation(x):
    """l2 norms of the differences with the right, lower and two diagonal neighbours (DeepInversion's R_TV)."""
    right = x[:, :, :, :-1] - x[:, :, :, 1:]
    lower = x[:, :, :-1, :] - x[:, :, 1:, :]
    falling = x[:, :, :-1, :-1] - x[:, :, 1:, 1:]
    rising = x[:, :, 1:, :-1] - x[:, :, :-1, 1:]
    return sum(torch.linalg.vector_norm(difference) for difference in (right, lower, falling, rising))


def dream(model, count, low, high):
    """`count` images, [count, channels, height, width], as the model takes them."""
    batches = []
    for start in range(0, count, DREAM_BATCH):
        size = min(DREAM_BATCH, count - start)
        teacher = OnnxModule(model, size).freeze()
        images = torch.randn(teacher.input_shape).requires_grad_(True)
        optimizer = torch.optim.Adam([images], lr=DREAM_RATE, betas=(0.5, 0.9))
        for _ in range(ITERATIONS):
            shift = torch.randint(-JITTER, JITTER + 1, (2,)).tolist()
            x = torch.roll(images, shift, (2, 3))
            logits = teacher(x.flip(3) if torch.rand(()) < 0.5 else x)
            entropy = -(F.softmax(logits, 1) * F.log_softmax(logits, 1)).sum(1).mean()
            loss = entropy + 10.0 * statistics_loss(teacher) + 2.5e-5 * total_variation(images)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                images.copy_(torch.clamp(images, low, high))
        batches.append(images.detach())
    return torch.cat(batches)


def prune(student, sparsity):
    """Masks of the weights of convolutions and linear layers; those of the smallest magnitude are set to 0."""
    weights = [leaf for leaf in student.trainable() if leaf.dim() > 1]
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    threshold = magnitudes.kthvalue(max(1, int(sparsity * magnitudes.numel()))).values
    masks = [(weight.detach().abs() > threshold).to(weight.dtype) for weight in weights]
    apply_masks(weights, masks)
    return weights, masks


def apply_masks(weights, masks):
    with torch.no_grad():
        for weight, mask in zip(weights, masks):
            weight.mul_(mask)


def distil(teacher, student, pruned, images):
    weights, masks = pruned
    optimizer = torch.optim.SGD(student.trainable(), lr=RATE, momentum=0.9)
    for _ in range(EPOCHS):
        for indices in torch.randperm(len(images)).split(BATCH):
            if len(indices) < BATCH:
                continue  # the graph has one batch size
            x = images[indices]
            with torch.no_grad():
                target = F.log_softmax(teacher(x) / TEMPERATURE, 1)
            logits = F.log_softmax(student(x) / TEMPERATURE, 1)
            loss = F.kl_div(logits, target, log_target=True, reduction="batchmean") * TEMPERATURE**2
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            apply_masks(weights, masks)


def accuracy(build, images, labels):
    """Top-1; `build` makes the network for the batch size of evaluation."""
    network, correct = build(EVALUATION_BATCH), 0
    with torch.no_grad():
        for start in range(0, len(images), EVALUATION_BATCH):
            x = images[start : start + EVALUATION_BATCH]
            filled = torch.cat([x, images[: EVALUATION_BATCH - len(x)]])
            guesses = network(filled).argmax(1)[: len(x)]
            correct += (guesses == labels[start : start + len(x)]).sum().item()
    return correct / len(images)


def copy_leaves(source):
    """A builder of networks with the leaves of `source`."""

    def build(batch):
        network = OnnxModule(source.path, batch).freeze()
        with torch.no_grad():
            for name, leaf in network.leaves.items():
                leaf.copy_(source.leaves[name])
        return network

    return build


def load(path, batch):
    network = OnnxModule(path, batch)
    network.path = path
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("model", "images", "labels"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--mean", default="0,0,0", help="of (x / 255 - mean) / std")
    parser.add_argument("--std", default="1,1,1")
    parser.add_argument("--sparsity", type=float, default=0.75)
    parser.add_argument("--dreams", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    mean, std = (
        torch.tensor([float(x) for x in text.split(",")]).view(1, -1, 1, 1) for text in (args.mean, args.std)
    )

    start = time.perf_counter()
    teacher = load(args.model, BATCH).freeze()
    student = load(args.model, BATCH)
    pruned = prune(student, args.sparsity)
    build_pruned = copy_leaves(student)(EVALUATION_BATCH)
    images = dream(args.model, args.dreams, (0 - mean) / std, (1 - mean) / std)
    dreamt = time.perf_counter()
    distil(teacher, student, pruned, images)
    end = time.perf_counter()

    pixels = torch.tensor(np.load(args.images)).float() / 255
    evaluation, labels = (pixels - mean) / std, torch.tensor(np.load(args.labels))
    score = lambda build: accuracy(build, evaluation, labels)
    result = {
        "teacher": score(copy_leaves(teacher)),
        "pruned": score(lambda _: build_pruned),
        "recovered": score(copy_leaves(student)),
        "seconds": {"dream": dreamt - start, "distil": end - dreamt, "total": end - start},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
