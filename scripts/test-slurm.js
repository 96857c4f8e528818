// Runs the example of examples/slurm on a Slurm of its own, on this machine alone: two arrays of eight tasks, in one of
// which a task is killed with SIGKILL in the middle and requeued, must give the same merged set, file for file.
//
//   npm run test:slurm
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingForSlurm, startSlurm, until } from './support/slurm.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SHARDS = 8;
const VICTIM = 3;
const PATIENCE = 480;

const missing = missingForSlurm();
if (missing) {
  console.log(`test:slurm: skipped, this machine lacks ${missing} (Debian: apt-get install slurm-wlm munge)`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-slurm-'));
let slurm;
try {
  slurm = await startSlurm(folder, 2);
  const undisturbed = await makeSet('undisturbed', async () => {});
  const disturbed = await makeSet('disturbed', killOne);
  if (JSON.stringify(disturbed) !== JSON.stringify(undisturbed)) {
    throw new Error(`the sets differ: ${JSON.stringify({ undisturbed, disturbed }, null, 1)}`);
  }
  console.log(`test:slurm: passed, manifest.json of both sets has SHA-256 ${disturbed['manifest.json']}`);
} catch (error) {
  console.error(`test:slurm: failed: ${error.message}`);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!/\.(log|out)$/.test(name)) continue;
    console.error(
      `--- ${name}\n${readFileSync(join(folder, name), 'utf8').split('\n').slice(-15).join('\n')}`,
    );
  }
  process.exitCode = 1;
} finally {
  await slurm?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Runs the array, `disturb`s it, merges. Gives the SHA-256 of each file of the set. */
async function makeSet(name, disturb) {
  const dreams = join(folder, name);
  const variables = {
    TEACHER: join(ROOT, 'fixtures/teachers/resnet8-torchscript.onnx'),
    DREAMS: dreams,
    ONNX_DFKD: `${process.execPath} ${join(ROOT, 'dist/src/cli/main.js')}`,
    OPTIONS: '--count 64 --preset fast --preprocess cifar10',
  };
  Object.assign(slurm.env, variables);
  // The test machine is smaller than the example's nodes.
  const small = (log) => ['--parsable', '--cpus-per-task=1', '--mem=1G', `--output=${name}-${log}.log`];
  const script = (file) => join(ROOT, 'examples/slurm', file);
  const job = slurm.run('sbatch', ...small('%a'), script('dreams.sbatch')).trim();
  await disturb(job, name);
  // The merge starts by itself, once every task has succeeded.
  const merge = slurm
    .run('sbatch', ...small('merge'), `--dependency=afterok:${job}`, script('merge.sbatch'))
    .trim();
  await until(`the ${name} set is merged`, PATIENCE, () => {
    const queue = slurm.run('squeue', '-h', '-o', '%r');
    if (queue.includes('DependencyNeverSatisfied')) throw new Error('a task failed for good');
    return existsSync(join(dreams, 'manifest.json')) && !slurm.run('squeue', '-h').includes(merge);
  });
  console.log(`test:slurm: ${name} set merged`);
  return Object.fromEntries(
    readdirSync(dreams)
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(dreams, file)))
          .digest('hex'),
      ]),
  );
}

/** Kills the process of one task once it has begun to dream, and waits until Slurm has requeued the task. */
async function killOne(job, name) {
  const log = join(folder, `${name}-${VICTIM}.log`);
  const text = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  await until(`task ${VICTIM} dreams`, PATIENCE, () => text().includes('dream 1/'));
  const id = slurm.run('squeue', '-h', '-o', '%A', '-j', `${job}_${VICTIM}`).trim();
  const pids = slurm.run('scontrol', 'listpids', id).matchAll(/^(\d+) /gm);
  const pid = Array.from(pids, ([, id]) => Number(id)).find(
    (id) => readlinkSync(`/proc/${id}/exe`) === process.execPath,
  );
  process.kill(pid, 'SIGKILL');
  await until(`task ${VICTIM} is requeued`, 60, () => text().includes('exit status 137: requeued'));
  const shards = readdirSync(join(folder, name)).filter((file) => file.startsWith(`shard-0000${VICTIM}`));
  if (shards.length > 0) throw new Error(`the killed task left ${shards.join(', ')} of ${SHARDS} shards`);
  console.log(`test:slurm: task ${VICTIM} of ${SHARDS} (process ${pid}) killed in the middle and requeued`);
}
