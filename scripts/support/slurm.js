import { spawn, spawnSync } from 'node:child_process';
import { openSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a cluster on this machine needs that is not here, or undefined. */
export function missingForSlurm() {
  if (process.getuid?.() !== 0) return 'root, whom its daemons run as';
  return ['munged', 'slurmctld', 'slurmd', 'sbatch', 'scontrol', 'squeue'].find(
    (program) => spawnSync('which', [program]).status !== 0,
  );
}

/**
 * A Slurm of one node, on the loopback interface alone, with all of its files in `folder`.
 * @param cpus tasks at a time
 */
export async function startSlurm(folder, cpus) {
  const at = (name) => join(folder, name);
  for (const name of ['state', 'spool', 'munge']) mkdirSync(at(name), { mode: 0o755 });
  writeFileSync(at('munge.key'), randomBytes(128), { mode: 0o400 });
  const node = hostname().split('.')[0];
  const base = 20000 + (process.pid % 20000);
  writeFileSync(at('slurm.conf'), configuration(folder, node, base, cpus));
  const env = { ...process.env, SLURM_CONF: at('slurm.conf') };

  const daemons = [];
  const start = (program, args) => {
    const log = openSync(at(`${program}.out`), 'a');
    daemons.push(spawn(program, args, { env, stdio: ['ignore', log, log] }));
  };
  const files = ['key-file=munge.key', 'socket=munge/socket', 'pid-file=munge/pid', 'log-file=munge/log'];
  start('munged', ['--foreground', '--force', ...files.map(option), `--seed-file=${at('munge/seed')}`]);
  function option(text) {
    const [name, file] = text.split('=');
    return `--${name}=${at(file)}`;
  }

  const stop = async () => {
    // Tasks outlive the daemon that started them.
    const quietly = (program, args) =>
      spawnSync(program, args, { env, encoding: 'utf8', timeout: 10_000 }).stdout;
    quietly('scancel', ['--user=root']);
    for (let i = 0; i < 20 && quietly('squeue', ['-h']); i++) await sleep(500);
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null) continue;
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGTERM');
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
      if (daemon.exitCode === null) daemon.kill('SIGKILL');
    }
  };
  const run = (program, ...args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      env,
      encoding: 'utf8',
      cwd: folder,
    });
    if (error || status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
    return stdout;
  };

  try {
    await sleep(1000);
    start('slurmctld', ['-D']);
    start('slurmd', ['-D', '-N', node]);
    await until('the node is idle', 60, () => run('sinfo', '-h', '-o', '%T').trim() === 'idle');
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, run, stop };
}

function configuration(folder, node, base, cpus) {
  return `ClusterName=test
SlurmctldHost=${node}(127.0.0.1)
SlurmctldPort=${base}
SlurmdPort=${base + 1}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits until the credentials of its last run are void: 120 s unless told otherwise.
AuthInfo=socket=${folder}/munge/socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobRequeue=1
KillWait=2
ReturnToService=2
SchedulerParameters=sched_interval=2
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
NodeName=${node} NodeAddr=127.0.0.1 CPUs=${cpus} RealMemory=100000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

/** Waits for a condition, tried every half second; what it throws counts as false until time is up. */
export async function until(what, seconds, condition) {
  const end = performance.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`waited ${seconds} s until ${what}${last ? `: ${last.message}` : ''}`);
    await sleep(500);
  }
}
