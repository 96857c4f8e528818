// npm run demo: the main job on the shipped teacher, as a user would run it, and what it did to the accuracy on images
// that neither the teacher's training nor the job has seen. The files stay in .cache/demo.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const TEACHER = 'fixtures/teachers/resnet8-torchscript.onnx';
const IMAGES = [
  '--images',
  'fixtures/images/evaluation.images.npy',
  '--labels',
  'fixtures/images/evaluation.labels.npy',
];
const PREPROCESS = ['--preprocess', 'cifar10'];
const PRUNED = '.cache/demo/pruned.onnx';
const STUDENT = '.cache/demo/student.onnx';
const REPORT = '.cache/demo/report.html';

mkdirSync('.cache/demo', { recursive: true });
const prune = run([TEACHER, PRUNED, ...PREPROCESS, '--no-recover', '--force']);
const recover = run([TEACHER, STUDENT, ...PREPROCESS, '--preset', 'fast', '--report', REPORT, '--force']);

const [teacher, pruned, student] = [TEACHER, PRUNED, STUDENT].map((path) => ({
  ...run(['evaluate', path, ...IMAGES, ...PREPROCESS]),
  bytes: statSync(path).size,
  gzipped: gzipSync(readFileSync(path)).length,
}));
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
printTable([
  ['', 'teacher', 'pruned only', 'recovered'],
  [
    `accuracy on ${teacher.count} images`,
    ...[teacher, pruned, student].map(({ accuracy }) => percent(accuracy)),
  ],
  ['zeros among the weights', '-', percent(prune.sparsity.achieved), percent(recover.sparsity.achieved)],
  ['file', ...[teacher, pruned, student].map(({ bytes }) => kilobytes(bytes))],
  ['file, gzipped', ...[teacher, pruned, student].map(({ gzipped }) => kilobytes(gzipped))],
  ['time', '-', `${prune.seconds.toFixed(0)} s`, `${recover.seconds.toFixed(0)} s`],
]);
console.log(`\n${STUDENT} is the model, ${REPORT} tells how it was made.`);

/** Runs the built command; its progress passes through, its JSON is returned. */
function run(args) {
  const { status, stdout } = spawnSync(process.execPath, ['dist/src/cli/main.js', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) process.exit(status ?? 1);
  return JSON.parse(stdout);
}

function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(cells.join('  '));
  }
}
