import type { RecoverDetails, RecoverResult } from '../recover-result.js';
import { renderChart } from './chart.js';
import { shorten } from '../printable.js';
import { escapeHtml } from './escape.js';
import { encodePngGrid, type PixelImages } from './png.js';
import { formatNumber, formatShare } from './terminal.js';

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e8eb); --soft: light-dark(#5c6670, #9aa4ae);
  --line: light-dark(#d8dde2, #363c43); --paper: light-dark(#ffffff, #15181c); --bar: light-dark(#2f6fde, #6ea2ff); }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .5rem; text-align: right;
  border-bottom: 1px solid var(--line); } th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; } code { overflow-wrap: anywhere; font-size: .85em; }
p { color: var(--soft); } svg { width: 100%; height: auto; } img { image-rendering: pixelated; max-width: 100%; }
figure { margin: 1rem 0; }`;

/**
 * One HTML file that needs nothing else: style, charts (SVG) and images (PNG) are inside, there is no script, and a
 * content security policy forbids every request. Names from the model are escaped.
 */
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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>onnx-dfkd: ${escapeHtml(result.output.path)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>onnx-dfkd: ${escapeHtml(result.output.path)}</h1>
${sections.join('\n')}
</body>
</html>
`;
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>\n${body}\n</section>`;
}

/** `cells` are escaped here; the first row is the head. */
function table([head, ...rows]: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((cells) => row(cells, 'td')).join('\n');
  return `<table><thead>${row(head, 'th')}</thead><tbody>\n${body}\n</tbody></table>`;
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
  const png = Buffer.from(encodePngGrid(images, 16, 2)).toString('base64');
  return `<img alt="Images synthesised from the teacher" src="data:image/png;base64,${png}">
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
