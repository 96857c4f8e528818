import type { DreamsReport } from '../dreams-report.js';
import { shorten } from '../printable.js';
import { renderChart } from './chart.js';
import { escapeHtml } from './escape.js';
import { image, page, section, table } from './page.js';
import { formatNumber, formatShare } from './terminal.js';

/** The report of a set of dreams, with its picture; names from the model are escaped. */
export function renderDreamsReport(report: DreamsReport, png: Uint8Array): string {
  const { curves } = report;
  return page('onnx-dfkd: dreams', [
    section('Summary', summary(report)),
    section('Images by class', `${image(png, 'Images by class, a row for each')}\n${CARE}`),
    ...(curves.length > 0 ? [section('Losses', `${curves.map(renderChart).join('\n')}\n${LOSSES}`)] : []),
    section('Batch norms', layerTable(report)),
    section('Classes', classTable(report)),
  ]);
}

const CARE =
  '<p>Made from the teacher alone. They carry what the teacher learned from its data, and deserve the same care.</p>';

const LOSSES = '<p>Mean over the shards, each of which goes through its images batch after batch.</p>';

function summary(report: DreamsReport): string {
  const { count, agreement, bnDistance, diversity, synthesis, seed, teacherSha256 } = report;
  const { start, dreams, noise } = bnDistance;
  return `${table([
    ['', ''],
    ['images', `${count}`],
    ['agreement of the teacher', formatShare(agreement)],
    [
      'batch-norm distance: dreams, start images, Gaussian noise',
      [dreams, start, noise].map(formatNumber).join(', '),
    ],
    ['diversity: spread of features within a class', formatNumber(diversity.spread)],
    ['near-duplicates', formatShare(diversity.duplicates)],
    ['synthesis, seed', `${synthesis}, ${seed}`],
    ['teacher SHA-256', teacherSha256],
  ])}
<p>Agreement is the share of images whose largest logit is that of the class they were made for. ${escapeHtml(DISTANCE)}
Spread is the mean cosine distance between the penultimate features of two images of a class, 0 where they are one. Near-duplicates
are images that another of their class resembles with a correlation of 0.95 at 8 x 8 pixels.</p>`;
}

const DISTANCE =
  'The distance of a batch norm is ||m - M|| / ||S|| + ||v - V|| / ||V||, with m and v the mean and variance over the images, ' +
  "M and V = S^2 the stored ones: 0 for the training images. The teacher's is the mean over its batch norms.";

function layerTable({ batchNorms }: DreamsReport): string {
  const rows = batchNorms.map(({ name, start, dreams, noise }) => [
    shorten(name),
    ...[start, dreams, noise].map(formatNumber),
  ]);
  return table([['batch norm', 'start images', 'dreams', 'Gaussian noise'], ...rows]);
}

function classTable({ classes }: DreamsReport): string {
  const rows = classes.map((own) => [`${own.class}`, `${own.count}`, formatShare(own.agreement)]);
  return table([['class', 'images', 'agreement'], ...rows]);
}
