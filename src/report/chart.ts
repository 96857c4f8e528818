import type { LossCurve } from '../run-record.js';
import { escapeHtml } from './escape.js';

const SIZE = { width: 720, height: 200, left: 64, right: 150, top: 12, bottom: 28 };
const MAX_POINTS = 1000;
const COLOURS = ['#2f6fde', '#d9622b', '#2f9e58', '#a64fc2', '#b88a00', '#4b5966'];

/** A line chart as inline SVG: losses on a logarithmic axis (as terms differ by orders), steps on a linear one. */
export function renderChart(curve: LossCurve): string {
  const { stage, terms, steps } = thin(curve);
  // A logarithm needs positive values; a term without any (a weight of 0) has no line.
  const lines = Object.entries(terms).filter(([, values]) => values.some((value) => value > 0));
  const logs = lines.flatMap(([, values]) => values.filter((value) => value > 0).map(Math.log10));
  if (logs.length === 0 || steps.length < 2) return '';
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)));
  const [first, last] = [steps[0], steps[steps.length - 1]];

  const { width, height, left, right, top, bottom } = SIZE;
  const x = (step: number) => left + ((step - first) / (last - first)) * (width - left - right);
  const y = (log: number) => top + ((high - log) / (high - low)) * (height - top - bottom);

  const grid = Array.from({ length: high - low + 1 }, (_, i) => low + i).map(
    (power) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(power)}" y2="${y(power)}" stroke="var(--line)"/>` +
      `<text x="${left - 8}" y="${y(power) + 4}" text-anchor="end">${tick(power)}</text>`,
  );
  const paths = lines.map(([term, values], i) => {
    const points = steps
      .map((step, at) => ({ step, value: values[at] }))
      .filter(({ value }) => value > 0)
      .map(({ step, value }) => `${x(step).toFixed(1)},${y(Math.log10(value)).toFixed(1)}`);
    const colour = COLOURS[i % COLOURS.length];
    return (
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>` +
      `<text x="${width - right + 12}" y="${top + 12 + 18 * i}" style="fill:${colour}">${escapeHtml(term)}</text>`
    );
  });
  return `<figure><figcaption>${escapeHtml(stage)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" font-size="12" fill="var(--soft)">
${[...grid, ...paths].join('\n')}
<text x="${left}" y="${height - 8}">${first}</text>
<text x="${width - right}" y="${height - 8}" text-anchor="end">step ${last}</text>
</svg></figure>`;
}

/** As many points as the chart has room for, evenly spread, with the last. */
function thin({ stage, terms, steps }: LossCurve): LossCurve {
  const stride = Math.ceil(steps.length / MAX_POINTS);
  const keep = (_: number, i: number) => i % stride === 0 || i === steps.length - 1;
  const thinned = Object.entries(terms).map(([term, values]) => [term, values.filter(keep)] as const);
  return { stage, steps: steps.filter(keep), terms: Object.fromEntries(thinned) };
}

function tick(power: number): string {
  return power >= -3 && power <= 4 ? `${Number((10 ** power).toPrecision(1))}` : `1e${power}`;
}
