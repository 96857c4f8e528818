"""A procedural image set: 10 classes of 32x32 colour images, a function of the seed alone (numpy only).

Six classes are shapes (triangle, square, star, cross, ring, crescent) and four are textures in an elliptic
patch (stripes, checkers, dots, zigzag). Colour, position, scale, rotation and aspect are random; a patch of
another colour occludes part of the object, blobs and lines clutter the background and noise covers all of
it. No class can be told by its colours.

    python scripts/procedural_images.py --count 200 --seed 1 --images images.npy --labels labels.npy
"""

import argparse

import numpy as np

SIZE = 32
CLASSES = ("triangle", "square", "star", "cross", "ring", "crescent", "stripes", "checkers", "dots", "zigzag")


def column(values):
    """[n] -> [n, 1, 1], to broadcast over pixels."""
    return values[:, None, None]


def coverage(distance):
    """Share of each pixel that lies inside a shape, from its signed distance in pixels (negative inside)."""
    return np.clip(0.5 - distance, 0.0, 1.0)


def polygon(x, y, corners):
    """Signed distance to a regular polygon of circumradius 1."""
    sector = 2 * np.pi / corners
    angle = np.mod(np.arctan2(y, x), sector) - sector / 2
    return np.hypot(x, y) * np.cos(angle) - np.cos(sector / 2)


def star(x, y):
    """Five-pointed star: each half point is a straight edge from radius 1 to radius 0.42."""
    sector = 2 * np.pi / 5
    angle = np.abs(np.mod(np.arctan2(y, x), sector) - sector / 2)
    radius = np.hypot(x, y)
    tip = np.array([np.cos(sector / 2), np.sin(sector / 2)])
    edge = tip - np.array([0.42, 0.0])
    u, v = radius * np.cos(angle) - 0.42, radius * np.sin(angle)
    return (u * edge[1] - v * edge[0]) / np.hypot(*edge)


def shape_distance(label, x, y):
    """Signed distance, in units of the object's radius, of the six shape classes."""
    radius = np.hypot(x, y)
    if label == 0:
        return polygon(x, y, 3)
    if label == 1:
        return np.maximum(np.abs(x), np.abs(y)) - 0.8
    if label == 2:
        return star(x, y)
    if label == 3:
        arm = 0.3
        return np.minimum(
            np.maximum(np.abs(x) - arm, np.abs(y) - 1), np.maximum(np.abs(y) - arm, np.abs(x) - 1)
        )
    if label == 4:
        return np.abs(radius - 0.75) - 0.25
    return np.maximum(radius - 1, 0.85 - np.hypot(x - 0.55, y))


def texture_phase(label, u, v):
    """A wave, positive in one colour of the texture and negative in the other; u and v in radians."""
    if label == 6:
        return np.sin(u)
    if label == 7:
        return np.sin(u) * np.sin(v)
    if label == 8:
        return np.cos(u) + np.cos(v) - 0.9
    return np.sin(u + 1.4 * np.arcsin(np.sin(v)))


def smooth_noise(rng, count, cells):
    """[count, SIZE, SIZE] noise of unit variance, bilinearly enlarged from a grid of cells x cells."""
    grid = rng.standard_normal((count, cells + 1, cells + 1))
    at = np.linspace(0, cells, SIZE, endpoint=False)
    low = at.astype(int)
    part = at - low
    rows = grid[:, low] * (1 - part)[None, :, None] + grid[:, low + 1] * part[None, :, None]
    return rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part


def paint(image, alpha, colour):
    """Blends colour [n, 3] over image [n, 3, SIZE, SIZE] with coverage alpha [n, SIZE, SIZE]."""
    return image + alpha[:, None] * (colour[:, :, None, None] - image)


def contrasting(rng, colour, least):
    """A random colour per row, at least `least` away (Euclidean, unit cube) from the given one."""
    result = rng.uniform(0, 1, colour.shape)
    for _ in range(64):
        near = np.linalg.norm(result - colour, axis=1) < least
        if not near.any():
            break
        result[near] = rng.uniform(0, 1, (near.sum(), 3))
    return result


def rotated(x, y, angle):
    c, s = column(np.cos(angle)), column(np.sin(angle))
    return c * x + s * y, c * y - s * x


