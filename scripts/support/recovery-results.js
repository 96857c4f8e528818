// The document of the study of recovery, from its runs.
import { MEMORY, RESOLUTIONS, SCALES } from './image-trials.js';
import { CUTTING, GAP, IMAGES, LOSS, NOT_KEPT, OTHERS, RULE } from './recovery-trials.js';

const INTRODUCTION = `# What recovery brings back

Top-1 accuracy in percent on real images that no run has seen, mean over the seeds; \`npm run bench:recovery\` writes this
page from the runs in \`recovery-runs.jsonl\`, and adds to them. Settings were chosen by held-out agreement, on the
shipped teachers with fresh images of their own, and by a ResNet-20's agreement with its student on 2,000 training images;
but while they were being chosen, accuracies of the same rows with earlier settings had been seen, so other teachers and
other images are the fairer judge. Seconds are of runs that had the machine, of two cores, to themselves; machines of the
same kind differ by a third.
**After each rung** are agreements with the teacher on held-out synthetic images, the only thing a run can see of its own
success. *Paper* is the recipe of arXiv 2511.20702 in PyTorch (\`scripts/paper_recipe_pytorch.py\`), *ceiling* the same
ladder on 2,000 real unlabelled images in place of dreams, *of it* what share of that is recovered. The
paper's recipe takes as long whatever is cut; where pruning alone costs a point or two, it comes back to the teacher, too.
`;

const STARRED = `What is marked \\* is of earlier settings, which \`EARLIER\` in \`scripts/support/recovery-results.js\` names.
`;

/** @param all as the cache holds them */
export function writeResults(all) {
  const newest = new Map();
  for (const run of all) newest.set(settingOf(run), Math.max(ageOf(run), newest.get(settingOf(run)) ?? 0));
  const runs = all.filter((run) => ageOf(run) === newest.get(settingOf(run)));
  const parts = [
    INTRODUCTION + (runs.some(isOlder) ? STARRED : ''),
    mainTable(runs),
    ablationTable(runs, all),
    correlationText(all),
    OTHERS,
    SCALES,
    RESOLUTIONS,
    MEMORY,
    RULE,
    LOSS,
    CUTTING,
    GAP,
    IMAGES,
    NOT_KEPT,
  ];
  return `${parts.filter(Boolean).join('\n')}`;
}

function mainTable(runs) {
  const ours = groupBy(
    runs.filter(({ row }) => row.method === 'ours'),
    settingOf,
  );
  const rows = [...ours.values()].sort(byTeacherAndCut).map((group) => {
    const [{ row }] = group;
    const others = (method) =>
      runs.filter(
        (run) => run.row.method === method && sameCut(run.row, row) && sameWork(method, run.row, row),
      );
    const [paper, ceiling] = [others('paper'), others('ceiling')];
    return [
      row.teacher,
      nameOf(row) + star(group),
      String(group.length),
      percent(group, (run) => run.accuracy.teacher),
      percent(group, (run) => run.accuracy.pruned),
      rungs(group),
      percent(group, recovered),
      percent(paper, recovered),
      percent(ceiling, recovered) + star(ceiling),
      ceiling.length === 0
        ? ''
        : `${((100 * mean(group.map(recovered))) / mean(ceiling.map(recovered))).toFixed(1)}%`,
      seconds(group),
      seconds(paper),
    ];
  });
  const head = [
    'teacher',
    'cut',
    'seeds',
    'before',
    'pruned',
    'after each rung',
    'recovered',
    'paper',
    'ceiling',
    'of it',
    's',
    'paper s',
  ];
  return table(head, rows);
}

/** Patterns after what is cut weight by weight, other work than the default's after it. */
function byTeacherAndCut([{ row: a }], [{ row: b }]) {
  const rank = ({ preset, synthesis }) => Number(preset !== 'standard') + 2 * Number(Boolean(synthesis));
  return (
    a.teacher.localeCompare(b.teacher) ||
    rank(a) - rank(b) ||
    (a.sparsity ?? 1) - (b.sparsity ?? 1) ||
    String(a.pattern).localeCompare(String(b.pattern)) ||
    String(a.synthesis).localeCompare(String(b.synthesis)) ||
    Number(a.dreams ?? 0) - Number(b.dreams ?? 0)
  );
}

/** A run of earlier settings is compared with the whole of the same, though a run of today's took that one's place. */
function ablationTable(runs, all) {
  const groups = groupBy(
    runs.filter(({ row }) => row.method === 'ablation'),
    settingOf,
  );
  if (groups.size === 0) return '';
  const rows = [...groups.values()].sort(byTeacherAndCut).map((group) => {
    const [{ row }] = group;
    const whole = all.filter(
      (run) =>
        run.row.method === 'ours' &&
        run.settings === group[0].settings &&
        sameCut(run.row, row) &&
        sameWork('ablation', run.row, row),
    );
    return [
      row.teacher,
      nameOf(row) + star(group),
      row.without,
      String(group.length),
      percent(group, recovered),
      percent(whole, recovered),
      seconds(group),
    ];
  });
  return `## Ablation\n\n${table(['teacher', 'cut', 'without', 'seeds', 'recovered', 'with', 's'], rows)}`;
}

