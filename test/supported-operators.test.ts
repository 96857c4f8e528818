import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operatorsDocument } from '../scripts/support/operators-document.js';
import { supportedOperators } from '../src/index.js';
import { WITHOUT_GRADIENT } from './support/operator-grid.js';
import { runCli } from './support/run-cli.js';

test('SUPPORTED-OPS.md is what npm run ops:table writes', async () => {
  const written = readFileSync(new URL('../SUPPORTED-OPS.md', import.meta.url), 'utf8');
  expect(operatorsDocument(await supportedOperators())).toBe(written);
});

test('exactly the operators whose gradients are tested claim to have one', async () => {
  const without = (await supportedOperators()).filter(({ computes }) => computes !== 'forward / gradient');
  expect(without.map(({ name }) => name).sort()).toEqual([...WITHOUT_GRADIENT.keys()].sort());
});

test('opset ranges follow the specification', async () => {
  const ranges = new Map((await supportedOperators()).map(({ name, opsets }) => [name, opsets]));
  expect(ranges.get('Conv')).toEqual([7, 26]);
  expect(ranges.get('Upsample')).toEqual([7, 9]);
  expect(ranges.get('Resize')).toEqual([10, 26]);
  expect(ranges.get('LayerNormalization')).toEqual([17, 26]);
});

test('onnx-dfkd ops prints them, as a table and as JSON', async () => {
  const operators = await supportedOperators();
  const table = runCli(['ops'], '.');
  expect(table.status).toBe(0);
  const lines = table.stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(operators.length + 1);
  expect(lines.find((line) => line.startsWith('Upsample '))).toMatch(
    /^Upsample +7 to 9 +forward \/ gradient$/,
  );
  expect(JSON.parse(runCli(['ops', '--json'], '.').stdout)).toEqual(operators);
});
