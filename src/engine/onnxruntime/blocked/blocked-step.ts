/** A compiled step part of whose state is filters in blocks (state.ts), to its caller a step like any other. */
import type { Arrays, CompiledStep, HostTensor, NonFinite } from '../../engine.js';

export class BlockedStep implements CompiledStep {
  constructor(
    private readonly step: CompiledStep,
    private readonly blocked: ReadonlySet<string>,
    private readonly block: number,
  ) {}

  run(input: Arrays): Promise<Arrays> {
    return this.step.run(input);
  }

  async readState(): Promise<Arrays> {
    return unpackState(await this.step.readState(), this.blocked, this.block);
  }

  writeState(state: Arrays): Promise<void> {
    return this.step.writeState(packState(state, this.blocked, this.block));
  }

  diagnose(): Promise<NonFinite | undefined> {
    return this.step.diagnose();
  }

  dispose(): Promise<void> {
    return this.step.dispose();
  }
}

/** A copy of the state, its named filters [O,I,kh,kw] in blocks: stored as [O/b,I/b,kh,kw,b inputs,b outputs]. */
export const packState = (state: Arrays, blocked: ReadonlySet<string>, block: number): Arrays =>
  mapNamed(state, blocked, (filter) => pack(filter, block), copy);

export const unpackState = (state: Arrays, blocked: ReadonlySet<string>, block: number): Arrays =>
  mapNamed(
    state,
    blocked,
    (filter) => unpack(filter, block),
    (array) => array,
  );

function mapNamed(
  arrays: Arrays,
  names: ReadonlySet<string>,
  map: (array: HostTensor) => HostTensor,
  others: (array: HostTensor) => HostTensor,
): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name, names.has(name) ? map(array) : others(array)]),
  );
}

const copy = ({ shape, data }: HostTensor): HostTensor => ({ shape, data: data.slice() });

function pack({ shape, data }: HostTensor, block: number): HostTensor {
  const packed = new Float32Array(data.length);
  eachRun(shape, block, (plain, stride, blocked) => {
    for (let i = 0; i < block; i++) packed[blocked + i] = data[plain + i * stride];
  });
  return { shape, data: packed };
}

function unpack({ shape, data }: HostTensor, block: number): HostTensor {
  const plain = new Float32Array(data.length);
  eachRun(shape, block, (at, stride, blocked) => {
    for (let i = 0; i < block; i++) plain[at + i * stride] = data[blocked + i];
  });
  return { shape, data: plain };
}

/**
 * Calls `visit` with where the weights of one input at one position lie for a block of outputs: the first in the plain
 * filter, the distance to the next, and the first of the same in blocks, where they are neighbours.
 */
function eachRun(
  [outputs, inputs, height, width]: readonly number[],
  block: number,
  visit: (plain: number, stride: number, blocked: number) => void,
): void {
  const positions = height * width;
  const stride = inputs * positions;
  let blocked = 0;
  for (let row = 0; row < outputs; row += block) {
    for (let column = 0; column < inputs; column += block) {
      for (let position = 0; position < positions; position++) {
        for (let input = column; input < column + block; input++) {
          visit(row * stride + input * positions + position, stride, blocked);
          blocked += block;
        }
      }
    }
  }
}
