import type { RecoverDetails, RecoverResult } from '../recover-result.js';
import { renderChart } from './chart.js';
import { shorten } from '../printable.js';
import { escapeHtml } from './escape.js';
import { image, page, section, table } from './page.js';
import { encodePngGrid, type PixelImages } from './png.js';
import { formatNumber, formatShare } from './terminal.js';

/** The report of a run, as `page` makes pages. Names from the model are escaped. */
export function renderReport(result: RecoverResult): string {
  const { notes, curves, images, layers } = result.details;
  const sections = [
    ...notes.map((note) => `<p>${escapeHtml(note)}</p>`),
    section('Before and after', beforeAndAfter(result)),
    section('Stages', stageTable(result)),
    ...(curves.length > 0 ? [section('Losses', curves.map(renderChart).join('\n'))] : []),
    ...(images ? [section('Dreams', dreamGrid(images))] : []),
    section('Layers', layerTable(layers)),
    section('Files', fileTable(result)),
  ];
  return page(`onnx-dfkd: ${result.output.path}`, sections);
}

function beforeAndAfter({ output, sparsity, agreement, parity, seconds, details }: RecoverResult): string {
  return `${table([
    ['', 'teacher', 'pruned', 'recovered'],
    ['agreement with the teacher', '100.0%', formatShare(agreement.pruned), formatShare(agreement.recovered)],
    [
      'zeros among conv and linear weights',
      '',
      formatShare(sparsity.achieved),
      formatShare(sparsity.achieved),
    ],
    ['bytes', `${details.inputBytes}`, '', output.bytes === null ? '-' : `${output.bytes}`],
  ])}
<p>Agreement is the share of held-out dreams on which both models name the same class first. Target sparsity ${formatShare(sparsity.target)};
largest difference between onnxruntime and the trained student ${formatNumber(parity.maxAbsDiff)}; ${seconds.toFixed(1)} s in all.</p>`;
}

function stageTable({ stages }: RecoverResult): string {
  const rows = stages.map(({ name, seconds, agreement }) => [
    name,
    seconds.toFixed(1),
    formatShare(agreement),
  ]);
  return table([['stage', 'seconds', 'agreement'], ...rows]);
}

function layerTable(layers: RecoverDetails['layers']): string {
  const rows = layers.map(({ name, weights, zeros }) => [
    shorten(name),
    `${weights}`,
    formatShare(zeros / weights),
  ]);
  return table([['weight', 'elements', 'zeros'], ...rows]);
}

function dreamGrid(images: PixelImages): string {
  return `${image(encodePngGrid(images, 16, 2), 'Images synthesised from the teacher')}
<p>Made from the teacher alone. They carry what the teacher learned from its data, and deserve the same care.</p>`;
}

function fileTable({ input, output, seed, preset, device, details }: RecoverResult): string {
  const rows = [
    ['input', input.path],
    ['input SHA-256', input.sha256],
    ['output', output.path],
    ['output SHA-256', output.sha256 ?? 'not written'],
    ['seed, preset, engine, device', `${seed}, ${preset}, ${details.engine}, ${device}`],
  ];
  return table([['', ''], ...rows]);
}
