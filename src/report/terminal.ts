import type { DreamsResult } from '../dreams-report.js';
import type { DeviceList, DeviceStatus } from '../engine/device.js';
import type { Inspection } from '../inspect.js';
import { printable, shorten } from '../printable.js';
import type { SupportedOperator } from '../supported-operators.js';
import type { RecoverResult } from '../recover-result.js';
import type { Evaluation } from '../verify/evaluate.js';
import type { Parity } from '../verify/parity.js';

/** Rows as aligned columns, the first to the left, the others to the right; hostile names are made printable. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => printable(shorten(cell))));
  const widths = cells.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(widest[i] ?? 0, cell.length)),
    [],
  );
  return cells
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}

export function formatOperators(operators: readonly SupportedOperator[]): string {
  const rows = operators.map(({ name, opsets: [first, last], computes }) => [
    name,
    `${first} to ${last}`,
    computes,
  ]);
  return formatTable([['operator', 'opsets', 'computes'], ...rows]);
}

export function formatInspection(model: Inspection): string {
  const counts = Object.entries(model.operators).map(([name, count]) => `${shorten(name)} ${count}`);
  const norms = model.batchNorms.map(({ name, channels, mean, variance }) => [
    name,
    `${channels}`,
    `${formatNumber(mean.min)} .. ${formatNumber(mean.max)}`,
    `${formatNumber(variance.min)} .. ${formatNumber(variance.max)}`,
  ]);
  const beside = model.externalFiles.length === 0 ? '' : ` in ${model.externalFiles.map(shorten).join(', ')}`;
  const others = model.outputs.filter((name) => name !== model.output.name);
  const facts: [string, string][] = [
    ['opset', `${model.opset}, IR version ${model.irVersion}`],
    ['producer', shorten(model.producer) || 'unknown'],
    [
      'input',
      `${shorten(model.input.name)} [${model.input.shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}]`,
    ],
    ['output', `${shorten(model.output.name)}, ${model.output.classes ?? '?'} classes`],
    ...(others.length === 0 ? [] : [['not used', others.map(shorten).join(', ')] as [string, string]]),
    ['parameters', `${model.parameters}, stored as ${model.weightTypes.join(', ') || 'nothing'}${beside}`],
    ['operators', counts.join(', ')],
    ['unsupported', model.unsupported.map(shorten).join(', ') || 'none'],
    ['batch norm', describeBatchNorms(model)],
    ...describeFolding(model),
  ];
  const table = facts.map(([name, value]) => `${name.padEnd(15)}${printable(value)}`).join('\n');
  if (norms.length === 0) return table;
  return `${table}\n\n${formatTable([['batch norm', 'channels', 'running mean', 'running variance'], ...norms])}`;
}

function describeBatchNorms({ batchNorms, folded, folding, trainingMode }: Inspection): string {
  if (folded) return 'none: folded into the convolutions';
  const partly = folding === null ? '' : ', others folded into the convolutions';
  const training = `, ${trainingMode} of them in training mode, read as inference`;
  return `${batchNorms.length}${trainingMode === 0 ? '' : training}${partly}`;
}

function describeFolding({ folding }: Inspection): [string, string][] {
  if (folding === null) return [];
  return [
    ['  seen by', folding.evidence],
    ['  lost', folding.lost],
    ['  export with', folding.exports.dynamo],
    ['  or with', folding.exports.torchScript],
  ];
}

export function formatEvaluation({ accuracy, correct, count }: Evaluation): string {
  return `accuracy ${formatShare(accuracy)} (${correct} of ${count})`;
}

export function formatParity({ maxAbsDiff, maxRelDiff, equal }: Parity): string {
  const verdict = equal ? 'equal within the tolerance' : 'different';
  return `${verdict}: largest difference ${formatNumber(maxAbsDiff)}, relative ${formatNumber(maxRelDiff)}`;
}

export function formatDreams({ count, agreement, diversity, seconds, details }: DreamsResult): string {
  const { start, dreams, noise } = details.report.bnDistance;
  const speed = `in ${seconds.toFixed(1)} s`;
  const facts: [string, string][] = [
    ['dreams', `${count} images in ${details.folder}, ${speed}`],
    ['agreement', `the teacher takes ${formatShare(agreement)} for the class they were made for`],
    [
      'batch norm',
      `distance ${formatNumber(dreams)}; start images ${formatNumber(start)}, Gaussian noise ${formatNumber(noise)}`,
    ],
    [
      'diversity',
      `${formatNumber(diversity)} within classes, ${formatShare(details.report.diversity.duplicates)} near-duplicates`,
    ],
  ];
  return facts.map(([name, value]) => printable(`${name.padEnd(12)}${value}`)).join('\n');
}

export function formatRecovery(result: RecoverResult): string {
  const { input, output, sparsity, agreement, stages, seconds, parity } = result;
  const files = output.data ? `${output.path} and ${output.data.path}` : output.path;
  const written = output.bytes === null ? 'nothing written' : files;
  const rows = stages.map((stage) => [
    stage.name,
    `${stage.seconds.toFixed(1)} s`,
    `${formatShare(stage.agreement)}${stage.undone ? ' (undone)' : ''}`,
  ]);
  const { achieved, target } = sparsity;
  const facts: [string, string | null][] = [
    [
      'sparsity',
      `${formatShare(achieved)} of the conv and linear weights are zero (target ${formatShare(target)})`,
    ],
    [
      'agreement',
      agreement.pruned === null
        ? null
        : `with the teacher ${formatShare(agreement.pruned)} after pruning, ${formatShare(agreement.recovered)} after recovery`,
    ],
    [
      'parity',
      parity.maxAbsDiff === null
        ? null
        : `largest difference in onnxruntime ${formatNumber(parity.maxAbsDiff)}`,
    ],
    ['time', `${seconds.toFixed(1)} s`],
  ];
  return [
    printable(`${input.path} -> ${written}`),
    '',
    formatTable([['stage', 'time', 'agreement'], ...rows]),
    '',
    ...facts.filter(([, fact]) => fact !== null).map(([name, fact]) => `${name.padEnd(11)}${fact}`),
  ].join('\n');
}

export function formatDevices({ devices, auto }: DeviceList): string {
  const lines = devices.map((device) => `${device.name.padEnd(8)}${printable(describeDevice(device))}`);
  return [...lines, '', `auto    ${auto}`].join('\n');
}

function describeDevice(device: DeviceStatus): string {
  const { available, selfCheck, softwareRenderer, reason, hint, description } = device;
  if (!available) return ['not available', reason, hint].filter(Boolean).join(': ');
  const facts = [
    'available',
    description,
    selfCheck && `self-check passed (largest difference ${formatNumber(selfCheck.maxDifference)})`,
    softwareRenderer && `${softwareRenderer} renders on the cpu: correct, but slow, and never chosen by auto`,
  ];
  return facts.filter(Boolean).join(', ');
}

/** `91.0%`, or a dash where nothing was measured. */
export function formatShare(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(1)}%`;
}

/** Three digits; a dash where nothing was measured. */
export function formatNumber(value: number | null): string {
  if (value === null) return '-';
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : `${Number(value.toPrecision(3))}`;
}
