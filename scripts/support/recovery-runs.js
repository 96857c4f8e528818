// One run of the study of recovery: ours through the library, the paper's through PyTorch.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluateModel, recoverModel } from '../../dist/src/index.js';
import { PRESETS } from '../../dist/src/presets.js';
import { RUNGS } from '../../dist/src/recover/ladder.js';

const fixture = (name) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const SCRIPT = fileURLToPath(new URL('../paper_recipe_pytorch.py', import.meta.url));

const CIFAR = { images: 'data/cifar10-test-500.images.npy', labels: 'data/cifar10-test-500.labels.npy' };
const OWN = { images: 'images/evaluation.images.npy', labels: 'images/evaluation.labels.npy', fixture: true };

/** By name: file, preprocessing, evaluation images; of fixtures within the project, of the others within --folder. */
export const TEACHERS = {
  resnet20: { file: 'teachers/resnet20.onnx', preprocess: 'imagenet', ...CIFAR },
  vgg9: { file: 'teachers/vgg9.onnx', preprocess: 'cifar10', ...CIFAR },
  'mobilenetv2-0.5x': { file: 'teachers/mobilenetv2-0.5x.onnx', preprocess: 'cifar10', ...CIFAR },
  'resnet8-mlperf-tiny': { file: 'teachers/resnet8-mlperf-tiny.onnx', preprocess: 'raw', ...CIFAR },
  'fixture-resnet8': { file: 'teachers/resnet8-torchscript.onnx', preprocess: 'cifar10', ...OWN },
  'fixture-mobilenetv2': { file: 'teachers/mobilenetv2-torchscript.onnx', preprocess: 'cifar10', ...OWN },
};

/** Unlabelled real images that stand in for dreams. */
const CEILING = 'data/cifar10-train-2000.images.npy';

const NORMALISATIONS = {
  imagenet: { mean: '0.485,0.456,0.406', std: '0.229,0.224,0.225' },
  cifar10: { mean: '0.4914,0.4822,0.4465', std: '0.2470,0.2435,0.2616' },
  raw: { mean: '0,0,0', std: '0.00392156862745098,0.00392156862745098,0.00392156862745098' },
};

/** What is left out in turn. */
export function ablations(kind) {
  if (kind === undefined) return [];
  if (kind === 'rung') return [...RUNGS];
  if (kind === 'loss') return [...Object.keys(PRESETS.standard.generator.weights), 'features'];
  if (kind === 'images') return ['companions', 'procedural'];
  throw new Error(`There is no ablation '${kind}'; use rung, loss or images.`);
}

export async function runOurs(row, options) {
  const teacher = TEACHERS[row.teacher];
  const at = locate(teacher, options);
  const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-bench-'));
  const evaluate = (path) =>
    evaluateModel(path, {
      images: at(teacher.images),
      labels: at(teacher.labels),
      preprocess: teacher.preprocess,
    }).then(({ accuracy }) => accuracy);
  try {
    const [pruned, recovered] = [join(folder, 'pruned.onnx'), join(folder, 'recovered.onnx')];
    const threads = options.threads && Number(options.threads);
    const base = { ...recoveryOptions(row, teacher), threads };
    await recoverModel(at(teacher.file), pruned, { ...base, recover: false });
    const real = row.method === 'ceiling' ? { dreams: at(CEILING) } : {};
    const result = await recoverModel(at(teacher.file), recovered, { ...base, ...real });
    if (row.method === 'ceiling' && result.stages.some(({ name }) => name === 'dream')) {
      throw new Error('The ceiling was to use real images, but dreams were made.');
    }
    return {
      accuracy: {
        teacher: await evaluate(at(teacher.file)),
        pruned: await evaluate(pruned),
        recovered: await evaluate(recovered),
      },
      agreement: result.agreement.recovered,
      stages: result.stages,
      sparsity: result.sparsity.achieved,
      seconds: result.seconds,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function recoveryOptions({ preset, without, dreams, rungs, seed, ...row }, { preprocess }) {
  const whole = PRESETS[preset];
  if (whole === undefined) throw new Error(`There is no preset '${preset}'.`);
  const dream = { ...whole.dream, ...(dreams ? { count: Number(dreams) } : {}) };
  const { generator, companions, procedural, distil } = whole;
  const { sparsity, pattern, criterion, schedule, synthesis } = row;
  return {
    preset: {
      ...whole,
      dream,
      generator: { ...generator, weights: leaveOut(generator.weights, without) },
      companions: { ...companions, ...(without === 'companions' ? { batches: 0 } : {}) },
      procedural: without === 'procedural' ? 0 : procedural,
      distil: leaveOut(distil, without === 'features' ? without : undefined),
    },
    preprocess,
    seed,
    sparsity,
    pattern,
    criterion,
    schedule,
    synthesis,
    rungs: climbed(rungs, without),
  };
}

/** Undefined where the library chooses. */
function climbed(rungs, without) {
  const named = rungs?.split(',') ?? (RUNGS.includes(without) ? RUNGS : undefined);
  return named?.filter((name) => name !== without);
}

/** The weights of losses, one of them 0. */
const leaveOut = (weights, name = '') => (name in weights ? { ...weights, [name]: 0 } : weights);

export async function runPaper({ teacher: name, sparsity, seed }, { pytorch, ...options }) {
  const teacher = TEACHERS[name];
  const at = locate(teacher, options);
  const { mean, std } = NORMALISATIONS[teacher.preprocess];
  const wanted = { model: at(teacher.file), images: at(teacher.images), labels: at(teacher.labels) };
  const flags = Object.entries({ ...wanted, mean, std, sparsity, seed }).flatMap(([flag, value]) => [
    `--${flag}`,
    String(value),
  ]);
  const { seconds, ...accuracy } = JSON.parse(
    execFileSync(pytorch, [SCRIPT, ...flags], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  return { accuracy, agreement: null, stages: [], sparsity, seconds: seconds.total };
}

const locate =
  (teacher, { folder }) =>
  (path) =>
    teacher.fixture ? fixture(path) : join(folder, path);
