/** Of what equal shares would leave to a layer, what the protected ones must leave to it at least. */
const LEFT_TO_OTHERS = 0.5;

/**
 * Cuts the same share from every layer but the first and the last, which keep everything: they are small and dear. Where
 * the others would be left with less than half of what they keep at equal shares, the two give up the remainder.
 * @param sizes weights by layer
 * @returns how many weights to cut from each; together floor(sparsity * total)
 */
export function uniformCounts(sizes: readonly number[], sparsity: number): number[] {
  const total = sum(sizes);
  const cut = Math.floor(sparsity * total);
  const isProtected = (layer: number) => sizes.length > 2 && (layer === 0 || layer === sizes.length - 1);
  const others = sum(sizes.filter((_, layer) => !isProtected(layer)));
  const fromOthers = Math.min(cut, Math.floor(others * (1 - LEFT_TO_OTHERS * (1 - sparsity))));
  const shares = sizes.map((size, layer) =>
    isProtected(layer) ? ((cut - fromOthers) * size) / (total - others || 1) : (fromOthers * size) / others,
  );
  return roundToSum(shares, cut);
}

/** Whole numbers with the given sum, each within 1 of its share: what is cut off one by rounding goes to the next. */
function roundToSum(shares: readonly number[], total: number): number[] {
  let before = 0;
  let exact = 0;
  return shares.map((share, i) => {
    exact += share;
    const upTo = i === shares.length - 1 ? total : Math.round(exact);
    const count = upTo - before;
    before = upTo;
    return count;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
