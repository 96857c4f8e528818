// The table of docs/RESULTS.md: what recovery brings back on real images, next to the teacher and to other methods.
//
//   npm run bench:recovery -- --teacher resnet20,vgg9 --sparsity 0.5,0.75,0.9 [--pattern 2:4] [--seeds 3]
//     [--preset standard] [--criterion magnitude] [--schedule gradual] [--rungs statistics,match,reconstruct,distil]
//     [--synthesis NAME] [--dreams 1024] [--ablate rung|loss|images] [--ceiling] [--pytorch PYTHON] [--folder ../shared]
//     [--threads 2] [--untimed]
//     [--cache docs/recovery-runs.jsonl] [--out docs/RESULTS.md]
//
// Every run is the library's recoverModel, by name and default (--dreams counts with --synthesis deepinversion); the real
// images of --folder are for evaluation alone, but for --ceiling, where unlabelled training images take the place of dreams.
// --pytorch adds the recipe of arXiv 2511.20702 (scripts/paper_recipe_pytorch.py). --ablate leaves out each rung, each loss
// of the generator and of the student, or each kind of images beside the generator's, in turn.
// --untimed: other work runs beside it, so its seconds are not kept.
// Runs are kept in --cache, one line of JSON each: what is there is not run again, so rows can be added one by one and
// an interrupted study goes on, but for those that say "settings":"before": they are shown until a run of today's takes
// their place. The document is written from all that the cache holds. Without --teacher, that is all.
import { existsSync, mkdirSync, readFileSync, appendFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { ablations, runOurs, runPaper, TEACHERS } from './support/recovery-runs.js';
import { isOlder, writeResults } from './support/recovery-results.js';

const { values: options } = parseArgs({
  options: {
    teacher: { type: 'string' },
    sparsity: { type: 'string' },
    pattern: { type: 'string' },
    criterion: { type: 'string' },
    schedule: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    preset: { type: 'string', default: 'standard' },
    rungs: { type: 'string' },
    synthesis: { type: 'string' },
    dreams: { type: 'string' },
    ablate: { type: 'string' },
    ceiling: { type: 'boolean', default: false },
    threads: { type: 'string' },
    untimed: { type: 'boolean', default: false },
    pytorch: { type: 'string' },
    folder: { type: 'string', default: '../shared' },
    cache: { type: 'string', default: 'docs/recovery-runs.jsonl' },
    out: { type: 'string', default: 'docs/RESULTS.md' },
  },
});

for (const file of [options.cache, options.out]) mkdirSync(dirname(file), { recursive: true });
const cached = existsSync(options.cache) ? readFileSync(options.cache, 'utf8').trim() : '';
const runs = cached === '' ? [] : cached.split('\n').map((line) => JSON.parse(line));

for (const row of rowsOf(options)) {
  const key = JSON.stringify(row);
  if (runs.some((run) => JSON.stringify(run.row) === key && !isOlder(run))) continue;
  console.error(key);
  const measured = row.method === 'paper' ? await runPaper(row, options) : await runOurs(row, options);
  const run = { row, ...measured, ...(options.untimed ? { seconds: null } : {}) };
  runs.push(run);
  appendFileSync(options.cache, `${JSON.stringify(run)}\n`);
  const { agreement, accuracy } = run;
  console.error(
    `  accuracy ${accuracy.recovered}, agreement ${agreement ?? '-'}, ${measured.seconds.toFixed(0)} s`,
  );
}

writeFileSync(options.out, writeResults(runs));
console.log(options.out);

/** One row per teacher, cut, method, variant and seed. */
function rowsOf({ teacher, sparsity, pattern, seeds, ablate, ceiling, pytorch, ...rest }) {
  if (teacher === undefined) return [];
  const cuts = pattern ? pattern.split(',').map((p) => ({ pattern: p })) : [];
  for (const s of sparsity?.split(',') ?? []) cuts.push({ sparsity: Number(s) });
  if (cuts.length === 0) cuts.push({ sparsity: 0.75 });
  const { preset, criterion, schedule, rungs, synthesis, dreams } = rest;
  const ours = Object.fromEntries(
    Object.entries({ preset, criterion, schedule, rungs, synthesis, dreams }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return teacher.split(',').flatMap((name) => {
    if (!(name in TEACHERS))
      throw new Error(`There is no teacher '${name}'; use ${Object.keys(TEACHERS).join(', ')}.`);
    return cuts.flatMap((cut) =>
      Array.from({ length: Number(seeds) }, (_, seed) => [
        { method: 'ours', teacher: name, ...cut, ...ours, seed },
        ...ablations(ablate).map((without) => ({
          method: 'ablation',
          teacher: name,
          ...cut,
          ...ours,
          without,
          seed,
        })),
        ...(ceiling ? [{ method: 'ceiling', teacher: name, ...cut, ...ours, seed }] : []),
        ...(pytorch && cut.sparsity ? [{ method: 'paper', teacher: name, ...cut, seed }] : []),
      ]).flat(),
    );
  });
}
