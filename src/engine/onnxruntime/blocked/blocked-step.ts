/** A compiled step part of whose state is filters in blocks (state.ts), to its caller a step like any other. */
import type { Arrays, CompiledStep, HostTensor, NonFinite } from '../../engine.js';
import { copy } from '../../host-tensor.js';

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
  mapEntries(state, (name, array) => (blocked.has(name) ? rearrange(array, block, 'pack') : copy(array)));

export const unpackState = (state: Arrays, blocked: ReadonlySet<string>, block: number): Arrays =>
  mapEntries(state, (name, array) => (blocked.has(name) ? rearrange(array, block, 'unpack') : array));

function mapEntries(arrays: Arrays, map: (name: string, array: HostTensor) => HostTensor): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, map(name, array)]));
}

/** Block by block, and within it output by output: what is read lies in a row, what is written in the nearest cache. */
function rearrange({ shape, data }: HostTensor, block: number, direction: 'pack' | 'unpack'): HostTensor {
  const moved = new Float32Array(data.length);
  const [outputs, inputs, height, width] = shape;
  const positions = height * width;
  const area = block * block;
  const packs = direction === 'pack';
  for (let row = 0; row < outputs; row += block) {
    for (let column = 0; column < inputs; column += block) {
      const start = (row * inputs + column * block) * positions;
      for (let output = 0; output < block; output++) {
        let plain = ((row + output) * inputs + column) * positions;
        for (let input = 0; input < block; input++) {
          let packed = start + input * block + output;
          for (let position = 0; position < positions; position++) {
            if (packs) moved[packed] = data[plain];
            else moved[plain] = data[packed];
            plain++;
            packed += area;
          }
        }
      }
    }
  }
  return { shape, data: moved };
}
