/**
 * Solves A x = b for a symmetric positive definite A, by Cholesky's A = L L'.
 * @param a [n, n] row-major, of which the lower triangle is read and becomes L
 * @param b [n]; becomes x
 * @returns false where A is not positive definite to working precision; a and b are then spoilt
 */
export function solveCholesky(a: Float64Array, b: Float64Array): boolean {
  const n = b.length;
  for (let row = 0; row < n; row++) {
    const r = row * n;
    for (let column = 0; column <= row; column++) {
      const c = column * n;
      let rest = a[r + column];
      for (let k = 0; k < column; k++) rest -= a[r + k] * a[c + k];
      if (column < row) a[r + column] = rest / a[c + column];
      else if (rest > 0) a[r + row] = Math.sqrt(rest);
      else return false;
    }
  }
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < row; k++) b[row] -= a[row * n + k] * b[k];
    b[row] /= a[row * n + row];
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) b[row] -= a[k * n + row] * b[k];
    b[row] /= a[row * n + row];
  }
  return true;
}
