/** The shipped teachers, whole and pruned by us, against the accuracies PyTorch measured when they were made. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readModel } from '../converters/read.js';
import { bakeStudent } from '../src/bake/bake.js';
import { lowerModel } from '../src/network/lower.js';
import { prune } from '../src/prune/prune.js';
import { evaluateModel } from '../src/verify/evaluate.js';

interface Measured {
  readonly count: number;
  readonly accuracy: number;
  readonly pruned: Readonly<Record<string, number>>;
}

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const recorded = JSON.parse(readFileSync(fixture('teachers/accuracy.json'), 'utf8')) as Record<
  string,
  { evaluation: Measured }
>;

function correctOf(path: string): Promise<number> {
  return evaluateModel(path, {
    images: fixture('images/evaluation.images.npy'),
    labels: fixture('images/evaluation.labels.npy'),
    preprocess: 'cifar10',
  }).then(({ correct }) => correct);
}

/** Rounding may turn one image whose two best classes are almost equal. */
function expectSame(correct: number, { count }: Measured, accuracy: number): void {
  expect(Math.abs(correct - accuracy * count)).toBeLessThanOrEqual(1);
}

describe.each(Object.entries(recorded))('%s', (name, { evaluation }) => {
  test.each(['torchscript', 'dynamo', 'folded'])('%s is as accurate as recorded', async (form) => {
    expectSame(await correctOf(fixture(`teachers/${name}-${form}.onnx`)), evaluation, evaluation.accuracy);
  });

  test.each(Object.keys(evaluation.pruned))(
    'pruned at %s loses what it loses in PyTorch',
    async (sparsity) => {
      const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-test-'));
      try {
        for (const form of ['torchscript', 'dynamo']) {
          const model = await readModel(fixture(`teachers/${name}-${form}.onnx`));
          const network = lowerModel(model, { batch: 1 });
          const student = prune(network, { sparsity: Number(sparsity), leastShare: 0 });
          const path = join(folder, `${form}.onnx`);
          writeFileSync(path, bakeStudent(model, student, network).bytes);
          expectSame(await correctOf(path), evaluation, evaluation.pruned[sparsity]);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
