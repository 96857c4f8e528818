// How images are optimised: what was tried. Of docs/RESULTS.md.

export const MEMORY = `## How long images remember their gradients

An image's gradient falls by orders of magnitude in its first updates, and Adam, which divides by the root of its mean square,
moves little for as long as it remembers them. Loss of 128 procedural images of a ResNet-20 (of noise in the last columns) after
so many updates, at a rate of 0.2, by the moments' decay (in the paper 0.5 and 0.9):

| beta1, beta2 | 20 | 30 | 40 | 69 | noise: 150 | 300 |
| --- | --- | --- | --- | --- | --- | --- |
| 0.5, 0.9 | 16.0 | | 6.2 | 4.4 | 3.6 | 2.8 |
| 0.5, 0.99; 0.8, 0.95; 0.9, 0.99 | | | 8.3; 16.2; 34.5 | | | |
| 0.5, 0.7 | | | 4.6 | | | |
| 0.5, 0.5 | 7.2 | 4.8 | 4.2 | 3.4 | | |
| 0.2, 0.4 | 5.4 | 4.5 | 4.1 | 3.5 | | |
| **0.3, 0.2** | 5.3 | 4.4 | 4.0 | 3.4 | 3.0 | 2.6 |
| 0, 0 (the sign alone) | | | 4.8 | | | |

A MobileNetV2 (32 updates: 2.1 and 2.0) and a VGG (3.5 and 3.5) gain less, a ResNet-50 of 224 pixels with random weights nothing
(45 updates: equal within 4%); the generator's own Adam gains little (its distance of batch norms after 110 updates 0.0127 with
0.9 in place of 0.999, 0.0134 with 0.3 and 0.5). What students learn from the companions, ResNet-20 at 95%, each figure of
images of its own:

| updates of the companions | steps | agreement on 2,000 training images | on the 500 |
| --- | --- | --- | --- |
| 69 with the paper's moments | 623 | 79.7, 78.2, 79.8 | 78.0, 80.8, 78.8 |
| 22 | 623 | 78.5, 77.5 | 78.0, 78.0 |
| 35 | 623 | 81.2, 78.9, 79.1 | 79.4, 78.4, 72.8 |
| 35, twice as many companions | 623 | 79.2 | 77.6 |
| 69 | 623 | 81.5, 81.5 | 80.2, 79.8 |
| 69 | 432 | 79.9, 80.7 | 79.0, 78.0 |
| 52 | 432 | 80.8, 80.5, 76.6 | 78.2, 78.8, 76.2 |
| 52, companions half of what is not procedural | 432 | 79.6, 80.3 | 78.6, 75.2 |
`;

