import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeModel, readModel } from '../converters/read.js';
import { toRunnable } from '../converters/runnable.js';
import { onnx } from '../converters/schema/onnx.js';
import { editModelFiles } from '../converters/write.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { inspectModel } from '../src/inspect.js';
import { recoverModel, type RecoverOptions } from '../src/recover-model.js';
import { compareTensors } from '../src/verify/parity.js';
import { runModel } from '../src/verify/run-model.js';
import { verifyModels } from '../src/verify/verify-models.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'external-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const OPTIONS: RecoverOptions = { preset: TINY_PRESET, preprocess: 'unit', sparsity: 0.5, recover: false };
const at = (name: string) => join(folder, name);

interface ExternalOptions {
  readonly start?: number;
  readonly perFile?: number;
  /** An entry of somebody else's. */
  readonly custom?: string;
}

/** The tiny teacher with its tensors beside it from `start` on, in files of `perFile` tensors each. */
function writeExternalTeacher({ start = 0, perFile = Infinity, ...more }: ExternalOptions = {}): void {
  const model = onnx.ModelProto.decode(encodeTinyTeacher());
  model.graph!.initializer!.forEach((tensor, i) => {
    const file = Math.floor(i / perFile);
    const location = file === 0 ? 'teacher.onnx.data' : `more${file}.bin`;
    const raw = new Uint8Array(tensor.rawData!);
    const descriptor = openSync(at(location), 'a+');
    const offset = i % perFile === 0 ? start : start + 8192 * i;
    closeSync(descriptor);
    const writer = openSync(at(location), 'r+');
    writeSync(writer, raw, 0, raw.length, offset);
    closeSync(writer);
    tensor.rawData = null;
    tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    tensor.externalData = Object.entries({
      location,
      offset: String(offset),
      length: String(raw.length),
      checksum: 'of the former file',
      ...more,
    }).map(([key, value]) => ({ key, value }));
  });
  writeFileSync(at('teacher.onnx'), onnx.ModelProto.encode(model).finish());
}

/** Outputs by onnxruntime's own reader of external data. */
async function runFile(path: string): Promise<number[]> {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(path);
  const x = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
  const { logits } = await session.run({ input: new ort.Tensor('float32', x, [1, 3, 8, 8]) });
  return [...(logits.data as Float32Array)];
}

describe('a teacher with external data', () => {
  test('gives a student with external data, which onnxruntime reads by itself', async () => {
    writeExternalTeacher();
    writeFileSync(at('inline.onnx'), encodeTinyTeacher());
    expect(await verifyModels(at('teacher.onnx'), at('inline.onnx'))).toMatchObject({ maxAbsDiff: 0 });
    const { output } = await recoverModel(at('teacher.onnx'), at('student.onnx'), {
      ...OPTIONS,
      recover: true,
    });
    const inline = await recoverModel(at('inline.onnx'), at('same.onnx'), { ...OPTIONS, recover: true });
    expect(output.data).toMatchObject({ path: at('student.onnx.data') });
    expect(output.data!.bytes).toBe(readFileSync(at('student.onnx.data')).length);
    expect(inline.output).not.toHaveProperty('data');
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('student'))
        .sort(),
    ).toEqual(['student.onnx', 'student.onnx.data']);
    expect(await runFile(at('student.onnx'))).toEqual(await runFile(at('same.onnx')));

    const student = await readModel(at('student.onnx'));
    expect([...student.externalFiles]).toEqual(['student.onnx.data']);
    expect(student.graph.initializers).toEqual((await readModel(at('same.onnx'))).graph.initializers);
    for (const { externalData } of onnx.ModelProto.decode(student.bytes).graph!.initializer!) {
      expect(externalData!.map(({ key }) => key)).toEqual(['location', 'offset', 'length']);
      expect(Number(externalData![1].value) % 64).toBe(0);
    }
    expect(await inspectModel(at('student.onnx'))).toMatchObject({ externalFiles: ['student.onnx.data'] });
  });

  test('in several files, and beyond 2 GiB in a sparse one, becomes one small file', async () => {
    writeExternalTeacher({ start: 3 * 2 ** 30, perFile: 4 });
    await recoverModel(at('teacher.onnx'), at('student.onnx'), OPTIONS);
    writeFileSync(at('inline.onnx'), encodeTinyTeacher());
    await recoverModel(at('inline.onnx'), at('same.onnx'), OPTIONS);
    expect(readFileSync(at('student.onnx.data')).length).toBeLessThan(20_000);
    expect(await runFile(at('student.onnx'))).toEqual(await runFile(at('same.onnx')));
  });

  test('that one file cannot hold becomes inputs, for onnxruntime to compute the same', async () => {
    writeExternalTeacher();
    const model = await readModel(at('teacher.onnx'));
    const [inside, fed] = [toRunnable(model), toRunnable(model, 0)];
    expect([inside.weights.size, [...fed.weights.keys()]]).toEqual([0, ['second.weight']]);
    expect(inside.bytes.length - fed.bytes.length).toBeGreaterThan(4 * 16 * 8 * 9 - 100);
    const images = { shape: [3, 3, 8, 8], data: Float32Array.from({ length: 576 }, (_, i) => Math.sin(i)) };
    const [expected, actual] = [await runModel(inside, images), await runModel(fed, images)];
    // Weights that are inputs are not laid out for the kernels beforehand: sums in another order.
    expect(compareTensors(expected, actual, { rtol: 1e-6, atol: 1e-6 })).toMatchObject({ equal: true });
  });

  test('laid out anew under its own name, the file is the same to the byte', () => {
    writeExternalTeacher({ custom: 'kept' });
    const load = (name: string) => decodeModel(readFileSync(at(name)), { baseDir: folder });
    const first = editModelFiles(load('teacher.onnx'), { externalLocation: 'a.data' });
    writeFileSync(at('a.onnx'), first.bytes);
    writeFileSync(at('a.data'), Buffer.concat(first.external!.chunks));
    const [{ externalData }] = onnx.ModelProto.decode(first.bytes).graph!.initializer!;
    expect(externalData!.map(({ key }) => key)).toEqual(['location', 'offset', 'length', 'custom']);
    const again = editModelFiles(load('a.onnx'), { externalLocation: 'a.data' });
    expect(Buffer.from(again.bytes).equals(first.bytes)).toBe(true);
    expect(Buffer.concat(again.external!.chunks).equals(readFileSync(at('a.data')))).toBe(true);
  });
});

