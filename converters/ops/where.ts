import { defineOp } from './define-op.js';
import { broadcastIndex, copyElement, rearrange } from './support/constants.js';
import { expandAll } from './support/gradients.js';
import { broadcastShapes } from './support/shapes.js';

export const Where = defineOp('Where', {
  since: [9, 16],
  inputs: [3, 3],
  outputs: [1, 1],
  attributes: {},
  shape: (inputs) => [broadcastShapes(...inputs)],
  type: (_, { types }) => types[1],
  fold([condition, x, y], _, { outputShapes: [dims] }) {
    const [chosen, whenTrue, whenFalse] = [condition, x, y].map(({ dims: from }) =>
      broadcastIndex(from, dims),
    );
    const result = rearrange(y, dims, whenFalse);
    const other = rearrange(x, dims, whenTrue);
    rearrange(condition, dims, chosen).data.forEach((holds, i) => {
      if (holds) copyElement(other.data, i, result.data, i);
    });
    return [result];
  },
  forward(tf, [condition, x, y]) {
    const [chosen, whenTrue, whenFalse] = expandAll(tf, condition, x, y);
    return [tf.where(chosen, whenTrue, whenFalse)];
  },
});
