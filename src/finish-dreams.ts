import { join } from 'node:path';
import type { DreamPlan } from './dream/shards/plan.js';
import { createQuality } from './dream/shards/quality.js';
import { describeSet, MANIFEST, readShards, writeFile } from './dream/shards/set.js';
import type { DreamsReport } from './dreams-report.js';
import { renderDreamsReport } from './report/dreams-html.js';
import { encodePngGrid } from './report/png.js';

/** What a complete set has beside its shards; the manifest, written last, says that it is complete. */
export const SET_FILES = ['dreams.png', 'report.json', 'report.html', MANIFEST] as const;

/**
 * Completes a folder that holds all shards of a plan: reads them all, and writes what sums them up. The same shards give
 * the same bytes. Throws as `readShards`, E_IO.
 */
export async function finishDreams(folder: string, plan: DreamPlan): Promise<DreamsReport> {
  const quality = createQuality();
  for await (const shard of readShards(folder, plan)) quality.add(shard);
  const report = quality.report();
  const grid = quality.grid();
  const png = encodePngGrid(grid, grid.columns, grid.shape[3] < 64 ? 2 : 1);
  const contents: Readonly<Record<(typeof SET_FILES)[number], string | Uint8Array>> = {
    'dreams.png': png,
    'report.json': `${JSON.stringify(report)}\n`,
    'report.html': renderDreamsReport(report, png),
    [MANIFEST]: `${JSON.stringify(await describeSet(folder, plan), null, 1)}\n`,
  };
  for (const name of SET_FILES) await writeFile(join(folder, name), Buffer.from(contents[name]));
  return report;
}