describe('what stands in the way of the data', () => {
  const refused = async (output: string, options: RecoverOptions = OPTIONS) => {
    const before = readdirSync(folder).map((name) => [name, readFileSync(at(name), 'base64')]);
    const error: unknown = await recoverModel(at('teacher.onnx'), at(output), options).catch(
      (reason: unknown) => reason,
    );
    expect(readdirSync(folder).map((name) => [name, readFileSync(at(name), 'base64')])).toEqual(before);
    return error;
  };

  test('a file of its name is kept, unless forced', async () => {
    writeExternalTeacher();
    writeFileSync(at('student.onnx.data'), 'precious');
    expect(await refused('student.onnx')).toMatchObject({
      code: 'E_ARG',
      message: expect.stringContaining("student.onnx.data' exists; pass --force") as string,
    });
    await recoverModel(at('teacher.onnx'), at('student.onnx'), { ...OPTIONS, force: true });
    expect(readFileSync(at('student.onnx.data')).length).toBeGreaterThan(1000);
  });

  test("the teacher's own data is never replaced", async () => {
    writeExternalTeacher();
    for (const output of ['teacher.onnx.data', 'teacher.onnx']) {
      expect(await refused(output, { ...OPTIONS, force: true })).toMatchObject({
        code: 'E_ARG',
        message: expect.stringContaining('is the input') as string,
      });
    }
  });

  test('and no report takes the place of either', async () => {
    writeExternalTeacher();
    for (const report of ['teacher.onnx.data', 'student.onnx.data']) {
      expect(await refused('student.onnx', { ...OPTIONS, force: true, report: at(report) })).toMatchObject({
        code: 'E_ARG',
        message: expect.stringContaining('choose another name') as string,
      });
    }
  });

  test('interrupted, neither file is left, and a replaced pair stays', async () => {
    writeExternalTeacher();
    writeFileSync(at('student.onnx'), 'old model');
    writeFileSync(at('student.onnx.data'), 'old data');
    const controller = new AbortController();
    const error = await refused('student.onnx', {
      ...OPTIONS,
      force: true,
      recover: true,
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    });
    expect(error).toMatchObject({ code: 'E_INTERRUPTED' });
  });

  test('a name that could be read as a path', async () => {
    writeExternalTeacher();
    expect(await refused('c:student.onnx')).toMatchObject({ code: 'E_ARG' });
  });
});