/** Losses of 128 images; students of one seed each, but for those with two figures. */
export const SCALES = `## At which scales images move

Adam moves every pixel by about the rate, whichever way its own gradient points, so that a region as a whole hardly gets
lighter or bluer. Taken as a sum of images of all scales, each half of the one before and enlarged linearly, with Adam on each,
regions move as far as pixels. Loss of 128 procedural images of a ResNet-20 after so many updates (of noise in the last
columns), total variation at a weight of 10 as it was until then:

| scales, rate | 30 | 52 | noise: 60 | 150 |
| --- | --- | --- | --- | --- |
| 32 pixels alone, 0.2 | 4.4 | 3.7 | 4.1 | 3.0 |
| 32, 16, 8; 32, 16, 4, at 0.1 | 3.4; 3.1 | | | |
| 32, 16, 8, 4 at 0.2, 0.1, 0.05 | 3.3, 3.1, 3.4 | | | |
| **32, 16, 8, 4, 2** at 0.1, 0.07, 0.05 | 2.9, 2.9, 3.1 | 2.6 (0.07) | 2.8 | 2.5 |
| the same and 1 at 0.07 | 2.9 | | | |
| 32, 8, 4, 2 at 0.07 | 3.1 | | | |
| 32, 16, 8, 4, 2, smaller ones at half, at one and a half of the rate | 3.0; 2.9 | | | |

At that weight images were blurred: 2,000 training images, 64 at a time, have a total variation of 0.34 to 0.40, a mean square
of 1.18 and a distance of batch norms of 0.014 to 0.019.

| companions of a ResNet-20 | updates | batch norms | total variation | mean square |
| --- | --- | --- | --- | --- |
| pixels alone, total variation at 10 | 30 | 0.0199 | 0.24 | 0.63 |
| all scales, at 10 | 52 | 0.0146 | 0.12 | 1.60 |
| pixels alone, at 1 | 20, 52 | 0.0164, 0.0061 | 0.56, 0.53 | 0.72, 0.84 |
| **all scales, at 1** | **20** | 0.0065 | 0.43 | 1.20 |
| | 52 (at a rate of 0.07) | 0.0047 | 0.33 | 1.49 |
| all scales, at 3, at 0.3 | 52 | 0.0072, 0.0038 | 0.23, 0.38 | 1.52, 1.48 |

Others in 24 updates at 1, loss of pixels alone and of all scales: MobileNetV2 0.71, 0.50; VGG 2.21, 1.41; ResNet-8 1.04, 0.40
(in 10 updates 4.17). From noise, in 150 updates at 1, there is nothing between them (0.85, 0.86), in 60 there is (1.57, 1.14).

What students learn from them, ResNet-20 at 95%, one thread; whole runs, each with images of its own; companions' share is of
what is not procedural, **divergence** from the teacher on 2,000 training images:

| companions, updates, share | updates of the generator | steps | divergence | agreement there | on the 500 |
| --- | --- | --- | --- | --- | --- |
| 512, 52, a third: pixels alone, total variation at 10 | 110 | 432 | 3.95 | 80.8 | 78.2 |
| 512, 52, a third | 110 | 432 | 3.84 | 79.9 | 79.8 |
| 512, 22, a third | 110 | 562 | 3.87 | 79.5 | 78.6 |
| 1,024, 22, two thirds | 110 | 432 | 3.78, 3.79 | 81.1, 79.9 | 80.0, 79.0 |
| **the same, a layer keeps half of an equal share in any case, not a fifth** | 110 | 432 | 3.67 | 80.1 | 79.6 |
| 1,024, 22, two thirds | 60 | 540 | 3.79 | 80.4 | 76.8 |
| 1,024, 22, all | none | 691 | 3.62, 3.77 | 80.5, 79.1 | 78.4, 77.8 |
| 1,536, 17, all | none | 691 | 3.97 | 78.4 | 79.6 |
| 2,048, 22, all | none | 432 | 3.92 | 79.1 | 75.8 |

Half of an equal share kept, two thirds, 110 updates of the generator, in about the same time each:

| companions, updates | steps | divergence | agreement there | on the 500 |
| --- | --- | --- | --- | --- |
| 1,088, 16 | 519 | 4.17 (one seed) | 78.5, 78.1, 77.1 | 78.2, 78.8, 77.8 |
| 1,088, 20 | 497 | 3.89, 4.01 | 79.7, 78.5 | 80.2, 79.0 |
| 1,088, 20 | 432 | | 80.4, 79.1, 79.4 | 77.8, 77.8, 76.4 |
| **1,088, 28** | **432** | 3.69, 3.57 | 81.4, 81.2 | 79.4, 82.0 |
| 1,088, 40 | 367 | 3.87 | 80.0 | 78.8 |

After 16 updates companions are as far from the teacher's statistics as real images are, after 28 nearer than those; students
learn more from the latter, though fewer steps are left for it.
`;

/** Losses of 64 images at one seed; means of two batches where updates are 60 or 150, three where `(3)`. */
export const RESOLUTIONS = `## At which resolutions images begun as noise are made

In few updates regions must move as far as pixels; in many they had better not: images end blurred and further from the
teacher's statistics. And half of the updates may look at small images, which cost a fraction. Loss of a ResNet-20's images
after so many updates, rates of the scales from that of pixels on, total variation at 1:

| resolutions | rates | 60 | 150 | 400 |
| --- | --- | --- | --- | --- |
| 32 pixels | pixels alone, 0.2; with the paper's moments | | | 0.63; 0.63 |
| | all scales at 0.1 | | 0.78 | 0.80 (3) |
| | halves from 0.1 on | | | 0.71 |
| 16 pixels for half of the updates | all at 0.1 | | 0.97 | 0.81 |
| 8, 16 for a third each | all at 0.1 | 1.23 | 0.86 | 0.70 |
| 8, 16 for a quarter each | all at 0.1 | 1.22 | 0.84 | 0.77 (3) |
| | pixels alone, 0.2; with the paper's moments | 1.93; 6.49 | 0.86; 1.50 | 0.58; 0.61 |
| | 0.15 and 0.075, no smaller ones | 1.40 | 0.71 | 0.58 |
| | halves from 0.2, from 0.15 on | 1.02, 1.11 | 0.78, 0.75 | 0.63 |
| | **thirds from 0.15 on** | 1.32 | 0.69 | 0.59 |
| | thirds from 0.2 on | 1.21 | 0.74 | 0.62 |
| | quarters from 0.2 on | 1.36 | 0.74 | 0.59 |

Three resolutions take 0.6 of the time of one. Others in 120 updates, all scales at 0.1, 0.15 and 0.075, thirds from 0.2 on:
MobileNetV2 0.46, 0.43, 0.47; ResNet-8 0.31, 0.37, 0.41; a VGG, which takes its own size alone, 0.75, 0.74, 0.85 (and in 60, all at
0.1, enlarged from 16 pixels for half of them 1.66 in place of 1.18).

Companions, which begin with details of their own, gain nothing: of 20 updates half at 16 pixels, with what changed there
added to the image, loss 3.3 in place of 1.05, of 28 1.4 in place of 0.99; scales of falling rates 1.6 in place of 1.1.
`;
