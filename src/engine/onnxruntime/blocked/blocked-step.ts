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

/** The named filters [O,I,kh,kw] of a state in blocks: stored as [O/b,I/b,kh,kw,b inputs,b outputs]. */
export const packState = (state: Arrays, blocked: ReadonlySet<string>, block: number): Arrays =>
  mapNamed(state, blocked, (filter) => pack(filter, block));

export const unpackState = (state: Arrays, blocked: ReadonlySet<string>, block: number): Arrays =>
  mapNamed(state, blocked, (filter) => unpack(filter, block));

function mapNamed(
  arrays: Arrays,
  names: ReadonlySet<string>,
  map: (array: HostTensor) => HostTensor,
): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name, names.has(name) ? map(array) : array]),
  );
}

function pack({ shape, data }: HostTensor, block: number): HostTensor {
  const packed = new Float32Array(data.length);
  eachWeight(shape, block, (plain, blocked) => (packed[blocked] = data[plain]));
  return { shape, data: packed };
}

function unpack({ shape, data }: HostTensor, block: number): HostTensor {
  const plain = new Float32Array(data.length);
  eachWeight(shape, block, (at, blocked) => (plain[at] = data[blocked]));
  return { shape, data: plain };
}

/** Calls `visit` with the position of each weight in the plain filter and in blocks, in the order of the latter. */
function eachWeight(
  [outputs, inputs, height, width]: readonly number[],
  block: number,
  visit: (plain: number, blocked: number) => void,
): void {
  const positions = height * width;
  let blocked = 0;
  for (let row = 0; row < outputs; row += block) {
    for (let column = 0; column < inputs; column += block) {
      for (let position = 0; position < positions; position++) {
        for (let input = column; input < column + block; input++) {
          for (let output = row; output < row + block; output++) {
            visit((output * inputs + input) * positions + position, blocked++);
          }
        }
      }
    }
  }
}
