import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { useCliFolder } from './support/cli-folder.js';
import { encodeTinyTeacher, tinyTeacherSpec } from './support/tiny-teacher.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const IMAGES = `${FIXTURES}images/evaluation.images.npy`;

const cli = useCliFolder();
const { run, write } = cli;

/** The tiny teacher with operators that nobody has. */
function strangeTeacher(): Uint8Array {
  const spec = tinyTeacherSpec();
  const nodes = spec.nodes.map((node) => (node.opType === 'Relu' ? { ...node, opType: 'Swirl' } : node));
  const last = { opType: 'Twist', domain: 'com.example', inputs: ['logits'], outputs: ['twisted'] };
  const outputs = spec.outputs.map((output) => ({ ...output, name: 'twisted' }));
  return encodeModel({ ...spec, opsets: { 'com.example': 1 }, nodes: [...nodes, last], outputs });
}

describe('bad input: one sentence, an exit code, no output file', () => {
  const cases: [string, string[], number, RegExp, (() => void)?][] = [
    ['a missing file', ['nope.onnx', 'out.onnx'], 74, /'nope\.onnx' does not exist/],
    ['a folder', ['.', 'out.onnx'], 74, /not a file/],
    [
      'a text file',
      ['text.onnx', 'out.onnx'],
      3,
      /'text\.onnx'/,
      () => {
        write('text.onnx', 'layers:\n  - conv\n  - relu\n');
      },
    ],
    [
      'an empty file',
      ['empty.onnx', 'out.onnx'],
      3,
      /'empty\.onnx'/,
      () => {
        write('empty.onnx', '');
      },
    ],
    [
      'a truncated model',
      ['cut.onnx', 'out.onnx'],
      3,
      /'cut\.onnx'/,
      () => {
        write('cut.onnx', encodeTinyTeacher().subarray(0, -100));
      },
    ],
    [
      'calibration images that are none',
      ['teacher.onnx', 'out.onnx', '--preprocess', 'unit', '--calib', 'teacher.onnx'],
      2,
      /'teacher\.onnx' is neither a folder nor a \.png or \.npy file/,
    ],
    [
      'operators that are not supported, all at once',
      ['strange.onnx', 'out.onnx'],
      4,
      /Swirl \(2\), com\.example\.Twist \(1\)/,
      () => {
        write('strange.onnx', strangeTeacher());
      },
    ],
    ['an output that is the input', ['teacher.onnx', './teacher.onnx'], 2, /is the input/],
    [
      'an output that links to the input',
      ['teacher.onnx', 'link.onnx', '--force'],
      2,
      /is the input/,
      () => {
        symlinkSync(join(cli.path, 'teacher.onnx'), join(cli.path, 'link.onnx'));
      },
    ],
    [
      'an output that exists',
      ['teacher.onnx', 'old.onnx'],
      2,
      /'old\.onnx' exists.*--force/,
      () => {
        write('old.onnx', 'precious');
      },
    ],
    [
      'a report that exists',
      ['teacher.onnx', 'out.onnx', '--report', 'old.html'],
      2,
      /'old\.html' exists/,
      () => {
        write('old.html', 'precious');
      },
    ],
    [
      'a report that is the output',
      ['teacher.onnx', 'out.onnx', '--report', './out.onnx'],
      2,
      /is the output/,
    ],
    [
      'a report that is the input',
      ['teacher.onnx', 'out.onnx', '--report', 'teacher.onnx', '--force'],
      2,
      /input/,
    ],
    ['a folder that does not exist', ['teacher.onnx', 'no/out.onnx'], 2, /folder.*does not exist/],
    ['sparsity 1', ['teacher.onnx', 'out.onnx', '--sparsity', '1'], 2, /below 1/],
    ['sparsity below 0', ['teacher.onnx', 'out.onnx', '--sparsity', '-0.1'], 2, /at least 0/],
    ['sparsity NaN', ['teacher.onnx', 'out.onnx', '--sparsity', 'NaN'], 2, /must be a number, not 'NaN'/],
    ['sparsity 0x1', ['teacher.onnx', 'out.onnx', '--sparsity', '0x1'], 2, /must be a number/],
    ['an empty sparsity', ['teacher.onnx', 'out.onnx', '--sparsity='], 2, /must be a number/],
    ['a sparsity without value', ['teacher.onnx', 'out.onnx', '--sparsity'], 2, /--sparsity needs a value/],
    ['a broken seed', ['teacher.onnx', 'out.onnx', '--seed', '1.5'], 2, /--seed must be a whole number/],
    ['a seed beyond exact numbers', ['teacher.onnx', 'out.onnx', '--seed', '9007199254740993'], 2, /--seed/],
    ['no threads', ['teacher.onnx', 'out.onnx', '--threads', '0'], 2, /--threads must be/],
    [
      'an unknown preset',
      ['teacher.onnx', 'out.onnx', '--preset', 'best'],
      2,
      /--preset cannot be 'best'.*thorough/,
    ],
    ['an unknown device', ['teacher.onnx', 'out.onnx', '--device', 'tpu'], 2, /--device cannot be 'tpu'/],
    ['an unknown option', ['teacher.onnx', 'out.onnx', '--sparcity', '0.5'], 2, /sparcity/],
    [
      'two ways to preprocess',
      ['teacher.onnx', 'out.onnx', '--preprocess', 'raw', '--mean', '0', '--std', '1'],
      2,
      /one of them/,
    ],
    ['a mean without std', ['teacher.onnx', 'out.onnx', '--mean', '0,0,0'], 2, /give both/],
    ['a mean of two channels', ['teacher.onnx', 'out.onnx', '--mean', '0,0', '--std', '1,1'], 2, /2 values/],
    ['a std of 0', ['teacher.onnx', 'out.onnx', '--mean', '0', '--std', '0'], 2, /above 0/],
    ['no output', ['teacher.onnx'], 2, /file name is missing/],
    ['a third file', ['teacher.onnx', 'out.onnx', 'more.onnx'], 2, /more\.onnx/],
    ['nothing', [], 2, /--help/],
    ['evaluation without labels', ['evaluate', 'teacher.onnx', '--images', IMAGES], 2, /labels/],
    ['inspection of nothing', ['inspect', 'nope.onnx'], 74, /does not exist/],
    ['a hostile name', ['\x1b]0;owned\x07.onnx', 'out.onnx'], 74, /\\u001b\]0;owned\\u0007/],
  ];

  test.each(cases)('%s', (_, args, status, sentence, prepare) => {
    prepare?.();
    const before = snapshot();
    const result = run(...args);
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr).toMatch(/^onnx-dfkd: [^\n]+\n$/);
    expect(result.stderr).not.toContain('\x1b');
    expect(result).toMatchObject({ status, stdout: '' });

    const json = run(...args, '--json');
    const { error } = JSON.parse(json.stdout) as { error: { code: string; message: string } };
    expect(json.stdout.trimEnd()).not.toContain('\n');
    expect(error.code).toMatch(/^E_[A-Z]+$/);
    expect(json.stderr).toContain('onnx-dfkd: ');
    expect(json.status).toBe(status);
    expect(snapshot()).toEqual(before);
  });

  function snapshot(): [string, string][] {
    return readdirSync(cli.path).map((name) => [name, readFileSync(join(cli.path, name), 'base64')]);
  }
});