def background(rng, count, colour, x, y):
    """A colour with a gradient of smooth noise, three blobs and two lines that mean nothing."""
    image = np.broadcast_to(colour[:, :, None, None], (count, 3, SIZE, SIZE)).copy()
    image += 0.08 * smooth_noise(rng, count * 3, 4).reshape(image.shape)
    for _ in range(3):
        px, py = rng.uniform(0, SIZE, (2, count))
        radius = rng.uniform(1, 3, count)
        blob = coverage(np.hypot(x - column(px), y - column(py)) - column(radius))
        image = paint(image, 0.8 * blob, rng.uniform(0, 1, (count, 3)))
    for _ in range(2):
        px, py = rng.uniform(0, SIZE, (2, count))
        u, v = rotated(x - column(px), y - column(py), rng.uniform(0, np.pi, count))
        line = coverage(np.maximum(np.abs(v) - 0.7, np.abs(u) - column(rng.uniform(4, 12, count))))
        image = paint(image, 0.8 * line, rng.uniform(0, 1, (count, 3)))
    return image


def draw_object(rng, labels, image, ground, x, y):
    """Draws each image's object: a shape in one colour, or an elliptic patch of a two-coloured texture."""
    count = len(labels)
    radius = rng.uniform(4.5, 11.0, count)
    centre = SIZE / 2 + rng.uniform(-1, 1, (2, count)) * (SIZE / 2 - 0.75 * radius)
    dx, dy = x - column(centre[0]), y - column(centre[1])
    u, v = rotated(dx, dy, rng.uniform(0, 2 * np.pi, count))
    stretch = column(rng.uniform(0.85, 1.18, count))
    u, v = u / column(radius) * stretch, v / column(radius) / stretch
    wave = 2 * np.pi / rng.uniform(3.5, 6.5, count)
    turned = rotated(dx, dy, rng.uniform(0, 2 * np.pi, count))
    phases = rng.uniform(0, 2 * np.pi, (2, count))
    tu, tv = (column(wave) * t + column(p) for t, p in zip(turned, phases))

    alpha, inside = np.empty((2, count, SIZE, SIZE))
    for label in range(10):
        which = labels == label
        if label < 6:
            alpha[which] = coverage(shape_distance(label, u[which], v[which]) * column(radius[which]))
            inside[which] = 1.0
        else:
            alpha[which] = coverage((np.hypot(u[which], v[which]) - 1) * column(radius[which]))
            inside[which] = np.clip(0.5 + 1.5 * texture_phase(label, tu[which], tv[which]), 0, 1)

    first = contrasting(rng, ground, 0.25)
    second = contrasting(rng, first, 0.25)
    image = paint(image, alpha, second)
    return paint(image, alpha * inside, first), centre, radius


def occlude(rng, image, centre, radius, x, y):
    """A rectangle of a random colour over a random part of the object's rim."""
    count = len(radius)
    angle = rng.uniform(0, 2 * np.pi, count)
    px, py = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
    u, v = rotated(x - column(px), y - column(py), rng.uniform(0, np.pi, count))
    half = rng.uniform(0.25, 0.65, (2, count)) * radius
    patch = coverage(np.maximum(np.abs(u) - column(half[0]), np.abs(v) - column(half[1])))
    return paint(image, patch, rng.uniform(0, 1, (count, 3)))


def render(rng, labels):
    """uint8 [n, 3, SIZE, SIZE] for integer labels [n]."""
    count = len(labels)
    y, x = np.mgrid[0:SIZE, 0:SIZE][:, None] + 0.5
    ground = rng.uniform(0, 1, (count, 3))
    image = background(rng, count, ground, x, y)
    image, centre, radius = draw_object(rng, labels, image, ground, x, y)
    image = occlude(rng, image, centre, radius, x, y)
    sigma = rng.uniform(0.04, 0.16, count)
    image += sigma[:, None, None, None] * rng.standard_normal(image.shape)
    return np.clip(np.round(image * 255), 0, 255).astype(np.uint8)


def make_images(count, seed):
    """(images uint8 [count, 3, 32, 32], labels int64 [count]); classes in equal shares, in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    chunks = [render(rng, labels[i : i + 500]) for i in range(0, count, 500)]
    return np.concatenate(chunks), labels.astype(np.int64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--images", required=True)
    parser.add_argument("--labels", required=True)
    args = parser.parse_args()
    images, labels = make_images(args.count, args.seed)
    np.save(args.images, images)
    np.save(args.labels, labels)


if __name__ == "__main__":
    main()