/** How well held-out agreement tells accuracy, as a share of the teacher's. Dreams that are sure of their class measure little. */
function correlationText(runs) {
  const judged = runs.filter(
    (run) => run.agreement !== null && run.row.method !== 'ceiling' && !run.row.synthesis,
  );
  const byTeacher = [...groupBy(judged, ({ row }) => row.teacher)].sort(([a], [b]) => a.localeCompare(b));
  const rows = [['all', judged], ...byTeacher]
    .filter(([, group]) => group.length >= ENOUGH)
    .map(([name, group]) => [name, String(group.length), ...correlations(group)]);
  if (rows.length === 0) return '';
  return `## Held-out agreement and accuracy

Agreement on held-out synthetic images against accuracy on real ones as a share of the teacher's, over all runs by the
generator. Where students are as good as their teacher whatever is cut, as a VGG-9's are, there is little to tell.

${table(['teacher', 'runs', 'Pearson', 'Spearman'], rows)}`;
}

/** Runs, for a correlation to say something. */
const ENOUGH = 10;

function correlations(runs) {
  const agreements = runs.map(({ agreement }) => agreement);
  const shares = runs.map(({ accuracy }) => accuracy.recovered / accuracy.teacher);
  return [pearson(agreements, shares), pearson(ranks(agreements), ranks(shares))].map((r) => r.toFixed(3));
}

export function pearson(x, y) {
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  const spread = (values, m) => Math.sqrt(values.reduce((sum, value) => sum + (value - m) ** 2, 0));
  return covariance / (spread(x, mx) * spread(y, my));
}

/** From 1; equal values share the mean of their ranks. */
export function ranks(values) {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

const recovered = (run) => run.accuracy.recovered;
/** What runs of several seeds have in common. */
const settingOf = ({ row }) => JSON.stringify({ ...row, seed: undefined });
/**
 * Settings before today's, the oldest first: by gradient descent with a heavy ball, in half as many steps again; by LARS, images
 * that remember their gradients for longer; moved pixel by pixel, half as many companions, and a layer left with a fifth of an
 * equal share at least, not half; companions of 20 updates.
 */
const EARLIER = ['before', 'lars', 'pixels', 'twenty'];
/** Of settings before today's, which a line of the cache says. */
export const isOlder = ({ settings }) => settings !== undefined;
/** The younger the more. */
const ageOf = (run) => (isOlder(run) ? EARLIER.indexOf(run.settings) : EARLIER.length);
/** Marks runs of earlier settings. */
const star = (group) => (group.some(isOlder) ? ' \\*' : '');
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const sameCut = (a, b) => a.teacher === b.teacher && a.sparsity === b.sparsity && a.pattern === b.pattern;
const sameWork = (method, a, b) =>
  method === 'paper' ||
  ['preset', 'criterion', 'schedule', 'rungs', 'synthesis', 'dreams'].every((name) => a[name] === b[name]);

function nameOf({ sparsity, pattern, preset, criterion, schedule, rungs, synthesis, dreams }) {
  const cut = pattern ?? `${Number((100 * sparsity).toFixed(1))}%`;
  const others = [
    preset === 'standard' ? undefined : preset,
    criterion,
    schedule,
    rungs,
    synthesis,
    dreams && `${dreams} dreams`,
  ];
  return [cut, ...others.filter(Boolean)].join(', ');
}

function rungs(group) {
  const judged = group.flatMap(({ stages }) => stages.filter(({ agreement }) => agreement !== null));
  const names = [...new Set(judged.map(({ name }) => name))];
  return names
    .map((name) => {
      const records = group.flatMap(({ stages }) => stages.filter((stage) => stage.name === name));
      const undone = records.some((record) => record.undone) ? ' (undone)' : '';
      return `${name} ${(100 * mean(records.map(({ agreement }) => agreement))).toFixed(1)}${undone}`;
    })
    .join(', ');
}

function percent(group, of) {
  if (group.length === 0) return '';
  const values = group.map(of);
  const text = (100 * mean(values)).toFixed(1);
  if (values.length < 2) return text;
  const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1));
  // Teachers, and what is only pruned, do not depend on the seed.
  if (spread < 1e-9) return text;
  return `${text} ± ${(100 * spread).toFixed(1)}`;
}

/** Of the runs that had the machine to themselves. */
function seconds(group) {
  const timed = group.map((run) => run.seconds).filter((value) => value !== null);
  return timed.length === 0 ? '' : mean(timed).toFixed(0);
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return `${[head, head.map(() => '---'), ...rows].map(line).join('\n')}\n`;
}
